"""Upgrades: a request asks to go on in another protocol, and from a 101 on there is a tunnel. What the
WebSocket protocol itself makes of it is in test/suites/websocket."""

import base64
import signal
import threading

import pytest

import bootstrap as bs
from flow import MEGABYTE, drain, push
from origin import OK, answer
from raw_client import request
from weir_process import wait_for

WEBSOCKET = {"upgrade_configs": [{"upgrade_type": "websocket"}]}
KEY = base64.b64encode(bytes(range(16))).decode()
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
          b"sec-websocket-accept: abc\r\n\r\n")
LOG = bs.LOG_LINE + " %DOWNSTREAM_WIRE_BYTES_SENT% %UPSTREAM_WIRE_BYTES_RECEIVED%"


def handshake(path="/chat", upgrade="websocket", **fields):
    return request(path=path, **{"connection": "Upgrade", "upgrade": upgrade,
                                 "sec-websocket-key": KEY, "sec-websocket-version": "13", **fields})


def tunnel(place, early=b"", late=b"", hcm=None, **options):
    """An open tunnel: (proxy, client, the origin's connection). `early` follows the request at
    once, `late` the 101."""
    origin = place.origin()
    weir = place.weir(origin, hcm={**WEBSOCKET, **(hcm or {})}, **options)
    client = place.client()
    client.send(handshake() + early)
    wire = origin.accept()
    wire.request()
    wire.send(SWITCH + late)
    assert client.read_head().status == 101
    return weir, client, wire


def echo(client, wire, data=b"ping"):
    client.send(data)
    assert wire.read_exactly(len(data)) == data
    wire.send(data)
    assert client.read_exactly(len(data)) == data


def test_both_heads_reach_the_other_side(place):
    origin = place.origin()
    place.weir(origin, hcm=WEBSOCKET)
    client = place.client()
    client.send(handshake(connection="keep-alive, Upgrade, x-hop", x_hop="1", x_stay="2"))
    wire = origin.accept()
    seen = wire.request()
    assert (seen.start, seen.get("upgrade")) == ("GET /chat HTTP/1.1", "websocket")
    assert seen.get("connection").lower() == "upgrade"
    assert (seen.get("sec-websocket-key"), seen.get("x-hop"), seen.get("x-stay")) == (KEY, None, "2")
    assert (seen.get("content-length"), seen.get("transfer-encoding")) in ((None, None), ("0", None))
    wire.send(SWITCH)
    head = client.read_head()
    assert (head.status, head.get("upgrade")) == (101, "websocket")
    assert head.get("connection").lower() == "upgrade"
    assert head.get("sec-websocket-accept") == "abc"
    assert (head.get("content-length"), head.get("transfer-encoding")) == (None, None)


def test_bytes_flow_both_ways_as_they_are(place):
    _, client, wire = tunnel(place)
    for data in (b"a", bytes(range(256)), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"0\r\n\r\n",
                 b"\r\n\r\n"):
        echo(client, wire, data)


def test_bytes_behind_the_handshakes_are_not_lost(place):
    """Both ends may send with their heads: the origin at once, the client as soon as it dares."""
    _, client, wire = tunnel(place, early=b"early bytes", late=b"late bytes")
    assert wire.read_exactly(11) == b"early bytes"
    assert client.read_exactly(10) == b"late bytes"
    echo(client, wire)


def test_what_the_client_sends_early_waits_for_the_switch(place):
    """Before that it is no part of the request, and no request either."""
    origin = place.origin()
    place.weir(origin, hcm=WEBSOCKET)
    client = place.client()
    client.send(handshake() + request(path="/smuggled"))
    wire = origin.accept()
    wire.request()
    assert wire.silent(0.1)
    assert origin.nobody_connects(0.02)
    wire.send(SWITCH)
    assert wire.read_exactly(len(request(path="/smuggled"))) == request(path="/smuggled")


@pytest.mark.parametrize("reply", [
    answer(400, b"no", "Bad Request"), answer(200, b"plain"),
    answer(426, b"", "Upgrade Required", upgrade="websocket", connection="upgrade")])
def test_an_answer_other_than_101_is_an_ordinary_one(place, reply):
    """The connection ends with it: what stands behind the request may be no HTTP."""
    origin = place.server(reply)
    place.weir(origin, hcm=WEBSOCKET)
    client = place.client()
    client.send(handshake() + request(path="/smuggled"))
    response = client.response()
    assert response.status == int(reply.split()[1])
    assert response.get("connection") == "close"
    assert client.ended()
    assert [seen.target for seen in origin.requests] == ["/chat"]


def test_not_configured_is_403(place):
    origin = place.server()
    place.weir(origin)
    client = place.client()
    client.send(handshake() + request(path="/smuggled"))
    response = client.response()
    assert (response.status, response.body) == (403, b"")
    assert client.ended()
    assert not origin.requests
    assert place.log.line().startswith("403 - upgrade_failed")


@pytest.mark.parametrize("manager, route, allowed", [
    (None, None, False), (True, None, True), (False, None, False), (None, True, True),
    (True, False, False), (False, True, True)])
