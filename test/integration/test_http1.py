"""HTTP/1 on both legs: framing, connection reuse, pipelining (RFC 9112)."""

import select

import pytest

from origin import OK, answer
from raw_client import Client, fetch, request
from weir_process import wait_for

CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: t\r\ntransfer-encoding: chunked\r\n\r\n"


def talk(place, client_bytes, origin_bytes, **config):
    """One exchange by hand; (the request the origin read, the client, the origin's connection)."""
    origin = place.origin()
    place.weir(origin, **config)
    client = place.client()
    client.send(client_bytes)
    wire = origin.accept()
    seen = wire.request()
    wire.send(origin_bytes)
    return seen, client, wire


def test_pipelined_requests_are_answered_in_order(place):
    origin = place.server(lambda seen: answer(body=seen.target.encode()))
    place.weir(origin)
    client = place.client()
    client.send(b"".join(request(path=f"/{number}") for number in range(100)))
    assert [client.response().body
            for _ in range(100)] == [b"/%d" % number for number in range(100)]
    assert [seen.target for seen in origin.requests] == [f"/{number}" for number in range(100)]


def test_pipelined_requests_with_bodies(place):
    origin = place.server(lambda seen: answer(body=seen.body))
    place.weir(origin)
    client = place.client()
    chunked = CHUNKED_POST + b"3\r\nabc\r\n0\r\n\r\n"
    client.send(request("POST", body=b"first") + chunked + request("POST", body=b"") + request())
    assert [client.response().body for _ in range(4)] == [b"first", b"abc", b"", b""]


def test_requests_arriving_byte_by_byte(place):
    origin = place.server(lambda seen: answer(body=seen.body + seen.target.encode()))
    place.weir(origin)
    client = place.client()
    data = request("POST", "/x", body=b"12345") + request(path="/y")
    for position in range(len(data)):
        client.send(data[position:position + 1])
    assert [client.response().body, client.response().body] == [b"12345/x", b"/y"]


def test_empty_lines_before_a_request_are_skipped(place):
    """RFC 9112 §2.2."""
    place.weir(place.server())
    client = place.client()
    client.send(b"\r\n" + request())
    assert client.response().status == 200


def test_chunked_request_with_trailers(place):
    body = b"POST / HTTP/1.1\r\nHost: t\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n" \
           b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n"
    seen, client, _ = talk(place,
                           body,
                           OK,
                           hcm={"http_protocol_options": {"enable_trailers": True}},
                           cluster=bs_trailers())
    assert (seen.body, seen.complete) == (b"hello world", True)
    assert [(name.lower(), value) for name, value in seen.trailers] == [("x-sum", "42")]
    assert client.response().status == 200


