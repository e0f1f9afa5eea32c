"""Clusters and endpoints from a control plane, while requests go on."""

import json

import bootstrap as bs
import control_plane as cp
from control_plane import named, says
from raw_client import fetch
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for


def follow(place, plane, kind="sotw", ads=True, **fields):
    """A proxy whose one route goes to the control plane's cluster `back`."""
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))],
                          [cp.xds_cluster(plane)])
    config.update(cp.dynamic(kind, ads, **fields))
    config.update(cp.AT_ONCE)
    config.update(with_admin(place))
    return place.start(config)


@cp.EVERY_WAY
def test_endpoints_come_move_and_go(place, plane, kind, ads):
    one, two = named(place, "one"), named(place, "two")
    plane.put("clusters", cp.eds_cluster(kind="ads" if ads else kind))
    plane.put("endpoints", cp.endpoints("back", one.port))
    follow(place, plane, kind, ads)
    wait_for(lambda: says(place) == "one", "the first endpoint")
    plane.put("endpoints", cp.endpoints("back", two.port))
    wait_for(lambda: says(place) == "two", "the second endpoint")
    plane.put("endpoints", {"cluster_name": "back"})
    wait_for(lambda: says(place) == 503, "no endpoint")
    plane.put("endpoints", cp.endpoints("back", one.port))
    wait_for(lambda: says(place) == "one", "the first endpoint again")
    assert not plane.refusals()


@cp.EVERY_WAY
def test_clusters_come_change_and_go(place, plane, kind, ads):
    one, two = named(place, "one"), named(place, "two")
    follow(place, plane, kind, ads)
    assert says(place) == 503
    plane.put("clusters", bs.cluster(one.port, name="back"))
    wait_for(lambda: says(place) == "one", "a cluster")
    plane.put("clusters", bs.cluster(two.port, name="back"))
    wait_for(lambda: says(place) == "two", "another version of it")
    plane.remove("clusters", "back")
    wait_for(lambda: says(place) == 503, "no cluster")
    assert not plane.refusals()


def test_one_bad_cluster_of_many(place, plane):
    """The good ones are used, the control plane is told which one is not, and why."""
    one = named(place, "one")
    for i in range(50):
        plane.put("clusters", bs.cluster(one.port, name=f"other-{i}"))
    plane.put("clusters", bs.cluster(one.port, name="bad", lb_policy="MAGLEV"))
    plane.put("clusters", bs.cluster(one.port, name="back"))
    weir = follow(place, plane)
    wait_for(lambda: says(place) == "one", "a good cluster")
    refusals = wait_for(plane.refusals, "a refusal")
    assert "bad: " in refusals[0] and "lb_policy" in refusals[0]
    assert "other" not in refusals[0]
    assert "'bad' is refused" in weir.output()
    plane.put("clusters", bs.cluster(one.port, name="bad"))
    wait_for(lambda: "ACK" in plane.said()[-1] and "NACK" not in plane.said()[-1], "it is mended")


def test_a_bad_version_changes_nothing(place, plane):
    one = named(place, "one")
    plane.put("clusters", cp.eds_cluster())
    plane.put("endpoints", cp.endpoints("back", one.port))
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "an endpoint")
    plane.put("clusters", cp.eds_cluster(lb_policy="MAGLEV"))
    wait_for(lambda: len(plane.refusals()) == 1, "a refusal")
    bad = cp.endpoints("back", one.port)
    bad["endpoints"][0]["priority"] = 129
    plane.put("endpoints", bad)
    wait_for(lambda: any("priority" in line for line in plane.refusals()), "another refusal")
    assert says(place) == "one"


def test_the_client_status_tells_what_became_of_each(place, plane):
    """CSDS by its mapping to HTTP."""
    one = named(place, "one")
    plane.put("clusters", bs.cluster(one.port, name="back"))
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "a good cluster")
    plane.put("clusters", bs.cluster(one.port, name="bad", lb_policy="MAGLEV"))
    wait_for(plane.refusals, "a refusal")

    def ask(**wanted):
        answer = fetch(place.admin_port, "POST", "/v3/discovery:client_status", host="localhost",
                       body=json.dumps(wanted).encode())
        return json.loads(answer.body)

    said = ask()["config"][0]["generic_xds_configs"]
    clusters = {entry["name"]: entry for entry in said if entry["type_url"].endswith(".Cluster")}
    assert clusters["back"]["client_status"] == "ACKED"
    assert clusters["back"]["xds_config"]["name"] == "back"
    assert clusters["bad"]["client_status"] == "NACKED"
    assert "lb_policy" in clusters["bad"]["error_state"]["details"]
    assert ask(node_matchers=[{"node_id": {"exact": "another"}}]) == {}


