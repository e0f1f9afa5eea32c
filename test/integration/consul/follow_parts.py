"""Configuration in the real Consul's keys, clusters and routes from its catalogue, Weir as one of its
services."""

import json
import signal

import bootstrap as bs
import consul_setup as cs
import control_plane as cp
from control_plane import named
from follow_stage import case
from tls_tools import with_admin
from weir_process import free_port, wait_for

SELF = {"self": {}, "resource_api_version": "V3"}
AT_ONCE = {"weir.removed_cluster_ms": 0}


def start(stage, listeners=(), clusters=(), **extension):
    config = bs.bootstrap(listeners, [bs.cluster(stage.agent.port, name=cs.AGENT), *clusters],
                          bootstrap_extensions=[cs.agent(**extension)],
                          node={"id": "edge-1", "cluster": "c"}, layered_runtime={
                              "layers": [{"name": "static", "static_layer": AT_ONCE}]})
    config.update(with_admin(stage))
    stage.weir_process = stage.start(config)
    return stage.weir_process


def listener(stage, routes="routes"):
    stage.port = free_port()
    made = cp.listener(stage.port, routes=routes)
    made["filter_chains"][0]["filters"][0]["typed_config"]["rds"]["config_source"] = SELF
    return made


@case
def keys_hold_the_configuration(stage):
    """What is bad is refused by name, and changes nothing; the index is Consul's."""
    stage.register("one")
    two = named(stage, "two")
    for name, resource in (("clusters/back", cs.cluster()), ("routes/routes", cp.routes()),
                           ("listeners/front", listener(stage))):
        stage.agent.put_key(f"weir/{name}", json.dumps(resource))
    try:
        start(stage, kv={})
        wait_for(lambda: stage.says() == "one", "all of it")
        index = stage.agent.keys("weir/clusters/")["weir/clusters/back"][1]
        dump = json.loads(stage.page("/config_dump?resource=dynamic_active_clusters"))
        found, = [one for one in dump["configs"] if one["cluster"]["name"] == "back"]
        assert found["version_info"] == str(index)
        assert stage.agent.put_key("weir/clusters/back", "lb_policy: MAGLEV", cas=index)
        stage.logged("lb_policy")
        assert stage.says() == "one" and stage.stat("consul.resources_refused") == 1
        stage.agent.put_key("weir/clusters/back", json.dumps(bs.cluster(two.port, name="back")))
        stage.expect(two=5)
        stage.agent.delete_key("weir/clusters/back")
        stage.expect(s503=5)
        stage.agent.delete_key("weir/", recurse=True)
        wait_for(lambda: stage.says() is None, "no listener")
    finally:
        stage.agent.delete_key("weir/", recurse=True)


def get(stage, path, **fields):
    with stage.client() as client:
        response = client.ask(path=path, **fields)
    return response.body.decode() if response.status == 200 else response.status


@case
def the_catalogue_makes_clusters_and_routes(stage):
    stage.register("one", "orders", Tags=["weir.enable=true", "weir.route.prefix=/orders"])
    stage.register("two", "users", Tags=["weir.enable=true"], Meta={"weir-route-prefix": "/users"})
    stage.register("three", "hidden", Tags=["weir.route.prefix=/hidden"])
    start(stage, [listener(stage)], catalog={
        "enable_tag": "weir.enable=true", "route_config_name": "routes",
        "cluster": {"connect_timeout": "1s"}})
    wait_for(lambda: (get(stage, "/orders/1"), get(stage, "/users")) == ("one", "two"), "routes")
    assert get(stage, "/hidden") == 404
    stage.register("thief", "other", Tags=["weir.enable=true", "weir.route.prefix=/orders"])
    wait_for(lambda: get(stage, "/orders") == 404, "who asks for another's gets nothing, nor that one")
    stage.logged("'orders', 'other'")
    stage.agent.deregister("thief")
    wait_for(lambda: get(stage, "/orders") == "one", "as it was")
    stage.agent.set_check("one", "critical")
    wait_for(lambda: get(stage, "/orders") == 503, "it fails")
    stage.agent.deregister("one")
    wait_for(lambda: get(stage, "/orders") == 404, "it is gone")
    assert get(stage, "/users") == "two"


@case
def weir_is_a_service_itself(stage):
    """Its check passes while it is there, fails when it dies, and it is gone when it ends well."""
    stage.port = free_port()
    origin = named(stage, "one")
    options = {"clusters": [bs.cluster(origin.port)], "registration": {
        "interval": "1s", "tags": ["edge"], "meta": {"zone": "a"}}}
    weir = start(stage, [bs.listener(stage.port)], **options)
    passing = {"weir-edge-1": ["passing", "passing"]}
    wait_for(lambda: stage.agent.instances("weir") == passing, "it is well")
    entry, = stage.agent.health("weir").json()
    assert entry["Service"]["Port"] == stage.port and entry["Service"]["Tags"] == ["edge"]
    assert entry["Service"]["Meta"] == {"zone": "a"}
    weir.signal(signal.SIGKILL)
    weir.wait()
    stage.proxies.remove(weir)
    wait_for(lambda: stage.agent.instances("weir") == {"weir-edge-1": ["critical", "passing"]},
             "its check fails")
    weir = start(stage, [bs.listener(stage.port)], **options)
    wait_for(lambda: stage.agent.instances("weir") == passing, "it is well again")
    stage.agent.deregister("weir-edge-1")
    wait_for(lambda: stage.agent.instances("weir") == passing, "it is registered again", 30)
    weir.signal(signal.SIGTERM)
    assert weir.wait() == 0
    assert stage.agent.instances("weir") == {}
