"""The real Consul is restarted, killed, hung, cut off from its servers, set back, and refuses: no
request fails meanwhile, and what changed is seen afterwards."""

import http.client
import signal

import consul_setup as cs
from consul_agent import elsewhere, ttl
from follow_stage import case
from weir_process import wait_for

UNKNOWN = "00000000-0000-4000-8000-0000000000ff"
BACK = 60  # seconds at most until a change is seen again: the longest back-off and more
WEB = 'service "web" { policy = "read" }\nnode_prefix "" { policy = "read" }'
NODES = 'node_prefix "" { policy = "read" }'


def one_and_a_load(stage, agent, name="one", **fields):
    """An instance that no check of TTL is for: those are critical when the agent starts again."""
    stage.register(name, agent=agent, check=False)
    stage.follow(agent=agent, **fields)
    stage.expect(**{name: 3})
    stage.ask(100)


def seen_again(stage, agent, name="later"):
    stage.register(name, agent=agent, check=False)
    stage.expect(BACK, **{"one": 5, name: 5})
    return f"{stage.all_answered()[0]} requests"


@case
def the_agent_starts_again(stage):
    agent = stage.another("restarts")
    one_and_a_load(stage, agent)
    for number in (signal.SIGTERM, signal.SIGKILL):
        agent.stop(number)
        wait_for(lambda: stage.stat("consul.connected_state") == 0, "it is noticed")
        agent.start()
        wait_for(lambda: stage.stat("consul.connected_state") == 1, "it is back", BACK)
    return seen_again(stage, agent)


@case
def the_agent_hangs(stage):
    agent = stage.another("hangs")
    one_and_a_load(stage, agent, wait="1s")
    agent.hang()
    try:
        wait_for(lambda: stage.stat("consul.failure_no_answer") > 0, "it is noticed", 30)
        wait_for(lambda: stage.stat("consul.web.list_age_seconds") > 10, "the list grows old", 30)
    finally:
        agent.go_on()
    return seen_again(stage, agent)


@case
def the_leader_is_lost(stage):
    """An agent without data of its own has nobody to ask; what it says then is not believed."""
    server = stage.another("server")
    agent = stage.another("client", join=server)
    one_and_a_load(stage, agent)
    server.stop(signal.SIGKILL)
    wait_for(lambda: agent.ask("GET", "/v1/health/service/web").status == 500, "no servers", BACK)
    # A service that the agent has not been asked for: an empty list is what it says first.
    stage.expect(one=20)
    server.start()
    wait_for(lambda: agent.ask("GET", "/v1/health/service/web").status == 200, "a server", BACK)
    return seen_again(stage, agent)


@case
def a_start_while_there_is_no_leader(stage):
    server = stage.another("server")
    agent = stage.another("client", join=server)
    stage.register("one", agent=agent, check=False)
    wait_for(lambda: server.instances("web"), "both know it")
    server.stop(signal.SIGKILL)
    stage.follow(agent=agent)
    assert stage.says() == 503
    stage.logged("no_leader")
    server.start()
    stage.expect(BACK, one=5)


@case
def a_node_is_down(stage):
    """Consul notices that its agent is dead, and its instances leave; they come back with it."""
    server = stage.another("server")
    agent = stage.another("client", join=server)
    stage.register("one", agent=server, check=False)
    stage.register("two", agent=agent, check=False)
    wait_for(lambda: len(server.instances("web")) == 2, "both are known")
    stage.follow(agent=server)
    stage.expect(one=5, two=5)
    agent.stop(signal.SIGKILL)
    stage.expect(BACK, one=10)
    agent.start()
    stage.expect(BACK, one=5, two=5)


