"""Listeners, clusters, routes and runtime values from Consul's key/value store. The agent is
scripted."""

import json
import signal

import bootstrap as bs
import consul_setup as cs
import control_plane as cp
import fake_faults as faults
import pytest
from consul_setup import number, page
from control_plane import named, says
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

SELF = {"self": {}, "resource_api_version": "V3"}
YAML = """\
# As people write it.
connect_timeout: 1s
load_assignment:
  cluster_name: back
  endpoints:
  - lb_endpoints:
    - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
"""


def start(place, consul, kv=None, arguments=(), ready=True, runtime=(), **fields):
    """A proxy that has nothing but the way to Consul."""
    config = bs.bootstrap([], [bs.cluster(consul.port, name=cs.AGENT, connect_timeout="1s")],
                          bootstrap_extensions=[cs.agent(kv=kv or {}, **fields)])
    config.update(with_admin(place))
    config["layered_runtime"] = {"layers": [
        {"name": "static", "static_layer": {"weir.removed_cluster_ms": 0}}, *runtime]}
    config["node"] = {"id": "i", "cluster": "c"}
    return place.start(config, ready=ready, arguments=arguments)


def put(consul, folder, name, resource, prefix="weir/"):
    consul.put_key(f"{prefix}{folder}/{name}", resource if isinstance(resource, (str, bytes))
                   else json.dumps(resource))


def listener(port, routes="routes"):
    made = cp.listener(port, routes=routes)
    manager = made["filter_chains"][0]["filters"][0]["typed_config"]
    manager["rds"]["config_source"] = SELF
    return made


def put_all(place, consul, origin, prefix="weir/"):
    place.port = place.port or free_port()
    put(consul, "clusters", "back", YAML % origin.port, prefix)
    put(consul, "routes", "routes", cp.routes(), prefix)
    put(consul, "listeners", "front", listener(place.port), prefix)


def cluster(origin, **fields):
    return bs.cluster(origin.port, name="back", **fields)


@pytest.mark.parametrize("prefix", ["weir/", "teams/edge/weir/"])
def test_everything_comes_changes_and_goes(place, consul, prefix):
    one, two = named(place, "one"), named(place, "two")
    put_all(place, consul, one, prefix)
    start(place, consul, {} if prefix == "weir/" else {"prefix": prefix})
    wait_for(lambda: says(place) == "one", "all of it")
    put(consul, "clusters", "back", cluster(two), prefix)
    wait_for(lambda: says(place) == "two", "another cluster")
    put(consul, "clusters", "other", {**cluster(one), "name": "other"}, prefix)
    put(consul, "routes", "routes", cp.routes("other"), prefix)
    wait_for(lambda: says(place) == "one", "another route")
    consul.delete_key(f"{prefix}clusters/other")
    wait_for(lambda: says(place) == 503, "no cluster")
    consul.delete_key(f"{prefix}listeners/front")
    wait_for(lambda: says(place) is None, "no listener")
    assert number(place, "resources_refused") == 0


def test_keys_that_come_later(place, consul):
    """Nothing is below the prefix yet: Consul says 404, and that is an answer."""
    start(place, consul)
    put_all(place, consul, named(place, "one"))
    wait_for(lambda: says(place) == "one", "all of it")


def test_clusters_of_consuls_instances(place, consul):
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1")
    put_all(place, consul, one)
    put(consul, "clusters", "back", cs.cluster())
    start(place, consul)
    wait_for(lambda: says(place) == "one", "the instance")
    consul.set_check("a", "critical")
    wait_for(lambda: says(place) == 503, "it fails")


@pytest.mark.parametrize("bad,words", [
    ({"name": "back", "connect_timeout": "1s", "lb_policy": "MAGLEV"}, ["lb_policy"]),
    ("connect_timeout: [", []),
    ("conect_timeout: 1s", ["conect_timeout", "connect_timeout"]),
    ({"name": "another"}, ["another"]),
    ("", []),
    (b"\xff\xfe\0", []),
], ids=["refused", "no YAML", "an unknown field", "another name", "empty", "no text"])
def test_a_bad_value_changes_nothing_and_is_named(place, consul, bad, words):
    one, two = named(place, "one"), named(place, "two")
    put_all(place, consul, one)
    weir = start(place, consul)
    wait_for(lambda: says(place) == "one", "all of it")
    put(consul, "clusters", "back", bad)
    put(consul, "clusters", "good", {**cluster(two), "name": "good"})
    wait_for(lambda: "good" in page(place, "/config_dump?resource=dynamic_active_clusters"), "the good")
    wait_for(lambda: number(place, "resources_refused") == 1, "it is counted")
    assert says(place) == "one"
    assert "'back' is refused" in weir.output() or "back: " in weir.output()
    for word in words:
        assert word in weir.output()
    put(consul, "clusters", "back", cluster(two))
    wait_for(lambda: says(place) == "two" and number(place, "resources_refused") == 0, "it is mended")


def test_a_bad_listener_and_a_bad_route(place, consul):
    one = named(place, "one")
    put_all(place, consul, one)
    start(place, consul)
    wait_for(lambda: says(place) == "one", "all of it")
    put(consul, "routes", "routes", "virtual_hosts: [{name: x, domains: []}]")
    put(consul, "listeners", "front", "name: front")
    wait_for(lambda: number(place, "resources_refused") == 2, "both are refused")
    assert says(place) == "one"


def test_the_index_of_consul_is_shown(place, consul):
    one = named(place, "one")
    put_all(place, consul, one)
    start(place, consul)
    wait_for(lambda: says(place) == "one", "all of it")
    dump = json.loads(page(place, "/config_dump?resource=dynamic_active_clusters"))
    found, = [entry for entry in dump["configs"] if entry["cluster"]["name"] == "back"]
    assert found["version_info"] == str(consul.catalog.keys["weir/clusters/back"]["ModifyIndex"])


