"""Virtual hosts that a control plane adds to a route configuration (VHDS)."""

import threading

import pytest

import bootstrap as bs
import control_plane as cp
from test_xds_listeners import dumped, follow
from test_xds_scopes import answers, asks, scope, scoped_listener, waited
from tls_tools import stat
from weir_process import free_port, wait_for

BY_DELTA = pytest.mark.parametrize("ads", [True, False], ids=["delta ads", "delta streams"])


def host(name, text, *domains, of="routes"):
    """One that is added to the route configuration `of`."""
    made = answers(text)["virtual_hosts"][0]
    return {**made, "name": f"{of}/{name}", "domains": list(domains) or [name]}


def routes(ads=True, name="routes", own=(), **source):
    """A route configuration with `own` hosts that asks for more."""
    return {"name": name, "virtual_hosts": [
        {**answers(text)["virtual_hosts"][0], "name": text, "domains": [text]} for text in own],
            "vhds": {"config_source": {**cp.source("ads" if ads else "delta"), **source}}}


def serve(place, plane, ads=True, hosts=("one", "two"), **fields):
    """A listener whose route configuration has no host of its own but `fields`' own."""
    kind = "ads" if ads else "delta"
    follow(place, plane, "delta", ads)
    for name in hosts:
        plane.put("virtual_hosts", host(name, f"of {name}"))
    plane.put("routes", routes(ads, **fields))
    plane.put("listeners", cp.listener(place.port, kind=kind))


@BY_DELTA
def test_hosts_come_change_and_go(place, plane, ads):
    serve(place, plane, ads)
    wait_for(lambda: asks(place, "one") is not None, "it accepts")
    assert [asks(place, name) for name in ("one", "two", "three")] == ["of one", "of two", 404]
    plane.put("virtual_hosts", host("three", "of three"))
    wait_for(lambda: asks(place, "three") == "of three", "one more")
    plane.put("virtual_hosts", host("two", "another", "two", "four"))
    wait_for(lambda: asks(place, "four") == "another", "a change")
    assert asks(place, "two") == "another"
    plane.remove("virtual_hosts", "routes/one")
    wait_for(lambda: asks(place, "one") == 404, "one less")
    assert asks(place, "three") == "of three"
    assert not plane.refusals()


@BY_DELTA
def test_each_route_configuration_has_its_own(place, plane, ads):
    """One that is named later gets what has come before it was."""
    serve(place, plane, ads)
    plane.put("virtual_hosts", host("one", "of others", of="others"))
    wait_for(lambda: asks(place, "one") == "of one", "the first")
    late = free_port()
    plane.put("routes", routes(ads, "others"))
    plane.put("listeners", cp.listener(late, "late", "others", "ads" if ads else "delta"))
    wait_for(lambda: asks(place, "one", late) == "of others", "the second")
    assert asks(place, "two", late) == 404
    assert asks(place, "one") == "of one"


def test_no_request_fails_while_the_rest_changes(place, plane):
    """Hosts that were added stay when RDS changes what they are added to."""
    serve(place, plane)
    wait_for(lambda: asks(place, "one") == "of one", "the first host")
    heard, stop = [], threading.Event()

    def ask_on():
        client = place.client()
        while not stop.is_set():
            response = client.ask(host="one")
            heard.append(response.body.decode() if response.status == 200 else response.status)

    asking = threading.Thread(target=ask_on)
    asking.start()
    for number in range(5):
        plane.put("routes", routes(own=[f"own{number}"]))
        wait_for(lambda number=number: asks(place, f"own{number}") == f"own{number}", "a change")
        plane.put("virtual_hosts", host("two", f"two {number}"))
        wait_for(lambda number=number: asks(place, "two") == f"two {number}", "a host's change")
    stop.set()
    asking.join()
    assert set(heard) == {"of one"} and len(heard) > 10
    assert not plane.refusals()


