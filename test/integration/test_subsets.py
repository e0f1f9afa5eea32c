"""Requests and connections go to the endpoints whose metadata their route wants (lb_subset_config)."""

import socket

import bootstrap as bs
import consul_setup as cs
import control_plane as cp
import pytest
from control_plane import named
from raw_client import request
from tcp_peers import relay
from test_health import shares
from tls_tools import stat
from weir_process import free_port, wait_for

BY_VERSION = {"subset_selectors": [{"keys": ["version"]}]}


def lb(**values):
    return {"filter_metadata": {"envoy.lb": values}}


def members(*origins):
    """LbEndpoints: an origin and what is said of it."""
    return [{**bs.endpoint(origin.port), "metadata": lb(**values)} for origin, values in origins]


def assignment(*origins):
    return {"cluster_name": "back", "endpoints": [{"lb_endpoints": members(*origins)}]}


def routes(name, **values):
    """One for each value of the field x-want: {value: what is wanted of endpoints}."""
    return [bs.route(name, {"prefix": "/", "headers": [
        {"name": "x-want", "string_match": {"exact": value}}]}, {"metadata_match": lb(**wanted)})
            for value, wanted in values.items()] + [bs.route(name)]


def answers(client, want, times=6):
    """Who answers requests that want this; a status for who does not."""
    found = []
    for _ in range(times):
        client.send(request(**{"x-want": want}))
        response = client.response()
        found.append(response.body.decode() if response.status == 200 else response.status)
    return sorted(set(found), key=str)


@pytest.fixture(name="three")
def fixture_three(place):
    return [named(place, name) for name in ("one", "two", "new")]


def start(place, *origins, subsets=None, made=None, **options):
    """Static endpoints, the routes by x-want."""
    cluster = {"lb_subset_config": subsets or BY_VERSION, "load_assignment": {
        "cluster_name": "origin", "endpoints": [{"lb_endpoints": members(*origins)}]}}
    made = made or routes("origin", v1={"version": "1"}, v2={"version": "2"}, v3={"version": "3"})
    return place.weir(origins[0][0], routes=made, cluster=cluster, **options)


def test_a_route_chooses_endpoints_by_their_metadata(place, three):
    one, two, new = three
    start(place, (one, {"version": "1"}), (two, {"version": "1"}),
          (new, {"version": "2", "stage": "test"}),
          log="%UPSTREAM_METADATA(envoy.lb:version)% %METADATA(UPSTREAM_HOST:envoy.lb:stage)%")
    client = place.client()
    assert answers(client, "v1") == ["one", "two"]
    assert answers(client, "v2") == ["new"]
    assert answers(client, "v3") == [503]
    assert answers(client, "none") == [503]
    assert place.log.lines(24)[6:13] == ["2 test"] * 6 + ["- -"]


def test_others_get_anybody_where_that_is_said(place, three):
    one, two, new = three
    start(place, (one, {"version": "1"}), (two, {}), (new, {"version": "2"}),
          subsets={**BY_VERSION, "fallback_policy": "ANY_ENDPOINT"})
    client = place.client()
    assert answers(client, "v1") == ["one"]
    assert answers(client, "v3") == answers(client, "none") == ["new", "one", "two"]


def test_a_cluster_may_be_weighted_against_itself(place, three):
    one, two, new = three
    parts = [{"name": "origin", "weight": 75, "metadata_match": lb(version="1")},
             {"name": "origin", "weight": 25, "metadata_match": lb(version="2")}]
    action = {"weighted_clusters": {"clusters": parts}, "metadata_match": lb(stage="live")}
    start(place, (one, {"version": "1", "stage": "live"}), (two, {"version": "1", "stage": "dev"}),
          (new, {"version": "2", "stage": "live"}),
          subsets={"subset_selectors": [{"keys": ["version", "stage"]}]},
          made=[{"match": {"prefix": "/"}, "route": action}])
    got = shares(place.client(), 400)
    assert set(got) == {"one", "new"}
    assert 240 < got["one"] < 360


