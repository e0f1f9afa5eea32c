"""CONNECT: passed on to an origin that answers it, or ended here (connect_config)."""

import pytest

import bootstrap as bs
from origin import OK, answer
from raw_client import request
from weir_process import wait_for

ASK = b"CONNECT inside.example:443 HTTP/1.1\r\nHost: inside.example:443\r\n\r\n"
ALLOWED = {"upgrade_configs": [{"upgrade_type": "CONNECT"}]}
ENDS_HERE = {"upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]}


def connect_route(action=None, **fields):
    return bs.route(match={"connect_matcher": {}}, action=action, **fields)


def passed_on(place, **options):
    """A CONNECT that waits at the origin: (client, the origin's connection, what it read)."""
    origin = place.origin()
    place.weir(origin, hcm=ALLOWED, routes=[connect_route()], **options)
    client = place.client()
    client.send(ASK)
    wire = origin.accept()
    return client, wire, wire.read_head()


def echo(client, wire, data=b"ping"):
    client.send(data)
    assert wire.read_exactly(len(data)) == data
    wire.send(data)
    assert client.read_exactly(len(data)) == data


def test_passed_on(place):
    client, wire, seen = passed_on(place)
    assert (seen.start, seen.get("host")) == ("CONNECT inside.example:443 HTTP/1.1",
                                              "inside.example:443")
    assert (seen.get("content-length"), seen.get("transfer-encoding")) == (None, None)
    wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    head = client.read_head()
    assert (head.status, head.get("content-length"), head.get("transfer-encoding"),
            head.get("connection")) == (200, None, None, None)
    echo(client, wire)
    echo(client, wire, b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize("fields", [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n"])
def test_framing_of_the_answer_means_nothing(place, fields):
    """RFC 9112 §6.3 rule 2."""
    client, wire, _ = passed_on(place)
    wire.send(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nbytes that are not framed")
    head = client.read_head()
    assert (head.get("content-length"), head.get("transfer-encoding")) == (None, None)
    assert client.read_exactly(25) == b"bytes that are not framed"


def test_an_answer_other_than_2xx_is_an_ordinary_one(place):
    client, wire, _ = passed_on(place)
    client.send(request(path="/smuggled"))
    assert wire.silent(0.05)
    wire.send(answer(407, b"who are you?", "Proxy Authentication Required"))
    response = client.response()
    assert (response.status, response.body) == (407, b"who are you?")
    assert client.ended()
    assert wire.ended()


def test_a_101_to_connect_is_502(place):
    client, wire, _ = passed_on(place)
    wire.send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
    assert client.response().status == 502


@pytest.mark.parametrize("routes, hcm, status", [
    ([connect_route()], {}, 403),
    ([connect_route({"upgrade_configs": [{"upgrade_type": "connect", "enabled": False}]})], ALLOWED,
     403),
    (None, ALLOWED, 404),  # A path matches no CONNECT.
])
def test_not_allowed(place, routes, hcm, status):
    origin = place.origin()
    place.weir(origin, hcm=hcm, routes=routes)
    client = place.client()
    client.send(ASK + request(path="/smuggled"))
    assert client.response().status == status
    assert client.ended()
    assert origin.nobody_connects(0.02)


def ended_here(place, **options):
    origin = place.origin()
    weir = place.weir(origin, routes=[connect_route(ENDS_HERE)], **options)
    client = place.client()
    client.send(ASK)
    wire = origin.accept()
    head = client.read_head()
    assert (head.status, head.get("content-length"), head.get("transfer-encoding")) == (
        200, None, None)
    return weir, client, wire


def test_ended_here(place):
    """The cluster sees what is in the tunnel and nothing else."""
    _, client, wire = ended_here(place)
    echo(client, wire, b"anything at all")
    wire.send(b"first from the server")
    assert client.read_exactly(21) == b"first from the server"


def test_early_bytes_of_a_connect_that_ends_here(place):
    origin = place.origin()
    place.weir(origin, routes=[connect_route(ENDS_HERE)])
    client = place.client()
    client.send(ASK + b"early")
    wire = origin.accept()
    assert wire.read_exactly(5) == b"early"
    wire.send(OK)
    assert client.read_head().status == 200
    assert client.read_exactly(len(OK)) == OK


@pytest.mark.parametrize("first", ["client", "endpoint"])
def test_half_close_of_one_that_ends_here(place, first):
    _, client, wire = ended_here(place)
    one, other = (client, wire) if first == "client" else (wire, client)
    one.send(b"last words")
    one.sock.shutdown(1)
    assert other.read_to_end() == b"last words"
    other.send(b"an answer")
    assert one.read_exactly(9) == b"an answer"
    other.close()
    assert one.ended()
    assert place.log.line().split()[:5] == (
        ["200", "-", "via_upstream"] + (["10", "9"] if first == "client" else ["9", "10"]))


def test_resets_go_through(place):
    _, client, wire = ended_here(place)
    echo(client, wire)
    wire.reset()
    assert client.read_to_end() == b""
    assert place.log.line().split()[:2] == ["200", "UC"]


def test_a_client_that_resets(place):
    _, client, wire = ended_here(place)
    echo(client, wire)
    client.reset()
    assert wire.read_to_end() == b""
    assert place.log.line().split()[:3] == ["200", "DC", "downstream_remote_disconnect"]


def test_nobody_listens_there(place):
    place.weir(9, routes=[connect_route(ENDS_HERE)])
    client = place.client()
    client.send(ASK)
    assert client.response().status == 503
    assert place.log.line().split()[:2] == ["503", "UF"]
    assert client.ended()


def test_no_unix_socket_there(place):
    place.weir(str(place.directory / "nobody"), routes=[connect_route(ENDS_HERE)])
    client = place.client()
    client.send(ASK)
    assert client.response().status == 503
    assert place.log.line().split()[:2] == ["503", "UF"]


def test_limits_of_the_cluster_hold(place):
    origin = place.origin()
    place.weir(origin, routes=[connect_route(ENDS_HERE)],
               cluster=bs.thresholds(max_connections=1))
    first = place.client()
    first.send(ASK)
    wire = origin.accept()
    assert first.read_head().status == 200
    second = place.client()
    second.send(ASK)
    assert second.response().status == 503
    assert place.log.line().split()[:2] == ["503", "UO"]
    first.close()
    assert wire.read_to_end() == b""
    wire.close()
    wait_for(lambda: len(place.log.lines(2)) == 2, "the first tunnel's line")
    third = place.client()
    third.send(ASK)
    assert third.read_head().status == 200


def test_an_idle_one_ends(place):
    _, client, wire = ended_here(place, hcm={"stream_idle_timeout": "0.4s"})
    assert client.read_to_end() == b""
    assert wire.read_to_end() == b""
    assert place.log.line().split()[:3] == ["200", "SI", "stream_idle_timeout"]
