"""How Weir ends: SIGTERM and SIGINT drain, a second one does not wait."""

import signal
import time

import pytest

from origin import OK
from raw_client import Client, request
from weir_process import wait_for


def refuses_connections(place):
    try:
        Client(place.port).close()
        return False
    except (ConnectionRefusedError, ConnectionResetError):
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_traffic_it_ends_at_once(place, number):
    weir = place.weir(9)
    start = time.monotonic()
    weir.signal(number)
    assert weir.wait(5) == 0
    assert time.monotonic() - start < 1


def test_idle_connections_do_not_hold_it_up(place):
    weir = place.weir(place.server())
    clients = [place.client() for _ in range(20)]
    for client in clients[:10]:
        assert client.ask().status == 200
    start = time.monotonic()
    weir.signal(signal.SIGTERM)
    assert all(client.ended() for client in clients)
    assert weir.wait(5) == 0
    assert time.monotonic() - start < 1


def in_flight(place, **options):
    """A request that waits at the origin; (weir, client, the origin's connection)."""
    origin = place.origin()
    weir = place.weir(origin, **options)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    return weir, client, wire


def test_a_request_in_flight_is_finished(place):
    weir, client, wire = in_flight(place)
    idle = place.client()
    weir.signal(signal.SIGTERM)
    assert idle.ended()
    wait_for(lambda: refuses_connections(place), "the listener is closed")
    assert weir.alive()
    wire.send(OK)
    response = client.response()
    assert (response.status, response.body, response.get("connection")) == (200, b"ok", "close")
    assert client.ended()
    assert weir.wait(5) == 0
    assert len(place.log.lines()) == 1


def test_a_response_under_way_is_finished(place):
    weir, client, wire = in_flight(place)
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc")
    client.peek_until(b"abc")
    weir.signal(signal.SIGTERM)
    wait_for(lambda: refuses_connections(place), "the listener is closed")
    wire.send(b"def")
    response = client.response()
    assert (response.body, response.complete) == (b"abcdef", True)
    assert client.ended()
    assert weir.wait(5) == 0


def test_a_request_body_under_way_is_finished(place):
    origin = place.origin()
    weir = place.weir(origin)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 6\r\n\r\nabc")
    wire = origin.accept()
    wire.read_head()
    weir.signal(signal.SIGTERM)
    wait_for(lambda: refuses_connections(place), "the listener is closed")
    client.send(b"def")
    assert wire.read_exactly(6) == b"abcdef"
    wire.send(OK)
    assert client.response().status == 200
    assert weir.wait(5) == 0


def test_a_second_signal_ends_it_at_once(place):
    weir, client, _ = in_flight(place)
    weir.signal(signal.SIGTERM)
    wait_for(lambda: refuses_connections(place), "the listener is closed")
    assert weir.alive()
    start = time.monotonic()
    weir.signal(signal.SIGTERM)
    assert weir.wait(5) == 0
    assert time.monotonic() - start < 1
    assert client.read_to_end() == b""


def test_the_drain_time_is_a_limit(place):
    weir, client, _ = in_flight(place, arguments=["--drain-time-s", "1"])
    start = time.monotonic()
    weir.signal(signal.SIGTERM)
    assert weir.wait(5) == 0
    assert 0.9 <= time.monotonic() - start < 4
    assert client.read_to_end() == b""


def test_hangup_is_ignored(place):
    weir = place.weir(place.server())
    weir.signal(signal.SIGHUP)
    assert place.client().ask().status == 200
    assert weir.alive()


def test_two_workers_drain(place):
    weir, client, wire = in_flight(place, concurrency=2)
    weir.signal(signal.SIGTERM)
    wait_for(lambda: refuses_connections(place), "the listener is closed")
    wire.send(OK)
    assert client.response().get("connection") == "close"
    assert weir.wait(5) == 0
