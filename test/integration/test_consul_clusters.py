"""Clusters whose endpoints are the instances of a service in Consul: they come, fail, are weighed and
go while requests are made. The agent is scripted; the real one is asked by test/suites/consul."""

import bootstrap as bs
import consul_setup as cs
import control_plane as cp
import pytest
from consul_setup import addresses, endpoints, number
from control_plane import named, says
from origin import answer
from raw_client import request
from test_health import shares
from tls_tools import stat
from weir_process import wait_for

SOURCES = pytest.mark.parametrize("source", ["the bootstrap", "a control plane"])


def put(consul, origin, instance, service="web", **fields):
    consul.put(service, origin.port, instance, address="127.0.0.1", **fields)


def gets(client, **wanted):
    """Waits until of so many requests each origin has answered as many as it should."""
    wait_for(lambda: shares(client, sum(wanted.values())) == wanted, f"{wanted}")


def pair(place, consul):
    """Two instances, which say their names."""
    both = named(place, "one"), named(place, "two")
    for name, origin in zip(("one", "two"), both):
        put(consul, origin, name)
    return both


@pytest.fixture(name="start")
def fixture_start(place, consul, request):
    """How a cluster of Consul's gets into the proxy."""
    def start(source, **instances):
        if source == "the bootstrap":
            return cs.follow(place, consul, cs.cluster(instances=instances))
        plane = request.getfixturevalue("plane")
        plane.put("clusters", cs.cluster(instances=instances))
        config = cs.bootstrap(place, consul.port, [cp.xds_cluster(plane)])
        config.update(cp.dynamic())
        config.update(cp.AT_ONCE)
        return place.start(config)
    return start


@SOURCES
def test_instances_come_move_and_go(place, consul, start, source):
    one, two = named(place, "one"), named(place, "two")
    put(consul, one, "a")
    start(source)
    assert says(place) == "one"  # it is warm before a listener is there
    put(consul, two, "b")
    wait_for(lambda: stat(place, "cluster.back.membership_total") == 2, "two are there")
    consul.remove("a")
    wait_for(lambda: says(place) == "two", "only one is left")
    put(consul, one, "b")
    wait_for(lambda: says(place) == "one", "it has moved")
    consul.remove("b")
    wait_for(lambda: says(place) == 503, "the last one is gone")
    put(consul, two, "c")
    wait_for(lambda: says(place) == "two", "another one")


def test_a_cluster_of_a_control_plane_comes_changes_and_goes(place, consul, plane, start):
    one, two = named(place, "one"), named(place, "two")
    put(consul, one, "a")
    put(consul, two, "b", service="api")
    start("a control plane")
    assert says(place) == "one" and number(place, "watches") == 1
    plane.put("clusters", cs.cluster(instances={"service": "api"}))
    wait_for(lambda: says(place) == "two", "another service")
    wait_for(lambda: number(place, "watches") == 1, "the former is not followed any more")
    plane.remove("clusters", "back")
    wait_for(lambda: says(place) == 503, "no cluster")
    wait_for(lambda: number(place, "watches") == 0 and consul.held == 0, "nothing is asked")
    assert not plane.refusals()


def test_a_change_of_the_cluster_alone_costs_no_instance(place, consul, plane, start):
    """Consul has no reason to say it again."""
    one = named(place, "one")
    put(consul, one, "a")
    start("a control plane")
    assert says(place) == "one"
    for seconds in range(2, 8):
        plane.put("clusters", cs.cluster(connect_timeout=f"{seconds}s"))
        wait_for(lambda n=seconds - 1: stat(place, "cluster_manager.cluster_modified") == n, "it")
        assert says(place) == "one"


def test_a_bad_cluster_of_a_control_plane_is_refused_by_name(place, consul, plane, start):
    one = named(place, "one")
    put(consul, one, "a")
    start("a control plane")
    plane.put("clusters", cs.cluster("bad", {"service": "web", "tags": [""]}))
    refusal, = wait_for(plane.refusals, "a refusal")
    assert "bad" in refusal and "tags[0]" in refusal
    assert says(place) == "one"


