"""What consul_agent.py promises, on the real agent: each case is a function of a scratch directory
and a running agent that all of them share, in their order."""

import signal
import time

import http2_wire
from consul_agent import ConsulAgent, Refused, elsewhere, grpc_check, http_check, ttl
from consul_http import ask
from origin import Server, answer
from weir_process import wait_for

VERSION = "1.22.0"
SERVING, NOT_SERVING = b"\0\0\0\0\2\x08\x01", b"\0\0\0\0\2\x08\x02"  # HealthCheckResponse
CASES = []


def case(function):
    CASES.append(function)
    return function


def becomes(agent, service, expected, **query):
    wait_for(lambda: agent.instances(service, **query) == expected,
             f"{service} is {expected}; it is {agent.instances(service, **query)}")


@case
def is_the_version_that_go_mod_names(_, agent):
    said = agent.get("/v1/agent/self").json()["Config"]
    assert said["Version"] == VERSION and said["Server"], said


@case
def registers_and_deregisters(_, agent):
    agent.register("web", 81, Tags=["a", "b"], Meta={"k": "v"},
                   Weights={"Passing": 3, "Warning": 2}, Check=ttl())
    entry, = agent.health("web").json()
    service = entry["Service"]
    assert (service["ID"], service["Port"], service["Address"]) == ("web-81", 81, "127.0.0.1")
    assert service["Tags"] == ["a", "b"] and service["Meta"] == {"k": "v"}
    assert service["Weights"] == {"Passing": 3, "Warning": 2}
    assert len(agent.instances("web", tag=["a", "b"])) == 1
    assert len(agent.instances("web", tag=["a", "c"])) == 0
    agent.deregister("web-81")
    becomes(agent, "web", {})


@case
def knows_what_ttl_checks_say(_, agent):
    agent.register("ttl", 81, Check=ttl())
    agent.register("ttl", 82, Check=ttl())
    for status in ("critical", "warning", "passing"):
        agent.set_check("ttl-81", status, output=f"is {status}")
        becomes(agent, "ttl", {"ttl-81": sorted([status, "passing"]),
                               "ttl-82": ["passing", "passing"]})
        assert ("ttl-81" in agent.instances("ttl", passing=True)) == (status == "passing")


@case
def a_ttl_check_that_nobody_updates_is_critical(_, agent):
    agent.register("late", 81, Check=ttl(1))
    becomes(agent, "late", {"late-81": ["critical", "passing"]})


@case
def runs_http_checks(_, agent):
    server = Server(lambda _: answer(status))
    try:
        status = 200
        agent.register("http", 81, Check=http_check(f"http://127.0.0.1:{server.port}/ready"))
        for status, meaning in ((200, "passing"), (429, "warning"), (503, "critical")):
            becomes(agent, "http", {"http-81": sorted([meaning, "passing"])})
    finally:
        agent.deregister("http-81")
        server.close()


@case
def runs_grpc_checks(_, agent):
    said = SERVING

    def reply(link, exchange):
        http2_wire.respond(link, exchange.stream, fields=[("content-type", "application/grpc")],
                           body=said, trailers=[("grpc-status", "0")])

    server = http2_wire.Origin(reply)
    try:
        agent.register("grpc", 81, Check=grpc_check(f"127.0.0.1:{server.port}"))
        becomes(agent, "grpc", {"grpc-81": ["passing", "passing"]})
        said = NOT_SERVING
        becomes(agent, "grpc", {"grpc-81": ["critical", "passing"]})
    finally:
        agent.deregister("grpc-81")
        server.close()


@case
def maintains_an_instance_and_the_node(_, agent):
    agent.register("kept", 81, Check=ttl())
    agent.register("kept", 82)
    agent.maintain("kept-81")
    becomes(agent, "kept", {"kept-82": ["passing"]}, passing=True)
    agent.maintain("kept-81", on=False)
    agent.maintain()
    becomes(agent, "kept", {}, passing=True)
    agent.maintain(on=False)
    becomes(agent, "kept", {"kept-81": ["passing", "passing"], "kept-82": ["passing"]},
            passing=True)


@case
def takes_odd_instances(_, agent):
    agent.register("odd", 0, "odd-portless", address="")
    agent.register("odd", 81, "odd-one")
    agent.register("odd", 81, "odd-two")
    becomes(agent, "odd", {name: ["passing"] for name in ("odd-portless", "odd-one", "odd-two")})
    portless = next(entry for entry in agent.health("odd").json()
                    if entry["Service"]["ID"] == "odd-portless")
    assert portless["Service"]["Address"] == "" and portless["Node"]["Address"] == "127.0.0.1"
    assert portless["Service"].get("Port", 0) == 0


@case
def fills_the_catalog_from_elsewhere(_, agent):
    """200 services of 50 instances, and what becomes of an instance and of a node."""
    begun = time.monotonic()
    agent.register_elsewhere(
        elsewhere(f"far-{node}", f"127.1.0.{node}", f"far{service}", 1000 + service, Tags=["far"])
        for node in range(50) for service in range(200))
    took = time.monotonic() - begun
    services = agent.get("/v1/catalog/services").json()
    assert sum(name.startswith("far") for name in services) == 200
    assert len(agent.instances("far0", passing=True)) == len(agent.instances("far199")) == 50
    agent.register_elsewhere([elsewhere("far-7", "127.1.0.7", "far0", 1000, status="critical")])
    assert len(agent.instances("far0", passing=True)) == 49
    agent.deregister_elsewhere("far-8", "far0-far-8")
    assert len(agent.instances("far0")) == 49 and len(agent.instances("far1")) == 50
    for node in range(50):
        agent.deregister_elsewhere(f"far-{node}")
    assert agent.instances("far1") == {}
    return f"10,000 instances in {took:.1f} s"


