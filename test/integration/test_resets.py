"""A reset that comes together with data, as one event: whoever waits for more must hear of it at once,
and not when a timer ends. The proxy is stopped until both have arrived."""

import contextlib
import os
import pathlib
import signal
import time

import bootstrap as bs
from origin import answer
from raw_client import request
from tcp_peers import how_it_ends, relay, reset
from test_http2_upstream import LOG, http2
from tunnel_ends import opened
from weir_process import wait_for

# Nothing but the reset ends it.
ENDLESS = [bs.route(action={"timeout": "0s", "idle_timeout": "0s"})]


@contextlib.contextmanager
def stopped(weir):
    """What is sent inside has arrived when the proxy goes on."""
    os.kill(weir.pid, signal.SIGSTOP)
    status = pathlib.Path(f"/proc/{weir.pid}/stat")
    wait_for(lambda: status.read_text().rsplit(")", 1)[1].split()[0] == "T", "it stands still")
    try:
        yield
        time.sleep(0.05)
    finally:
        os.kill(weir.pid, signal.SIGCONT)


def test_half_a_response(place):
    origin = place.origin()
    weir = place.weir(origin, routes=ENDLESS, log=LOG)
    client = place.client()
    client.send(request())
    server = origin.accept()
    server.request()
    with stopped(weir):
        server.send(b"HTTP/1.1 200 OK\r\ncontent-le")
        server.reset()
    assert client.response().status == 503
    assert "UC" in place.log.line()


def test_a_frame_of_http2_that_asks_for_no_answer(place):
    def reply(link, _):
        with stopped(weir):
            link.h2.increment_flow_control_window(1)
            link.flush()
            reset(link.sock)
        raise OSError

    weir = place.weir(place.h2_origin(reply), routes=ENDLESS, cluster=http2(), log=LOG)
    assert place.h2_client().ask("POST", "/", body=b"x").status == 503
    assert "UC" in place.log.line()


def test_half_a_request(place):
    """What the upstream has of it is cut."""
    origin = place.origin()
    weir = place.weir(origin, hcm={"stream_idle_timeout": "0s"}, routes=ENDLESS)
    client = place.client()
    client.send(request("POST", content_length=100) + b"some")
    server = origin.accept()
    while b"some" not in server.buffer:
        server.more()
    with stopped(weir):
        client.send(b" more")
        client.reset()
    while server.more():
        pass
    assert server.buffer.endswith((b"some", b"some more"))


def test_half_a_request_of_http2(place):
    origin = place.origin()
    weir = place.weir(origin, hcm={"stream_idle_timeout": "0s"}, routes=ENDLESS)
    client = place.h2_client()
    stream = client.head("POST", fields=[("content-length", "100")], end=False)
    server = origin.accept()
    server.read_head()
    with stopped(weir):
        client.h2.send_data(stream, b"some")
        client.flush()
        reset(client.sock)
    while server.more():
        pass
    assert server.buffer in (b"", b"some")


def test_tcp(place):
    origin = place.origin()
    weir = relay(place, origin)
    client = place.client()
    server = origin.accept()
    client.send(b"x")
    assert server.sock.recv(1) == b"x"
    with stopped(weir):
        server.send(b"last words")
        server.reset()
    assert how_it_ends(client.sock)[0] in (b"last words", b"")


def test_a_tunnel(place):
    weir, client, server = opened(place, "h1", "h1", routes=ENDLESS)
    with stopped(weir):
        server.send(b"last words")
        server.reset()
    assert how_it_ends(client.sock)[0] in (b"last words", b"")


def test_who_waits_is_not_cut_with_who_goes(place):
    """The connection's next request is not ended by the client whose response just ended on it."""
    origin = place.origin()
    weir = place.weir(origin, routes=ENDLESS, cluster=bs.thresholds(max_connections=1))
    first, second = place.client(), place.client()
    first.send(request())
    server = origin.accept()
    server.request()
    second.send(request("POST", content_length=8) + b"half")  # waits for the connection
    assert second.silent(0.1)
    with stopped(weir):
        server.send(answer(body=b"x" * 1000))
        time.sleep(0.05)  # so that it is read first
        first.reset()
    for wire in (server, None):
        wire = wire or origin.accept()
        if wire.more():
            break
    head = wire.read_head()
    assert head.method == "POST"
    second.send(b"half")
    assert wire.read_exactly(8) == b"halfhalf"
    wire.send(answer(body=b"for you"))
    assert second.response().body == b"for you"
