"""Scoped routes: which routes a request follows is chosen by its header fields."""

import threading

import pytest

import bootstrap as bs
import control_plane as cp
from control_plane import named
from test_xds_listeners import dumped, follow
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

BY_HOST = {"fragments": [{"header_value_extractor": {"name": "Host", "index": 0}}]}


def scope(name, key, routes=None, **fields):
    found = {"route_configuration_name": routes} if routes else {}
    return {"name": name, "key": {"fragments": [{"string_key": key}]}, **found, **fields}


def scoped_listener(port, kind="ads", name="front", builder=None, scopes=None, **hcm):
    """Its scopes come from the control plane, or are `scopes`."""
    made = cp.listener(port, name=name, **hcm)
    config = made["filter_chains"][0]["filters"][0]["typed_config"]
    del config["rds"]
    config["scoped_routes"] = {"name": "scopes", "scope_key_builder": builder or BY_HOST,
                               "rds_config_source": cp.source(kind)}
    if scopes is None:
        config["scoped_routes"]["scoped_rds"] = {"scoped_rds_config_source": cp.source(kind)}
    else:
        config["scoped_routes"]["scoped_route_configurations_list"] = {
            "scoped_route_configurations": scopes}
    return made


def answers(text):
    """Routes that answer with a text of their own."""
    return {"virtual_hosts": [bs.virtual_host([
        {"match": {"prefix": "/"},
         "direct_response": {"status": 200, "body": {"inline_string": text}}}])]}


def asks(place, host, port=None, **fields):
    """What a request for the host is answered: its body, or another status than 200."""
    try:
        response = place.client(port).ask(host=host, **fields)
    except (ConnectionError, EOFError):
        return None
    return response.body.decode() if response.status == 200 else response.status


def put(plane, port, kind="ads", **more):
    """Two scopes with routes of their own."""
    for number in "12":
        plane.put("routes", {"name": f"routes{number}", **answers(f"of {number}")})
        plane.put("scoped_routes", scope(f"scope{number}", f"host{number}", f"routes{number}"))
    plane.put("listeners", scoped_listener(port, kind, **more))


@cp.EVERY_WAY
def test_each_scope_has_its_routes(place, plane, kind, ads):
    follow(place, plane, kind, ads)
    put(plane, place.port, "ads" if ads else kind)
    wait_for(lambda: asks(place, "host1") == "of 1", "the first scope")
    assert asks(place, "host2") == "of 2"
    assert asks(place, "host3") == 404
    plane.put("scoped_routes", scope("scope3", "host3", "routes1"))
    wait_for(lambda: asks(place, "host3") == "of 1", "a third scope")
    plane.put("scoped_routes", scope("scope2", "other", "routes2"))
    wait_for(lambda: asks(place, "other") == "of 2", "another key")
    assert asks(place, "host2") == 404
    plane.remove("scoped_routes", "scope1")
    wait_for(lambda: asks(place, "host1") == 404, "one scope less")
    assert asks(place, "host3") == "of 1"
    assert not plane.refusals()


def test_all_is_there_when_it_accepts(place, plane):
    """Scopes and their routes: the first request is answered; and two scopes ask once."""
    port = place.port = free_port()
    put(plane, port)
    plane.put("scoped_routes", scope("scope3", "host3", "routes1"))
    follow(place, plane)
    plane.put("listeners", scoped_listener(place.port))
    wait_for(lambda: asks(place, "host1") is not None, "it accepts")
    assert [asks(place, f"host{number}") for number in "123"] == ["of 1", "of 2", "of 1"]
    assert stat(place, "rds.routes1.update_success") == 1


def test_no_request_fails_while_scopes_change(place, plane):
    """A scope comes to name routes that are not known yet: until they are it keeps the former."""
    follow(place, plane)
    put(plane, place.port)
    wait_for(lambda: asks(place, "host1") == "of 1", "the first scope")
    heard, stop = [], threading.Event()

    def ask_on():
        client = place.client()
        while not stop.is_set():
            response = client.ask(host="host1")
            heard.append(response.body.decode() if response.status == 200 else response.status)

    asking = threading.Thread(target=ask_on)
    asking.start()
    for number in range(10):
        reloads = stat(place, "scoped_rds.scopes.config_reload")
        plane.put("scoped_routes", scope("scope1", "host1", f"new{number}"))
        wait_for(lambda reloads=reloads: stat(place, "scoped_rds.scopes.config_reload") > reloads,
                 "it knows of the scope")
        plane.put("routes", {"name": f"new{number}", **answers(f"new {number}")})
        wait_for(lambda number=number: heard[-1:] == [f"new {number}"], "the new routes")
    stop.set()
    asking.join()
    assert set(heard) == {"of 1", *(f"new {number}" for number in range(10))}
    assert not plane.refusals()


def waited(place):
    return place.client(place.admin_port).ask(host="localhost", path="/init_dump").body.decode()


def test_two_scopes_with_one_key(place, plane):
    """The one that was there stays; the refusal names both. When it goes, the other has the key."""
    follow(place, plane)
    put(plane, place.port)
    wait_for(lambda: asks(place, "host1") == "of 1", "the first scope")
    plane.put("scoped_routes", scope("late", "host1", "routes2"))
    wait_for(lambda: any("late: " in line and "scope1" in line for line in plane.refusals()), "why")
    assert asks(place, "host1") == "of 1"
    dump = dumped(place)["ScopedRoutesConfigDump"]["dynamic_scoped_route_configs"]
    assert "scope1" in dump[0]["error_state"]["details"]
    plane.remove("scoped_routes", "scope1")
    wait_for(lambda: asks(place, "host1") == "of 2", "the other one")