def test_a_route_may_say_otherwise(place, manager, route, allowed):
    def configs(enabled):
        return [] if enabled is None else [{"upgrade_type": "WebSocket", "enabled": enabled}]
    origin = place.server(SWITCH)
    place.weir(origin, hcm={"upgrade_configs": configs(manager)},
               routes=[bs.route(action={"upgrade_configs": configs(route)})])
    client = place.client()
    client.send(handshake(upgrade="websocket"))
    assert client.read_head().status == (101 if allowed else 403)


def test_other_protocols_and_lists(place):
    origin = place.server(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: tcp\r\n"
                          b"connection: upgrade\r\n\r\n")
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "tcp"}]})
    for upgrade, status in (("TCP", 101), ("websocket", 403), ("tcp, websocket", 403)):
        client = place.client()
        client.send(handshake(upgrade=upgrade))
        assert client.read_head().status == status


def test_h2c_is_an_ordinary_request(place):
    """And its fields go no further: what is said in a tunnel of HTTP/2 nobody here could judge."""
    origin = place.server()
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "h2c"}]})
    client = place.client()
    for _ in range(2):
        client.send(request(connection="Upgrade, HTTP2-Settings", upgrade="h2c",
                            http2_settings="AAMAAABkAARAAAAAAAIAAAAA"))
        assert client.response().status == 200
    for name in ("upgrade", "http2-settings", "connection"):
        assert origin.requests[0].get(name) is None


def test_ignored_types_are_ordinary_requests(place):
    origin = place.server()
    place.weir(origin, hcm={**WEBSOCKET, "http_protocol_options": {
        "ignore_http_11_upgrade": [{"prefix": "TLS/"}]}})
    client = place.client()
    client.send(request(connection="Upgrade", upgrade="TLS/1.2"))
    assert client.response().status == 200
    assert origin.requests[0].get("upgrade") is None


@pytest.mark.parametrize("fields", [{"upgrade": "websocket"}, {"connection": "upgrade"},
                                    {"upgrade": "websocket", "connection": "close"}])
def test_half_a_question_is_none(place, fields):
    """RFC 9110 §7.8: without the connection option the field is ignored."""
    origin = place.server()
    place.weir(origin, hcm=WEBSOCKET)
    client = place.client()
    client.send(request(**fields))
    assert client.response().status == 200
    assert origin.requests[0].get("upgrade") is None


def test_a_switch_nobody_asked_for_is_502(place):
    place.weir(place.server(SWITCH), hcm=WEBSOCKET)
    client = place.client()
    assert client.ask().status == 502
    assert place.log.line().split()[1] == "UPE"


def test_a_request_body_comes_before_the_tunnel(place):
    origin = place.origin()
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "tcp"}]})
    client = place.client()
    client.send(request("POST", path="/exec", connection="upgrade", upgrade="tcp", body=b'{"a":1}')
                + b"tunnelled")
    wire = origin.accept()
    seen = wire.request()
    assert (seen.body, seen.get("content-length")) == (b'{"a":1}', "7")
    assert wire.silent(0.05)
    wire.send(b"HTTP/1.1 101 UPGRADED\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n")
    assert client.read_head().status == 101
    assert wire.read_exactly(9) == b"tunnelled"
    echo(client, wire)


def test_a_switch_before_the_request_is_whole_is_502(place):
    origin = place.origin()
    place.weir(origin, hcm={"upgrade_configs": [{"upgrade_type": "tcp"}]})
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: tcp\r\n"
                b"content-length: 10\r\n\r\nabc")
    wire = origin.accept()
    wire.read_head()
    wire.send(b"HTTP/1.1 101 UPGRADED\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n")
    assert client.response().status == 502
    assert client.ended() and wire.ended() is not None


@pytest.mark.parametrize("first", ["client", "origin"])
def test_half_close_leaves_the_other_direction(place, first):
    _, client, wire = tunnel(place)
    one, other = (client, wire) if first == "client" else (wire, client)
    one.send(b"last words")
    one.sock.shutdown(1)
    assert other.read_to_end() == b"last words"
    other.send(b"an answer")
    assert one.read_exactly(9) == b"an answer"
    other.close()
    assert one.ended()
    assert place.log.line().startswith("101 - via_upstream")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_leaves(place, how):
    _, client, wire = tunnel(place)
    echo(client, wire)
    getattr(client, how)()
    assert wire.read_to_end() == b""
    wire.close()
    code, flags, details, received, sent = place.log.line().split()[:5]
    assert (code, received, sent) == ("101", "4", "4")
    assert (flags, details) in (("-", "via_upstream"), ("DC", "downstream_remote_disconnect"))


def test_an_origin_that_resets(place):
    _, client, wire = tunnel(place)
    echo(client, wire)
    wire.reset()
    assert client.read_to_end() == b""
    assert place.log.line().split()[:2] == ["101", "UC"]


