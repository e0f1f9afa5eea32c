"""Weir follows the real Consul: what is registered, what its checks say, how its instances are
chosen and reached."""

import consul_setup as cs
import http2_wire
import test_examples
from agent_cases import NOT_SERVING, SERVING
from certificates import Authority
from consul_agent import grpc_check, http_check, ttl
from control_plane import named
from follow_stage import case
from origin import Server, answer
from weir_process import ROOT, free_port, wait_for

EXAMPLE = ROOT / "examples/18-consul.yaml"


@case
def registered_changed_and_deregistered(stage):
    stage.register("one")
    stage.follow()
    assert stage.says() == "one"
    two = stage.register("two")
    stage.expect(one=5, two=5)
    stage.agent.deregister("one")
    stage.expect(two=10)
    stage.agent.register("web", named(stage, "moved").port, "two", Check=ttl())
    stage.expect(moved=10)
    assert two.connections
    stage.agent.deregister("two")
    stage.expect(s503=5)
    stage.register("one")
    stage.expect(one=10)


@case
def a_service_that_nobody_registered_yet(stage):
    stage.follow()
    stage.expect(s503=3)
    stage.register("one")
    stage.expect(one=3)


@case
def ttl_checks(stage):
    stage.register("one")
    stage.register("two")
    stage.follow()
    for status in ("critical", "warning"):
        stage.expect(one=5, two=5)
        stage.agent.set_check("two", status)
        stage.expect(one=10)
        stage.agent.set_check("two", "passing")
    stage.expect(one=5, two=5)


@case
def a_ttl_check_that_nobody_updates(stage):
    stage.register("one")
    stage.register("late", Check=ttl(1))
    stage.follow()
    stage.expect(one=10)
    stage.agent.set_check("late", "passing")
    stage.expect(one=5, late=5)
    stage.expect(one=10)


@case
def http_checks(stage):
    status = 200
    health = Server(lambda _: answer(status))
    stage.closers.append(health.close)
    stage.register("one")
    stage.register("two", Check=http_check(f"http://127.0.0.1:{health.port}/"))
    stage.follow()
    for status, both in ((200, True), (503, False), (200, True), (429, False)):  # 429: a warning
        stage.expect(**({"one": 5, "two": 5} if both else {"one": 10}))


@case
def grpc_checks(stage):
    said = SERVING

    def reply(link, exchange):
        http2_wire.respond(link, exchange.stream, fields=[("content-type", "application/grpc")],
                           body=said, trailers=[("grpc-status", "0")])

    health = stage.h2_origin(reply)
    stage.register("one")
    stage.register("two", Check=grpc_check(f"127.0.0.1:{health.port}"))
    stage.follow()
    stage.expect(one=5, two=5)
    said = NOT_SERVING
    stage.expect(one=10)
    said = SERVING
    stage.expect(one=5, two=5)


@case
def maintenance_of_an_instance_and_of_the_node(stage):
    stage.register("one")
    stage.register("two", check=False)
    stage.follow()
    stage.expect(one=5, two=5)
    stage.agent.maintain("two")
    stage.expect(one=10)
    stage.agent.maintain("two", on=False)
    stage.expect(one=5, two=5)
    stage.agent.maintain()
    stage.expect(s503=5)
    stage.agent.maintain(on=False)
    stage.expect(one=5, two=5)


@case
def degraded_and_unhealthy_endpoints(stage):
    ports = {stage.register(name).port: name for name in ("one", "two", "three")}
    stage.follow(cs.cluster(instances={"passing_only": False}))

    def flags():
        return {ports[int(where.rpartition(":")[2])]: flag
                for where, flag in cs.endpoints(stage, "health_flags").items()}

    stage.agent.set_check("two", "warning")
    stage.agent.maintain("three")
    wait_for(lambda: flags() == {"one": "healthy", "two": "/degraded_eds_health",
                                 "three": "/failed_eds_health"}, f"flags; they are {flags()}")
    stage.agent.maintain("three", on=False)
    stage.agent.set_check("two", "critical")
    wait_for(lambda: flags() == {"one": "healthy", "two": "/failed_eds_health",
                                 "three": "healthy"}, f"flags; they are {flags()}")


@case
def tags_and_a_filter(stage):
    stage.register("one", Tags=["a", "b"], Meta={"version": "2"})
    stage.register("two", Tags=["a"], Meta={"version": "2"})
    stage.register("three", Tags=["b", "a"], Meta={"version": "1"})
    chosen = {"tags": ["a", "b"], "filter": 'Service.Meta.version == "2"'}
    stage.follow(cs.cluster(instances=chosen))
    stage.expect(one=10)
    stage.register("four", Tags=["a", "b", "c"], Meta={"version": "2"})
    stage.expect(one=5, four=5)
    stage.agent.deregister("one")
    stage.expect(four=10)


@case
def a_filter_that_consul_cannot_read(stage):
    stage.register("one")
    stage.follow(cs.cluster(instances={"filter": "Service.Meta.version =="}))
    stage.logged("bad_request")
    assert stage.says() == 503 and stage.stat("consul.failure_bad_request") > 0


@case
def weights(stage):
    stage.register("one", Weights={"Passing": 3, "Warning": 1})
    two = stage.register("two")
    stage.follow()
    stage.expect(one=75, two=25)
    stage.agent.register("web", two.port, "two", Weights={"Passing": 3, "Warning": 1}, Check=ttl())
    stage.expect(one=50, two=50)


