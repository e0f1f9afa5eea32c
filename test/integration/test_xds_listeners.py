"""Listeners and routes from a control plane, while requests go on."""

import json
import signal
import threading

import bootstrap as bs
import control_plane as cp
from control_plane import named, says
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for


def follow(place, plane, kind="sotw", ads=True, arguments=(), **config):
    """A proxy that has everything from the control plane."""
    place.port = free_port()
    made = bs.bootstrap([], [cp.xds_cluster(plane)])
    made.update(cp.dynamic(kind, ads, lds_config=cp.source("ads" if ads else kind)))
    made.update(with_admin(place))
    made.update(config)
    return place.start(made, arguments=arguments)


def put_all(place, plane, origin, kind="ads", **listener):
    plane.put("clusters", cp.eds_cluster(kind=kind))
    plane.put("endpoints", cp.endpoints("back", origin.port))
    plane.put("routes", cp.routes())
    plane.put("listeners", cp.listener(place.port, kind=kind, **listener))


@cp.EVERY_WAY
def test_everything_from_a_control_plane(place, plane, kind, ads):
    one, two = named(place, "one"), named(place, "two")
    follow(place, plane, kind, ads)
    put_all(place, plane, one, "ads" if ads else kind)
    wait_for(lambda: says(place) == "one", "the first answer")
    plane.put("clusters", bs.cluster(two.port, name="other"))
    plane.put("routes", cp.routes("other"))
    wait_for(lambda: says(place) == "two", "other routes")
    plane.remove("listeners", "front")
    wait_for(lambda: says(place) is None, "no listener")
    assert not plane.refusals()


def test_it_starts_with_what_is_there(place, plane):
    """Everything is there before it accepts: the first request is answered."""
    one = named(place, "one")
    port = place.port = free_port()
    put_all(place, plane, one)
    follow(place, plane).await_ready("starting workers")
    assert says(place, port) == "one"


def test_the_next_request_sees_other_routes(place, plane):
    """On the same connection; the one that is under way ends as it began."""
    origin, two = place.origin(), named(place, "two")
    follow(place, plane)
    put_all(place, plane, origin)
    wait_for(lambda: stat(place, "listener_manager.total_listeners_active") == 1, "a listener")
    client = place.client()
    client.send(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    wire = origin.accept()
    wire.request()
    plane.put("clusters", bs.cluster(two.port, name="other"))
    before = stat(place, "rds.routes.update_success")
    plane.put("routes", cp.routes("other"))
    wait_for(lambda: stat(place, "rds.routes.update_success") > before, "other routes")
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none")
    assert client.response().body == b"one"
    assert client.ask().body == b"two"


def test_another_name_takes_over_the_address(place, plane):
    """Routes are known and the address passes on: no client is refused, nothing is asked again."""
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "a listener")
    answers, stop = [], threading.Event()

    def ask_on():
        while not stop.is_set():
            answers.append(says(place))

    asking = threading.Thread(target=ask_on)
    asking.start()
    for name, former in (("second", "front"), ("third", "second")):
        plane.put("listeners", cp.listener(place.port, name=name))
        plane.remove("listeners", former)
        wait_for(lambda name=name: listeners(place) == [name], "the other listener")
    stop.set()
    asking.join()
    assert set(answers) == {"one"} and len(answers) > 10


def listeners(place):
    page = place.client(place.admin_port).ask(host="localhost", path="/listeners").body.decode()
    return [line.partition("::")[0] for line in page.splitlines()]


def test_connections_of_a_chain_that_stays(place, plane):
    """Another chain of the listener changes again and again; what it serves is not cut."""
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "a listener")
    client = place.client()
    assert client.ask().body == b"one"
    for round_ in range(5):
        changed = cp.listener(place.port)
        other = bs.listener(1, bs.hcm(stat_prefix=f"other{round_}"))["filter_chains"][0]
        other["filter_chain_match"] = {"server_names": ["other.example"]}
        changed["filter_chains"].append(other)
        changed["listener_filters"] = [bs.listener_filter("tls_inspector.v3.TlsInspector")]
        plane.put("listeners", changed)
        wait_for(lambda count=round_ + 1: stat(place, "listener_modified") == count, "a change")
        if round_ == 0:
            client = place.client()  # what stands outside of the chains changed as well
        assert client.ask().body == b"one"


