"""Clusters and routes that a control plane sends in whatever order, while requests go on."""

import threading
import time

import pytest

import bootstrap as bs
import control_plane as cp
from control_plane import named, page, says
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

HELD = "rds.routes.update_held"
RETAINED = "cluster_manager.retained_clusters"


def follow(place, plane, kind="sotw", ads=True, **runtime):
    """A proxy that has everything from the control plane, and an answer from `one`."""
    one = named(place, "one")
    place.port = free_port()
    config = bs.bootstrap([], [cp.xds_cluster(plane)], layered_runtime={"layers": [
        {"name": "static", "static_layer": {f"weir.{key}": value for key, value in runtime.items()}}]})
    way = "ads" if ads else kind
    config.update(cp.dynamic(kind, ads, lds_config=cp.source(way)))
    config.update(with_admin(place))
    plane.put("clusters", bs.cluster(one.port, name="first"))
    plane.put("routes", cp.routes("first"))
    plane.put("listeners", cp.listener(place.port, kind=way))
    place.start(config)
    wait_for(lambda: says(place) == "one", "an answer")
    return one


class Asking:
    """Asks on one connection as long as it lasts; `answers` are the bodies and statuses."""

    def __init__(self, place):
        self.place, self.answers, self.on = place, [], True
        self.thread = threading.Thread(target=self._ask)

    def _ask(self):
        with self.place.client() as client:
            while self.on:
                response = client.ask()
                body = response.body.decode() if response.status == 200 else response.status
                self.answers.append(body)
                time.sleep(0.001)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.thread.join()

    def said(self):
        return set(self.answers)


@cp.EVERY_WAY
def test_the_cluster_goes_before_its_routes(place, plane, kind, ads):
    """It serves until the other routes are there, and is gone then."""
    follow(place, plane, kind, ads)
    two = named(place, "two")
    plane.put("clusters", bs.cluster(two.port, name="second"))
    wait_for(lambda: stat(place, "cluster_manager.active_clusters") == 3, "the other cluster")
    with Asking(place) as asking:
        plane.remove("clusters", "first")
        wait_for(lambda: stat(place, RETAINED) == 1, "the removal")
        assert stat(place, "cluster_manager.active_clusters") == 2
        time.sleep(0.5)
        plane.put("routes", cp.routes("second"))
        wait_for(lambda: asking.answers[-1:] == ["two"], "the other routes")
        wait_for(lambda: stat(place, RETAINED) == 0, "nobody names it any more", 5)
    assert asking.said() == {"one", "two"}
    assert not plane.refusals()


def test_a_removed_cluster_that_routes_go_on_to_name_is_gone_in_the_end(place, plane):
    follow(place, plane, removed_cluster_ms=700)
    plane.remove("clusters", "first")
    wait_for(lambda: stat(place, RETAINED) == 1, "the removal")
    assert says(place) == "one"
    shown = place.client(place.admin_port).ask(host="localhost", path="/clusters").body.decode()
    assert "first::" in shown
    dump = page(place, "/config_dump?resource=dynamic_active_clusters")
    assert not dump.get("configs")
    wait_for(lambda: says(place) == 503, "its end")
    assert stat(place, RETAINED) == 0


def test_nothing_is_retained_where_the_runtime_says_so(place, plane):
    follow(place, plane, removed_cluster_ms=0)
    plane.remove("clusters", "first")
    wait_for(lambda: stat(place, "cluster_manager.cluster_removed") == 1, "the removal")
    assert stat(place, RETAINED) == 0
    wait_for(lambda: says(place) == 503, "no cluster")


def test_a_cluster_that_comes_back_takes_over(place, plane):
    """Also where its endpoints let wait for them longer than the one before would have stayed."""
    one = follow(place, plane, removed_cluster_ms=400)
    with Asking(place) as asking:
        plane.remove("clusters", "first")
        wait_for(lambda: stat(place, RETAINED) == 1, "the removal")
        plane.put("clusters", cp.eds_cluster("first"))
        wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 1, "its return")
        time.sleep(1)
        plane.put("endpoints", cp.endpoints("first", one.port))
        wait_for(lambda: stat(place, RETAINED) == 0, "the other version")
        time.sleep(0.5)
    assert asking.said() == {"one"}


