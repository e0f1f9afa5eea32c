"""Statistics that the traffic of a test must move, and by how much."""

import bootstrap as bs
from raw_client import fetch
from weir_process import free_port, wait_for


def stats_of(port):
    lines = fetch(port, path="/stats", host="localhost").body.decode().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def watched(place, *origins, **config):
    """A proxy with an admin interface; a function that reads its statistics."""
    admin = free_port()
    place.port = free_port()
    manager = bs.hcm(**config)
    place.start(bs.bootstrap([bs.listener(place.port, manager)], [bs.cluster(*origins)],
                             admin={"address": bs.address(admin)}))
    return lambda: stats_of(admin)


def test_a_static_cluster_tells_its_members(place):
    read = watched(place, place.server().port, place.server().port)
    fetch(place.port)
    stats = read()
    assert stats["cluster.origin.membership_total"] == "2"
    assert stats["cluster.origin.membership_healthy"] == "2"
    assert stats["cluster.origin.membership_change"] == "1"


def test_connections_are_measured_when_they_close(place):
    origin = place.server(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    read = watched(place, origin.port)
    with place.client() as client:
        assert client.ask().status == 200
    wait_for(lambda: read()["http.test.downstream_cx_destroy_remote"] == "1", "the client's end")
    stats = read()
    assert stats["cluster.origin.upstream_cx_length_ms"] != "No recorded values"
    assert stats["http.test.downstream_cx_destroy_local"] == "0"
    assert stats["http.test.downstream_rq_http1_total"] == "1"
    assert stats["http.test.rq_total"] == "1"


def test_who_closed_a_connection_to_a_client(place):
    read = watched(place, place.server().port,
                   common_http_protocol_options={"idle_timeout": "0.05s"})
    client = place.client()
    assert client.ask().status == 200
    assert client.read_to_end() == b""
    wait_for(lambda: read()["http.test.downstream_cx_destroy_local"] == "1", "the idle timeout")
    assert read()["http.test.downstream_cx_destroy_remote"] == "0"


def test_an_answer_of_weirs_own_counts_for_the_cluster(place):
    read = watched(place, free_port())
    assert fetch(place.port).status == 503
    stats = read()
    assert stats["cluster.origin.upstream_rq_503"] == "1"
    assert stats["cluster.origin.upstream_rq_5xx"] == "1"


def test_a_response_that_is_retried_counts_apart(place):
    origin = place.server(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
    read = watched(place, origin.port,
                   routes=[bs.route(action={"retry_policy": {"retry_on": "5xx"}})])
    assert fetch(place.port).status == 503
    stats = read()
    assert stats["cluster.origin.upstream_rq_503"] == "1"
    assert stats["cluster.origin.retry.upstream_rq_503"] == "1"
    assert stats["cluster.origin.upstream_rq_retry_limit_exceeded"] == "1"


def test_a_client_that_leaves_resets_what_was_sent(place):
    origin = place.origin()
    read = watched(place, origin.port)
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
    wire = origin.accept()
    wire.request()
    client.close()
    assert wire.read_to_end() == b""
    wait_for(lambda: read()["cluster.origin.upstream_rq_tx_reset"] == "1", "the reset")
    stats = read()
    assert stats["cluster.origin.upstream_cx_destroy_local_with_active_rq"] == "1"
    assert stats["cluster.origin.upstream_rq_cancelled"] == "0"
