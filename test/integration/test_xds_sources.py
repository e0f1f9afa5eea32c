"""What control planes say, heard in other ways than by streams: files, and REST polls."""

import http.server
import json
import os
import pathlib
import threading

import bootstrap as bs
import control_plane as cp
from control_plane import named, says
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

CLUSTER = cp.V3 + "config.cluster.v3.Cluster"


def response(kind, *resources, version="1"):
    return {"version_info": version, "type_url": kind,
            "resources": [{"@type": kind, **resource} for resource in resources]}


def moved_to(path, message):
    """As a whole: no half file is ever seen."""
    fresh = path.with_name("." + path.name)
    fresh.write_text(json.dumps(message))
    os.replace(fresh, path)


def follow(place, source, ready=True):
    """A proxy whose one route goes to the cluster `back`, of which `source` tells."""
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))], [])
    config.update({"node": {"id": "test-id", "cluster": "test-cluster"},
                   "dynamic_resources": {"cds_config": source}, **cp.AT_ONCE})
    config.update(with_admin(place))
    weir = place.start(config, ready=ready)
    return weir.await_ready("starting workers") if ready else weir


def file_source(path, **fields):
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path), **fields}}


def test_a_file_is_read_again_when_another_takes_its_place(place, tmp_path):
    one, two = named(place, "one"), named(place, "two")
    path = tmp_path / "clusters.json"
    moved_to(path, response(CLUSTER, bs.cluster(one.port, name="back")))
    follow(place, file_source(path))
    assert says(place) == "one"
    moved_to(path, response(CLUSTER, bs.cluster(two.port, name="back"), version="2"))
    wait_for(lambda: says(place) == "two", "the other file")
    moved_to(path, response(CLUSTER, version="3"))
    wait_for(lambda: says(place) == 503, "a file without clusters")


def test_a_file_may_be_written_where_it_is(place, tmp_path):
    """What is half written, or wrong, changes nothing, and is said."""
    one, two = named(place, "one"), named(place, "two")
    path = tmp_path / "clusters.json"
    path.write_text(json.dumps(response(CLUSTER, bs.cluster(one.port, name="back"))))
    weir = follow(place, file_source(path))
    assert says(place) == "one"
    path.write_text('{"resources": [')
    wait_for(lambda: "clusters.json" in weir.output(), "what is wrong with it")
    assert says(place) == "one"
    assert stat(place, "cluster_manager.cds.update_failure") >= 1
    path.write_text(json.dumps(response(CLUSTER, bs.cluster(two.port, name="back"))))
    wait_for(lambda: says(place) == "two", "the mended file")


def test_a_link_is_swapped_as_kubernetes_does(place, tmp_path):
    """`path` leads through a link beside it, which is what changes."""
    one, two = named(place, "one"), named(place, "two")
    for version, origin in (("v1", one), ("v2", two)):
        (tmp_path / version).mkdir()
        moved_to(tmp_path / version / "clusters.json",
                 response(CLUSTER, bs.cluster(origin.port, name="back"), version=version))
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "clusters.json").symlink_to(pathlib.Path("..data") / "clusters.json")
    follow(place, file_source(tmp_path / "clusters.json",
                              watched_directory={"path": str(tmp_path)}))
    assert says(place) == "one"
    (tmp_path / "..next").symlink_to("v2")
    os.replace(tmp_path / "..next", tmp_path / "..data")
    wait_for(lambda: says(place) == "two", "what the link leads to now")


def test_a_pace_at_which_nothing_is_asked_is_refused(place, plane):
    config = bs.bootstrap([], [cp.xds_cluster(plane)])
    config.update(cp.dynamic())
    pace = {"max_tokens": 0, "fill_rate": -1}
    config["dynamic_resources"]["ads_config"]["rate_limit_settings"] = pace
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    for part in ("rate_limit_settings.max_tokens: expected at least 1",
                 "rate_limit_settings.fill_rate: expected requests a second"):
        assert part in weir.output()


def test_a_field_of_a_source_that_nobody_obeys_is_refused_once(place, tmp_path):
    source = file_source(tmp_path / "clusters.json")
    source["authorities"] = [{"name": "elsewhere"}]
    weir = follow(place, source, ready=False)
    assert weir.wait() == 1
    assert weir.output().count("authorities") == 1


class Polled(http.server.BaseHTTPRequestHandler):
    """Answers polls with what its server holds: a status, and a message for status 200."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, self.headers["host"], json.loads(body)))
        status, message = self.server.answer
        content = json.dumps(message).encode() if status == 200 else b""
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """It says nothing by itself."""


class PolledServer:
    def __init__(self):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Polled)
        self.http.daemon_threads = True
        self.http.asked, self.http.answer = [], (500, None)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def test_clusters_by_polls(place):
    """A failure, 304 and a wrong answer keep what is in force."""
    server, one, two = PolledServer(), named(place, "one"), named(place, "two")
    source = {"resource_api_version": "V3", "api_config_source": {
        "api_type": "REST", "transport_api_version": "V3", "cluster_names": ["poll"],
        "refresh_delay": "0.05s", "request_timeout": "2s"}}
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))],
                          [bs.cluster(server.port, name="poll")])
    config.update({"node": {"id": "test-id", "cluster": "test-cluster"},
                   "dynamic_resources": {"cds_config": source}, **with_admin(place)})
    try:
        server.http.answer = (200, response(CLUSTER, bs.cluster(one.port, name="back")))
        weir = place.start(config).await_ready("starting workers")
        assert says(place) == "one"
        path, authority, asked = server.http.asked[0]
        assert (path, authority) == ("/v3/discovery:clusters", "poll")
        assert asked["node"]["id"] == "test-id" and asked["type_url"] == CLUSTER
        wait_for(lambda: server.http.asked[-1][2].get("version_info") == "1", "the version is told")
        for answer in ((304, None), (500, None), (200, {"resources": 1})):
            server.http.answer = answer
            seen = len(server.http.asked)
            wait_for(lambda n=seen: len(server.http.asked) > n + 2, "more polls")
            assert says(place) == "one"
        assert "HTTP status 500" in weir.output()
        server.http.answer = (200, response(CLUSTER, bs.cluster(two.port, name="back"),
                                            version="2"))
        wait_for(lambda: says(place) == "two", "another version")
    finally:
        server.close()


def test_it_starts_when_no_control_plane_answers_in_time(place, plane):
    """What the bootstrap has serves; what comes later is used."""
    one = named(place, "one")
    plane.stop()
    source = {**cp.source("sotw"), "initial_fetch_timeout": "0.3s"}
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))],
                          [cp.xds_cluster(plane)])
    config.update(cp.dynamic("sotw", ads=False, cds_config=source))
    config.update(with_admin(place))
    place.start(config).await_ready("starting workers")
    assert says(place) == 503
    assert stat(place, "cluster_manager.cds.init_fetch_timeout") == 1
    plane.put("clusters", bs.cluster(one.port, name="back"))
    plane.start()
    wait_for(lambda: says(place) == "one", "a control plane")
