"""Which endpoint gets a request, and when none may: balancing and circuit breakers."""

import collections

import pytest

import bootstrap as bs
from origin import OK, answer
from raw_client import request
from weir_process import wait_for


def distribution(place, count, weights=None, requests=120, **fields):
    """How often each of `count` origins was asked by one client's requests."""
    origins = [place.server() for _ in range(count)]
    place.weir(*origins, weights=weights, cluster=fields)
    client = place.client()
    for _ in range(requests):
        assert client.ask().status == 200
    return [len(origin.requests) for origin in origins]


@pytest.mark.parametrize("count", [2, 3])
def test_round_robin_is_even(place, count):
    asked = distribution(place, count)
    assert max(asked) - min(asked) <= 1, asked


def test_round_robin_obeys_weights(place):
    asked = distribution(place, 3, weights=[1, 2, 3])
    assert [abs(have - want) <= 2 for have, want in zip(asked, (20, 40, 60))] == [True] * 3, asked


def test_round_robin_skips_nobody(place):
    origins = [place.server(answer(body=b"%d" % number)) for number in range(3)]
    place.weir(*origins)
    client = place.client()
    order = [client.ask().body for _ in range(9)]
    assert collections.Counter(order[:3]) == collections.Counter(order[3:6]) == collections.Counter(
        [b"0", b"1", b"2"])


def overflowing(place, limits, held):
    """`held` requests that wait at the origin, then one too many: its response. One worker, for each
    may have a connection, whatever the limit."""
    origin = place.origin()
    place.weir(origin, cluster=bs.thresholds(**limits), concurrency=1)
    waiting = [place.client() for _ in range(held)]
    for client in waiting:
        client.send(request())
    wires = [origin.accept() for _ in range(held)]
    for wire in wires:
        wire.request()
    return origin, waiting, wires, place.client()


def test_max_requests(place):
    _, waiting, wires, late = overflowing(place, {"max_requests": 2}, 2)
    response = late.ask()
    assert response.status == 503
    assert response.get("x-envoy-overloaded") == "true"
    assert place.log.line().startswith("503 UO upstream_reset_before_response_started{overflow")
    for client, wire in zip(waiting, wires):
        wire.send(OK)
        assert client.response().status == 200
    late.send(request())
    reused = next(wire for wire in wires if not wire.silent(0.2))
    reused.send(OK)
    assert late.response().status == 200


def test_max_connections_queues_and_max_pending_refuses(place):
    _, waiting, wires, queued = overflowing(
        place, {"max_connections": 1, "max_pending_requests": 1}, 1)
    queued.send(request(path="/queued"))
    assert queued.silent(0.05)
    late = place.client()
    response = late.ask()
    assert response.status == 503
    assert place.log.line().startswith("503 UO ")
    wires[0].send(OK)
    assert waiting[0].response().status == 200
    assert wires[0].request().target == "/queued", "the one connection serves the one that waited"
    wires[0].send(OK)
    assert queued.response().status == 200


def test_queued_requests_are_served_in_order(place):
    origin = place.server(lambda seen: answer(body=seen.target.encode()))
    place.weir(origin, cluster=bs.thresholds(max_connections=1), concurrency=1)
    clients = [place.client() for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(request(path=f"/{number}"))
    assert [client.response().body for client in clients] == [b"/%d" % n for n in range(10)]
    assert origin.connections == 1


def test_a_queued_request_whose_client_left_is_not_sent(place):
    origin, waiting, wires, queued = overflowing(place, {"max_connections": 1}, 1)
    queued.send(request(path="/left"))
    assert queued.silent(0.05)
    queued.reset()
    wait_for(lambda: place.log.path.exists() and " DC " in place.log.path.read_text(),
             "the log line")
    wires[0].send(OK)
    assert waiting[0].response().status == 200
    assert wires[0].silent(0.05)
    assert origin.nobody_connects(0)


def test_one_dead_endpoint_of_two(place):
    """Without health checks half of the requests fail, and only that half."""
    origin, dead = place.server(), place.origin()
    dead.close()
    place.weir(origin, dead.port)
    client = place.client()
    codes = collections.Counter(client.ask().status for _ in range(20))
    assert codes == {200: 10, 503: 10}
