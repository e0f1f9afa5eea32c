"""Requests that are sent more than once, to whom, and which of the answers the client gets."""

import bootstrap as bs
from origin import OK, answer
from raw_client import request
from weir_process import free_port

PREVIOUS_HOSTS = {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {
    "@type": bs.V3 + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"}}


def retrying(action=None, **policy):
    """A route with a retry policy that hardly waits."""
    policy = {"retry_on": "5xx", "retry_back_off": {"base_interval": "0.001s"}, **policy}
    return bs.route(action={"retry_policy": policy, **(action or {})})


def test_a_dead_endpoint_is_passed_over(place):
    dead, alive = free_port(), place.server()
    place.weir(clusters=[bs.cluster(dead, alive.port, name="both")],
               routes=[bs.route("both", action={"retry_policy": {"retry_on": "connect-failure"}})],
               log="%RESPONSE_CODE% %UPSTREAM_HOST% %UPSTREAM_HOSTS_ATTEMPTED%")
    client = place.client()
    for _ in range(4):
        assert client.ask().status == 200
    here, gone = f"127.0.0.1:{alive.port}", f"127.0.0.1:{dead}"
    lines = set(place.log.lines(4))
    assert f"200 {here} {gone},{here}" in lines
    assert lines <= {f"200 {here} {gone},{here}", f"200 {here} {here}"}


def test_previous_hosts_are_avoided(place):
    bad, good = place.server(answer(503)), place.server()
    route = retrying({"cluster": "both"}, num_retries=1, retry_host_predicate=[PREVIOUS_HOSTS],
                     host_selection_retry_max_attempts=50)
    place.weir(clusters=[bs.cluster(bad.port, good.port, name="both", lb_policy="RANDOM")],
               routes=[route])
    client = place.client()
    for _ in range(12):
        assert client.ask().status == 200
    assert bad.requests, "it is chosen first now and then"


def test_a_body_reaches_the_second_endpoint_whole(place):
    origin = place.origin()
    place.weir(origin, routes=[retrying()])
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\ncontent-length: 10\r\n\r\nhello")
    first = origin.accept()
    first.read_head()
    first.send(answer(503))
    second = origin.accept()
    second.read_head()
    client.send(b"world")
    assert second.read_exactly(10) == b"helloworld"
    second.send(answer(body=b"second"))
    response = client.response()
    assert (response.status, response.body) == (200, b"second")


def test_a_body_too_long_to_be_kept_is_not_repeated(place):
    origin = place.server(answer(503))
    place.weir(origin, routes=[retrying()], listener={"per_connection_buffer_limit_bytes": 100_000})
    client = place.client()
    assert client.ask("POST", body=b"x" * 90_000).status == 503
    assert len(origin.requests) == 2
    assert client.ask("POST", body=b"x" * 110_000).status == 503
    assert len(origin.requests) == 3


def test_per_try_timeout(place):
    origin = place.origin()
    place.weir(origin, routes=[retrying(num_retries=1, per_try_timeout="0.1s")])
    client = place.client()
    client.send(request())
    first = origin.accept()
    first.request()
    second = origin.accept()
    second.request()
    second.send(OK)
    assert client.response().status == 200
    assert first.read_to_end() == b""


def test_no_retries_beyond_what_the_cluster_allows(place):
    origin = place.server(answer(503))
    place.weir(origin, routes=[retrying()], cluster=bs.thresholds(max_retries=0))
    assert place.client().ask().status == 503
    assert len(origin.requests) == 1
    assert place.log.line().startswith("503 UO via_upstream")


def test_high_priority_has_its_own_thresholds(place):
    origin = place.server()
    limits = {"circuit_breakers": {"thresholds": [
        {"max_requests": 0}, {"priority": "HIGH", "max_requests": 10}]}}
    routes = [bs.route(match={"prefix": "/high"}, action={"priority": "HIGH"}), bs.route()]
    place.weir(origin, routes=routes, cluster=limits)
    client = place.client()
    assert client.ask(path="/low").status == 503
    assert client.ask(path="/high").status == 200
    assert place.log.lines(2)[0].startswith("503 UO ")