@case
def a_node_is_taken_out_of_the_catalogue(stage):
    origin = stage.register("one")
    other = stage.server(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nfar", host="127.0.0.2")
    stage.agent.register_elsewhere([elsewhere("far-1", "127.0.0.2", "web", other.port)])
    stage.follow()
    stage.expect(one=5, far=5)
    stage.agent.deregister_elsewhere("far-1")
    stage.expect(one=10)
    assert cs.addresses(stage) == [f"127.0.0.1:{origin.port}"]


@case
def every_index_goes_back(stage):
    """A snapshot is restored that knows less than was known since."""
    agent = stage.another("restored")
    one_and_a_load(stage, agent, wait="2s")
    snapshot = bytes_of(agent, "GET")
    for number in range(20):
        agent.register("other", 1000 + number)
    stage.register("two", agent=agent, check=False)
    stage.expect(one=5, two=5)
    before = agent.health("web").index
    bytes_of(agent, "PUT", snapshot)
    wait_for(lambda: agent.health("web").index < before, "the index is a smaller one", BACK)
    agent.deregister("two")  # if the agent has not registered it again by itself
    stage.expect(BACK, one=10)
    assert stage.stat("consul.watches_in_trouble") == 0
    return seen_again(stage, agent)


def bytes_of(agent, method, body=None):
    link = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
    link.request(method, "/v1/snapshot", body)
    answer = link.getresponse()
    data = answer.read()
    link.close()
    assert answer.status == 200, data
    return data


@case
def without_rights(stage):
    """No token, an unknown one, one without rights: each is said; a right one in the file is used."""
    agent = stage.another("guarded", acl=True)
    stage.register("one", agent=agent, check=False)
    file = stage.directory / "token"
    poor, _ = agent.make_token(NODES)
    for token, reason in ((UNKNOWN, "acl_not_found"), (poor, "permission_denied")):
        file.write_text(token)
        weir = stage.follow(agent=agent, token={"filename": str(file)})
        stage.logged(reason)
        assert stage.says() == 503 and stage.stat(f"consul.failure_{reason}") > 0
        good, _ = agent.make_token(WEB)
        file.write_text(good + "\n")
        stage.expect(BACK, one=5)
        for secret in (token, good):
            assert secret not in weir.output() + stage.page("/config_dump")
        weir.stop()
    stage.follow(agent=agent)
    stage.logged("permission_denied")


@case
def a_token_that_is_deleted(stage):
    agent = stage.another("guarded", acl=True)
    file = stage.directory / "token"
    token, accessor = agent.make_token(WEB)
    file.write_text(token)
    one_and_a_load(stage, agent, token={"filename": str(file)})
    agent.delete_token(accessor)
    stage.logged("acl_not_found", patience=BACK)
    stage.expect(one=10)
    assert stage.stat("consul.web.acl_error") > 0
    file.write_text(agent.make_token(WEB)[0])
    return seen_again(stage, agent)


@case
def a_policy_that_loses_its_rights(stage):
    """The list is as empty as it can be, with 200; the instances stay."""
    agent = stage.another("guarded", acl=True)
    policy = agent.put("/v1/acl/policy", {"Name": "web", "Rules": WEB}).json()
    made = agent.put("/v1/acl/token", {"Policies": [{"Name": "web"}]}).json()
    one_and_a_load(stage, agent, token={"inline_string": made["SecretID"]}, wait="2s")
    agent.put(f"/v1/acl/policy/{policy['ID']}", {"Name": "web", "Rules": NODES})
    stage.logged("permission_denied", patience=BACK)
    stage.expect(one=10)
    agent.put(f"/v1/acl/policy/{policy['ID']}", {"Name": "web", "Rules": WEB})
    return seen_again(stage, agent)


@case
def a_start_without_consul(stage):
    """On what was saved: at once, and as it was."""
    agent = stage.another("saved")
    state = ["--state-dir", stage.directory / "state"]
    stage.register("one", agent=agent, check=False)
    weir = stage.follow(agent=agent, arguments=state)
    stage.expect(one=5)
    assert weir.stop() == 0
    agent.stop(signal.SIGKILL)
    stage.follow(agent=agent, arguments=state)
    assert stage.says() == "one"
    stage.ask(100)
    agent.start()
    return seen_again(stage, agent)


@case
def checks_of_ttl_when_the_agent_starts_again(stage):
    """Consul forgets what they said, and says they are critical until they are updated."""
    agent = stage.another("restarts")
    stage.register("one", agent=agent)
    stage.register("two", agent=agent, Check=ttl(3600, "critical"))
    agent.set_check("two", "passing")
    stage.follow(agent=agent)
    stage.expect(one=5, two=5)
    agent.restart()
    for name in ("one", "two"):
        agent.set_check(name, "passing")
    stage.expect(BACK, one=5, two=5)
