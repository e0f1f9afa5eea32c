"""What the access log says, and to whom: formats, filters, several sinks, reopening."""

import json
import os
import re
import signal

import bootstrap as bs
from raw_client import fetch
from weir_process import wait_for

DEFAULT_LINE = re.compile(
    r'\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "GET /a\?b HTTP/1\.1" 200 - 0 2 '
    r'\d+ \d+ "-" "agent/1" "[0-9a-f-]{36}" "test\.example" "127\.0\.0\.1:(\d+)"')


def test_default_line(place):
    origin = place.server()
    place.weir(origin, log=None)
    fetch(place.port, path="/a?b", user_agent="agent/1")
    match = DEFAULT_LINE.fullmatch(place.log.line())
    assert match, place.log.line()
    assert int(match[1]) == origin.port


def test_empty_values_are_dashes(place):
    place.weir(place.server(), log="%REQ(X-NONE)% %RESP(X-NONE)% %RESPONSE_FLAGS% %REQ(X-A?X-B)%")
    fetch(place.port, x_b="fallback")
    assert place.log.line() == "- - - fallback"


def test_operators(place):
    origin = place.server()
    place.weir(origin,
               log="%PROTOCOL% %REQ(:METHOD)% %REQ(:AUTHORITY)% %UPSTREAM_CLUSTER% %ROUTE_NAME% "
               "%DOWNSTREAM_LOCAL_PORT% %UPSTREAM_HOST% %REQ(:PATH):3% %BYTES_RECEIVED%",
               routes=[bs.route(name="the-route")])
    fetch(place.port, "POST", "/long/path", body=b"12345")
    assert place.log.line() == (f"HTTP/1.1 POST test.example origin the-route {place.port} "
                                f"127.0.0.1:{origin.port} /lo 5")


def test_json(place):
    entry = {"code": "%RESPONSE_CODE%", "path": "%REQ(:PATH)%", "none": "%REQ(X-NONE)%",
             "nested": {"method": "%REQ(:METHOD)%"}, "text": "to %UPSTREAM_CLUSTER%!"}
    log = bs.file_log(place.log.path, None)
    log["typed_config"]["log_format"] = {"json_format": entry}
    place.weir(place.server(), hcm={"access_log": [log]})
    fetch(place.port, path="/\"quoted\"")
    assert json.loads(place.log.line()) == {"code": 200, "path": "/\"quoted\"", "none": None,
                                            "nested": {"method": "GET"}, "text": "to origin!"}


def logging_when(place, condition, **config):
    log = bs.file_log(place.log.path, "%REQ(:PATH)% %RESPONSE_CODE%", filter=condition)
    routes = [{"match": {"prefix": "/404"}, "direct_response": {"status": 404}}, bs.route()]
    place.weir(place.server(), routes=routes, hcm={"access_log": [log]}, **config)
    client = place.client()
    for path in ("/ok", "/404", "/ok2"):
        client.ask(path=path, x_log="yes" if path == "/ok2" else "no")


def test_status_filter(place):
    logging_when(place, {"status_code_filter": {"comparison": {
        "op": "GE", "value": {"default_value": 400, "runtime_key": "unset.key"}}}})
    assert place.log.lines() == ["/404 404"]


def test_header_filter(place):
    logging_when(place,
                 {"header_filter": {"header": {"name": "x-log", "string_match": {"exact": "yes"}}}})
    assert place.log.lines() == ["/ok2 200"]


def test_or_and_not_filters(place):
    code = {"status_code_filter": {"comparison": {
        "op": "EQ", "value": {"default_value": 404, "runtime_key": "unset.key"}}}}
    header = {"header_filter": {"header": {"name": "x-log", "string_match": {"exact": "yes"}}}}
    logging_when(place, {"or_filter": {"filters": [code, header]}})
    assert place.log.lines(2) == ["/404 404", "/ok2 200"]


