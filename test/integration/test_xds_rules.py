"""Rules of xDS that no unit test can show; and that each test which xds_rules.md names exists."""

import itertools
import pathlib
import re
import socket
import threading

import pytest

import bootstrap as bs
import control_plane as cp
from control_plane import named, says
from test_xds_listeners import follow, put_all
from tls_tools import stat
from weir_process import ROOT, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "xds_rules.md"
UNIT = re.compile(r"`([A-Z]\w+)\.([A-Z]\w+)`")
OURS = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
SUITE = re.compile(r"`xds_faults: ([^`]+)`")
ROW = re.compile(r"^\| ([A-Z]\d+[^|]*) \|.*\|(.*)\|$", re.MULTILINE)


def units():
    """All unit tests, as (suite, name)."""
    found = set()
    for path in ROOT.glob("source/**/*_test.cc"):
        found |= set(re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", path.read_text(), re.MULTILINE))
    return found


def missing(table):
    """The tests that a table names and nobody has written."""
    known = units()
    for suite, name in UNIT.findall(table):
        if (suite, name) not in known:
            yield f"{suite}.{name}"
    for file, name in OURS.findall(table):
        path = HERE / file
        if not path.is_file() or not re.search(rf"^def {name}\(", path.read_text(), re.MULTILINE):
            yield f"{file}::{name}"
    cases = "".join(path.read_text() for path in (HERE / "xds_faults").glob("faults_of_*.py"))
    for name in SUITE.findall(table):
        if f'@case("{name}"' not in cases and f'@case(f"{name}' not in cases:
            yield f"xds_faults: {name}"


def test_each_rule_has_a_test_and_each_test_exists():
    table = TABLE.read_text()
    assert not list(missing(table))
    rows = ROW.findall(table)
    assert len(rows) >= 80, len(rows)
    unproved = [rule for rule, tests in rows
                if not (UNIT.search(tests) or OURS.search(tests) or SUITE.search(tests))]
    assert not unproved


def test_a_test_that_nobody_has_written_is_missed():
    table = "| A1 | x | `Sotw.Nothing`, `test_xds_rules.py::test_none`, `xds_faults: none` |"
    assert list(missing(table)) == ["Sotw.Nothing", "test_xds_rules.py::test_none",
                                    "xds_faults: none"]


def test_what_the_bootstrap_has_is_never_touched(place, plane):
    """A control plane neither changes it by name, nor removes it by silence; that is no mistake."""
    one, two = named(place, "one"), named(place, "two")
    port = free_port()
    fixed = bs.listener(port, bs.hcm(routes=[bs.route("own")]), name="fixed")
    resources = {"listeners": [fixed], "clusters": [
        cp.xds_cluster(plane), bs.cluster(one.port, name="own")]}
    plane.put("clusters", bs.cluster(two.port, name="own"))
    plane.put("clusters", bs.cluster(two.port, name="back"))
    plane.put("listeners", bs.listener(free_port(), name="fixed"))
    follow(place, plane, static_resources=resources)
    wait_for(lambda: stat(place, "cluster_manager.cluster_added") == 1, "a cluster")
    assert says(place, port) == "one"
    plane.remove("clusters", "own")
    plane.remove("clusters", "back")
    plane.remove("listeners", "fixed")
    wait_for(lambda: stat(place, "cluster_manager.cluster_removed") == 1, "it is gone")
    assert says(place, port) == "one"
    assert not plane.refusals()


def test_a_version_that_still_warms_is_replaced(place, plane):
    """It would have waited for endpoints for 15 s; the next version has its own."""
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "it serves")
    for version in ("late", "later"):
        plane.put("clusters", cp.eds_cluster(
            eds_cluster_config={"eds_config": cp.source("ads"), "service_name": version}))
        wait_for(lambda v=version: v in str(cp.page(
            place, "/config_dump?resource=dynamic_warming_clusters")), "it warms")
        assert says(place) == "one", "the former serves"
    plane.put("clusters", bs.cluster(one.port, name="back"))
    wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 0, "nothing warms")
    assert says(place) == "one"
    assert not plane.refusals()


def test_routes_may_name_a_cluster_that_is_not_there_yet(place, plane):
    """They are used, and 503 is answered until it is."""
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "it serves")
    plane.put("routes", cp.routes("nowhere"))
    wait_for(lambda: says(place) == 503, "no cluster")
    plane.put("clusters", bs.cluster(one.port, name="nowhere"))
    wait_for(lambda: says(place) == "one", "its cluster")
    assert not plane.refusals()