@cp.EVERY_WAY
def test_the_control_plane_goes_and_comes_back(place, plane, kind, ads):
    """What was accepted serves on; afterwards the two agree again."""
    one, two = named(place, "one"), named(place, "two")
    plane.put("clusters", cp.eds_cluster(kind="ads" if ads else kind))
    plane.put("endpoints", cp.endpoints("back", one.port))
    follow(place, plane, kind, ads)
    wait_for(lambda: says(place) == "one", "an endpoint")
    plane.stop()
    for _ in range(20):
        assert says(place) == "one"
    plane.put("endpoints", cp.endpoints("back", two.port))
    plane.start()
    wait_for(lambda: says(place) == "two", "what was changed meanwhile", 40)
    assert not plane.refusals()


def test_a_changed_cluster_has_its_endpoints_at_once(place, plane):
    """Only the cluster changed: the server has no reason to send its endpoints again."""
    one = named(place, "one")
    plane.put("clusters", cp.eds_cluster())
    plane.put("endpoints", cp.endpoints("back", one.port))
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "an endpoint")
    for timeout in range(2, 12):
        plane.put("clusters", cp.eds_cluster(connect_timeout=f"{timeout}s"))
        wait_for(lambda: stat(place, "cluster_manager.cluster_modified") == timeout - 1, "a change")
        assert says(place) == "one"


def test_a_cluster_without_endpoints_holds_nothing_up(place, plane):
    """An empty assignment is an answer; one that never comes costs its own time alone."""
    one = named(place, "one")
    plane.put("clusters", cp.eds_cluster())
    plane.put("endpoints", cp.endpoints("back", one.port))
    plane.put("clusters", cp.eds_cluster("empty"))
    plane.put("endpoints", {"cluster_name": "empty"})
    late = cp.eds_cluster("late")
    late["eds_cluster_config"]["eds_config"]["initial_fetch_timeout"] = "1s"
    plane.put("clusters", late)
    follow(place, plane)
    wait_for(lambda: says(place) == "one", "an endpoint")
    assert stat(place, "cluster.late.init_fetch_timeout") == 1
    dump = place.client(place.admin_port).ask(host="localhost", path="/clusters").body.decode()
    assert "back::" in dump and "empty::" in dump


def test_a_control_plane_that_nobody_can_reach_is_refused(place, plane):
    """Its cluster must be the bootstrap's own; and who asks must have a name."""
    config = bs.bootstrap([], [])
    config.update(cp.dynamic("sotw"))
    config["node"] = {}
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    for part in ("'xds_cluster', which static_resources.clusters does not have", "node.id",
                 "--service-node", "node.cluster"):
        assert part in weir.output()


def test_the_members_are_those_of_the_version_in_force(place, plane):
    """And the page of clusters says who gave it, and what EDS calls it."""
    one = named(place, "one")
    members = "cluster.back.membership_total"
    plane.put("clusters", cp.eds_cluster(eds_cluster_config={
        "eds_config": cp.source("ads"), "service_name": "other"}))
    plane.put("endpoints", cp.endpoints("other", one.port, free_port()))
    follow(place, plane)
    wait_for(lambda: stat(place, members) == 2, "endpoints of EDS")
    page = place.client(place.admin_port).ask(host="localhost", path="/clusters").body.decode()
    assert "back::added_via_api::true\nback::eds_service_name::other\n" in page
    assert "xds_cluster::added_via_api::false\nxds_cluster::127" in page
    plane.put("clusters", bs.cluster(one.port, name="back"))
    wait_for(lambda: says(place) == "one" and stat(place, members) == 1, "a static endpoint")
    plane.put("clusters", cp.eds_cluster())
    plane.put("endpoints", cp.endpoints("back", one.port, one.port))
    wait_for(lambda: stat(place, members) == 2, "endpoints of EDS again")
    plane.remove("clusters", "back")
    wait_for(lambda: stat(place, members) == 0, "no cluster")
