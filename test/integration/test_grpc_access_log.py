"""Access logs that a service takes over gRPC: what it is told, and that nothing else depends on it."""

import signal
import time

import pytest

import bootstrap as bs
from raw_client import fetch
from report_server import HTTP2, ReportServer, grpc_log
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for

WRITTEN, DROPPED = "grpc_access_log.logs_written", "grpc_access_log.logs_dropped"


@pytest.fixture(name="collector")
def fixture_collector(place):
    server = ReportServer(place.directory)
    yield server
    server.close()


def logging(place, collector, log=None, cluster=None, hcm=None, **options):
    """A proxy whose requests are logged to the collector."""
    place.port = free_port()
    manager = bs.hcm(access_log=[log or grpc_log()], **(hcm or {}))
    config = bs.bootstrap([bs.listener(place.port, manager)],
                          [bs.cluster(place.server().port), cluster or collector.cluster()],
                          node={"id": "the-node", "cluster": "the-cluster"}, **with_admin(place))
    return place.start(config, **options)


def test_what_the_service_is_told(place, collector):
    log = grpc_log(additional_request_headers_to_log=["X-Asked"],
                   additional_response_headers_to_log=["content-length"],
                   common={"custom_tags": [{"tag": "where", "literal": {"value": "here"}}]})
    logging(place, collector, log)
    fetch(place.port, "POST", "/path?q", body=b"12345", user_agent="agent/1", x_asked="yes")
    entry = collector.entries()[0]
    first = collector.lines()[1]
    assert first["identifier"]["log_name"] == "test-log"
    assert first["identifier"]["node"]["id"] == "the-node"
    common, asked, answered = entry["common_properties"], entry["request"], entry["response"]
    assert entry["protocol_version"] == "HTTP11"
    assert (asked["request_method"], asked["path"], asked["authority"]) == (
        "POST", "/path?q", "test.example")
    assert (asked["scheme"], asked["user_agent"], asked["request_body_bytes"]) == (
        "http", "agent/1", "5")
    assert asked["request_headers"] == {"x-asked": "yes"}
    assert asked["request_id"] == common["stream_id"]
    assert answered["response_code"] == 200
    assert answered["response_code_details"] == "via_upstream"
    assert answered["response_headers"] == {"content-length": "2"}
    assert answered["response_body_bytes"] == "2"
    assert common["upstream_cluster"] == "origin"
    assert common["custom_tags"] == {"where": "here"}
    assert common["access_log_type"] == "DownstreamEnd"
    assert common["downstream_local_address"]["socket_address"]["port_value"] == place.port
    assert common["upstream_remote_address"]["socket_address"]["address"] == "127.0.0.1"
    assert int(common["downstream_wire_bytes_received"]) > 5
    assert common["duration"].endswith("s")
    assert "response_flags" not in common
    assert stat(place, WRITTEN) == 1
    assert stat(place, DROPPED) == 0


def test_http2_requests(place, collector):
    logging(place, collector)
    client = place.h2_client()
    stream = client.head(path="/two")
    client.response(stream)
    entry = collector.entries()[0]
    assert entry["protocol_version"] == "HTTP2"
    assert entry["request"]["path"] == "/two"


def test_why_a_request_failed(place, collector):
    logging(place, collector, hcm={"routes": [bs.route(match={"path": "/only"})]})
    assert fetch(place.port).status == 404
    entry = collector.entries()[0]
    assert entry["common_properties"]["response_flags"] == {"no_route_found": True}
    assert entry["response"]["response_code_details"] == "route_not_found"


def test_connections(place, collector):
    origin = place.origin()
    place.port = free_port()
    relay = bs.tcp_proxy(access_log=[grpc_log("Tcp")],
                         access_log_options={"flush_access_log_on_connected": True})
    place.start(bs.bootstrap([bs.listener(place.port, relay)],
                             [bs.cluster(origin.port), collector.cluster()]))
    client = place.client()
    server = origin.accept()
    client.send(b"question")
    assert server.sock.recv(100) == b"question"
    server.send(b"the answer")
    server.close()
    assert client.sock.recv(100) == b"the answer"
    client.close()
    begun, ended = collector.entries(2, "tcp_logs")
    assert begun["common_properties"]["access_log_type"] == "TcpUpstreamConnected"
    assert begun["common_properties"]["intermediate_log_entry"] is True
    assert ended["common_properties"]["access_log_type"] == "TcpConnectionEnd"
    assert ended["common_properties"]["upstream_cluster"] == "origin"
    assert ended["connection_properties"] == {"received_bytes": "8", "sent_bytes": "10"}


def test_the_logs_filter_decides(place, collector):
    failures = {"status_code_filter": {"comparison": {
        "op": "GE", "value": {"default_value": 400, "runtime_key": "unset.key"}}}}
    routes = [{"match": {"path": "/bad"}, "direct_response": {"status": 400}}, bs.route()]
    logging(place, collector, grpc_log(condition=failures), hcm={"routes": routes})
    client = place.client()
    for path in ("/good", "/bad", "/good"):
        client.ask(path=path)
    assert [entry["request"]["path"] for entry in collector.entries()] == ["/bad"]
    assert stat(place, WRITTEN) == 1


