"""WebSocket tunnels between HTTP/1 and HTTP/2 (RFC 8441), in each combination: what one end does the
other must see. What HTTP/1 alone makes of upgrades is in test_upgrades."""

import base64
import signal
import threading

import pytest
from hyperframe.frame import GoAwayFrame

import bootstrap as bs
import http2_wire
from flow import MEGABYTE, drain, push
from tunnel_ends import (ALLOWED, KEY, Asked, Http1End, accept_of, answered, ask, opened,
                         to_origin)
from weir_process import wait_for

WAYS = [("h1", "h2"), ("h2", "h1"), ("h2", "h2")]
ways = pytest.mark.parametrize("down, up", WAYS, ids=["-".join(way) for way in WAYS])


def echo(one, other, data=b"ping"):
    one.send(data)
    assert other.read(len(data)) == data
    other.send(data)
    assert one.read(len(data)) == data


@ways
def test_both_heads_reach_the_other_side(place, down, up):
    """The key and its answer are HTTP/1's (RFC 8441 §5): made where one side has them alone."""
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED, cluster=to_origin(up))
    client = ask(place, down, {"x-stay": "1", "sec-websocket-protocol": "echo"})
    asked = Asked(origin, up)
    fields = asked.fields
    assert (fields["x-stay"], fields["sec-websocket-protocol"]) == ("1", "echo")
    assert fields["sec-websocket-version"] == "13"
    if up == "h1":
        assert asked.head.start == "GET /chat HTTP/1.1"
        assert (fields["upgrade"], fields["connection"].lower()) == ("websocket", "upgrade")
        assert len(base64.b64decode(fields["sec-websocket-key"])) == 16
        assert not {"content-length", "transfer-encoding"} & set(fields)
    else:
        assert (fields[":method"], fields[":protocol"]) == ("CONNECT", "websocket")
        assert (fields[":path"], fields[":authority"]) == ("/chat", "test.example")
        assert not {"sec-websocket-key", "upgrade", "connection", "content-length"} & set(fields)
    asked.accept(**{"sec-websocket-protocol": "echo"})
    status, back, _ = answered(client)
    assert back["sec-websocket-protocol"] == "echo"
    if down == "h1":
        assert (status, back["upgrade"]) == (101, "websocket")
        assert back["sec-websocket-accept"] == accept_of(KEY)
    else:
        assert status == 200
        assert not {"sec-websocket-accept", "upgrade", "connection"} & set(back)


def test_keys_are_not_repeated(place):
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED)
    clients = [ask(place, "h2") for _ in range(3)]
    keys = {Asked(origin, "h1").fields["sec-websocket-key"] for _ in clients}
    assert len(keys) == 3


@pytest.mark.parametrize("accept", [None, accept_of(KEY), "x"])
def test_an_answer_to_another_key_is_none(place, accept):
    """Nobody behind Weir could tell (RFC 6455 §4.1)."""
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED)
    client = ask(place, "h2")
    asked = Asked(origin, "h1")
    asked.accept(**{"sec-websocket-accept": accept})
    at = client.exchanges[client.stream]
    assert client.until(lambda: at.over)
    assert at.status == 502
    assert asked.wire.ended()
    assert place.log.line().split()[:2] == ["502", "UPE"]


@ways
def test_bytes_flow_both_ways_as_they_are(place, down, up):
    _, client, wire = opened(place, down, up)
    for data in (b"a", bytes(range(256)), b"0\r\n\r\n", b"x" * 70_000):
        echo(client, wire, data)


@ways
def test_both_directions_at_once_arrive_whole(place, down, up):
    _, client, wire = opened(place, down, up)
    data = bytes(range(256)) * 12000  # many windows
    if down == up == "h2":  # one thread an end: the library is not made for two
        client.send(data[:60_000])
        wire.send(data[:60_000])
        assert wire.read(60_000) == client.read(60_000) == data[:60_000]
        return
    got = {}
    h1, h2_end = (client, wire) if down == "h1" else (wire, client)
    sender = threading.Thread(target=h1.send, args=[data])
    sender.start()
    got["h2"] = h2_end.read(len(data))
    sender.join()
    reader = threading.Thread(target=lambda: got.update(h1=h1.read(len(data))))
    reader.start()
    h2_end.send(data)
    reader.join()
    assert got["h1"] == data and got["h2"] == data


