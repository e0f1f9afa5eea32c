"""Every timeout, small, with the answer it gives and the line it leaves in the access log."""

import time

import bootstrap as bs
from origin import OK
from raw_client import request


def test_route_timeout_is_504(place):
    origin = place.origin()
    place.weir(origin, routes=[bs.route(action={"timeout": "0.1s"})])
    client = place.client()
    start = time.monotonic()
    response = client.ask()
    assert 0.09 <= time.monotonic() - start < 2
    assert (response.status, response.body) == (504, b"upstream request timeout")
    assert place.log.line().startswith("504 UT response_timeout")
    # The client's connection is as good as before; the origin's is not.
    assert origin.accept().read_to_end().startswith(b"GET / ")
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(OK)
    assert client.response().status == 200


def test_route_timeout_in_the_middle_of_a_response_cuts_it(place):
    origin = place.origin()
    place.weir(origin, routes=[bs.route(action={"timeout": "0.2s"})])
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    response = client.response()
    assert (response.status, response.body, response.complete) == (200, b"abc", False)
    assert place.log.line().split()[:2] == ["200", "UT"]


def test_timeout_zero_means_none(place):
    origin = place.origin()
    place.weir(origin, routes=[bs.route(action={"timeout": "0s"})])
    client = place.client()
    client.send(request())
    wire = origin.accept()
    assert wire.request().get("x-envoy-expected-rq-timeout-ms") is None
    assert client.silent(0.1)
    wire.send(OK)
    assert client.response().status == 200


def test_timeout_begins_when_the_request_is_complete(place):
    origin = place.origin()
    place.weir(origin, routes=[bs.route(action={"timeout": "0.2s"})])
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 2\r\n\r\na")
    wire = origin.accept()
    wire.read_head()
    assert client.silent(0.3)
    client.send(b"b")
    wire.read_exactly(2)
    wire.send(OK)
    assert client.response().status == 200


def test_stream_idle_timeout_while_the_body_stalls(place):
    origin = place.origin()
    place.weir(origin, hcm={"stream_idle_timeout": "0.1s"})
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 5\r\n\r\nab")
    response = client.response()
    assert (response.status, response.body) == (408, b"stream timeout")
    assert client.ended()
    assert place.log.line().startswith("408 SI stream_idle_timeout")


def test_stream_idle_timeout_while_the_origin_thinks(place):
    place.weir(place.origin(), hcm={"stream_idle_timeout": "0.1s"})
    response = place.client().ask()
    assert response.status == 504
    assert place.log.line().startswith("504 SI stream_idle_timeout")


def test_stream_idle_timeout_in_the_middle_of_a_response_cuts_it(place):
    origin = place.origin()
    place.weir(origin, hcm={"stream_idle_timeout": "0.1s"})
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    response = client.response()
    assert (response.body, response.complete) == (b"abc", False)
    assert place.log.line().split()[1] == "SI"


def test_route_idle_timeout_goes_before_the_listeners(place):
    place.weir(place.origin(), routes=[bs.route(action={"idle_timeout": "0.1s"})],
               hcm={"stream_idle_timeout": "60s"})
    assert place.client().ask().status == 504


def test_request_timeout_is_408(place):
    origin = place.origin()
    place.weir(origin, hcm={"request_timeout": "0.1s"})
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 5\r\n\r\nab")
    response = client.response()
    assert (response.status, response.body) == (408, b"request timeout")
    assert client.ended()
    assert place.log.line().startswith("408 - request_overall_timeout")


def test_request_headers_timeout_is_408(place):
    place.weir(9, hcm={"request_headers_timeout": "0.1s"})
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\n")
    assert client.response().status == 408
    assert client.ended()
    assert place.log.line().startswith("408 - request_header_timeout")


def test_request_headers_timeout_does_not_touch_idle_connections(place):
    place.weir(place.server(), hcm={"request_headers_timeout": "0.1s"})
    client = place.client()
    assert client.ask().status == 200
    assert client.silent(0.25)
    assert client.ask().status == 200


def test_idle_connections_are_closed(place):
    options = {"common_http_protocol_options": {"idle_timeout": "0.1s"}}
    place.weir(place.server(), hcm=options)
    fresh, used = place.client(), place.client()
    assert used.ask().status == 200
    assert used.ended(2)
    assert fresh.ended(2)


def test_idle_timeout_spares_a_request_in_flight(place):
    origin = place.origin()
    place.weir(origin, hcm={"common_http_protocol_options": {"idle_timeout": "0.1s"}})
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    assert client.silent(0.3)
    wire.send(OK)
    assert client.response().status == 200
    assert client.ended(2)


def test_max_connection_duration_ends_an_idle_connection(place):
    place.weir(9, hcm={"common_http_protocol_options": {"max_connection_duration": "0.1s"},
                       "drain_timeout": "0.1s"})
    assert place.client().ended(2)


def test_max_stream_duration(place):
    place.weir(place.origin(),
               hcm={"common_http_protocol_options": {"max_stream_duration": "0.1s"}})
    response = place.client().ask()
    assert response.status in (408, 504)
    assert "max_duration_timeout" in place.log.line()


def test_idle_upstream_connections_are_closed(place):
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {
        "typed_extension_protocol_options": {
            name: {
                "@type": "type.googleapis.com/" + name,
                "explicit_http_config": {"http_protocol_options": {}},
                "common_http_protocol_options": {"idle_timeout": "0.1s"}}}}
    origin = place.origin()
    place.weir(origin, cluster=options)
    client = place.client()
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(OK)
    assert client.response().status == 200
    assert wire.ended(2)