def test_requests_in_flight_end_where_they_began(place, consul):
    slow, other = place.origin(), named(place, "other")
    put(consul, slow, "a")
    cs.follow(place, consul)
    client = place.client()
    client.send(request())
    wire = slow.accept()
    wire.request()
    put(consul, other, "b")
    consul.remove("a")
    wait_for(lambda: addresses(place) == [f"127.0.0.1:{other.port}"], "it has left")
    assert says(place) == "other"
    wire.send(answer(body=b"late"))
    assert client.response().body == b"late"
    assert wire.ended()


def test_two_clusters_of_one_service(place, consul):
    one = named(place, "one")
    put(consul, one, "a", tags=["v1"])
    routes = [bs.route("other", {"prefix": "/other"}), bs.route("back")]
    cs.follow(place, consul, cs.cluster(), cs.cluster("other", {"service": "web", "tags": ["v1"]}),
              routes=routes)
    assert says(place) == "one" and place.client().ask(path="/other").body == b"one"
    consul.put("web", one.port, "a", address="127.0.0.1", tags=["v2"])
    wait_for(lambda: place.client().ask(path="/other").status == 503, "no instance of v1")
    assert says(place) == "one"


def test_who_asks_the_same_asks_once(place, consul):
    """Clusters that differ in what they do with the instances, not in which those are."""
    put(consul, named(place, "one"), "a")
    cs.follow(place, consul, *(cs.cluster(name, connect_timeout=f"{seconds}s")
                               for seconds, name in enumerate(("back", "b", "c"), 1)))
    assert says(place) == "one"
    wait_for(lambda: consul.held == 1, "it waits")
    assert number(place, "watches") == 1
    assert addresses(place) == addresses(place, "b") == addresses(place, "c")


@pytest.mark.parametrize("status", ["warning", "critical"])
@pytest.mark.parametrize("place_of_check", [-1, 0], ids=["its own check", "its node's check"])
def test_only_instances_that_pass_get_requests(place, consul, status, place_of_check):
    pair(place, consul)
    cs.follow(place, consul)
    client = place.client()
    gets(client, one=5, two=5)
    consul.set_check("two", status, place=place_of_check)
    gets(client, one=10)
    assert stat(place, "cluster.back.membership_total") == 1
    consul.set_check("two", "passing", place=place_of_check)
    gets(client, one=5, two=5)


def test_without_passing_only_a_warning_degrades(place, consul):
    one, two = pair(place, consul)
    cs.follow(place, consul, cs.cluster(instances={"passing_only": False}))
    client = place.client()
    gets(client, one=5, two=5)
    at_one, at_two = (f"127.0.0.1:{origin.port}" for origin in (one, two))

    def flags(of_two):
        return endpoints(place, "health_flags") == {at_one: "healthy", at_two: of_two}

    consul.set_check("two", "warning")
    wait_for(lambda: flags("/degraded_eds_health"), "it is degraded")
    # Half of the endpoints are healthy, of 1.4 times that much: the rest is the degraded one's.
    gets(client, one=70, two=30)
    consul.set_check("two", "critical")
    wait_for(lambda: flags("/failed_eds_health"), "it is unhealthy")
    gets(client, one=10)
    assert stat(place, "cluster.back.membership_total") == 2
    consul.set_check("two", "passing")
    gets(client, one=5, two=5)


def test_in_panic_those_that_fail_are_asked_too(place, consul):
    pair(place, consul)
    cs.follow(place, consul, cs.cluster(instances={"passing_only": False}))
    consul.set_check("one", "critical")
    consul.set_check("two", "critical")
    wait_for(lambda: set(endpoints(place, "health_flags").values()) == {"/failed_eds_health"}, "all")
    gets(place.client(), one=5, two=5)
    assert stat(place, "cluster.back.lb_healthy_panic") >= 10


def test_weights_are_shares(place, consul):
    one, two = named(place, "one"), named(place, "two")
    put(consul, one, "one", weights=(3, 1))
    put(consul, two, "two", weights=(1, 1))
    cs.follow(place, consul)
    client = place.client()
    gets(client, one=75, two=25)
    put(consul, one, "one", weights=(1, 1))
    gets(client, one=50, two=50)
    put(consul, one, "one", weights=(4, 1))
    gets(client, one=80, two=20)