def bs_trailers():
    """Cluster options that let trailers through to and from the upstream."""
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {"typed_extension_protocol_options": {name: {
        "@type": "type.googleapis.com/" + name,
        "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}}}}}


def test_trailers_are_dropped_unless_enabled(place):
    body = CHUNKED_POST + b"1\r\na\r\n0\r\nX-Sum: 42\r\n\r\n"
    seen, client, _ = talk(place, body, OK)
    assert (seen.body, seen.trailers, seen.complete) == (b"a", [], True)
    assert client.response().status == 200


def test_chunked_response_with_trailers(place):
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    response = head + b"3\r\nabc\r\n0\r\nx-end: 7\r\n\r\n"
    _, client, _ = talk(place,
                        request(te="trailers"),
                        response,
                        hcm={"http_protocol_options": {"enable_trailers": True}},
                        cluster=bs_trailers())
    got = client.response()
    assert (got.body, got.complete) == (b"abc", True)
    assert [(name.lower(), value) for name, value in got.trailers] == [("x-end", "7")]


def test_chunks_are_passed_on_as_they_come(place):
    """A client that waits for each chunk must get it before the response is complete."""
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    client.read_head()
    for part in (b"one", b"two"):
        wire.send(b"3\r\n" + part + b"\r\n")
        assert client.read_exactly(8) == b"3\r\n" + part + b"\r\n"
    wire.send(b"0\r\n\r\n")
    assert client.read_exactly(5) == b"0\r\n\r\n"


def test_request_body_is_passed_on_as_it_comes(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 6\r\n\r\nabc")
    wire = origin.accept()
    wire.read_head()
    assert wire.read_exactly(3) == b"abc"
    client.send(b"def")
    assert wire.read_exactly(3) == b"def"
    wire.send(OK)
    assert client.response().status == 200


def test_continue_is_answered_by_the_proxy(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert client.read_head().status == 100
    client.send(b"hi")
    wire = origin.accept()
    seen = wire.request()
    assert (seen.body, seen.get("expect")) == (b"hi", None)
    wire.send(OK)
    assert client.response().status == 200


def test_continue_can_be_left_to_the_origin(place):
    origin = place.origin()
    place.weir(origin, hcm={"proxy_100_continue": True})
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    wire = origin.accept()
    assert wire.read_head().get("expect") == "100-continue"
    assert client.silent(0.05)
    wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.read_head().status == 100
    client.send(b"hi")
    assert wire.read_exactly(2) == b"hi"
    wire.send(OK)
    assert client.response().status == 200


def test_unasked_continue_of_the_origin_is_swallowed(place):
    response = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
    _, client, _ = talk(place, request("POST", body=b"x"), response)
    assert client.response().status == 200


def test_head_response_keeps_its_length_and_has_no_body(place):
    origin = place.server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    place.weir(origin)
    client = place.client()
    for _ in range(2):
        response = client.ask("HEAD")
        assert (response.status, response.get("content-length")) == (200, "1000")


@pytest.mark.parametrize("status, head", [
    (204, b"HTTP/1.1 204 No Content\r\n\r\n"),
    (304, b"HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n"),
    (304, b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n"),
])
def test_answers_without_body_do_not_disturb_what_follows(place, status, head):
    replies = iter([head, OK])
    origin = place.server(lambda _: next(replies))
    place.weir(origin)
    client = place.client()
    response = client.ask()
    assert response.status == status
    assert response.get("transfer-encoding") is None
    assert client.ask().body == b"ok"
    assert origin.connections == 1


def test_response_that_ends_with_the_connection(place):
    _, client, wire = talk(place, request(), b"HTTP/1.1 200 OK\r\n\r\nall of it")
    wire.close()
    response = client.response()
    assert (response.body, response.complete) == (b"all of it", True)
    assert response.get("transfer-encoding") == "chunked"
    assert client.silent(0.05)


def test_http_1_0_origin(place):
    _, client, wire = talk(place, request(), b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok")
    assert client.response().body == b"ok"
    assert wire.ended()


def test_origins_connection_close_is_obeyed(place):
    reply = answer(body=b"ok", connection="close")
    origin = place.server(reply)
    place.weir(origin)
    client = place.client()
    for _ in range(3):
        response = client.ask()
        assert (response.status, response.get("connection")) == (200, None)
    assert origin.connections == 3


def test_connections_to_the_origin_are_reused(place):
    origin = place.server()
    place.weir(origin, concurrency=1)
    for _ in range(3):
        with Client(place.port) as client:
            for _ in range(5):
                assert client.ask().status == 200
    assert origin.connections == 1
    assert len(origin.requests) == 15


def test_clients_connection_close_is_obeyed(place):
    place.weir(place.server())
    client = place.client()
    client.send(request(connection="close"))
    response = client.response()
    assert (response.status, response.get("connection")) == (200, "close")
    assert client.ended()


def test_bytes_after_a_response_end_the_upstream_connection(place):
    """Response splitting: what follows a response must never answer another request."""
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL")
    assert client.response().body == b"ok"
    client.send(request())
    fresh = origin.accept()
    fresh.request()
    fresh.send(answer(body=b"good"))
    assert client.response().body == b"good"
    assert wire.ended()


def test_bytes_on_an_idle_upstream_connection_end_it(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(OK)
    assert client.response().body == b"ok"
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL")
    assert wire.ended()
    client.send(request())
    fresh = origin.accept()
    fresh.request()
    fresh.send(answer(body=b"good"))
    assert client.response().body == b"good"


def test_early_response_is_not_lost(place):
    """RFC 9112 §9.3: the origin answers before it has read the request's body."""
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 100000\r\n\r\n" + b"x" * 1000)
    wire = origin.accept()
    wire.read_head()
    wire.send(answer(403, b"no", "Forbidden", connection="close"))
    response = client.response()
    assert (response.status, response.body) == (403, b"no")
    # Its request never ends, so the connection cannot carry another one.
    assert client.ended()


@pytest.mark.parametrize("local", [False, True])
def test_early_response_survives_a_client_that_sends_on(place, local):
    """RFC 9112 §9.6: closing with unread bytes would reset the connection and destroy the response
    before the client has read it."""
    origin = place.origin()
    deny = [{
        "match": {"prefix": "/"},
        "direct_response": {"status": 403, "body": {"inline_string": "no"}}}]
    place.weir(origin, routes=deny if local else None)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 1000)
    if not local:
        wire = origin.accept()
        wire.read_head()
        wire.send(answer(403, b"no", "Forbidden", connection="close"))
    assert select.select([client.sock], [], [], 10)[0]
    for _ in range(20):
        client.send(b"x" * 5000)
    response = client.response()
    assert (response.status, response.body) == (403, b"no")


def test_early_response_in_pieces_says_that_the_connection_ends(place):
    """RFC 9112 §9.6: a client that is not told sends its next request into a closing connection."""
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 10\r\n\r\nhalf")
    wire = origin.accept()
    wire.read_head()
    wire.send(b"HTTP/1.1 413 X\r\ncontent-length: 2\r\n\r\n")
    head = client.read_head()
    assert head.get("connection") == "close"
    wire.send(b"no")
    assert client.read_exactly(2) == b"no"
    assert client.ended()


def test_early_local_answer_closes_when_the_body_is_not_read(place):
    place.weir(9, routes=[{"match": {"prefix": "/"}, "direct_response": {"status": 403}}])
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 100000\r\n\r\n" + b"x" * 1000)
    assert client.response().status == 403
    assert client.ended()


def test_local_answers_keep_the_connection(place):
    place.weir(9, routes=[{"match": {"prefix": "/"}, "direct_response": {"status": 403}}])
    client = place.client()
    for _ in range(3):
        assert client.ask().status == 403


def test_large_bodies_arrive_whole_in_both_directions(place):
    body = bytes(range(256)) * 20000
    origin = place.server(lambda seen: answer(body=seen.body))
    place.weir(origin)
    assert fetch(place.port, "PUT", body=body).body == body


def test_max_requests_per_connection(place):
    place.weir(place.server(),
               hcm={"common_http_protocol_options": {"max_requests_per_connection": 2}})
    client = place.client()
    assert client.ask().get("connection") is None
    assert client.ask().get("connection") == "close"
    assert client.ended()


def test_fifty_clients_at_once(place):
    origin = place.server(lambda seen: answer(body=seen.target.encode()))
    place.weir(origin)
    clients = [place.client() for _ in range(50)]
    for number, client in enumerate(clients):
        client.send(request(path=f"/{number}"))
    assert [client.response().body for client in clients] == [b"/%d" % n for n in range(50)]
    wait_for(lambda: len(origin.requests) == 50, "all requests at the origin")