def test_control_bytes_cannot_forge_a_line(place):
    place.weir(place.server(), log="%REQ(X-A)%|%REQ(:PATH)%")
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\nx-a: one\ttwo\r\n\r\n")
    assert client.response().status == 200
    assert len(place.log.lines()) == 1


def test_stdout(place):
    sink = {"name": "envoy.access_loggers.stdout", "typed_config": {
        "@type": bs.V3 + "extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"text_format_source": {"inline_string": "to stdout %RESPONSE_CODE%\n"}}}}
    weir = place.weir(place.server(), hcm={"access_log": [sink]})
    fetch(place.port)
    wait_for(lambda: "to stdout 200\n" in weir.output(), "the line on standard output")


def test_usr1_reopens_the_log_after_it_was_renamed(place):
    weir = place.weir(place.server())
    client = place.client()
    client.ask()
    place.log.lines()
    old = place.log.path.rename(place.directory / "old.log")
    weir.signal(signal.SIGUSR1)
    wait_for(place.log.path.exists, "a new log file")
    for _ in range(3):
        client.ask()
    assert len(place.log.lines(3)) == 3
    assert old.read_text().count("\n") == 1


def test_nothing_is_lost_at_the_end(place):
    weir = place.weir(place.server(), flush_ms=600_000)
    with place.client() as client:
        for _ in range(20):
            client.ask()
    weir.signal(signal.SIGTERM)
    assert weir.wait() == 0
    assert len(place.log.lines(20)) == 20


def test_unwritable_log_is_a_clear_error(place):
    os.mkdir(place.directory / "is-a-directory")
    log = bs.file_log(place.directory / "is-a-directory")
    config = bs.bootstrap([bs.listener(1, bs.hcm(access_log=[log]))], [bs.cluster(9)])
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    assert "is-a-directory" in weir.output()


def test_bytes_on_the_wire(place):
    """What the client sent and got, and what the origin got and sent, byte for byte."""
    origin = place.server(b"HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n"
                          b"3\r\nabc\r\n0\r\n\r\n")
    place.weir(origin,
               log="%DOWNSTREAM_WIRE_BYTES_RECEIVED% %DOWNSTREAM_HEADER_BYTES_RECEIVED% "
               "%DOWNSTREAM_WIRE_BYTES_SENT% %DOWNSTREAM_HEADER_BYTES_SENT% "
               "%UPSTREAM_WIRE_BYTES_SENT% %UPSTREAM_HEADER_BYTES_SENT% "
               "%UPSTREAM_WIRE_BYTES_RECEIVED% %UPSTREAM_HEADER_BYTES_RECEIVED%")
    client = place.client()
    sent = (b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n"
            b"12345")
    client.send(sent)
    assert client.response().status == 100
    final = client.response()
    down = (int(number) for number in place.log.line().split())
    assert next(down) == len(sent)
    assert next(down) == len("Host:t\r\ncontent-length:5\r\nexpect:100-continue\r\n")
    assert next(down) == (len("HTTP/1.1 100 Continue\r\n\r\n") + len(final.raw_head) +
                          len(final.raw_body))
    assert next(down) == len(final.raw_head) - len("HTTP/1.1 200 OK\r\n\r\n")
    request = origin.requests[0]
    assert next(down) == len(request.raw_head) + 5
    assert next(down) == len(request.raw_head) - len("POST / HTTP/1.1\r\n\r\n")
    assert next(down) == len(origin.reply)
    assert next(down) == len("x-a:b\r\ntransfer-encoding:chunked\r\n")


def test_metadata(place):
    facts = {"metadata": {"filter_metadata": {"ns": {"who": "route", "deep": {"er": [1, True]}}}}}
    place.weir(place.server(), cluster=facts, routes=[bs.route(**facts)],
               log="%METADATA(ROUTE:ns:who)% %CLUSTER_METADATA(ns:deep)% %DYNAMIC_METADATA(ns:a)%")
    fetch(place.port)
    assert place.log.line() == 'route {"er":[1,true]} -'
