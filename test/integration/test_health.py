"""Who gets requests by what EDS says of its health: priorities, degraded endpoints, panic."""

import collections

import bootstrap as bs
import control_plane as cp
import pytest
from control_plane import named
from test_retries import PREVIOUS_HOSTS
from test_xds_clusters import follow
from tls_tools import stat
from weir_process import free_port, wait_for

CONNECTIONS = "cluster.back.upstream_cx_total"
PANICS = "cluster.back.lb_healthy_panic"


def assignment(*priorities, **policy):
    """Endpoints of `back` by priority: a list of origins and the health of each."""
    return {"cluster_name": "back", "policy": policy, "endpoints": [
        {"priority": number, "lb_endpoints": [
            {**cp.endpoints("back", origin.port)["endpoints"][0]["lb_endpoints"][0],
             "health_status": health} for origin, health in members]}
        for number, members in enumerate(priorities)]}


def start(place, plane, first, **common):
    """A client whose requests go to one worker, which takes turns exactly."""
    plane.put("clusters", cp.eds_cluster(common_lb_config=common))
    plane.put("endpoints", first)
    follow(place, plane)
    return place.client()


def shares(client, times=100):
    """Who answered how many of so many requests; a status for who did not."""
    responses = [client.ask() for _ in range(times)]
    return collections.Counter(
        one.body.decode() if one.status == 200 else one.status for one in responses)


def expect(client, **wanted):
    wait_for(lambda: shares(client, sum(wanted.values())) == wanted, f"{wanted}")


def flags(place):
    """What /clusters says of each endpoint's health, in their order."""
    page = place.client(place.admin_port).ask(host="localhost", path="/clusters").body.decode()
    return [line.rpartition("::")[2] for line in page.splitlines()
            if line.startswith("back::") and "::health_flags::" in line]


def test_health_moves_requests_and_connections_stay(place, plane):
    one, two = named(place, "one"), named(place, "two")
    client = start(place, plane, assignment([(one, "HEALTHY"), (two, "UNKNOWN")]))
    expect(client, one=50, two=50)
    connections = stat(place, CONNECTIONS)
    for status, flag in (("UNHEALTHY", "/failed_eds_health"), ("TIMEOUT", "/failed_eds_health"),
                         ("DRAINING", "/eds_status_draining")):
        plane.put("endpoints", assignment([(one, "HEALTHY"), (two, status)]))
        expect(client, one=100)
        assert flags(place) == ["healthy", flag]
        plane.put("endpoints", assignment([(one, "DEGRADED"), (two, "HEALTHY")],
                                          overprovisioning_factor=120))
        expect(client, one=40, two=60)
        assert flags(place) == ["/degraded_eds_health", "healthy"]
    members = [stat(place, f"cluster.back.membership_{name}")
               for name in ("total", "healthy", "degraded", "excluded")]
    assert members == [2, 1, 1, 0]
    plane.put("endpoints", assignment([(one, "HEALTHY"), (two, "HEALTHY")]))
    expect(client, one=50, two=50)
    assert stat(place, CONNECTIONS) == connections == one.connections + two.connections
    assert not plane.refusals()


def test_the_next_priority_takes_what_the_first_cannot(place, plane):
    one, two, far = named(place, "one"), named(place, "two"), named(place, "far")
    well = [(one, "HEALTHY"), (two, "HEALTHY")]
    client = start(place, plane, assignment(well, [(far, "HEALTHY")]))
    expect(client, one=50, two=50)
    for statuses, wanted in ((("HEALTHY", "UNHEALTHY"), {"one": 70, "far": 30}),
                             (("UNHEALTHY", "UNHEALTHY"), {"far": 100}),
                             (("HEALTHY", "DRAINING"), {"one": 100}),
                             (("DRAINING", "DRAINING"), {"far": 100})):
        plane.put("endpoints", assignment(list(zip((one, two), statuses)), [(far, "HEALTHY")]))
        expect(client, **wanted)
    assert stat(place, PANICS) == 0


def test_in_panic_the_ill_are_asked_too(place, plane):
    one, two, three = (named(place, name) for name in ("one", "two", "three"))
    client = start(place, plane, assignment(
        [(one, "HEALTHY"), (two, "UNHEALTHY"), (three, "UNHEALTHY")]))
    expect(client, one=30, two=30, three=30)
    before = stat(place, PANICS)
    shares(client, 50)
    assert stat(place, PANICS) == before + 50


@pytest.mark.parametrize("settings,panics", [
    ({"healthy_panic_threshold": {"value": 0}}, 0),
    ({"zone_aware_lb_config": {"fail_traffic_on_panic": True}}, 10),
], ids=["no panic", "a panic that refuses"])
def test_without_asking_the_ill_there_is_nobody(place, plane, settings, panics):
    one, two = named(place, "one"), named(place, "two")
    client = start(place, plane, assignment([(one, "DRAINING"), (two, "HEALTHY")]), **settings)
    expect(client, two=10)
    plane.put("endpoints", assignment([(one, "UNHEALTHY"), (two, "UNHEALTHY")]))
    wait_for(lambda: client.ask().body == b"no healthy upstream", "503")
    before = stat(place, PANICS), stat(place, "cluster.back.upstream_cx_none_healthy")
    assert shares(client, 10) == {503: 10}
    assert stat(place, PANICS) == before[0] + panics
    assert stat(place, "cluster.back.upstream_cx_none_healthy") == before[1] + 10
    plane.put("endpoints", assignment([(one, "UNHEALTHY"), (two, "HEALTHY")]))
    wait_for(lambda: shares(client, 10) == {"two": 10}, "the healthy one")
    assert one.connections == 0


def test_a_retry_whose_turn_is_refused(place):
    """The other endpoint is avoided, so another turn is taken, and that one is nobody's."""
    dead, ill = free_port(), free_port()
    priorities = [[(dead, "HEALTHY")] + 4 * [(ill, "UNHEALTHY")],
                  [(dead, "HEALTHY"), (ill, "UNHEALTHY")]]
    place.weir(dead, cluster={
        "common_lb_config": {"zone_aware_lb_config": {"fail_traffic_on_panic": True}},
        "load_assignment": {"cluster_name": "origin", "endpoints": [
            {"priority": number, "lb_endpoints": [
                {**bs.endpoint(port), "health_status": health} for port, health in members]}
            for number, members in enumerate(priorities)]}},
        hosts=[bs.virtual_host([bs.route(action={"retry_policy": {
            "retry_on": "connect-failure", "num_retries": 3,
            "retry_back_off": {"base_interval": "0.001s"},
            "host_selection_retry_max_attempts": 20,
            "retry_host_predicate": [PREVIOUS_HOSTS]}})])])
    client = place.client()
    assert {client.ask().body for _ in range(50)} >= {b"no healthy upstream"}
