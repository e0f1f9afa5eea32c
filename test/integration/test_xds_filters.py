"""Filters' configurations from a control plane (ECDS), while requests go on."""

import pytest

import bootstrap as bs
import control_plane as cp
from control_plane import named, says
from test_xds_scopes import asks, put, scope, scoped_listener
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

FAULT = cp.V3 + "extensions.filters.http.fault.v3.HTTPFault"
CORS = cp.V3 + "extensions.filters.http.cors.v3.Cors"
SCOPE = "extension_config_discovery.http_filter.chaos."


def abort(status, **fields):
    return {"@type": FAULT, "abort": {"http_status": status, "percentage": {"numerator": 100}},
            **fields}


def chaos(status, **fields):
    return {"name": "chaos", "typed_config": abort(status, **fields)}


def discovered(kind="sotw", ads=False, timeout=None, **fields):
    source = cp.source("ads" if ads else kind)
    if timeout:
        source["initial_fetch_timeout"] = timeout
    return {"name": "chaos", "config_discovery": {
        "config_source": source, "type_urls": [FAULT], **fields}}


def serve(place, plane, http_filter, ready=True, kind="sotw", ads=False, rds=False):
    place.port = free_port()
    one = named(place, "one")
    manager = bs.hcm(routes=[bs.route("one")], filters=[http_filter],
                     access_log=[bs.file_log(place.log.path, "%RESPONSE_CODE% "
                                             "%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%")])
    if rds:
        config = manager["typed_config"]
        del config["route_config"]
        config["rds"] = {"route_config_name": "routes", "config_source": cp.source(kind)}
    made = bs.bootstrap([bs.listener(place.port, manager)],
                        [bs.cluster(one.port, name="one"), cp.xds_cluster(plane)],
                        node={"id": "test-id", "cluster": "test-cluster"})
    if ads:
        made["dynamic_resources"] = {"ads_config": cp.service(kind)}
    made.update(with_admin(place))
    return place.start(made, ready=ready)


@cp.EVERY_WAY
def test_a_filter_comes_and_changes(place, plane, kind, ads):
    serve(place, plane, discovered(kind, ads), kind=kind, ads=ads)
    plane.put("extensions", chaos(418))
    wait_for(lambda: says(place) == 418, "the first configuration")
    plane.put("extensions", chaos(429))
    wait_for(lambda: says(place) == 429, "another one")
    plane.put("extensions", {"name": "chaos", "typed_config": {"@type": FAULT}})
    wait_for(lambda: says(place) == "one", "one that does nothing")
    assert stat(place, SCOPE + "config_reload") == 3
    assert stat(place, SCOPE + "update_success") >= 3
    assert not plane.refusals()


def test_the_listener_waits_for_its_filter(place, plane):
    weir = serve(place, plane, discovered())
    waiting = wait_for(lambda: cp.page(place, "/init_dump")["unready_targets_dumps"],
                       "what is waited for")
    assert waiting[0]["target_names"] == ["ecds chaos"]
    assert "starting workers" not in weir.output()
    plane.put("extensions", chaos(418))
    wait_for(lambda: "starting workers" in weir.output(), "the start")
    assert says(place) == 418


def test_what_cannot_be_used_is_refused(place, plane):
    plane.put("extensions", chaos(418))
    serve(place, plane, discovered())
    wait_for(lambda: says(place) == 418, "the first configuration")
    plane.put("extensions", {"name": "chaos", "typed_config": {"@type": CORS}})
    refusals = wait_for(plane.refusals, "a refusal of another type")
    assert "chaos: " in refusals[0] and "type_urls" in refusals[0]
    plane.put("extensions", chaos(99))
    wait_for(lambda: any("abort.http_status" in line for line in plane.refusals()), "another one")
    assert says(place) == 418
    assert stat(place, SCOPE + "config_fail") >= 2
    dump = cp.page(place, "/config_dump?resource=ecds_filters")["configs"][0]
    assert dump["ecds_filter"]["typed_config"]["abort"]["http_status"] == 418
    assert "abort.http_status" in dump["error_state"]["details"]
    plane.put("extensions", chaos(429))
    wait_for(lambda: says(place) == 429, "it is mended")