@ways
@pytest.mark.parametrize("first", ["client", "origin"])
def test_half_close_leaves_the_other_direction(place, down, up, first):
    _, client, wire = opened(place, down, up)
    one, other = (client, wire) if first == "client" else (wire, client)
    one.send(b"last words")
    one.finish()
    assert other.read(10) == b"last words"
    assert other.finished()
    other.send(b"an answer" * 6_000)  # within one window: nobody else reads meanwhile
    assert one.read(54_000) == b"an answer" * 6_000
    other.finish()
    assert one.finished()
    assert place.log.line().split()[1:5] == (
        ["-", "via_upstream"] + (["10", "54000"] if first == "client" else ["54000", "10"]))


@ways
def test_a_client_that_resets(place, down, up):
    _, client, wire = opened(place, down, up)
    echo(client, wire)
    client.reset()
    assert wire.broken()
    flag = "DC" if down == "h1" else "DR"
    assert place.log.line().split()[1] == flag


@ways
def test_an_origin_that_resets(place, down, up):
    _, client, wire = opened(place, down, up)
    echo(client, wire)
    wire.reset()
    assert client.broken()
    assert place.log.line().split()[1] == "UC"


@ways
@pytest.mark.parametrize("who", ["client", "origin"])
def test_a_connection_that_vanishes_takes_its_tunnels(place, down, up, who):
    _, client, wire = opened(place, down, up)
    echo(client, wire)
    one, other = (client, wire) if who == "client" else (wire, client)
    one.vanish()
    if (down if who == "client" else up) == "h1":
        assert other.finished()  # a closed connection is a half-closed one to begin with
    else:
        assert other.broken()


@ways
def test_another_answer_is_an_ordinary_one(place, down, up):
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED, cluster=to_origin(up))
    client = ask(place, down)
    asked = Asked(origin, up)
    if up == "h1":
        asked.wire.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
    else:
        asked.link.h2.send_headers(asked.stream, [(":status", "403"), ("content-length", "2")])
        asked.link.h2.send_data(asked.stream, b"no", end_stream=True)
        asked.link.flush()
    status, _, end = answered(client)
    assert (status, end.read(2)) == (403, b"no")
    assert end.finished()
    assert place.log.line().split()[:3] == ["403", "-", "via_upstream"]


def test_a_200_of_http1_is_no_switch(place):
    """It has a body, and it is no consent."""
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED)
    client = ask(place, "h2")
    Asked(origin, "h1").wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    at = client.exchanges[client.stream]
    assert client.until(lambda: at.over)
    assert (at.fields, at.reset) == ([], 2)


@pytest.mark.parametrize("down", ["h1", "h2"])
def test_an_origin_without_extended_connect(place, down):
    """RFC 8441 §3: who does not say that it takes it is not asked."""
    origin = place.h2_origin()
    place.weir(origin, hcm=ALLOWED, cluster=to_origin("h2"))
    status, _, _ = answered(ask(place, down))
    assert status == 502
    assert not origin.requests


def test_not_configured_is_403_or_malformed(place):
    place.weir(place.server(), hcm={"http2_protocol_options": {"allow_connect": True}})
    client = ask(place, "h2")
    assert answered(client)[0] == 403
    assert place.log.line().startswith("403 - upgrade_failed")


def test_streams_beside_a_tunnel_go_on(place):
    """A tunnel that nobody reads holds up no other stream, on neither side."""
    _, client, wire = opened(place, "h2", "h2")
    wire.link.reads_bodies = False
    sent = 0
    while client.link.h2.local_flow_control_window(client.stream) > 0:
        size = min(client.link.h2.local_flow_control_window(client.stream), 16384)
        client.link.h2.send_data(client.stream, b"x" * size)
        client.link.flush()
        sent += size
    other = client.link.start(path="/other")
    wire.asked.next()
    asked = wire.asked
    assert asked.fields[":path"] == "/other"
    wire.link.h2.send_headers(asked.stream, [(":status", "204")], end_stream=True)
    wire.link.flush()
    assert client.link.response(other).status == 204
    wire.link.reads_bodies = True
    wire.link.h2.acknowledge_received_data(len(wire.at.body), wire.stream)
    wire.link.flush()
    assert wire.read(sent) == b"x" * sent