def test_the_log_counts_both_ways(place):
    _, client, wire = tunnel(place, log=LOG)
    client.send(b"x" * 1000)
    wire.read_exactly(1000)
    wire.send(b"y" * 500)
    client.read_exactly(500)
    client.close()
    wire.read_to_end()
    wire.close()
    code, _, _, received, sent, wire_sent, wire_received = place.log.line().split()
    assert (code, received, sent) == ("101", "1000", "500")
    assert int(wire_sent) > 500 and int(wire_received) == len(SWITCH) + 500


def test_a_tunnel_is_not_logged_before_its_end(place):
    _, client, wire = tunnel(place)
    echo(client, wire)
    assert not place.log.path.exists() or not place.log.path.read_text()
    client.close()
    wire.close()
    place.log.line()


def test_filters_that_want_whole_bodies_do_not_hold_a_tunnel(place):
    whole = bs.http_filter("envoy.filters.http.buffer", "buffer.v3.Buffer", max_request_bytes=100)
    _, client, wire = tunnel(place, filters=[whole])
    echo(client, wire, b"x" * 1000)


def test_an_upgrade_may_have_filters_of_its_own(place):
    def tells(value):
        return bs.http_filter("mutation", "header_mutation.v3.HeaderMutation", mutations={
            "request_mutations": [{"append": {"header": {"key": "x-filters", "value": value}}}]})
    origin = place.server(lambda seen: SWITCH if seen.get("upgrade") else OK)
    place.weir(origin, filters=[tells("usual")], hcm={"upgrade_configs": [
        {"upgrade_type": "websocket", "filters": [tells("own"), bs.ROUTER]}]})
    client = place.client()
    client.send(request() + handshake())
    assert [client.response().status, client.read_head().status] == [200, 101]
    assert [seen.get("x-filters") for seen in origin.requests] == ["usual", "own"]


def test_retries_end_with_the_switch(place):
    replies = iter([answer(503, b""), SWITCH])
    origin = place.server(lambda _: next(replies))
    policy = {"retry_policy": {"retry_on": "5xx,retriable-status-codes", "num_retries": 3,
                               "retriable_status_codes": [101]}}
    place.weir(origin, hcm=WEBSOCKET, routes=[bs.route(action=policy)])
    client = place.client()
    client.send(handshake())
    assert client.read_head().status == 101
    assert len(origin.requests) == 2


def test_the_routes_timeout_ends_with_the_switch(place):
    slow = {"routes": [bs.route(action={"timeout": "0.4s"})]}
    origin = place.origin()
    place.weir(origin, hcm=WEBSOCKET, **slow)
    client = place.client()
    client.send(handshake())
    wire = origin.accept()
    wire.request()
    assert client.response().status == 504
    client = place.client()
    client.send(handshake())
    wire = origin.accept()
    wire.request()
    wire.send(SWITCH)
    assert client.read_head().status == 101
    assert client.silent(0.6)
    echo(client, wire)


def test_an_idle_tunnel_ends(place):
    _, client, wire = tunnel(place, hcm={"stream_idle_timeout": "0.5s"})
    for _ in range(4):  # Longer than the timeout, but never idle.
        assert client.silent(0.2)
        echo(client, wire)
    assert client.read_to_end() == b""
    assert wire.read_to_end() == b""
    assert place.log.line().split()[:3] == ["101", "SI", "stream_idle_timeout"]


def test_a_tunnel_has_the_streams_longest_duration(place):
    _, client, _ = tunnel(place, hcm={
        "common_http_protocol_options": {"max_stream_duration": "0.5s"}})
    assert client.read_to_end() == b""
    assert place.log.line().split()[:3] == ["101", "DT", "max_duration_timeout"]


@pytest.mark.parametrize("towards", ["client", "origin"])
def test_a_slow_end_holds_up_the_other(place, towards):
    weir, client, wire = tunnel(place)
    slow, fast = (client, wire) if towards == "client" else (wire, client)
    base = weir.memory_kib()
    sent = push(fast.sock, b"x" * MEGABYTE, 200 * MEGABYTE, patience=20)
    assert sent < 40 * MEGABYTE, "nobody was held up"
    assert weir.memory_kib() - base <= 1024
    drain(slow.sock, sent // 2, patience=10)
    assert push(fast.sock, b"x" * MEGABYTE, MEGABYTE, patience=10) > 0


def test_both_directions_at_once_arrive_whole(place):
    _, client, wire = tunnel(place)
    data = bytes(range(256)) * 20000
    got = {}

    def run(name, end):
        sender = threading.Thread(target=end.send, args=[data])
        sender.start()
        got[name] = end.read_exactly(len(data))
        sender.join()

    threads = [threading.Thread(target=run, args=pair)
               for pair in (("client", client), ("origin", wire))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got["client"] == data and got["origin"] == data


def test_a_tunnel_survives_a_drain_until_its_limit(place):
    weir, client, wire = tunnel(place, arguments=["--drain-time-s", "2"])
    weir.signal(signal.SIGTERM)
    wait_for(lambda: "drain" in weir.output(), "the drain begins")
    for _ in range(3):
        echo(client, wire)
        assert client.silent(0.2)
    assert client.read_to_end() == b""
    assert weir.wait(5) in (0, 1)