def test_without_an_answer_nobody_passes(place, plane):
    serve(place, plane, discovered(timeout="0.1s"))
    wait_for(lambda: says(place) == 500, "no configuration")
    assert "500 filter_config_missing{chaos} NFCF" in place.log.line()
    assert stat(place, SCOPE + "init_fetch_timeout") == 1
    plane.put("extensions", chaos(418))
    wait_for(lambda: says(place) == 418, "it comes late")


@pytest.mark.parametrize("how", [{"timeout": "0.1s"},
                                 {"apply_default_config_without_warming": True}])
def test_a_default_holds_until_there_is_an_answer(place, plane, how):
    weir = serve(place, plane, discovered(default_config=abort(429), **how))
    wait_for(lambda: "starting workers" in weir.output(), "the start")
    assert says(place) == 429
    plane.put("extensions", chaos(418))
    wait_for(lambda: says(place) == 418, "the answer")


def test_routes_and_filters_come_from_different_sides(place, plane):
    """Each change leaves the other's as it is, also a route's own configuration of the filter."""
    plane.put("extensions", chaos(418))
    plane.put("routes", cp.routes("one"))
    serve(place, plane, discovered(), rds=True)
    wait_for(lambda: says(place) == 418, "both")
    own = cp.routes("one")
    own["virtual_hosts"][0]["typed_per_filter_config"] = {"chaos": abort(451)}
    plane.put("routes", own)
    wait_for(lambda: says(place) == 451, "the route's own")
    plane.put("extensions", chaos(429))
    wait_for(lambda: stat(place, SCOPE + "config_reload") == 2, "another filter")
    assert says(place) == 451
    plane.put("routes", cp.routes("one"))
    wait_for(lambda: says(place) == 429, "the filter's own")
    assert not plane.refusals()


@pytest.mark.parametrize("fields,wrong", [
    ({"type_urls": []}, "type_urls: expected the types"),
    ({"type_urls": ["a/no.Such"]}, "type_urls[0]: no filter is configured by 'a/no.Such'"),
    ({"apply_default_config_without_warming": True},
     "apply_default_config_without_warming: needs a default_config"),
    ({"default_config": {"@type": CORS}}, "default_config: "),
    ({"config_source": {"ads": {}}}, "the bootstrap has no dynamic_resources.ads_config"),
])
def test_a_discovery_that_cannot_be_is_refused(place, plane, fields, wrong):
    weir = serve(place, plane, discovered(**fields) if "config_source" not in fields else
                 {"name": "chaos", "config_discovery": {"type_urls": [FAULT], **fields}},
                 ready=False)
    assert weir.wait() == 1
    assert wrong in weir.output()


def test_the_filter_of_every_scope(place, plane):
    """Scopes have their own routes and the same filters, whichever comes or changes first."""
    place.port = free_port()
    front = scoped_listener(place.port)
    filters = front["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
    filters.insert(0, discovered(ads=True))
    put(plane, place.port)
    plane.put("listeners", front)
    plane.put("extensions", chaos(418))
    made = bs.bootstrap([], [cp.xds_cluster(plane)])
    made.update(cp.dynamic(lds_config=cp.source("ads")))
    made.update(with_admin(place))
    place.start(made).await_ready("starting workers")
    assert asks(place, "host1") == asks(place, "host2") == 418
    plane.put("extensions", {"name": "chaos", "typed_config": {"@type": FAULT}})
    wait_for(lambda: asks(place, "host1") == "of 1", "one that does nothing")
    assert (asks(place, "host2"), asks(place, "host3")) == ("of 2", 404)
    plane.put("extensions", chaos(429))
    wait_for(lambda: asks(place, "host2") == 429, "another one")
    plane.put("scoped_routes", scope("scope3", "host3", "routes1"))
    wait_for(lambda: asks(place, "host3") == 429, "a scope that comes later")