def test_a_host_that_clashes_is_refused_by_name(place, plane):
    """With the own ones, or with others that were added; the good ones are used."""
    serve(place, plane, own=["own"])
    wait_for(lambda: asks(place, "own") == "own", "it serves")
    plane.put("virtual_hosts", host("bad", "bad", "own"))
    plane.put("virtual_hosts", host("good", "good"))
    wait_for(lambda: asks(place, "good") == "good", "the good one")
    refusal = wait_for(plane.refusals, "a refusal")[0]
    assert "routes/bad: " in refusal and "'own'" in refusal
    assert asks(place, "own") == "own"
    plane.put("virtual_hosts", host("bad", "better", "better"))
    wait_for(lambda: asks(place, "better") == "better", "it is mended")


def test_a_domain_may_pass_from_one_to_another(place, plane):
    serve(place, plane)
    wait_for(lambda: asks(place, "two") == "of two", "it serves")
    plane.stop()
    plane.put("virtual_hosts", host("one", "of one", "two"))
    plane.put("virtual_hosts", host("two", "of two", "one"))
    plane.start()
    wait_for(lambda: asks(place, "one") == "of two", "the domains have changed hands", 40)
    assert asks(place, "two") == "of one"
    assert not plane.refusals()


def test_it_waits_for_the_hosts_and_not_for_ever(place, plane):
    """Its own serve then."""
    serve(place, plane)
    wait_for(lambda: asks(place, "one") == "of one", "the first listener")
    late = free_port()
    plane.put("routes", routes(name="none", own=["own"], initial_fetch_timeout="2s"))
    plane.put("listeners", cp.listener(late, "late", "none"))
    wait_for(lambda: "vhds none" in waited(place), "it waits")
    assert asks(place, "own", late) is None
    wait_for(lambda: asks(place, "own", late) == "own", "it has waited")
    plane.put("virtual_hosts", host("late", "late", of="none"))
    wait_for(lambda: asks(place, "late", late) == "late", "it is not too late")


def test_what_people_see_of_added_hosts(place, plane):
    serve(place, plane, own=["own"])
    wait_for(lambda: asks(place, "one") == "of one", "it serves")
    assert stat(place, "vhds.routes.update_success") > 0
    assert stat(place, "vhds.routes.config_reload") > 0
    shown = dumped(place)["RoutesConfigDump"]["dynamic_route_configs"]
    assert [each["name"] for each in shown[0]["route_config"]["virtual_hosts"]] == [
        "own", "routes/one", "routes/two"]


def test_the_routes_of_a_scope_may_have_hosts_added(place, plane):
    follow(place, plane, "delta")
    plane.put("virtual_hosts", host("one", "of one"))
    plane.put("routes", routes())
    plane.put("scoped_routes", scope("scope", "one", "routes"))
    plane.put("listeners", scoped_listener(place.port))
    wait_for(lambda: asks(place, "one") is not None, "it accepts")
    assert asks(place, "one") == "of one"


@pytest.mark.parametrize("ads", [True, False])
def test_the_state_of_the_world_has_no_hosts(place, plane, ads):
    """As the protocol has it: the route configuration is refused, with the reason."""
    follow(place, plane, "sotw", ads)
    plane.put("routes", {"name": "routes", "vhds": {
        "config_source": cp.source("ads" if ads else "sotw")}})
    plane.put("listeners", cp.listener(place.port, kind="ads" if ads else "sotw"))
    refusal = wait_for(plane.refusals, "a refusal")[0]
    assert "vhds.config_source: virtual hosts come as deltas only" in refusal


def test_routes_in_the_listener_have_no_hosts_added(place):
    manager = bs.hcm()
    config = manager["typed_config"]["route_config"]
    config["vhds"] = {"config_source": cp.source("delta")}
    place.port = free_port()
    made = bs.bootstrap([bs.listener(place.port, manager)], [bs.cluster(1)])
    weir = place.start(made, ready=False)
    assert weir.wait() == 1
    assert "route_config.vhds: only a route configuration from RDS" in weir.output()