def test_one_bad_listener_of_many(place, plane):
    one = named(place, "one")
    follow(place, plane)
    bad = cp.listener(free_port(), name="bad")
    bad["filter_chains"][0]["filters"][0]["typed_config"]["codec_type"] = "HTTP3"
    plane.put("listeners", bad)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "the good one")
    refusal = wait_for(plane.refusals, "a refusal")[0]
    assert "bad: " in refusal and "codec_type" in refusal


def test_an_address_that_is_taken_is_refused(place, plane):
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "a listener")
    plane.put("listeners", cp.listener(place.port, name="second"))
    wait_for(lambda: any("in use by listener 'front'" in line for line in plane.refusals()), "why")
    assert says(place) == "one"


def test_routes_that_are_wrong_change_nothing(place, plane):
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    wait_for(lambda: says(place) == "one", "a listener")
    bad = cp.routes()
    bad["virtual_hosts"].append({**bad["virtual_hosts"][0], "name": "again"})
    plane.put("routes", bad)
    wait_for(lambda: any("routes: " in line for line in plane.refusals()), "a refusal")
    assert says(place) == "one"


def test_nothing_new_comes_while_it_drains(place, plane):
    """The requests under way end, and may still see other routes; no listener opens."""
    origin, two = place.origin(), named(place, "two")
    weir = follow(place, plane)
    put_all(place, plane, origin)
    wait_for(lambda: stat(place, "listener_manager.total_listeners_active") == 1, "a listener")
    client = place.client()
    client.send(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    wire = origin.accept()
    wire.request()
    weir.signal(signal.SIGTERM)
    wait_for(lambda: "draining" in weir.output(), "it drains")
    late = free_port()
    plane.put("listeners", cp.listener(late, name="late"))
    plane.put("clusters", bs.cluster(two.port, name="other"))
    wait_for(lambda: stat(place, "cluster_manager.cluster_added") == 2, "clusters come on")
    assert says(place, late) is None
    assert stat(place, "listener_manager.listener_added") == 1
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none")
    assert client.response().body == b"one"
    assert weir.wait() == 0


def test_it_is_said_what_is_waited_for(place, plane):
    """Nobody is served before there was a word of the control plane, or patience has ended."""
    plane.stop()
    follow(place, plane)
    page = place.client(place.admin_port).ask(host="localhost", path="/init_dump").body.decode()
    assert "Control plane" in page and "cds" in page
    assert place.client(place.admin_port).ask(host="localhost", path="/ready").status == 503


def dumped(place):
    """The sections of /config_dump by their type's last word."""
    page = place.client(place.admin_port).ask(host="localhost", path="/config_dump?include_eds")
    return {section["@type"].rpartition(".")[2]: section
            for section in json.loads(page.body)["configs"]}


def test_the_dump_shows_what_is_in_force_and_what_was_refused(place, plane):
    one = named(place, "one")
    follow(place, plane)
    put_all(place, plane, one)
    bad = cp.listener(free_port(), name="bad")
    bad["filter_chains"][0]["filters"][0]["typed_config"]["codec_type"] = "HTTP3"
    plane.put("listeners", bad)
    wait_for(lambda: says(place) == "one" and plane.refusals(), "it serves, and refuses")
    dump = dumped(place)
    clusters = dump["ClustersConfigDump"]
    assert [one["cluster"]["name"] for one in clusters["dynamic_active_clusters"]] == ["back"]
    assert [one["cluster"]["name"] for one in clusters["static_clusters"]] == ["xds_cluster"]
    assert clusters["version_info"]
    found = {one["name"]: one for one in dump["ListenersConfigDump"]["dynamic_listeners"]}
    assert found["front"]["active_state"]["listener"]["name"] == "front"
    assert "codec_type" in found["bad"]["error_state"]["details"]
    assert "active_state" not in found["bad"]
    routes = dump["RoutesConfigDump"]["dynamic_route_configs"]
    assert [one["route_config"]["name"] for one in routes] == ["routes"]
    endpoints = dump["EndpointsConfigDump"]["dynamic_endpoint_configs"]
    assert [one["endpoint_config"]["cluster_name"] for one in endpoints] == ["back"]
