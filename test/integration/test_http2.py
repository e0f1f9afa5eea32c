"""HTTP/2 clients, by prior knowledge: curl, python3-h2 and h2load."""

import signal
import socket
import subprocess

import h2.errors
import h2.settings
import pytest

import http2_wire as h2c
from origin import answer

LOG = "%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"


def test_curl_by_prior_knowledge_and_by_http1_on_one_port(place):
    place.weir(place.server())
    url = f"http://127.0.0.1:{place.port}/"
    for flag, version in (("--http2-prior-knowledge", "2"), ("--http1.1", "1.1")):
        said = subprocess.run(["curl", "-s", "-w", " %{http_version}", flag, url],
                              capture_output=True, text=True, timeout=20, check=True).stdout
        assert said == "ok " + version


@pytest.mark.parametrize("cut", [1, 3, 23, 24, 30])
def test_the_preface_may_come_in_pieces(place, cut):
    place.weir(place.server())
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    with socket.create_connection(("127.0.0.1", place.port)) as sock:
        sock.settimeout(10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(preface), cut):
            sock.sendall(preface[at:at + cut])
        frame = sock.recv(9)
        assert frame[3] == 4, "SETTINGS come first"


def test_many_requests_share_a_connection(place):
    origin = place.server(lambda request: answer(body=request.target.encode()))
    place.weir(origin, log=LOG)
    client = place.h2_client()
    streams = [client.start(path=f"/{i}") for i in range(60)]
    for i, stream in enumerate(streams):
        response = client.response(stream)
        assert (response.status, response.body) == (200, b"/%d" % i)
    assert place.log.lines(60)[0] == "HTTP/2 200 - via_upstream"
    request = origin.requests[0]
    assert request.start.endswith(" HTTP/1.1")
    assert request.get("host") == "test.example"


def test_host_stands_in_for_authority(place):
    origin = place.server()
    place.weir(origin)
    client = place.h2_client()
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", "/"),
                                    ("host", "other.example")], end_stream=True)
    client.exchanges[stream] = h2c.Exchange(stream)
    client.flush()
    assert client.response(stream).status == 200
    assert origin.requests[0].all("host") == ["other.example"]


def test_cookie_crumbs_become_one_field(place):
    origin = place.server()
    place.weir(origin)
    place.h2_client().ask(fields=[("cookie", "a=1"), ("cookie", "b=2")])
    assert origin.requests[0].all("cookie") == ["a=1; b=2"]


def test_expect_is_answered_and_not_passed_on(place):
    origin = place.server()
    place.weir(origin)
    client = place.h2_client()
    stream = client.head("POST", fields=[("expect", "100-continue")], end=False)
    assert client.until(lambda: client.exchanges[stream].interim == [100])
    client.send_body(stream, b"hello")
    assert client.response(stream).status == 200
    assert origin.requests[0].body == b"hello"
    assert origin.requests[0].get("expect") is None


@pytest.mark.parametrize("method,status,body", [("HEAD", 200, b""), ("GET", 204, b""),
                                                ("GET", 304, b"")])
def test_responses_without_a_body(place, method, status, body):
    length = "" if status == 204 else "content-length: 5\r\n"
    place.weir(place.server(f"HTTP/1.1 {status} X\r\n{length}\r\n".encode()))
    response = place.h2_client().ask(method)
    assert (response.status, response.body, response.ended) == (status, body, True)
    assert response.get("content-length") == (None if status == 204 else "5")


def test_hop_by_hop_fields_of_http1_do_not_cross(place):
    place.weir(place.server(b"HTTP/1.1 200 OK\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\n"
                            b"keep-alive: timeout=5\r\nx-end: 1\r\ncontent-length: 2\r\n\r\nok"))
    response = place.h2_client().ask()
    names = [name for name, _ in response.fields]
    assert "x-end" in names
    assert not {"connection", "x-hop", "keep-alive", "transfer-encoding"} & set(names)


