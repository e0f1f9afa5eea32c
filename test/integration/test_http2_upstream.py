"""HTTP/2 to clusters, against python3-h2 and nghttpd, and HTTP/1 and HTTP/2 in every combination."""

import subprocess

import h2.errors
import h2.settings
import pytest

import http2_wire as h2c
from raw_client import fetch
from weir_process import free_port, wait_for

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TYPE = "type.googleapis.com/" + OPTIONS
LOG = "%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"


def speaking(config, **more):
    """A cluster's fields for the HTTP version of `config`."""
    return {"typed_extension_protocol_options": {OPTIONS: {"@type": TYPE, **config, **more}}}


def http2(**options):
    return speaking({"explicit_http_config": {"http2_protocol_options": options}})


HTTP1 = speaking({"explicit_http_config": {"http_protocol_options": {"enable_trailers": True}}})
TRAILERS = {"http_protocol_options": {"enable_trailers": True}}


# --- both ways


UPSTREAM = {"h1": HTTP1, "h2": http2()}


@pytest.fixture(name="pair", params=["h1-h1", "h1-h2", "h2-h1", "h2-h2"])
def fixture_pair(request, place):
    """Asks through the proxy in one version what an origin of another answers."""
    down, up = request.param.split("-")
    return Pair(place, down, up)


class Pair:
    def __init__(self, place, down, up):
        self.place, self.down, self.up = place, down, up
        self.origin = None

    def run(self, body=b"ok", trailers=None, status=200, fields=()):
        """Starts both; the origin answers alike."""
        if self.up == "h2":
            self.origin = self.place.h2_origin(lambda link, at: h2c.respond(
                link, at.stream, status, fields, body, trailers))
        else:
            head = "".join(f"{name}: {value}\r\n" for name, value in fields)
            if trailers is None:
                rest = f"content-length: {len(body)}\r\n\r\n".encode() + body
            else:
                ends = "".join(f"{name}: {value}\r\n" for name, value in trailers)
                rest = (f"transfer-encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body +
                        f"\r\n0\r\n{ends}\r\n".encode())
            self.origin = self.place.server(f"HTTP/1.1 {status} X\r\n{head}".encode() + rest)
        self.place.weir(self.origin, cluster=UPSTREAM[self.up], hcm=TRAILERS,
                        log="%PROTOCOL% %UPSTREAM_PROTOCOL% %RESPONSE_CODE%")
        return self

    def ask(self, method="GET", path="/", fields=(), body=None, trailers=None):
        """(status, fields, body, trailers)"""
        if self.down == "h2":
            got = self.place.h2_client().ask(method, path, fields=fields, body=body,
                                            trailers=trailers)
            return got.status, dict(got.fields), got.body, got.trailers
        client = self.place.client()
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        if trailers is not None:
            ends = "".join(f"{name}: {value}\r\n" for name, value in trailers)
            lines += "transfer-encoding: chunked\r\n"
            tail = f"{len(body):x}\r\n".encode() + body + f"\r\n0\r\n{ends}\r\n".encode()
        elif body is not None:
            lines += f"content-length: {len(body)}\r\n"
            tail = body
        else:
            tail = b""
        client.send(f"{method} {path} HTTP/1.1\r\nhost: test.example\r\n{lines}\r\n".encode() +
                    tail)
        got = client.response(method)
        return got.status, dict(got.fields), got.body, got.trailers

    def seen(self):
        """The last request at the origin: (method, path, authority, fields, body, trailers)"""
        at = self.origin.requests[-1]
        if self.up == "h2":
            fields = dict(at.fields)
            return (fields[":method"], fields[":path"], fields[":authority"], fields, at.body,
                    at.trailers)
        return at.method, at.target, at.get("host"), dict(at.fields), at.body, at.trailers


def test_a_get_in_every_combination(pair):
    pair.run(fields=[("x-origin", "1")])
    status, fields, body, _ = pair.ask(path="/a?b=c", fields=[("x-mine", "v")])
    assert (status, fields["x-origin"], body) == (200, "1", b"ok")
    method, path, authority, seen, _, _ = pair.seen()
    assert (method, path, authority) == ("GET", "/a?b=c", "test.example")
    assert seen["x-mine"] == "v"
    names = {"h1": "HTTP/1.1", "h2": "HTTP/2"}
    assert pair.place.log.line() == f"{names[pair.down]} {names[pair.up]} 200"


def test_a_post_in_every_combination(pair):
    pair.run(body=b"y" * 300_000)
    status, fields, body, _ = pair.ask("POST", body=b"x" * 500_000)
    assert (status, len(body)) == (200, 300_000)
    assert pair.seen()[4] == b"x" * 500_000