@case
def tags_meta_and_datacenter_are_shown(stage):
    stage.register("one", Tags=["blue"], Meta={"version": "2.7"})
    stage.follow()
    dump = stage.page("/config_dump?include_eds")
    for word in ('"blue"', '"version"', '"2.7"', '"dc1"'):
        assert word in dump, f"{word} is not in\n{dump[-3000:]}"


@case
def near_an_agent(stage):
    stage.register("one")
    stage.follow(cs.cluster(instances={"near": "_agent"}))
    stage.expect(one=5)


@case
def an_instance_without_an_address_of_its_own(stage):
    origin = stage.register("one")
    stage.agent.register("web", origin.port, "one", address="")
    stage.follow()
    stage.expect(one=5)


@case
def addresses_by_name(stage):
    port = free_port()
    for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
        stage.server(answer(body=host.encode()), host=host, port=port)
    stage.agent.register("web", port, "one", address="127.0.0.2", TaggedAddresses={
        "own": {"Address": "127.0.0.3", "Port": port}})
    routes = [cs.bs.route(name, {"prefix": f"/{name}"}) for name in ("tagged", "node", "back")]
    stage.follow(cs.cluster(), cs.cluster("node", {"address": "NODE"}),
                 cs.cluster("tagged", {"tagged_address": "own"}), routes=routes)
    client = stage.client()
    found = [client.ask(path=path).body for path in ("/back", "/node", "/tagged")]
    assert found == [b"127.0.0.2", b"127.0.0.1", b"127.0.0.3"], found


@case
def doubles_and_instances_without_a_port(stage):
    origin = stage.register("one")
    stage.agent.register("web", origin.port, "one-again")
    stage.agent.register("web", 0, "portless")
    weir = stage.follow()
    assert cs.addresses(stage) == [f"127.0.0.1:{origin.port}"]
    assert stage.stat("consul.web.instances_left_out") == 2
    assert "'one-again'" in weir.output() and "'portless'" in weir.output()
    stage.agent.deregister("one")
    wait_for(lambda: stage.stat("consul.web.instances_left_out") == 1, "its double takes its place")
    assert stage.says() == "one"


@case
def a_prepared_query(stage):
    stage.register("one")
    made = stage.agent.prepare_query("nearest", "web")
    try:
        stage.follow(cs.cluster(instances={"prepared_query": "nearest"}), poll="1s")
        stage.expect(one=5)
        stage.register("two")
        stage.expect(one=5, two=5)
        stage.agent.set_check("one", "critical")
        stage.expect(two=10)
    finally:
        stage.agent.ask("DELETE", f"/v1/query/{made}")


@case
def another_datacenter_fails_over(stage):
    far = stage.another("far", datacenter="dc2",
                        retry_join_wan=[f"127.0.0.1:{stage.agent.ports['serf_wan']}"])
    stage.register("one")
    stage.register("two", agent=far)
    wait_for(lambda: stage.agent.ask("GET", "/v1/health/service/web", dc="dc2").status == 200,
             "the datacenters know each other", 60)
    stage.follow(cs.cluster(instances={"failover_datacenters": ["dc2"]}))
    stage.expect(one=10)
    stage.agent.set_check("one", "critical")
    stage.expect(two=10)
    stage.agent.set_check("one", "passing")
    stage.expect(one=10)
    return f"regions: {sorted(set(cs.endpoints(stage, 'region').values()))}"


@case
def an_agent_with_tls_and_http2(stage):
    """250 questions a connection: each of 300 services waits for itself."""
    ca = Authority(stage.directory)
    pair = ca.sign("agent")
    port = free_port()
    agent = stage.another("tls", ports={"https": port}, tls={"defaults": {
        "cert_file": str(pair.crt), "key_file": str(pair.key), "ca_file": str(ca.crt)}})
    stage.register("one", agent=agent)
    others = [cs.cluster(f"s{i}", {"service": f"s{i}"}) for i in range(300)]
    config = cs.bootstrap(stage, port, [cs.cluster(), *others], max_queries={"value": 1000})
    config["static_resources"]["clusters"][0].update(h2_over_tls(ca))
    stage.weir_process = stage.start(config)
    stage.expect(one=5)
    wait_for(lambda: stage.stat("consul.watches") == 301, "all are followed")
    links = stage.stat(f"cluster.{cs.AGENT}.upstream_cx_active")
    assert links <= 4, links
    stage.register("two", agent=agent)
    stage.expect(one=5, two=5)
    return f"{links} connections"


def h2_over_tls(ca):
    protocol = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    return {
        "circuit_breakers": {"thresholds": [{"max_requests": {"value": 1000}}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": protocol, "explicit_http_config": {"http2_protocol_options": {}}}},
        "transport_socket": {"name": "tls", "typed_config": {
            "@type": tls, "sni": "localhost", "common_tls_context": {
                "validation_context": {"trusted_ca": {"filename": str(ca.crt)}}}}}}


@case
def an_agent_on_a_unix_socket(stage):
    path = f"{stage.directory}/consul.sock"
    agent = stage.another("unix", addresses={"http": f"127.0.0.1 unix://{path}"})
    stage.register("one", agent=agent)
    config = cs.bootstrap(stage, 1, [cs.cluster()])
    config["static_resources"]["clusters"][0] = cs.bs.cluster(path, name=cs.AGENT)
    stage.weir_process = stage.start(config)
    stage.expect(one=5)
    agent.set_check("one", "critical")
    stage.expect(s503=5)


@case
def the_example(stage):
    """As its comments say."""
    test_examples.run_example(EXAMPLE, stage.directory, stage.agent)