@pytest.mark.parametrize("kind", ["sotw", "delta"])
def test_an_endpoint_is_an_address(place, plane, kind):
    """EDS names no hosts to be resolved: it is refused, in words that say so."""
    one = named(place, "one")
    follow(place, plane, kind)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "it serves")
    bad = cp.endpoints("back", one.port)
    where = bad["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    where["address"] = "host.test"
    plane.put("endpoints", bad)
    refusal = wait_for(plane.refusals, "a refusal")[0]
    assert "back: " in refusal and "host.test" in refusal
    assert says(place) == "one"


def test_endpoints_of_another_name_are_asked_for_beside_the_old(place, plane):
    """The old ones serve, and change, until the new ones are there."""
    one, two, three = (named(place, name) for name in ("one", "two", "three"))
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "it serves")
    plane.put("clusters", cp.eds_cluster(
        eds_cluster_config={"eds_config": cp.source("ads"), "service_name": "other"}))
    wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 1, "it warms")
    assert says(place) == "one"
    plane.put("endpoints", cp.endpoints("back", three.port))
    wait_for(lambda: says(place) == "three", "the old ones change")
    plane.put("endpoints", cp.endpoints("other", two.port))
    wait_for(lambda: says(place) == "two", "the new ones")
    plane.put("endpoints", cp.endpoints("back", one.port))
    plane.put("endpoints", cp.endpoints("other", one.port, two.port))
    wait_for(lambda: stat(place, "cluster.back.membership_total") == 2, "the new ones change")
    assert not plane.refusals()


@pytest.mark.parametrize("kind", ["sotw", "delta"])
def test_clusters_that_never_stop_changing_keep_no_endpoints_waiting(place, plane, kind):
    """A cluster among the pushes gets its endpoints, and none of its versions is lost."""
    one = named(place, "one")
    follow(place, plane, kind)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "it serves")
    over = threading.Event()

    def push():
        for number in itertools.count(1):
            if over.wait(0.01):
                return
            plane.put("clusters", bs.cluster(one.port, name="noise",
                                             connect_timeout=f"{1 + number % 50}.{number % 7}s"))

    pushing = threading.Thread(target=push)
    pushing.start()
    try:
        wait_for(lambda: stat(place, "cluster_manager.cluster_modified") > 5, "pushes")
        two = named(place, "two")
        plane.put("endpoints", cp.endpoints("late", two.port))
        plane.put("clusters", cp.eds_cluster("late"))
        plane.put("routes", cp.routes("late"))
        seen = stat(place, "cluster_manager.cluster_modified")
        wait_for(lambda: says(place) == "two", "the endpoints of a cluster among the pushes")
        wait_for(lambda: stat(place, "cluster_manager.cluster_modified") > seen + 5, "pushes go on")
    finally:
        over.set()
        pushing.join()
    plane.put("clusters", bs.cluster(one.port, name="noise", connect_timeout="99s"))
    wait_for(lambda: "'connect_timeout': '99s'" in str(cp.page(place, "/config_dump")),
             "the last version")
    assert not plane.refusals()


def test_a_port_that_another_process_has_is_refused_with_why(place, plane):
    """And its next version, when the port is free, opens."""
    one = named(place, "one")
    follow(place, plane)
    plane.put("clusters", bs.cluster(one.port, name="back"))
    front = bs.listener(place.port, bs.hcm([bs.route("back")]), name="front")
    with socket.create_server(("127.0.0.1", place.port)):
        plane.put("listeners", front)
        refusal = wait_for(plane.refusals, "a refusal")[0]
        assert "front: " in refusal and "another process listens there" in refusal
    plane.put("listeners", {**front, "per_connection_buffer_limit_bytes": 65536})
    wait_for(lambda: says(place) == "one", "a listener")


def test_it_is_refused_before_the_routes_are_there(place, plane):
    """Later there would be no answer in which to say so."""
    follow(place, plane)
    with socket.create_server(("127.0.0.1", place.port)):
        plane.put("listeners", cp.listener(place.port))
        refusal = wait_for(plane.refusals, "a refusal")[0]
        assert "front: " in refusal and "another process listens there" in refusal
