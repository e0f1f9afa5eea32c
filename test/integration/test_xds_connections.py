"""Connections to origins while their cluster changes: they stay where nothing of theirs changed."""

import bootstrap as bs
import control_plane as cp
import pytest
from certificates import upstream
from control_plane import named, says
from test_xds_clusters import follow
from test_xds_order import Asking
from tls_tools import stat, tls_origin
from weir_process import wait_for

MODIFIED = "cluster_manager.cluster_modified"
CONNECTIONS = "cluster.back.upstream_cx_total"
KEPT = [
    {"connect_timeout": "7s"},
    {"lb_policy": "LEAST_REQUEST"},
    {"metadata": {"filter_metadata": {"a": {"b": "c"}}}},
    {"circuit_breakers": {"thresholds": [{"max_requests": 7}]}},
]


def weighted(port, weight, **locality):
    made = cp.endpoints("back", port)
    made["endpoints"][0].update(locality)
    made["endpoints"][0]["lb_endpoints"][0]["load_balancing_weight"] = weight
    return made


def many(place, count=20):
    """Answers of as many connections, and so of every worker."""
    return {says(place) for _ in range(count)}


def count(place):
    """The connections to the origin, when every worker has one."""
    many(place, 40)
    return stat(place, CONNECTIONS)


@cp.EVERY_WAY
def test_a_cluster_changes_and_its_connections_stay(place, plane, kind, ads):
    one = named(place, "one")
    way = "ads" if ads else kind
    plane.put("clusters", cp.eds_cluster(kind=way))
    plane.put("endpoints", cp.endpoints("back", one.port))
    follow(place, plane, kind, ads)
    wait_for(lambda: says(place) == "one", "an endpoint")
    before = count(place)
    for number, change in enumerate(KEPT, 1):
        plane.put("clusters", cp.eds_cluster(kind=way, **change))
        wait_for(lambda: stat(place, MODIFIED) == number, f"{change}")
        assert count(place) == before, change
    assert one.connections == before


def test_endpoints_change_and_their_connections_stay(place, plane):
    """Another weight, priority or locality is the same host, and so is one of another type."""
    one = named(place, "one")
    plane.put("clusters", cp.eds_cluster())
    plane.put("endpoints", weighted(one.port, 1))
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "an endpoint")
    before = count(place)
    changes = "cluster.back.membership_change"
    for change in (weighted(one.port, 5), weighted(one.port, 5, priority=1),
                   weighted(one.port, 5, priority=1, locality={"zone": "z2"})):
        seen = stat(place, changes)
        plane.put("endpoints", change)
        wait_for(lambda: stat(place, changes) > seen, "other endpoints")
        assert count(place) == before
    plane.put("clusters", bs.cluster(one.port, name="back"))
    wait_for(lambda: stat(place, MODIFIED) == 1, "a static one")
    assert count(place) == before
    page = place.client(place.admin_port).ask(host="localhost", path="/clusters").body.decode()
    assert f":{one.port}::cx_total::{before}" in page


@pytest.mark.parametrize("change", [
    {"http_protocol_options": {"enable_trailers": True}},
    {"common_http_protocol_options": {"idle_timeout": "77s"}},
    {"upstream_bind_config": {"source_address": {"address": "0.0.0.0", "port_value": 0}}},
    {"upstream_connection_options": {"tcp_keepalive": {}}},
], ids=["protocol", "its limits", "address", "socket"])
def test_what_connections_are_made_of_changes(place, plane, change):
    """New ones are made, and no request fails."""
    one = named(place, "one")
    plane.put("clusters", bs.cluster(one.port, name="back"))
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "an endpoint")
    before = count(place)
    with Asking(place) as asking:
        plane.put("clusters", bs.cluster(one.port, name="back", **change))
        wait_for(lambda: stat(place, MODIFIED) == 1, "the change")
        assert many(place) == {"one"}
    assert asking.said() == {"one"}
    assert one.connections > before


def test_connections_with_tls(place, plane, ca):
    """The same TLS is the same connection; another one is not."""
    origin = tls_origin(place, ca.sign("origin"))
    with_tls = {"transport_socket": upstream(ca)}
    plane.put("clusters", bs.cluster(origin.port, name="back", **with_tls))
    follow(place, plane)
    wait_for(lambda: isinstance(says(place), str), "an endpoint")
    before = count(place)
    plane.put("clusters", bs.cluster(origin.port, name="back", connect_timeout="7s", **with_tls))
    wait_for(lambda: stat(place, MODIFIED) == 1, "another timeout")
    assert count(place) == before
    other = {"transport_socket": upstream(ca, sni="other.test")}
    plane.put("clusters", bs.cluster(origin.port, name="back", **other))
    wait_for(lambda: stat(place, MODIFIED) == 2, "another name")
    assert count(place) > before


def test_changes_under_load(place, plane):
    """One connection a worker serves through all of it."""
    one = named(place, "one")
    plane.put("clusters", cp.eds_cluster())
    plane.put("endpoints", cp.endpoints("back", one.port))
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "an endpoint")
    before = count(place)
    with Asking(place) as asking:
        for number in range(1, 21):
            plane.put("clusters", cp.eds_cluster(connect_timeout=f"{number + 1}s"))
            wait_for(lambda: stat(place, MODIFIED) == number, "a change")
        served = len(asking.answers)
        wait_for(lambda: len(asking.answers) > served + 20, "further answers")
    assert asking.said() == {"one"}
    assert stat(place, CONNECTIONS) == before
    assert stat(place, "cluster.back.upstream_cx_active") == before