@ways
@pytest.mark.parametrize("towards", ["client", "origin"])
def test_a_slow_end_holds_up_the_other(place, down, up, towards):
    """No more than windows and sockets hold is on its way, and it goes on when it is read."""
    weir, client, wire = opened(place, down, up)
    slow, fast = (client, wire) if towards == "client" else (wire, client)
    base = weir.memory_kib()
    if hasattr(fast, "link"):
        sent = stuffed(fast)
    else:
        sent = push(fast.sock, b"x" * MEGABYTE, 60 * MEGABYTE, patience=20)
    assert sent < 40 * MEGABYTE, "nobody was held up"
    assert weir.memory_kib() - base <= 1024
    if hasattr(slow, "link"):
        assert slow.read(sent) == b"x" * sent
    else:
        drain(slow.sock, sent // 2, patience=10)
    if hasattr(fast, "link"):
        assert fast.link.until(lambda: room(fast) > 0)
    else:
        assert push(fast.sock, b"x" * 1000, 1000, patience=10) > 0


def room(end):
    return end.link.h2.local_flow_control_window(end.stream)


def stuffed(end):
    """Sends until the window stays shut."""
    sent = 0
    while sent < 60 * MEGABYTE:
        while room(end) > 0:
            size = min(room(end), 16384)
            end.link.h2.send_data(end.stream, b"x" * size)
            end.link.flush()
            sent += size
        end.sock.settimeout(0.3)
        try:
            end.link.step()
        except TimeoutError:
            return sent
        finally:
            end.sock.settimeout(10)
    return sent


@ways
def test_an_idle_tunnel_ends(place, down, up):
    _, client, wire = opened(place, down, up, hcm={"stream_idle_timeout": "0.3s"})
    echo(client, wire)
    assert client.broken() and wire.broken()
    assert place.log.line().split()[1:3] == ["SI", "stream_idle_timeout"]


@ways
def test_a_tunnel_survives_a_drain_until_its_limit(place, down, up):
    weir, client, wire = opened(place, down, up, arguments=["--drain-time-s", "1"])
    weir.signal(signal.SIGTERM)
    wait_for(lambda: "drain" in weir.output(), "the drain begins")
    for _ in range(3):
        echo(client, wire)
    if down == "h2":
        client.link.until(lambda: client.link.goaways)
        echo(client, wire)
        client.link.until(lambda: client.link.closed)
    else:
        client.finished()
    assert weir.wait(5) in (0, 1)


def test_a_goaway_of_the_origin_leaves_a_tunnel(place):
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED, cluster=to_origin("h2"))
    first = ask(place, "h1")
    wire = Asked(origin, "h2").accept()
    client = answered(first)[2]
    wire.link.raw(GoAwayFrame(0, last_stream_id=wire.stream).serialize())
    echo(client, wire)
    second = ask(place, "h1")  # on a connection of its own
    other = Asked(origin, "h2").accept()
    echo(answered(second)[2], other)
    echo(client, wire)


@pytest.mark.parametrize("up", ["h1", "h2"])
def test_plain_connect_of_http2(place, up):
    """RFC 9113 §8.5."""
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED, cluster=to_origin(up),
               routes=[bs.route(match={"connect_matcher": {}})])
    client = place.h2_client()
    client.stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(client.stream, [(":method", "CONNECT"),
                                           (":authority", "inside.example:443")])
    client.flush()
    client.exchanges[client.stream] = http2_wire.Exchange(client.stream)
    asked = Asked(origin, up)
    if up == "h1":
        assert asked.head.start == "CONNECT inside.example:443 HTTP/1.1"
        asked.wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        wire = Http1End(asked.wire)
    else:
        assert (asked.fields[":method"], asked.fields[":authority"]) == (
            "CONNECT", "inside.example:443")
        assert not {":path", ":scheme", ":protocol"} & set(asked.fields)
        wire = asked.accept()
    status, _, near = answered(client)
    assert status == 200
    echo(near, wire)
    near.finish()
    assert wire.finished()
    wire.send(b"late")
    wire.finish()
    assert near.read(4) == b"late" and near.finished()