def test_runtime_values(place, consul):
    layer = {"name": "limits", "rtds_layer": {"name": "limits", "rtds_config": SELF}}
    put(consul, "runtime", "limits", "weir:\n  test: 7\n")
    start(place, consul, runtime=[layer])

    def value():
        return json.loads(page(place, "/runtime"))["entries"].get("weir.test", {}).get("final_value")

    wait_for(lambda: value() == "7", "the first value")
    put(consul, "runtime", "limits", '{"weir.test": 8}')
    wait_for(lambda: value() == "8", "another")


def test_a_static_listener_with_routes_of_keys(place, consul):
    one = named(place, "one")
    place.port = free_port()
    put(consul, "routes", "routes", cp.routes("origin"))
    config = bs.bootstrap([listener(place.port)], [
        bs.cluster(consul.port, name=cs.AGENT), bs.cluster(one.port)],
        bootstrap_extensions=[cs.agent(kv={})])
    config.update(with_admin(place))
    place.start(config)
    assert says(place) == "one"


def test_without_kv_there_is_no_self(place, consul):
    config = bs.bootstrap([listener(free_port())], [bs.cluster(consul.port, name=cs.AGENT)],
                          bootstrap_extensions=[cs.agent()])
    weir = place.start(config, ready=False)
    assert weir.wait() == 1 and "self" in weir.output()


def test_keys_that_hold_no_resource_are_named_once(place, consul):
    put_all(place, consul, named(place, "one"))
    consul.put_key("weir/cluster/typo", "x")
    consul.put_key("weir/clusters/", "")
    consul.put_key("elsewhere/clusters/x", "x")
    weir = start(place, consul)
    wait_for(lambda: says(place) == "one", "all of it")
    wait_for(lambda: "weir/cluster/typo" in weir.output(), "it is named")
    for number_of in range(3):
        put(consul, "clusters", f"c{number_of}", {**bs.cluster(1), "name": f"c{number_of}"})
        wait_for(lambda n=number_of: f'"c{n}"' in page(place, "/config_dump"), "another cluster")
    assert weir.output().count("weir/cluster/typo") == 1


def test_consul_is_away_and_what_it_said_stays(place, consul):
    one, two = named(place, "one"), named(place, "two")
    put_all(place, consul, one)
    start(place, consul)
    wait_for(lambda: says(place) == "one", "all of it")
    consul.leave()
    wait_for(lambda: number(place, "connected_state") == 0, "that is seen")
    assert says(place) == "one"
    put(consul, "clusters", "back", cluster(two))
    consul.come()
    wait_for(lambda: says(place) == "two", "what is said now", 45)


def test_a_token_that_may_see_no_keys_takes_nothing_away(place, consul):
    """Consul says 404 then, as if there were none."""
    put_all(place, consul, named(place, "one"))
    consul.tokens = {"strong"}
    start(place, consul, token={"inline_string": "strong"})
    wait_for(lambda: says(place) == "one", "all of it")
    consul.tokens, consul.poor = set(), {"strong"}
    put(consul, "clusters", "other", {**bs.cluster(1), "name": "other"})
    wait_for(lambda: number(place, "failure_permission_denied") > 0, "it is noticed")
    assert says(place) == "one"


def test_a_start_without_consul_on_what_was_saved(place, consul, tmp_path):
    one, two = named(place, "one"), named(place, "two")
    put_all(place, consul, one)
    arguments = ["--state-dir", tmp_path / "state"]
    first = start(place, consul, arguments=arguments)
    port = place.port
    wait_for(lambda: says(place) == "one", "all of it")
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    consul.leave()
    start(place, consul, arguments=arguments)
    wait_for(lambda: says(place, port) == "one", "what was saved")
    assert "stale" in page(place, "/ready?verbose")
    put(consul, "clusters", "back", cluster(two))
    consul.come()
    wait_for(lambda: says(place, port) == "two", "what is said now", 45)
    wait_for(lambda: "stale" not in page(place, "/ready?verbose"), "nothing is stale")


def test_a_static_cluster_of_the_same_name_stays(place, consul):
    one, two = named(place, "one"), named(place, "two")
    put_all(place, consul, two)
    config = bs.bootstrap([], [bs.cluster(consul.port, name=cs.AGENT),
                               bs.cluster(one.port, name="back")],
                          bootstrap_extensions=[cs.agent(kv={})], node={"id": "i", "cluster": "c"})
    config.update(with_admin(place))
    place.start(config)
    wait_for(lambda: says(place) == "one", "that of the bootstrap")
    assert stat(place, "cluster_manager.active_clusters") == 2


def test_other_bytes_than_json(place, consul):
    put_all(place, consul, named(place, "one"))
    start(place, consul)
    wait_for(lambda: says(place) == "one", "all of it")
    bad = faults.body('[{"Key":"weir/clusters/back","Value":"!","ModifyIndex":1}]')
    with consul.fault(lambda reply: bad(faults.index(10**6)(reply)), path="/v1/kv/"):
        consul.wake()
        wait_for(lambda: number(place, "failure_bad_answer") > 0, "it is noticed")
    assert says(place) == "one"


@pytest.mark.parametrize("fields,words", [
    ({"kv": {"prefix": "/weir/"}}, ["prefix"]),
    ({"kv": {"prefix": "weir"}}, ["prefix"]),
])
def test_what_makes_no_sense_is_refused(place, consul, fields, words):
    """By the field's name, and its line."""
    config = cs.bootstrap(place, consul.port, [cs.cluster()], **fields)
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    for word in ("weir.yaml:", *words):
        assert word in weir.output(), weir.output()
