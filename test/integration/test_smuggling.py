"""What would mean one thing to Weir and another to the next hop: between HTTP/2 and HTTP/1 in both
directions, and fields that belong to one connection."""

import contextlib

import h2.errors
import pytest

from http2_wire import respond
from origin import answer
from raw_client import request
from test_http2_upstream import http2

LOG = "%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"

# Heads of HTTP/2 whose start line would be read differently in HTTP/1 (RFC 9113 §10.3): what is
# changed of a plain request, and the reason.
HEADS = [
    ({"path": "/a b"}, "invalid_path"),
    ({"path": "/ HTTP/1.1\r\nhost: evil\r\n\r\nGET /x"}, "invalid_header_value"),
    ({"path": "/a\tb"}, "invalid_path"),
    ({"path": "/a\0b"}, "invalid_header_value"),
    ({"path": "/a#b"}, "invalid_path"),
    ({"path": ""}, "invalid_path"),
    ({"path": "a"}, "invalid_path"),
    ({"path": "http://evil/"}, "invalid_path"),
    ({"path": "*"}, "invalid_path"),
    ({"method": "GET / HTTP/1.1\r\nx: y"}, "invalid_header_value"),
    ({"method": "GET /evil"}, "invalid_method"),
    ({"method": "GET\t"}, "invalid_header_value"),
    ({"method": ""}, "invalid_method"),
    ({"host": "a b"}, "invalid_authority"),
    ({"host": "a\r\nx-evil: 1"}, "invalid_header_value"),
    ({"host": "a\0"}, "invalid_header_value"),
    ({"host": "user@a"}, "invalid_authority"),
    ({"host": "a/b"}, "invalid_authority"),
    ({"host": "a,b"}, "invalid_authority"),
    ({"fields": [("host", "other.example")]}, "host_mismatch"),
    ({"fields": [("host", "test.example"), ("host", "test.example")]}, "duplicate_host"),
    ({"fields": [("x-a", "b\rc")]}, "invalid_header_value"),
    ({"fields": [("x-a", "b\nc")]}, "invalid_header_value"),
    ({"fields": [("x-a\r\nx-evil", "1")]}, "invalid_header_name"),
    ({"fields": [("", "1")]}, "invalid_header_name"),
    ({"fields": [("proxy-connection", "close")]}, "connection_header"),
    ({"fields": [("keep-alive", "1")]}, "connection_header"),
    ({"fields": [("transfer-encoding", "chunked"), ("content-length", "5")]}, "connection_header"),
    ({"fields": [("te", "trailers, chunked")]}, "invalid_te"),
    ({"fields": [("content-length", "5, 5")]}, "invalid_content_length"),
    ({"fields": [("content-length", "0x5")]}, "invalid_content_length"),
    ({"fields": [("content-length", " 5")]}, "invalid_header_value"),
    ({"fields": [("content-length", "5"), ("content-length", "5")]}, "duplicate_content_length"),
    ({"fields": [("content-length", "5")]}, "content_length_mismatch"),
    ({"fields": [("x-a", "1"), (":path", "/evil")]}, "pseudo_header_after_fields"),
    ({"fields": [(":path", "/evil")]}, "duplicate_pseudo_header"),
    ({"fields": [(":status", "200")]}, "unknown_pseudo_header"),
]


@pytest.mark.parametrize("parts,reason", HEADS, ids=[f"{p}"[:50] for p, _ in HEADS])
def test_no_head_of_http2_becomes_two_of_http1(place, parts, reason):
    origin = place.server()
    place.weir(origin, log=LOG)
    client = place.h2_client()
    client.head(**parts)
    assert not client.until(lambda: False)
    assert client.goaways[-1][0] == h2.errors.ErrorCodes.PROTOCOL_ERROR
    assert place.log.line() == f"HTTP/2 0 DPE http2.{reason}"
    assert not origin.requests


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding", "host", "connection"])
def test_no_trailer_of_http2_frames_http1(place, name):
    origin = place.origin()
    place.weir(origin, log=LOG, hcm={"http_protocol_options": {"enable_trailers": True}})
    client = place.h2_client()
    client.start("POST", body=b"abc", trailers=[(name, "1")])
    assert not client.until(lambda: False)
    wire = origin.accept()
    wire.sock.settimeout(0.2)
    with contextlib.suppress(TimeoutError):  # it may have been given up before a byte was sent
        while wire.more():
            pass
    assert b"\r\n0\r\n" not in wire.buffer  # it breaks off, it does not end
    assert name.encode() + b": 1" not in wire.buffer
    assert place.log.line().startswith("HTTP/2 0 DPE http2.")


def test_lengths_of_http2_become_one_length_of_http1(place):
    origin = place.server()
    place.weir(origin)
    client = place.h2_client()
    assert client.ask("POST", body=b"hello", fields=[("content-length", "5")]).status == 200
    assert client.ask("POST", body=b"hello").status == 200
    first, second = origin.requests
    assert (first.all("content-length"), first.all("transfer-encoding")) == (["5"], [])
    assert (second.all("content-length"), second.all("transfer-encoding")) == ([], ["chunked"])
    assert first.body == second.body == b"hello"