def test_keys_may_change_hands_in_one_response(place, plane):
    follow(place, plane, "sotw")
    put(plane, place.port)
    wait_for(lambda: asks(place, "host2") == "of 2", "both scopes")
    plane.stop()
    plane.put("scoped_routes", scope("scope1", "host2", "routes1"))
    plane.put("scoped_routes", scope("scope2", "host1", "routes2"))
    plane.start()
    wait_for(lambda: asks(place, "host1") == "of 2", "the keys have changed hands", 40)
    assert asks(place, "host2") == "of 1"
    assert not plane.refusals()


def test_two_listeners_with_the_same_scopes(place, plane):
    """Whoever comes later is told what is there already."""
    follow(place, plane)
    put(plane, place.port)
    wait_for(lambda: asks(place, "host1") == "of 1", "the first listener")
    late = free_port()
    plane.put("listeners", scoped_listener(late, name="late", stat_prefix="late"))
    wait_for(lambda: asks(place, "host1", late) == "of 1", "the second listener")
    assert asks(place, "host2", late) == "of 2"


@pytest.mark.parametrize("on_demand", [False, True])
def test_what_people_see_of_scopes(place, plane, on_demand):
    follow(place, plane)
    put(plane, place.port)
    plane.put("scoped_routes", {
        "name": "scope3", "key": {"fragments": [{"string_key": "host3"}]}, "on_demand": on_demand,
        "route_configuration": {"name": "inside", **answers("inside")}})
    wait_for(lambda: asks(place, "host3") == "inside", "a scope with routes of its own")
    prefix = "scoped_rds.scopes."
    for name, value in (("all_scopes", 3), ("active_scopes", 3), ("on_demand_scopes", on_demand)):
        assert stat(place, prefix + name) == value
    assert stat(place, prefix + "update_success") > 0 and stat(place, prefix + "config_reload") > 0
    dump = dumped(place)
    shown = dump["ScopedRoutesConfigDump"]["dynamic_scoped_route_configs"]
    assert [one["name"] for one in shown] == ["scopes"]
    assert [one["name"] for one in shown[0]["scoped_route_configs"]] == [
        "scope1", "scope2", "scope3"]
    assert shown[0]["version_info"] and shown[0]["last_updated"]
    routes = dump["RoutesConfigDump"]["dynamic_route_configs"]
    assert [one["route_config"]["name"] for one in routes] == ["routes1", "routes2"]


def test_a_listener_waits_for_the_routes_of_its_scopes(place, plane):
    """It does not accept before, and says what it waits for."""
    follow(place, plane)
    plane.put("scoped_routes", scope("scope1", "host1", "routes1"))
    plane.put("listeners", scoped_listener(place.port))
    wait_for(lambda: "rds routes1" in waited(place), "it waits")
    assert asks(place, "host1") is None
    plane.put("routes", {"name": "routes1", **answers("of 1")})
    wait_for(lambda: asks(place, "host1") == "of 1", "the routes are there")


def test_scopes_in_the_listener(place, plane):
    """Some with routes of their own, some with the control plane's; by an element of a field."""
    one = named(place, "one")
    place.port = free_port()
    builder = {"fragments": [{"header_value_extractor": {
        "name": "x-route", "element_separator": ";", "element": {"separator": "=", "key": "vip"}}}]}
    scopes = [scope("near", "10.0.0.1", route_configuration={"name": "near", **answers("near")}),
              scope("far", "10.0.0.2", "routes")]
    plane.put("routes", cp.routes())
    made = bs.bootstrap([scoped_listener(place.port, builder=builder, scopes=scopes)],
                        [cp.xds_cluster(plane), bs.cluster(one.port, name="back")])
    made.update(cp.dynamic())
    made.update(with_admin(place))
    place.start(made)
    for value, heard in (("vip=10.0.0.1", "near"), ("a;vip=10.0.0.2;b", "one"), ("vip=1", 404)):
        assert asks(place, "any", x_route=value) == heard
    assert asks(place, "any") == 404
    shown = dumped(place)["ScopedRoutesConfigDump"]["inline_scoped_route_configs"]
    assert [one["name"] for one in shown[0]["scoped_route_configs"]] == ["near", "far"]


def refused(place, change, **listener):
    made = scoped_listener(free_port(), **listener)
    change(made["filter_chains"][0]["filters"][0]["typed_config"]["scoped_routes"])
    weir = place.start(bs.bootstrap([made], [bs.cluster(1)]), ready=False)
    assert weir.wait() == 1
    return weir.output()


@pytest.mark.parametrize("change, words", [
    (lambda scoped: scoped["scoped_rds"].update(srds_resources_locator="xdstp://a"),
     "srds_resources_locator: xdstp names are not supported"),
    (lambda scoped: scoped.update(scope_key_builder={}), "scope_key_builder.fragments: expected"),
    (lambda scoped: scoped.pop("scoped_rds"),
     "expected scoped_rds or scoped_route_configurations_list"),
    (lambda scoped: scoped.update(name=""), "scoped_routes.name: expected a name"),
    (lambda scoped: scoped["scoped_rds"].update(scoped_rds_config_source={}),
     "scoped_rds_config_source: expected ads"),
])
def test_what_is_wrong_is_named(place, change, words):
    assert words in refused(place, change)


@pytest.mark.parametrize("scopes, words", [
    ([scope("a", "k", "r"), scope("b", "k", "r")], "scope 'a' has this key, too"),
    ([scope("a", "k", "r"), scope("a", "l", "r")], "a scope named 'a' stands above already"),
    ([scope("a", "k")], "either route_configuration_name or route_configuration"),
    ([{"name": "a", "route_configuration_name": "r"}], "key.fragments"),
    ([], "expected at least one scope"),
])
def test_what_is_wrong_with_scopes_is_named(place, scopes, words):
    assert words in refused(place, lambda scoped: None, scopes=scopes)
