"""Services that become clusters, and ask for routes, without being named in the configuration. The
agent is scripted."""

import json

import bootstrap as bs
import consul_setup as cs
import control_plane as cp
import pytest
from consul_setup import number, page
from control_plane import named
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

SELF = {"self": {}, "resource_api_version": "V3"}
BY_HEADER = {"match": {"prefix": "/"}, "route": {"cluster_header": "x-cluster"}}
AT_ONCE = {"layered_runtime": {"layers": [
    {"name": "static", "static_layer": {"weir.removed_cluster_ms": 0}}]}}


def put(consul, origin, service, instance=None, **fields):
    consul.put(service, origin.port, instance or f"{service}-1", address="127.0.0.1", **fields)


def start(place, consul, catalog=None, routes=None, clusters=(), **fields):
    """Each request names its cluster; with `routes` a name of routes that services ask for."""
    place.port = free_port()
    front = bs.listener(place.port, bs.hcm([BY_HEADER]))
    if routes:
        front = cp.listener(place.port, routes=routes)
        front["filter_chains"][0]["filters"][0]["typed_config"]["rds"]["config_source"] = SELF
        catalog = {"route_config_name": routes, **(catalog or {})}
    config = bs.bootstrap([front], [bs.cluster(consul.port, name=cs.AGENT, connect_timeout="1s"),
                                    *clusters],
                          bootstrap_extensions=[cs.agent(catalog=catalog or {}, **fields)],
                          node={"id": "i", "cluster": "c"}, **AT_ONCE)
    config.update(with_admin(place))
    return place.start(config)


def get(place, path="/", host="test.example", **fields):
    """What a request is answered: a body, or another status."""
    with place.client() as client:
        response = client.ask(path=path, host=host, **fields)
    return response.body.decode() if response.status == 200 else response.status


def clusters(place):
    return stat(place, "cluster_manager.active_clusters") - 1


@pytest.mark.parametrize("creation", ["AT_FIRST_USE", "AT_ONCE"])
def test_services_become_clusters(place, consul, creation):
    one, two = named(place, "one"), named(place, "two")
    put(consul, one, "orders")
    put(consul, two, "users")
    start(place, consul, {"creation": creation})
    wait_for(lambda: number(place, "catalog_services") == 2, "both are known")
    wait_for(lambda: clusters(place) == (2 if creation == "AT_ONCE" else 0), "clusters")
    assert get(place, x_cluster="orders") == "one"
    assert clusters(place) == (2 if creation == "AT_ONCE" else 1)
    assert get(place, x_cluster="users") == "two"
    assert get(place, x_cluster="nobody") == 503
    consul.set_check("users-1", "critical")
    wait_for(lambda: get(place, x_cluster="users") == 503, "it fails")
    assert get(place, x_cluster="orders") == "one"


def test_services_come_and_go(place, consul):
    one = named(place, "one")
    start(place, consul, {"creation": "AT_ONCE"})
    assert get(place, x_cluster="orders") == 503
    put(consul, one, "orders")
    wait_for(lambda: get(place, x_cluster="orders") == "one", "it has come")
    consul.remove("orders-1")
    wait_for(lambda: clusters(place) == 0, "it is gone, and its cluster")
    assert get(place, x_cluster="orders") == 503
    put(consul, one, "orders")
    wait_for(lambda: get(place, x_cluster="orders") == "one", "it is back")