def test_host_beside_an_equal_authority_is_one_host(place):
    origin = place.server()
    place.weir(origin)
    assert place.h2_client().ask(fields=[("host", "TEST.example")]).status == 200
    assert len(origin.requests[0].all("host")) == 1


# Fields of a response over HTTP/2 that would end, or frame, a head of HTTP/1 differently.
ANSWERS = [
    [("x-a", "b\r\nset-cookie: evil=1")],
    [("x-a", "b\nc")],
    [("x-a", "b\0c")],
    [("x-a\r\nx-b", "c")],
    [("x a", "b")],
    [("X-Upper", "b")],
    [("transfer-encoding", "chunked")],
    [("connection", "x-a")],
    [("keep-alive", "timeout=1")],
    [("upgrade", "h2c")],
    [("content-length", "1"), ("content-length", "2")],
    [("content-length", "+2")],
]


@pytest.mark.parametrize("fields", ANSWERS, ids=lambda fields: repr(fields[0]))
def test_no_answer_of_http2_becomes_two_of_http1(place, fields):
    origin = place.h2_origin(
        lambda link, exchange: respond(link, exchange.stream, fields=fields, body=b"ok"))
    place.weir(origin, cluster=http2(), log=LOG)
    client = place.client()
    response = client.ask()
    assert response.status == 502
    assert b"evil" not in response.raw_head
    assert place.log.line().startswith("HTTP/1.1 502 UPE ")


HOP = {"connection": "x-one, X-Two ,,close", "x_one": "1", "x_two": "2", "keep_alive": "timeout=5",
       "proxy_connection": "keep-alive", "x_stays": "3"}
GONE = ("x-one", "x-two", "keep-alive", "proxy-connection", "upgrade", "http2-settings")


@pytest.mark.parametrize("version", ["HTTP/1", "HTTP/2"])
def test_what_connection_lists_stays_on_its_hop(place, version):
    """RFC 9110 §7.6.1, both directions, whatever the next hop speaks."""
    if version == "HTTP/2":
        origin = place.h2_origin()
        place.weir(origin, cluster=http2())
        assert place.client().ask(te="trailers, deflate", **HOP).status == 200
        seen = origin.requests[0]
        assert seen.get("te") == "trailers"
        assert seen.get("connection") is None
    else:
        origin = place.server(answer(**{**HOP, "connection": "x-one, X-Two"}))
        place.weir(origin)
        response = place.client().ask(te="trailers, deflate", **HOP)
        seen = origin.requests[0]
        assert seen.get("te") == "trailers"
        assert response.get("x-stays") == "3"
        assert [response.get(name) for name in GONE] == [None] * len(GONE)
    assert seen.get("x-stays") == "3"
    assert [seen.get(name) for name in GONE] == [None] * len(GONE)


def test_an_answer_for_http2_loses_them_too(place):
    place.weir(place.server(answer(**{**HOP, "connection": "x-one, X-Two"})))
    response = place.h2_client().ask()
    assert (response.status, response.get("x-stays")) == (200, "3")
    assert [response.get(name) for name in (*GONE, "connection")] == [None] * (len(GONE) + 1)


# What an origin must never be asked to switch to, whatever else is allowed.
H2C = [
    {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2_settings": "AAMAAABk"},
    {"connection": "Upgrade", "upgrade": "H2C", "http2_settings": "AAMAAABk"},
    {"connection": "keep-alive", "upgrade": "h2c", "http2_settings": "AAMAAABk"},
]


@pytest.mark.parametrize("fields", H2C, ids=lambda fields: ", ".join(fields.values()))
def test_h2c_is_not_passed_on(place, fields):
    origin = place.server()
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "websocket"},
                                                {"upgrade_type": "h2c"}]})
    assert place.client().ask(**fields).status == 200
    assert origin.requests[0].get("upgrade") is None
    assert origin.requests[0].get("http2-settings") is None


@pytest.mark.parametrize("second", ["h2c", "websocket"])
def test_two_upgrade_fields_are_no_way_around(place, second):
    origin = place.server()
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "websocket"}]})
    client = place.client()
    client.send(request(connection="Upgrade", upgrade="websocket")[:-2] +
                b"upgrade: " + second.encode() + b"\r\n\r\n")
    assert client.response().status in (400, 403)
    assert not origin.requests


def test_a_list_of_upgrades_is_no_way_around(place):
    origin = place.server()
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "websocket"}]})
    for types in ("websocket, h2c", "h2c, websocket"):
        client = place.client()
        client.send(request(connection="Upgrade", upgrade=types))
        assert client.response().status == 403
    assert not origin.requests


def test_a_response_cannot_list_its_framing_away(place):
    for name in ("content-length", "set-cookie"):
        place.weir(place.server(b"HTTP/1.1 200 OK\r\nconnection: " + name.encode() +
                                b"\r\nset-cookie: a=1\r\ncontent-length: 2\r\n\r\nok"))
        assert place.client().ask().status == (502 if name == "content-length" else 200)