def test_what_warns_has_a_weight_of_its_own(place, consul):
    one, two, three = (named(place, name) for name in ("one", "two", "three"))
    for name, origin, weights in (("one", one, (9, 3)), ("two", two, (9, 1)), ("three", three, (7, 1))):
        put(consul, origin, name, weights=weights, status="warning")
    cs.follow(place, consul, cs.cluster(instances={"passing_only": False}))
    gets(place.client(), one=60, two=20, three=20)


def test_what_checks_print_is_no_news(place, consul):
    """Connections and counts of endpoints stay, and nothing is built anew."""
    one, _ = pair(place, consul)
    cs.follow(place, consul)
    client = place.client()
    gets(client, one=5, two=5)
    before = stat(place, "cluster.back.upstream_cx_total"), one.connections
    for number_of in range(10):
        asked = len(consul.asked("/v1/health/service/web"))
        consul.set_check("one", "passing", output=f"checked {number_of} times")
        wait_for(lambda n=asked: len(consul.asked("/v1/health/service/web")) > n, "asked again")
    gets(client, one=5, two=5)
    assert (stat(place, "cluster.back.upstream_cx_total"), one.connections) == before


def test_an_instance_that_stays_keeps_its_connections(place, consul):
    one, _ = pair(place, consul)
    cs.follow(place, consul)
    client = place.client()
    gets(client, one=5, two=5)
    before = one.connections
    for weight in (2, 3, 1):
        consul.remove("two")
        gets(client, one=10)
        put(consul, one, "one", weights=(weight, 1), tags=[f"t{weight}"], meta={"k": f"{weight}"})
        put(consul, named(place, "two"), "two", weights=(weight, 1))
        gets(client, one=10, two=10)
    assert one.connections == before


def crowd(place, consul):
    """60 services for 20 places of questions that wait."""
    origin = named(place, "one")
    names = [f"s{i}" for i in range(60)]
    for name in names:
        put(consul, origin, f"{name}-1", service=name)
    routes = [bs.route(name, {"prefix": f"/{name}/"}) for name in names]
    cs.follow(place, consul, *(cs.cluster(name, {"service": name}) for name in names),
              routes=routes, max_queries={"value": 20})
    client = place.client()
    assert {client.ask(path=f"/{name}/").status for name in names} == {200}
    return client, names


def alarms_know(consul):
    """What fails now."""
    wait_for(lambda: any(one.index == consul.catalog.index
                         for one in consul.asked("/v1/health/state/critical")), "they wait for news")


def test_more_services_than_places(place, consul):
    """What fails is seen at once all the same, and what is new a little later."""
    client, _ = crowd(place, consul)
    alarms_know(consul)
    assert consul.most_open <= 20 + 16 + 16
    for name in ("s0", "s30", "s59"):
        consul.set_check(f"{name}-1", "critical")
        wait_for(lambda n=name: client.ask(path=f"/{n}/").status == 503, f"{name} is seen to fail")
        alarms_know(consul)
        consul.set_check(f"{name}-1", "passing")
        wait_for(lambda n=name: client.ask(path=f"/{n}/").status == 200, f"{name} is back")
        alarms_know(consul)
    other = named(place, "two")
    put(consul, other, "s45-1", service="s45")
    wait_for(lambda: client.ask(path="/s45/").body == b"two", "a new registration is seen")
    assert addresses(place, "s45") == [f"127.0.0.1:{other.port}"]


def test_a_check_that_fails_right_after_the_start(place, consul):
    """Of a service that has no place."""
    client, names = crowd(place, consul)
    wait_for(lambda: consul.held >= 20, "the places are taken")
    waiting = {one.path.rpartition("/")[2] for one in consul.requests if one.index}
    name = next(one for one in names if one not in waiting)
    consul.set_check(f"{name}-1", "critical")
    wait_for(lambda: client.ask(path=f"/{name}/").status == 503, "it is seen to fail", 10)


def test_a_check_that_flaps_is_caught_up(place, consul):
    """So soon after another that nobody names the service."""
    client, names = crowd(place, consul)
    alarms_know(consul)
    for name in names[::6]:
        consul.set_check(f"{name}-1", "critical")
        wait_for(lambda n=name: client.ask(path=f"/{n}/").status == 503, f"{name} is seen to fail")
        consul.set_check(f"{name}-1", "passing")
        wait_for(lambda n=name: client.ask(path=f"/{n}/").status == 200, f"{name} is back", 10)