def test_trailers_in_every_combination(pair):
    pair.run(body=b"body", trailers=[("x-sum", "7")])
    status, _, body, trailers = pair.ask("POST", body=b"hello", trailers=[("x-up", "3")],
                                         fields=[("te", "trailers")])
    assert (status, body, trailers) == (200, b"body", [("x-sum", "7")])
    _, _, _, fields, body, trailers = pair.seen()
    assert (body, trailers) == (b"hello", [("x-up", "3")])
    assert fields["te"] == "trailers"


def test_an_empty_response_in_every_combination(pair):
    pair.run(body=b"", status=404)
    status, _, body, _ = pair.ask("DELETE")
    assert (status, body) == (404, b"")


def test_head_in_every_combination(pair):
    if pair.up == "h1":
        pair.origin = pair.place.server(b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n")
        pair.place.weir(pair.origin, cluster=HTTP1)
    else:
        pair.run(body=b"", fields=[("content-length", "99")])
    status, fields, body, _ = pair.ask("HEAD")
    assert (status, fields["content-length"], body) == (200, "99", b"")


# --- upstream


def test_one_connection_carries_many_requests(place):
    origin = place.h2_origin()
    place.weir(origin, cluster=http2())
    client = place.h2_client()
    for stream in [client.start() for _ in range(50)]:
        assert client.response(stream).status == 200
    assert len(origin.links) == 1


def test_the_origins_limit_of_streams_is_kept(place):
    settings = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1}
    origin = place.h2_origin(settings=settings)
    place.weir(origin, cluster=http2())
    assert fetch(place.port).status == 200
    client = place.h2_client()
    for stream in [client.start() for _ in range(20)]:
        assert client.response(stream).status == 200
    assert all(link.h2.highest_inbound_stream_id for link in origin.links)


def test_a_goaway_moves_requests_to_another_connection(place):
    def reply(link, exchange):
        h2c.respond(link, exchange.stream)
        link.h2.close_connection(last_stream_id=exchange.stream)
        link.flush()

    origin = place.h2_origin(reply)
    place.weir(origin, cluster=http2())
    client = place.h2_client()
    for _ in range(4):
        assert client.ask().status == 200
    assert len(origin.links) == 4