@pytest.mark.parametrize("ads", [True, False], ids=["ads", "streams"])
def test_routes_wait_for_the_endpoints_of_a_new_cluster(place, plane, ads):
    """Which come a second later. The answer is accepted meanwhile. (With deltas a server says that
    there are none yet, and that is an answer.)"""
    kind = "sotw"
    follow(place, plane, kind, ads)
    two = named(place, "two")
    with Asking(place) as asking:
        plane.put("clusters", cp.eds_cluster("second", kind="ads" if ads else kind))
        wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 1, "the other cluster")
        plane.put("routes", cp.routes("second"))
        wait_for(lambda: stat(place, HELD) == 1, "the other routes")
        time.sleep(1)
        assert asking.said() == {"one"}
        plane.put("endpoints", cp.endpoints("second", two.port))
        wait_for(lambda: asking.answers[-1:] == ["two"], "the endpoints", 1)
    assert asking.said() == {"one", "two"}
    assert not plane.refusals()


def test_routes_do_not_wait_for_ever(place, plane):
    follow(place, plane)
    plane.put("clusters", cp.eds_cluster("second"))
    wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 1, "the other cluster")
    plane.put("routes", cp.routes("second"))
    wait_for(lambda: stat(place, HELD) == 1, "the other routes")
    assert says(place) == "one"
    began = time.monotonic()
    wait_for(lambda: says(place) == 503, "the routes", 5)
    assert time.monotonic() - began < 3


def test_later_routes_take_the_place_of_those_that_wait(place, plane):
    follow(place, plane)
    two = named(place, "two")
    plane.put("clusters", cp.eds_cluster("second"))
    plane.put("clusters", bs.cluster(two.port, name="third"))
    wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 1, "the other clusters")
    with Asking(place) as asking:
        plane.put("routes", cp.routes("second"))
        wait_for(lambda: stat(place, HELD) == 1, "routes that wait")
        plane.put("routes", cp.routes("third"))
        wait_for(lambda: asking.answers[-1:] == ["two"], "later routes", 1)
        time.sleep(2.2)
    assert asking.said() == {"one", "two"}


def test_a_new_listener_waits_with_its_first_routes(place, plane):
    """And /init_dump says for what."""
    follow(place, plane)
    two = named(place, "two")
    plane.put("clusters", cp.eds_cluster("second"))
    wait_for(lambda: stat(place, "cluster_manager.warming_clusters") == 1, "the other cluster")
    plane.put("routes", cp.routes("second", "others"))
    port = free_port()
    plane.put("listeners", cp.listener(port, name="other", routes="others"))

    def waits():
        targets = page(place, "/init_dump").get("unready_targets_dumps", [])
        return "cluster second of rds others" in str(targets)

    wait_for(waits, "what the listener waits for")
    plane.put("endpoints", cp.endpoints("second", two.port))
    wait_for(lambda: says(place, port) == "two", "the listener", 1)


@cp.EVERY_WAY
def test_routes_that_demand_their_clusters(place, plane, kind, ads):
    """validate_clusters of RDS: who names a cluster that is not announced is refused."""
    follow(place, plane, kind, ads)
    two = named(place, "two")
    demanding = {**cp.routes("second"), "validate_clusters": True}
    plane.put("routes", demanding)
    refusals = wait_for(plane.refusals, "a refusal")
    assert "unknown cluster 'second'" in refusals[0]
    assert says(place) == "one"
    plane.put("clusters", bs.cluster(two.port, name="second"))
    wait_for(lambda: stat(place, "cluster_manager.active_clusters") == 3, "the cluster")

    def accepted():
        return sum(line.startswith("route configuration: ACK") for line in plane.said())

    before = accepted()
    plane.put("routes", cp.routes("first", ignore_port_in_host_matching=True))
    wait_for(lambda: accepted() > before, "good routes")
    plane.put("routes", demanding)
    wait_for(lambda: says(place) == "two", "the routes")