def test_a_retry_stays_in_the_subset(place, three):
    one, _, new = three
    gone = free_port()
    policy = {"retry_policy": {"retry_on": "connect-failure", "num_retries": 3},
              "metadata_match": lb(version="1")}
    cluster = {"lb_subset_config": BY_VERSION, "load_assignment": {
        "cluster_name": "origin", "endpoints": [{"lb_endpoints": [
            *members((one, {"version": "1"}), (new, {"version": "2"})),
            {**bs.endpoint(gone), "metadata": lb(version="1")}]}]}}
    place.weir(one, routes=[bs.route("origin", action=policy)], cluster=cluster)
    assert shares(place.client(), 20) == {"one": 20}


def test_metadata_changes_and_connections_stay(place, plane):
    one, two = named(place, "one"), named(place, "two")
    plane.put("clusters", cp.eds_cluster(lb_subset_config=BY_VERSION))
    plane.put("endpoints", assignment((one, {"version": "1"}), (two, {"version": "2"})))
    plane.put("routes", {"name": "routes", "virtual_hosts": [
        bs.virtual_host(routes("back", v1={"version": "1"}, v2={"version": "2"}))]})
    place.port = free_port()
    config = bs.bootstrap([cp.listener(place.port)], [cp.xds_cluster(plane)])
    config.update(cp.dynamic())
    place.start(config)
    client = place.client()
    assert answers(client, "v1") == ["one"] and answers(client, "v2") == ["two"]
    plane.put("endpoints", assignment((one, {"version": "2"}), (two, {"version": "1"})))
    wait_for(lambda: answers(client, "v1") == ["two"], "they have changed places")
    assert answers(client, "v2") == ["one"]
    assert (one.connections, two.connections) == (1, 1)


def test_connections_too(place, three):
    one, _, new = three
    cluster = {"lb_subset_config": BY_VERSION, "load_assignment": {
        "cluster_name": "origin", "endpoints": [{"lb_endpoints": members(
            (one, {"version": "1"}), (new, {"version": "2"}))}]}}
    relay(place, one, cluster=cluster, tcp={"metadata_match": lb(version="2")})
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", place.port)) as sock:
            sock.sendall(request(connection="close"))
            assert sock.recv(4096).endswith(b"new")


def test_tags_and_meta_of_consul(place, consul):
    for name, fields in (("one", {"tags": ["blue", "eu"]}), ("two", {"tags": ["green", "eu"]}),
                         ("new", {"tags": ["eu"], "meta": {"version": "2"}})):
        consul.put("web", named(place, name).port, name, address="127.0.0.1", **fields)
    cluster = cs.cluster(lb_subset_config={"list_as_any": True, "subset_selectors": [
        {"keys": ["tags"]}, {"keys": ["version"]}]})
    place.port = free_port()
    made = routes("back", blue={"tags": "blue"}, eu={"tags": "eu"}, v2={"version": "2"})
    config = cs.bootstrap(place, consul.port, [cluster], routes=made)
    log = bs.file_log(place.log.path, "%UPSTREAM_METADATA(consul:id)%")
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    manager["typed_config"]["access_log"] = [log]
    place.start(config)
    client = place.client()
    assert answers(client, "blue") == ["one"]
    assert answers(client, "eu") == ["new", "one", "two"]
    assert answers(client, "v2") == ["new"]
    assert place.log.lines(18)[0] == "one"
    consul.remove("new")
    wait_for(lambda: answers(client, "v2") == [503], "nobody has it any more")
    assert answers(client, "eu") == ["one", "two"]
    assert stat(place, "cluster.back.lb_subsets_active") > 0


def test_what_is_wanted_of_a_cluster_without_subsets_changes_nothing(place, three):
    """As in Envoy: it is balanced as a whole."""
    one, two, _ = three
    start(place, (one, {"version": "1"}), (two, {"version": "2"}),
          subsets={"fallback_policy": "NO_FALLBACK"})
    assert answers(place.client(), "v1") == ["one", "two"]