def test_a_refused_stream_is_sent_again(place):
    refused = []

    def reply(link, exchange):
        if not refused:
            refused.append(exchange.stream)
            link.h2.reset_stream(exchange.stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            return link.flush()
        return h2c.respond(link, exchange.stream)

    place.weir(place.h2_origin(reply), cluster=http2(), log=LOG)
    assert place.h2_client().ask("POST", fields=[("content-length", "0")]).status == 200
    assert refused
    assert place.log.line() == "HTTP/2 200 - via_upstream"


def test_a_reset_stream_is_a_503_with_its_reason(place):
    def reply(link, exchange):
        link.h2.reset_stream(exchange.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
        link.flush()

    place.weir(place.h2_origin(reply), cluster=http2(), log=LOG)
    response = place.h2_client().ask()
    assert response.status == 503
    assert b"reset reason: remote reset" in response.body
    assert place.log.line() == "HTTP/2 503 UR upstream_reset_before_response_started{remote_reset}"


def test_a_stream_refused_in_its_answer_is_not_sent_again(place):
    """RFC 9113 §8.7: only what was not processed at all may be; a client would see two heads."""
    def reply(link, exchange):
        link.h2.send_headers(exchange.stream, [(":status", "200")])
        link.h2.reset_stream(exchange.stream, h2.errors.ErrorCodes.REFUSED_STREAM)
        link.flush()

    place.weir(place.h2_origin(reply), cluster=http2(), log=LOG)
    response = place.h2_client().ask()
    assert (response.status, response.reset) == (200, h2.errors.ErrorCodes.INTERNAL_ERROR)
    assert place.log.line() == "HTTP/2 200 UR upstream_reset_after_response_started{remote_reset}"


@pytest.mark.parametrize("code, shown", [
    (h2.errors.ErrorCodes.CANCEL, h2.errors.ErrorCodes.CANCEL),
    (h2.errors.ErrorCodes.NO_ERROR, h2.errors.ErrorCodes.INTERNAL_ERROR),
    (h2.errors.ErrorCodes.INTERNAL_ERROR, h2.errors.ErrorCodes.INTERNAL_ERROR)])
def test_a_response_that_breaks_off(place, code, shown):
    """gRPC tells a call that was given up (its deadline) from one that failed, by the code."""
    def reply(link, exchange):
        link.h2.send_headers(exchange.stream, [(":status", "200")])
        link.h2.send_data(exchange.stream, b"half")
        link.h2.reset_stream(exchange.stream, code)
        link.flush()

    place.weir(place.h2_origin(reply), cluster=http2(), log=LOG)
    response = place.h2_client().ask()
    assert (response.status, response.body, response.reset) == (200, b"half", shown)
    assert place.log.line().startswith("HTTP/2 200 UR upstream_reset_after_response_started{remote_")


def test_a_lost_connection_fails_all_its_requests(place):
    def reply(link, exchange):
        if exchange.get(":path") == "/die":
            link.close()
        raise OSError

    place.weir(place.h2_origin(reply), cluster=http2(), log=LOG)
    client = place.h2_client()
    assert client.ask("POST", "/die", body=b"x").status == 503
    assert "UC" in place.log.line()


def test_an_origin_that_breaks_the_rules_is_a_502(place):
    def reply(link, exchange):
        link.h2.send_headers(exchange.stream, [(":status", "200"), ("connection", "close")],
                             end_stream=True)
        link.flush()

    place.weir(place.h2_origin(reply), cluster=http2(), log=LOG)
    assert place.h2_client().ask().status == 502
    assert place.log.line() == ("HTTP/2 502 UPE upstream_reset_before_response_started"
                                "{protocol_error}")


def test_a_response_before_the_end_of_its_request(place):
    origin = place.h2_origin()
    place.weir(origin, cluster=http2())
    client = place.h2_client()
    stream = client.head("POST", end=False)
    wait_for(lambda: origin.links and origin.links[0].exchanges.get(1), "the head is there")
    h2c.respond(origin.links[0], 1, 413, body=b"no")
    response = client.response(stream)
    assert (response.status, response.body) == (413, b"no")
    assert fetch(place.port).status == 200


def test_the_downstreams_version_where_it_is_asked_for(place):
    both = speaking({"use_downstream_protocol_config": {"http2_protocol_options": {}}})
    origin = place.h2_origin()
    place.weir(origin, cluster=both, log="%PROTOCOL% %UPSTREAM_PROTOCOL%")
    assert place.h2_client().ask().status == 200
    assert place.log.line() == "HTTP/2 HTTP/2"


def test_alpn_without_tls_is_http1(place):
    place.weir(place.server(), cluster=speaking({"auto_config": {"http2_protocol_options": {}}}))
    assert place.h2_client().ask().status == 200


def test_a_request_limit_upstream_opens_another_connection(place):
    limit = {"common_http_protocol_options": {"max_requests_per_connection": 2}}
    origin = place.h2_origin()
    place.weir(origin, cluster=speaking(
        {"explicit_http_config": {"http2_protocol_options": {}}}, **limit))
    client = place.h2_client()
    for _ in range(5):
        assert client.ask().status == 200
    assert len(origin.links) == 3


def test_an_idle_connection_upstream_is_closed(place):
    idle = {"common_http_protocol_options": {"idle_timeout": "0.2s"}}
    origin = place.h2_origin()
    place.weir(origin, cluster=speaking(
        {"explicit_http_config": {"http2_protocol_options": {}}}, **idle))
    assert place.h2_client().ask().status == 200
    wait_for(lambda: origin.links[0].closed, "the connection is closed")
    assert origin.links[0].goaways == [(0, 0)]


def test_a_slow_client_holds_the_origin_back(place):
    sent = []

    def reply(link, exchange):
        link.h2.send_headers(exchange.stream, [(":status", "200")])
        for _ in range(600):
            link.send_body(exchange.stream, b"x" * 16_000, end=False)
            sent.append(16_000)
        link.h2.end_stream(exchange.stream)
        link.flush()

    weir = place.weir(place.h2_origin(reply), cluster=http2())
    before = weir.memory_kib()
    client = place.h2_client()
    client.reads_bodies = False
    slow = client.start()
    assert client.until(lambda: len(client.exchanges[slow].body) >= 65535)
    wait_for(lambda: sum(sent) > 65535, "the origin has begun")
    assert sum(sent) < 2_000_000, "and is held"
    assert weir.memory_kib() - before < 4096
    client.h2.increment_flow_control_window(20_000_000)
    client.h2.increment_flow_control_window(20_000_000, slow)
    client.flush()
    assert len(client.response(slow).body) == 9_600_000


def test_nghttpd_behind(place):
    port = free_port()
    (place.directory / "index.html").write_text("from nghttpd")
    server = subprocess.Popen(["nghttpd", "--no-tls", "-d", str(place.directory), str(port)])
    try:
        place.weir(port, cluster=http2())
        client = place.h2_client()
        wait_for(lambda: client.ask(path="/index.html").status == 200, "nghttpd answers")
        assert client.ask(path="/index.html").body == b"from nghttpd"
    finally:
        server.terminate()
        server.wait()
