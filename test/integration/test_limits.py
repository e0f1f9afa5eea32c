"""What is refused, with which answer: limits, and requests two parsers could read differently."""

import pytest

import bootstrap as bs
from origin import answer
from raw_client import request

# (name, what the client sends, status)
REFUSED = [
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("bad host", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("length and chunked", b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n"
     b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("two lengths",
     b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400),
    ("length with sign", b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: +3\r\n\r\nabc", 400),
    ("huge length", b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 99999999999999999999\r\n\r\n",
     400),
    ("unknown coding", b"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: cow\r\n\r\n", 501),
    ("chunked not last", b"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
     400),
    ("blank before colon", b"GET / HTTP/1.1\r\nHost: a\r\nx-a : b\r\n\r\n", 400),
    ("folded line", b"GET / HTTP/1.1\r\nHost: a\r\nx-a: b\r\n c\r\n\r\n", 400),
    ("bare LF", b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ("bare CR in a value", b"GET / HTTP/1.1\r\nHost: a\r\nx-a: b\rc\r\n\r\n", 400),
    ("NUL in a value", b"GET / HTTP/1.1\r\nHost: a\r\nx-a: b\0c\r\n\r\n", 400),
    ("empty name", b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
    ("no colon", b"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", 400),
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("two blanks", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("blank in target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("unknown version", b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 505),
    ("control in target", b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 426),
    ("bad chunk size", b"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
     400),
    ("negative chunk size",
     b"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n", 400), ]


@pytest.mark.parametrize("data, status", [case[1:] for case in REFUSED],
                         ids=[case[0] for case in REFUSED])
def test_refused_and_closed(place, data, status):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(data)
    response = client.response()
    assert response.status == status
    assert response.get("connection") == "close"
    assert client.ended()
    # A body's error is found after the head was passed on; a head's is not.
    if b"chunked\r\n\r\n" not in data or b"content-length" in data:
        assert origin.nobody_connects(0.02)


def test_nothing_after_a_refused_request_is_read(place):
    origin = place.server()
    place.weir(origin)
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nbad header\r\nHost: a\r\n\r\n" + request(path="/smuggled"))
    assert client.response().status == 400
    assert client.ended()
    assert origin.requests == []


def test_a_refused_request_is_logged(place):
    place.weir(9)
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nx-a : b\r\n\r\n")
    assert client.response().status == 400
    assert place.log.line().split()[:2] == ["400", "DPE"]


def test_http_1_0_when_accepted(place):
    origin = place.server()
    place.weir(origin, hcm={"http_protocol_options": {"accept_http_10": True}})
    client = place.client()
    client.send(b"GET /old HTTP/1.0\r\nHost: a\r\n\r\n")
    response = client.response()
    assert (response.status, response.body) == (200, b"ok")
    assert client.ended()
    assert origin.requests[0].start == "GET /old HTTP/1.1"


def test_http_1_0_without_host_gets_the_default_one(place):
    origin = place.server()
    place.weir(origin, hcm={"http_protocol_options": {"accept_http_10": True,
                                                      "default_host_for_http_10": "old.example"}})
    client = place.client()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.response().status == 200
    assert origin.requests[0].get("host") == "old.example"


def test_http_1_0_gets_no_chunks(place):
    origin = place.server(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    place.weir(origin, hcm={"http_protocol_options": {"accept_http_10": True}})
    client = place.client()
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    response = client.response()
    assert (response.get("transfer-encoding"), response.body) == (None, b"ok")


def test_head_over_the_size_limit_is_431(place):
    place.weir(place.server(), hcm={"max_request_headers_kb": 1})
    assert place.client().ask(x_fits="a" * 500).status == 200
    client = place.client()
    client.send(request(x_big="a" * 2000))
    assert client.response().status == 431
    assert client.ended()


def test_default_size_limit_is_sixty_kilobytes(place):
    place.weir(place.server())
    assert place.client().ask(x_big="a" * 55_000).status == 200
    client = place.client()
    client.send(request(x_big="a" * 62_000))
    assert client.response().status == 431


def test_an_endless_target_is_refused(place):
    place.weir(place.server(), hcm={"max_request_headers_kb": 1})
    client = place.client()
    client.send(b"GET /" + b"a" * 3000)
    assert client.response().status in (400, 414, 431)
    assert client.ended()


def test_head_over_the_count_limit_is_431(place):
    place.weir(place.server(), hcm={"common_http_protocol_options": {"max_headers_count": 5}})
    assert place.client().ask(a=1, b=2).status == 200
    client = place.client()
    client.send(request(**{f"x_{number}": 1 for number in range(10)}))
    assert client.response().status == 431
    assert client.ended()


def test_response_over_the_count_limit_is_502(place):
    place.weir(place.server(answer(**{f"x_{number}": 1 for number in range(150)})))
    response = place.client().ask()
    assert response.status in (502, 503)
    assert "UPE" in place.log.line()


def test_body_over_the_buffer_filters_limit_is_413(place):
    buffered = bs.http_filter("envoy.filters.http.buffer",
                              "buffer.v3.Buffer",
                              max_request_bytes=100)
    origin = place.server()
    place.weir(origin, filters=[buffered])
    assert place.client().ask("POST", body=b"x" * 100).status == 200
    client = place.client()
    client.send(request("POST", body=b"x" * 101))
    response = client.response()
    assert (response.status, response.body) == (413, b"Payload Too Large")
    assert len(origin.requests) == 1


def test_buffer_filter_gives_chunks_a_length(place):
    buffered = bs.http_filter("envoy.filters.http.buffer",
                              "buffer.v3.Buffer",
                              max_request_bytes=100)
    origin = place.server()
    place.weir(origin, filters=[buffered])
    client = place.client()
    client.send(
        b"POST / HTTP/1.1\r\nHost: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert client.response().status == 200
    assert (origin.requests[0].get("content-length"), origin.requests[0].body) == ("3", b"abc")


@pytest.mark.parametrize("keep, ends", [(True, False), (False, True)])
def test_a_bad_request_may_leave_the_connection_open(place, keep, ends):
    """override_stream_error_on_invalid_http_message: only where the framing is beyond doubt."""
    place.weir(place.server(), hcm={"stream_error_on_invalid_http_message": keep})
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
    assert client.response().status == 400
    if ends:
        assert client.ended()
