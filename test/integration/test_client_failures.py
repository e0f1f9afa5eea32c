"""Clients that vanish: the origin's side ends too, and the access log says who left."""

import pytest

import bootstrap as bs
from origin import OK
from raw_client import request


@pytest.mark.parametrize("how", ["close", "reset"])
def test_client_leaves_in_its_body(place, how):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 1000\r\n\r\nabc")
    wire = origin.accept()
    wire.read_head()
    assert wire.read_exactly(3) == b"abc"
    getattr(client, how)()
    assert wire.ended()
    code, flags, details = place.log.line().split()[:3]
    assert (code, flags) == ("0", "DC")
    assert details.startswith("downstream_remote_disconnect")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_client_leaves_while_the_origin_thinks(place, how):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    getattr(client, how)()
    assert wire.ended()
    assert place.log.line().startswith("0 DC downstream_remote_disconnect")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_client_leaves_in_the_response(place, how):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc")
    client.read_head()
    getattr(client, how)()
    assert wire.ended()
    assert place.log.line().startswith("200 DC downstream_remote_disconnect")


def test_a_reset_in_the_event_of_its_request_ends_with_the_response(place):
    """To look for it sooner would cost every request a system call. So the origin's answer, not a
    timeout (UT), ends the request; the log says DC where the reset was seen before that."""
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(request(path="/left"))
    client.reset()
    wire = origin.accept()
    try:
        wire.request()
        wire.send(OK)
    except (EOFError, OSError):
        pass  # It was noticed at once, and the request withdrawn.
    assert place.log.line().split()[1] in ("DC", "-")


def test_connection_without_a_byte_leaves_no_log_line(place):
    place.weir(place.server())
    place.client().close()
    assert place.client().ask().status == 200
    assert len(place.log.lines()) == 1


def test_client_that_leaves_in_its_head_leaves_nothing_upstream(place):
    origin = place.origin()
    place.weir(origin)
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: ")
    client.close()
    assert origin.nobody_connects(0.05)


def test_nobody_is_left_behind(place):
    """Active connections and requests are counted back to zero: a new limit of one still admits."""
    origin = place.origin()
    place.weir(origin, cluster=bs.thresholds(max_requests=1, max_connections=1))
    for _ in range(5):
        client = place.client()
        client.send(request())
        wire = origin.accept()
        wire.request()
        client.reset()
        assert wire.ended()
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(OK)
    assert client.response().status == 200