def test_many_requests_at_the_first_use(place, consul):
    """All of them wait for one cluster."""
    put(consul, named(place, "one"), "orders")
    start(place, consul)
    wait_for(lambda: number(place, "catalog_services") == 1, "it is known")
    clients = [place.client() for _ in range(10)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-cluster: orders\r\n\r\n")
    assert [client.response().body for client in clients] == [b"one"] * 10


def test_only_services_with_the_tag(place, consul):
    one, two = named(place, "one"), named(place, "two")
    put(consul, one, "orders", tags=["weir.enable=true"])
    put(consul, two, "users")
    start(place, consul, {"enable_tag": "weir.enable=true"})
    wait_for(lambda: number(place, "catalog_services") == 1, "one has it")
    assert get(place, x_cluster="orders") == "one" and get(place, x_cluster="users") == 503
    put(consul, two, "users", tags=["weir.enable=true"])
    wait_for(lambda: get(place, x_cluster="users") == "two", "the other, too")


def test_names_by_a_template(place, consul):
    put(consul, named(place, "one"), "orders")
    start(place, consul, {"cluster_name": "%SERVICE%.%DATACENTER%.consul"}, datacenter="dc1")
    wait_for(lambda: get(place, x_cluster="orders.dc1.consul") == "one", "its name")
    assert get(place, x_cluster="orders") == 503


def test_a_cluster_of_the_configuration_stays(place, consul):
    one, two = named(place, "one"), named(place, "two")
    put(consul, two, "orders")
    weir = start(place, consul, {"creation": "AT_ONCE"},
                 clusters=[bs.cluster(one.port, name="orders")])
    assert get(place, x_cluster="orders") == "one"
    wait_for(lambda: "orders" in weir.output(), "the log names it")
    assert get(place, x_cluster="orders") == "one"


def test_what_else_their_clusters_say(place, consul):
    put(consul, named(place, "one"), "orders", tags=["v1"])
    put(consul, named(place, "two"), "orders", "orders-2", tags=["v2"])
    start(place, consul, {"creation": "AT_ONCE", "cluster": {"connect_timeout": "3s"},
                          "instances": {"tags": ["v2"], "passing_only": False}})
    wait_for(lambda: get(place, x_cluster="orders") == "two", "the instances that are chosen")
    assert '"connect_timeout": "3s"' in page(place, "/config_dump")
    consul.set_check("orders-2", "critical")
    wait_for(lambda: "/failed_eds_health" in page(place, "/clusters"), "it fails")


@pytest.mark.parametrize("by", ["tags", "meta"])
def test_routes_that_services_ask_for(place, consul, by):
    """The longest prefix first; and of its own host."""
    def ask(prefix=None, host=None):
        wanted = {"prefix": prefix, "host": host}
        wanted = {name: value for name, value in wanted.items() if value}
        if by == "tags":
            return {"tags": [f"weir.route.{name}={value}" for name, value in wanted.items()]}
        return {"meta": {f"weir-route-{name}": value for name, value in wanted.items()}}

    one, two, three = (named(place, name) for name in ("one", "two", "three"))
    put(consul, one, "orders", **ask("/orders"))
    put(consul, two, "archive", **ask("/orders/archive"))
    put(consul, three, "shop", **ask(host="shop.example"))
    start(place, consul, routes="from_consul")
    wait_for(lambda: get(place, "/orders/7") == "one", "a route")
    assert get(place, "/orders/archive/7") == get(place, "/orders/archive") == "two"
    assert get(place, "/anything", "shop.example") == "three"
    assert get(place, "/anything") == get(place, "/ordersx") == 404
    put(consul, one, "orders", **ask("/bills"))
    wait_for(lambda: get(place, "/bills/1") == "one", "another prefix")
    assert get(place, "/orders/7") == 404
    consul.remove("archive-1")
    wait_for(lambda: get(place, "/orders/archive/7") == 404, "a route goes with its service")


def test_of_two_services_that_ask_for_one_route_neither_gets_it(place, consul):
    one, two = named(place, "one"), named(place, "two")
    put(consul, one, "orders", tags=["weir.route.prefix=/orders"])
    put(consul, one, "other", tags=["weir.route.prefix=/other"])
    weir = start(place, consul, routes="from_consul")
    wait_for(lambda: get(place, "/orders") == "one", "a route")
    put(consul, two, "thief", tags=["weir.route.prefix=/orders"])
    wait_for(lambda: get(place, "/orders") == 404, "nobody's")
    assert get(place, "/other") == "one"
    wait_for(lambda: "'orders', 'thief'" in weir.output() and "/orders" in weir.output(), "named")
    assert number(place, "catalog_routes_refused") == 1
    consul.remove("thief-1")
    wait_for(lambda: get(place, "/orders") == "one", "it is whose it was")
    wait_for(lambda: number(place, "catalog_routes_refused") == 0, "nothing is refused")


def test_a_route_that_cannot_be_is_refused_by_name(place, consul):
    one = named(place, "one")
    put(consul, one, "orders", tags=["weir.route.prefix=orders"])
    put(consul, one, "other", tags=["weir.route.prefix=/other"])
    weir = start(place, consul, routes="from_consul")
    wait_for(lambda: get(place, "/other") == "one", "the good one")
    wait_for(lambda: "'orders'" in weir.output() and "weir.route.prefix" in weir.output(), "named")


def test_routes_stay_when_all_instances_fail(place, consul):
    put(consul, named(place, "one"), "orders", tags=["weir.route.prefix=/orders"])
    start(place, consul, routes="from_consul")
    wait_for(lambda: get(place, "/orders") == "one", "a route")
    consul.set_check("orders-1", "critical")
    wait_for(lambda: get(place, "/orders") == 503, "it has a route, and nobody answers")


def test_routes_are_merged_into_those_of_keys(place, consul):
    """The named configuration stands; what services ask for stands beside it."""
    one, two = named(place, "one"), named(place, "two")
    put(consul, two, "orders", tags=["weir.route.prefix=/orders"])
    base = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
        {"match": {"prefix": "/fixed"}, "direct_response": {"status": 418}},
        {"match": {"prefix": "/"}, "route": {"cluster": "origin"}}]}]}
    consul.put_key("weir/routes/front", json.dumps(base))
    start(place, consul, routes="front", clusters=[bs.cluster(one.port)], kv={})
    wait_for(lambda: get(place, "/orders/1") == "two", "a service's route")
    assert get(place, "/fixed") == 418 and get(place, "/") == "one"
    consul.remove("orders-1")
    wait_for(lambda: get(place, "/orders/1") == "one", "as it was")


def test_consul_is_away_and_everything_stays(place, consul):
    one = named(place, "one")
    put(consul, one, "orders", tags=["weir.route.prefix=/orders"])
    start(place, consul, {"creation": "AT_ONCE"}, routes="from_consul")
    wait_for(lambda: get(place, "/orders") == "one", "a route")
    consul.leave()
    wait_for(lambda: number(place, "connected_state") == 0, "that is seen")
    for _ in range(20):
        assert get(place, "/orders") == "one"
    consul.come()
    put(consul, named(place, "two"), "users", tags=["weir.route.prefix=/users"])
    wait_for(lambda: get(place, "/users") == "two", "what is new", 45)


@pytest.mark.parametrize("fields,words", [
    ({"catalog": {"cluster_name": "x"}}, ["cluster_name", "%SERVICE%"]),
    ({"catalog": {"instances": {"service": "web"}}}, ["instances"]),
    ({"catalog": {"cluster": {"name": "x"}}}, ["name"]),
    ({"catalog": {"cluster": {"load_assignment": {"cluster_name": "x"}}}}, ["load_assignment"]),
])
def test_what_makes_no_sense_is_refused(place, consul, fields, words):
    """By the field's name, and its line."""
    config = cs.bootstrap(place, consul.port, [cs.cluster()], **fields)
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    for word in ("weir.yaml:", *words):
        assert word in weir.output(), weir.output()