def test_a_chunked_response_needs_no_length(place):
    place.weir(place.server(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    response = place.h2_client().ask()
    assert (response.body, response.get("content-length")) == (b"abcde", None)


def test_an_origin_that_hangs_up_costs_one_stream(place):
    place.weir(place.server(lambda request: None if request.target == "/x" else answer(body=b"y")))
    client = place.h2_client()
    assert client.ask(path="/y").body == b"y"
    assert client.ask(path="/x").status == 503
    assert client.ask(path="/y").body == b"y"


def test_a_body_that_breaks_off_is_told(place):
    origin = place.origin()
    place.weir(origin, log=LOG)
    client = place.h2_client()
    stream = client.start()
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    assert client.until(lambda: client.exchanges[stream].body == b"half")
    wire.close()
    assert client.response(stream).reset == h2.errors.ErrorCodes.INTERNAL_ERROR
    assert place.log.line() == ("HTTP/2 200 UC upstream_reset_after_response_started"
                                "{connection_termination}")


def test_a_client_that_resets_is_logged_and_the_origin_let_go(place):
    origin = place.origin()
    place.weir(origin, log=LOG)
    client = place.h2_client()
    stream = client.start()
    wire = origin.accept()
    wire.request()
    client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
    client.flush()
    assert wire.ended()
    assert place.log.line() == "HTTP/2 0 DR http2.remote_reset"


SMUGGLED = [
    [("transfer-encoding", "chunked")],
    [("connection", "close")],
    [("x-a", "b\r\nx-evil: 1")],
    [("x-a", "b\0c")],
    [("X-Upper", "1")],
    [("x a", "1")],
    [("x-a:", "1")],
    [("content-length", "3"), ("content-length", "5")],
    [("content-length", "+5")],
    [("te", "gzip")],
    [("upgrade", "h2c")],
]


@pytest.mark.parametrize("fields", SMUGGLED, ids=lambda fields: repr(fields[0]))
def test_nothing_that_frames_http1_is_taken(place, fields):
    origin = place.server()
    place.weir(origin, log=LOG)
    client = place.h2_client()
    client.head("POST", fields=fields, end=False)
    assert not client.until(lambda: False)
    assert client.goaways[-1][0] == h2.errors.ErrorCodes.PROTOCOL_ERROR
    assert place.log.line().startswith("HTTP/2 0 DPE http2.")
    assert not origin.requests


@pytest.mark.parametrize("length,body", [("3", b"hello"), ("9", b"hello")])
def test_a_length_that_lies_never_reaches_http1_framing(place, length, body):
    origin = place.origin()
    place.weir(origin, log=LOG)
    client = place.h2_client()
    stream = client.head("POST", fields=[("content-length", length)], end=False)
    client.raw(len(body).to_bytes(3, "big") + b"\0\1" + stream.to_bytes(4, "big") + body)
    assert not client.until(lambda: False)
    assert "http2.content_length_mismatch" in place.log.line()


def test_a_stream_error_where_it_is_asked_for(place):
    place.weir(place.server(), hcm={"stream_error_on_invalid_http_message": True})
    client = place.h2_client()
    bad = client.head(fields=[("connection", "close")])
    assert client.response(bad).reset == h2.errors.ErrorCodes.PROTOCOL_ERROR
    assert client.ask().status == 200


def test_a_large_head_is_answered(place):
    place.weir(place.server(), log=LOG)
    client = place.h2_client()
    big = client.head(fields=[(f"x-{i}", "v" * 8000) for i in range(9)])
    assert client.response(big).status == 431
    assert client.ask().status == 200
    assert place.log.line() == "HTTP/2 431 DPE http2.headers_too_large"


def test_more_streams_than_agreed_are_refused(place):
    origin = place.origin()
    place.weir(origin, hcm={"http2_protocol_options": {"max_concurrent_streams": 2}})
    client = place.h2_client()
    client.until(lambda: client.h2.remote_settings.max_concurrent_streams == 2)
    client.h2.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 100
    client.h2.remote_settings.acknowledge()
    first, second = client.start(), client.start()
    third = client.start()
    assert client.response(third).reset == h2.errors.ErrorCodes.REFUSED_STREAM
    for _ in (first, second):
        wire = origin.accept()
        wire.request()
        wire.send(answer())
    assert client.response(first).status == client.response(second).status == 200


def test_an_idle_connection_is_closed(place):
    place.weir(place.server(),
               hcm={"common_http_protocol_options": {"idle_timeout": "0.3s"}})
    client = place.h2_client()
    assert client.ask().status == 200
    assert not client.until(lambda: False)
    assert client.goaways == [(0, 1)]


def test_drain_takes_what_is_under_way_and_then_says_no(place):
    origin = place.origin()
    weir = place.weir(origin)
    client = place.h2_client()
    first = client.start()
    wire = origin.accept()
    wire.request()
    weir.signal(signal.SIGTERM)
    assert client.until(lambda: len(client.goaways) == 2)
    assert client.goaways == [(0, 2**31 - 1), (0, first)]
    wire.send(answer(body=b"last"))
    assert client.response(first).body == b"last"
    assert not client.until(lambda: False)
    assert weir.wait(5) == 0


def test_a_connection_serves_so_many_requests(place):
    place.weir(place.server(),
               hcm={"common_http_protocol_options": {"max_requests_per_connection": 2}})
    client = place.h2_client()
    assert client.ask().status == 200
    assert not client.goaways
    assert client.ask().status == 200
    assert not client.until(lambda: False)
    assert client.goaways[-1] == (0, 3)


def test_a_dead_client_is_noticed_by_pings(place):
    options = {"connection_keepalive": {"interval": "0.1s", "timeout": "0.3s"}}
    place.weir(place.server(), hcm={"http2_protocol_options": options})
    with h2c.Client(place.port) as client:
        assert client.ask().status == 200
        client.h2.receive_data = lambda data: []  # says nothing any more
        assert not client.until(lambda: False)


def test_a_slow_reader_holds_its_own_stream_only(place):
    big = answer(body=b"x" * 4_000_000)
    place.weir(place.server(lambda request: big if request.target == "/big" else answer()))
    client = place.h2_client()
    client.reads_bodies = False
    slow = client.start(path="/big")
    assert client.until(lambda: len(client.exchanges[slow].body) >= 65535)
    client.h2.increment_flow_control_window(10_000_000)
    client.flush()
    assert client.ask(path="/small").status == 200
    client.h2.increment_flow_control_window(10_000_000, slow)
    client.flush()
    assert len(client.response(slow).body) == 4_000_000


def test_h2load_is_answered(place):
    place.weir(place.server())
    said = subprocess.run(["h2load", "-n", "400", "-c", "4", "-m", "25",
                           f"http://127.0.0.1:{place.port}/"], capture_output=True, text=True,
                          timeout=60, check=True).stdout
    assert "400 succeeded, 0 failed, 0 errored, 0 timeout" in said