def test_listeners_with_the_same_log_share_a_stream(place, collector):
    origin = place.server()
    ports = free_port(), free_port()
    place.start(bs.bootstrap(
        [bs.listener(port, bs.hcm(access_log=[grpc_log()])) for port in ports],
        [bs.cluster(origin.port), collector.cluster()]), concurrency=1)
    for port in ports:
        fetch(port)
    collector.entries(2)
    assert sum("identifier" in line for line in collector.lines()) == 1


def test_entries_that_fill_the_buffer_do_not_wait(place, collector):
    log = grpc_log(common={"buffer_flush_interval": "3600s", "buffer_size_bytes": 1})
    logging(place, collector, log)
    fetch(place.port)
    collector.entries()


def long_requests(place, count):
    """As many, each an entry of about 8 KiB."""
    client = place.client()
    for _ in range(count):
        assert client.ask(path="/" + 8000 * "p").status == 200


def test_a_service_that_is_down_costs_only_entries(place):
    collector = ReportServer(place.directory, start=False)
    weir = logging(place, collector)
    long_requests(place, 200)
    assert stat(place, WRITTEN) >= 120  # a mebibyte waits
    assert stat(place, DROPPED) >= 60
    assert stat(place, WRITTEN) + stat(place, DROPPED) == 200
    assert weir.output().count("the stream to cluster 'collector' ended") == 1


def test_a_service_that_comes_back_gets_what_waited(place):
    collector = ReportServer(place.directory, start=False)
    logging(place, collector)
    fetch(place.port, path="/early")
    try:
        collector.start()
        assert collector.entries()[0]["request"]["path"] == "/early"
        collector.close()
        collector.start()
        wait_for(lambda: fetch(place.port, path="/late").status == 200 and any(
            "http_logs" in line for line in collector.lines()), "entries on another stream")
        assert collector.lines()[1]["identifier"]["log_name"] == "test-log"
    finally:
        collector.close()


def test_a_service_that_never_reads_is_not_fed(place):
    silent = place.origin()
    weir = logging(place, None, cluster=bs.cluster(silent.port, name="collector", **HTTP2))
    long_requests(place, 300)
    assert stat(place, DROPPED) >= 120
    assert 120 <= stat(place, WRITTEN) <= 180  # a mebibyte waits, and a window was sent
    assert fetch(place.port).status == 200
    place.client().close()
    start = time.monotonic()
    weir.signal(signal.SIGTERM)
    assert weir.wait(5) == 0
    assert time.monotonic() - start < 3


def test_a_cluster_that_speaks_http1_does_no_harm(place):
    """As go-control-plane's test in its REST mode."""
    collector = ReportServer(place.directory)
    try:
        plain = bs.cluster(collector.port, name="collector")
        logging(place, collector, cluster=plain)
        client = place.client()
        for _ in range(50):
            assert client.ask().status == 200
        wait_for(lambda: stat(place, "cluster.collector.upstream_rq_total") > 0, "an attempt")
        time_used = stat(place, "cluster.collector.upstream_rq_total")
        assert time_used < 20, "it is tried after pauses, not all the time"
        assert stat(place, WRITTEN) == 50
    finally:
        collector.close()


def test_a_service_that_answers_http_does_no_harm(place):
    log = grpc_log(cluster="origin")
    collector = ReportServer(place.directory, start=False)
    logging(place, collector, log)
    client = place.client()
    for _ in range(20):
        assert client.ask().status == 200
    assert stat(place, WRITTEN) == 20


def test_what_waits_leaves_before_the_process_does(place, collector):
    weir = logging(place, collector, grpc_log(common={"buffer_flush_interval": "3600s"}))
    for i in range(10):
        fetch(place.port, path=f"/{i}")
    assert not any("http_logs" in line for line in collector.lines())
    weir.signal(signal.SIGTERM)
    assert weir.wait(5) == 0
    assert {entry["request"]["path"] for entry in collector.entries(10)} == {
        f"/{i}" for i in range(10)}
    wait_for(lambda: collector.lines()[-1] == {"ended": True}, "the end of the stream")


def test_mistakes_are_named(place):
    bad = grpc_log(cluster="nobody", common={"transport_api_version": "V2", "log_name": ""})
    place.port = free_port()
    weir = place.start(bs.bootstrap([bs.listener(place.port, bs.hcm(access_log=[bad]))],
                                    [bs.cluster(9)]), ready=False)
    assert weir.wait() == 1
    for part in ("typed_config.common_config.grpc_service.envoy_grpc.cluster_name: there is no "
                 "cluster 'nobody'", "common_config.transport_api_version: only V3",
                 "common_config.log_name: expected a name"):
        assert part in weir.output()
