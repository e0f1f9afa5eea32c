"""Upstreams that are absent, die or lie: what the client gets and what the access log says."""

import socket
import time

import pytest

import bootstrap as bs
from origin import OK, Origin, answer
from raw_client import request
from weir_process import free_port


def test_connection_refused_is_503_uf(place):
    place.weir(free_port())
    client = place.client()
    response = client.ask()
    assert response.status == 503
    assert response.body.startswith(b"upstream connect error or disconnect/reset before headers")
    line = place.log.line()
    assert line.startswith(
        "503 UF upstream_reset_before_response_started{remote_connection_failure")
    assert client.ask().status == 503, "the client's connection stays usable"


def test_a_silent_endpoint_is_503_after_the_connect_timeout(place):
    # A listener whose backlog is full answers no SYN.
    origin = place.origin(backlog=0)
    for _ in range(2):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", origin.port))
        place.closers.append(filler.close)
    place.weir(origin, cluster={"connect_timeout": "0.2s"})
    start = time.monotonic()
    response = place.client().ask()
    assert 0.15 <= time.monotonic() - start < 3
    assert response.status == 503
    assert place.log.line().startswith(
        "503 UF upstream_reset_before_response_started{connection_timeout")


def test_garbage_is_502_upe(place):
    place.weir(place.server(b"\x00\x01\x02 this is not HTTP\r\n\r\n"))
    client = place.client()
    assert client.ask().status == 502
    assert place.log.line().startswith(
        "502 UPE upstream_reset_before_response_started{protocol_error")
    assert client.ask().status == 502, "the client's connection stays usable"


@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    b"HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx-a : b\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 99 Low\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx-a: b\r\n folded\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", ],
                         ids=[
                             "two lengths", "no number", "blank before colon", "status 99",
                             "folded", "length and chunked"])
def test_ambiguous_responses_are_502(place, reply):
    origin = place.server(reply)
    place.weir(origin)
    assert place.client().ask().status == 502


def test_origin_closes_before_answering_is_503_uc(place):
    origin = place.server(lambda _: None)
    place.weir(origin)
    response = place.client().ask()
    assert response.status == 503
    assert place.log.line().startswith(
        "503 UC upstream_reset_before_response_started{connection_termination")
    assert len(origin.requests) == 1, "a fresh connection's death is no reason to try again"


def test_origin_resets_before_answering_is_503_uc(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.reset()
    assert client.response().status == 503
    assert place.log.line().startswith("503 UC ")


@pytest.mark.parametrize("head, sent", [
    (b"content-length: 100", b"abc"),
    (b"transfer-encoding: chunked", b"3\r\nabc\r\n"),
])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_origin_dies_in_its_body_and_the_client_can_tell(place, head, sent, how):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + sent)
    client.peek_until(b"abc")  # The origin dies when the response is under way.
    getattr(wire, how)()
    response = client.response()
    assert (response.status, response.body, response.complete) == (200, b"abc", False)
    assert client.read_to_end() == b"", "no final chunk, and the connection is closed"
    assert place.log.line().startswith(
        "200 UC upstream_reset_after_response_started{connection_termination")


def test_bad_chunk_of_the_origin_cuts_the_response(place):
    place.weir(
        place.server(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n"))
    client = place.client()
    client.send(request())
    response = client.response()
    # Found in the same read as the head, the answer may still be ours.
    assert response.status == 502 or not response.complete
    assert "UPE" in place.log.line()


def test_origin_closes_while_it_is_sent_a_body(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 1000\r\n\r\nabc")
    wire = origin.accept()
    wire.read_head()
    wire.reset()
    response = client.response()
    assert response.status == 503
    assert client.ended(), "its request never ends, so the connection cannot carry another one"
    assert place.log.line().startswith("503 UC ")


def test_a_connection_with_a_request_half_sent_is_not_reused(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 1000\r\n\r\nabc")
    wire = origin.accept()
    wire.read_head()
    wire.send(answer(403))
    assert client.response().status == 403
    other = place.client()
    other.send(request(path="/other"))
    fresh = origin.accept()
    assert fresh.request().target == "/other"
    fresh.send(OK)
    assert other.response().status == 200
    assert wire.read_to_end() == b"abc"


def warmed(place, **config):
    """An origin with one idle connection in the proxy's pool; (origin, client, that connection)."""
    origin = place.origin()
    place.weir(origin, **config)
    client = place.client()
    client.send(request(path="/warm"))
    wire = origin.accept()
    wire.request()
    wire.send(OK)
    assert client.response().status == 200
    return origin, client, wire


def test_get_on_a_dying_pooled_connection_is_sent_again(place):
    """RFC 9110 §9.2.2: the origin may close an idle connection just as the request is sent."""
    origin, client, wire = warmed(place)
    client.send(request(path="/again"))
    assert wire.request().target == "/again"
    wire.close()
    fresh = origin.accept()
    assert fresh.request().target == "/again"
    fresh.send(answer(body=b"second"))
    assert client.response().body == b"second"


def test_it_is_sent_again_only_once(place):
    origin, client, wire = warmed(place)
    client.send(request(path="/again"))
    wire.request()
    wire.close()
    fresh = origin.accept()
    fresh.request()
    fresh.close()
    assert client.response().status == 503
    assert origin.nobody_connects(0.05)


def test_post_with_a_body_is_never_sent_again(place):
    origin, client, wire = warmed(place)
    client.send(request("POST", "/once", body=b"pay"))
    assert wire.request().target == "/once"
    wire.close()
    assert client.response().status == 503
    assert origin.nobody_connects(0.05)
    assert place.log.lines(2)[1].startswith("503 UC ")


def test_pooled_connection_closed_while_idle_is_not_used(place):
    origin, client, wire = warmed(place)
    wire.close()
    client.send(request("POST", "/new", body=b"x"))
    fresh = origin.accept()
    assert fresh.request().body == b"x"
    fresh.send(OK)
    assert client.response().status == 200


def test_a_request_whose_answer_began_is_not_sent_again(place):
    origin, client, wire = warmed(place)
    client.send(request(path="/again"))
    wire.request()
    wire.send(b"HTTP/1.1 2")
    wire.close()
    assert origin.nobody_connects(0.1)
    assert client.response().status in (502, 503)


def test_no_endpoints_is_503_uh(place):
    place.weir()
    response = place.client().ask()
    assert (response.status, response.body) == (503, b"no healthy upstream")
    assert place.log.line().startswith("503 UH no_healthy_upstream")


def test_an_upstream_that_comes_back_is_used_at_once(place):
    port = free_port()
    place.weir(port)
    client = place.client()
    assert client.ask().status == 503
    origin = Origin(port=port)
    place.closers.append(origin.close)
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(OK)
    assert client.response().status == 200


def test_unresolvable_backend_does_not_stop_the_others(place):
    origin = place.server()
    lost = bs.cluster(("does-not-exist.invalid", 80), name="lost", kind="STRICT_DNS",
                      dns_resolution_config={"resolvers": [bs.address(("127.0.0.1", free_port()))]})
    routes = [bs.route("lost", {"prefix": "/lost"}), bs.route()]
    place.weir(origin, routes=routes, clusters=[lost])
    client = place.client()
    assert client.ask().status == 200
    assert client.ask(path="/lost").status == 503
    assert place.log.lines(2)[1].startswith("503 UH ")
