"""Clients that send, or read, as slowly as they may: what is bounded, and what still works."""

import time

import pytest

from origin import answer
from raw_client import request
from test_stats import watched
from weir_process import wait_for

DIRECT = {"match": {"prefix": "/"},
          "direct_response": {"status": 200, "body": {"inline_string": "x" * 4000}}}
TOTAL = 6_000_000


def test_requests_wait_while_answers_are_not_read(place):
    """Pipelined requests whose answers nobody reads cost no memory; read, they are all there."""
    weir = place.weir(place.server(), routes=[DIRECT])
    before = weir.memory_kib()
    client = place.client(receive_buffer=4096)
    client.sock.settimeout(0.3)
    batch, sent = request() * 200, 0
    with pytest.raises(TimeoutError):
        while sent < 200_000_000:
            sent += client.sock.send(batch)
    assert weir.memory_kib() - before < 8192
    client.sock.settimeout(10)
    for _ in range(sent // len(request())):
        assert client.response().status == 200


def slowly(receive, total, tail):
    """Reads all; the last `tail` bytes with pauses that a sender must bear."""
    got = 0
    while data := receive(20_000):
        got += len(data)
        if got > total - tail:
            time.sleep(0.05)
    return got


def test_a_slow_reader_of_a_last_response_gets_all_of_it(place):
    """delayed_close_timeout is for who does not read any more."""
    place.weir(place.server(answer(body=b"y" * TOTAL)), hcm={"delayed_close_timeout": "0.3s"})
    client = place.client(receive_buffer=4096)
    client.send(request(connection="close"))
    client.peek_until(b"\r\n\r\n")
    head = client.read_head()
    assert head.get("connection") == "close"
    left = TOTAL - len(client.buffer)
    assert slowly(client.sock.recv, left, 2_000_000) == left


def test_who_reads_no_last_response_is_let_go(place):
    read = watched(place, place.server(answer(body=b"y" * TOTAL)).port,
                   delayed_close_timeout="0.3s", stream_idle_timeout="0.5s")
    client = place.client(receive_buffer=4096)
    client.send(request(connection="close"))
    wait_for(lambda: read()["http.test.downstream_cx_active"] == "0", "the connection's end")


def test_half_a_head_is_answered_after_its_time(place):
    place.weir(place.server(), hcm={"request_headers_timeout": "0.2s"})
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n")
    response = client.response()
    assert (response.status, response.body) == (408, b"request header timeout")
    assert place.log.line().split()[2] == "request_header_timeout"


def test_half_a_body_is_answered_after_its_time(place):
    place.weir(place.origin(), hcm={"request_timeout": "0.2s"})
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf")
    assert client.response().status == 408
    assert place.log.line().split()[2] == "request_overall_timeout"