@case
def keeps_keys(_, agent):
    assert agent.keys("weir/") == {}
    assert agent.put_key("weir/routes/a", "one") and agent.put_key("weir/empty", b"")
    agent.put_key("other", "x")
    found = agent.keys("weir/")
    assert {key: value for key, (value, _) in found.items()} == {
        "weir/routes/a": b"one", "weir/empty": b""}
    index = found["weir/routes/a"][1]
    assert agent.put_key("weir/routes/a", "two", cas=index)
    assert not agent.put_key("weir/routes/a", "three", cas=index)
    assert agent.keys("weir/routes/")["weir/routes/a"][0] == b"two"
    agent.delete_key("weir/empty")
    agent.delete_key("weir/", recurse=True)
    assert agent.keys("weir/") == {} and len(agent.keys("")) == 1


@case
def executes_prepared_queries(_, agent):
    agent.register("asked", 81)
    agent.prepare_query("nearest", "asked", Near="_agent")
    nodes = agent.get("/v1/query/nearest/execute").json()["Nodes"]
    assert [entry["Service"]["ID"] for entry in nodes] == ["asked-81"]


@case
def lets_a_query_wait(_, agent):
    agent.register("waited", 81, Check=ttl())

    def rests():
        """The index, once a query that waits with it is told nothing: a registration is written to
        the servers in more than one step."""
        index = agent.health("waited").index
        return agent.health("waited", index=index, wait="100ms").index == index and index

    index = wait_for(rests, "nothing moves")
    agent.set_check("waited-81", "critical")
    assert agent.health("waited", index=index, wait="20s").index > index


@case
def starts_again_with_what_it_had(directory, _):
    agent = ConsulAgent(directory, "again")
    try:
        ports = dict(agent.ports)
        agent.register("kept", 81, Tags=["a"], Check=ttl())
        agent.put_key("key", "value")
        for number in (signal.SIGTERM, signal.SIGKILL):
            agent.stop(number)
            assert not agent.alive()
            agent.start()
            assert agent.ports == ports and agent.keys("key")["key"][0] == b"value"
            assert agent.health("kept").json()[0]["Service"]["Tags"] == ["a"]
    finally:
        agent.close()


@case
def hangs_while_it_is_stopped(_, agent):
    agent.hang()
    try:
        ask(agent.port, "GET", "/v1/status/leader", patience=0.5)
    except TimeoutError:
        pass
    else:
        raise AssertionError("a stopped agent answered")
    finally:
        agent.go_on()
    agent.get("/v1/status/leader")


@case
def obeys_tokens(directory, _):
    agent = ConsulAgent(directory, "guarded", acl=True)
    try:
        agent.register("web", 81)
        agent.register("secret", 82)
        token, accessor = agent.make_token(
            'service "web" { policy = "read" }\nnode_prefix "" { policy = "read" }')
        assert len(agent.health("web", token=token).json()) == 1
        assert agent.health("secret", token=token).json() == []
        assert ask(agent.port, "GET", "/v1/health/service/web").json() == []
        unknown = ask(agent.port, "GET", "/v1/health/service/web",
                      token="00000000-0000-4000-8000-0000000000ff")
        assert (unknown.status, unknown.text) == (403, "ACL not found"), unknown.text
        agent.delete_token(accessor)
        wait_for(lambda: agent.ask("GET", "/v1/health/service/web", token=token).status == 403,
                 "the deleted token is refused")
        try:
            agent.put("/v1/kv/key", b"x", token="00000000-0000-4000-8000-0000000000ff")
        except Refused as error:
            assert "403" in str(error)
        else:
            raise AssertionError("a wrong token wrote a key")
    finally:
        agent.close()


@case
def loses_nodes_and_the_leader(directory, agent):
    """An agent without data joins, dies and is critical; and it has nobody to ask when the server
    dies."""
    server = ConsulAgent(directory, "server")
    client = ConsulAgent(directory, "client", join=server)
    try:
        client.register("web", 81)
        wait_for(lambda: server.instances("web") == {"web-81": ["passing"]}, "both know it")
        client.stop(signal.SIGKILL)
        wait_for(lambda: server.instances("web") == {"web-81": ["critical"]}, "it is down", 60)
        client.start()
        wait_for(lambda: server.instances("web") == {"web-81": ["passing"]}, "it is up", 60)
        server.stop(signal.SIGKILL)
        lost = ask(client.port, "GET", "/v1/health/service/web")
        assert lost.status == 500, lost.text
        server.start()
        wait_for(lambda: ask(client.port, "GET", "/v1/health/service/web").status == 200,
                 "the client has a server again", 60)
        return f"without a server: {lost.text!r}"
    finally:
        client.close()
        server.close()
