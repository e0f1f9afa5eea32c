"""A slow reader holds up its sender, and Weir holds no more than a buffer in between; what a
connection needed is given back. Memory is the process's anonymous pages, which is its heap."""

import pathlib
import resource

import pytest

from conftest import Place
from flow import MEGABYTE, Relayed, drain, push
from raw_client import Client, request
from weir_process import wait_for

BODY = 300 * MEGABYTE
BLOCK = b"x" * MEGABYTE
# Weir's own share of a stalled stream, per connection.
LIMIT_KIB = 1024
# What the kernel may hold in four socket buffers while nobody reads.
KERNEL_BYTES = 40 * MEGABYTE

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/self/smaps_rollup").exists(),
                                reason="/proc/PID/smaps_rollup is not there")


def warm(place: Place, **config):
    """A proxy that has carried a request, so that what is made once has been made."""
    origin = place.origin()
    weir = place.weir(origin, routes=None, **config)
    client = place.client(receive_buffer=65536)
    return origin, weir, client


@pytest.mark.parametrize("framing", ["content-length", "chunked", "close"])
def test_slow_reader_of_an_endless_body(place, framing):
    origin, weir, client = warm(place)
    client.send(request())
    wire = origin.accept()
    wire.request()
    flow = Relayed(weir)
    head, block = {
        "content-length": (b"content-length: %d\r\n" % BODY, BLOCK),
        "chunked": (b"transfer-encoding: chunked\r\n", b"100000\r\n" + BLOCK + b"\r\n"),
        "close": (b"", BLOCK),
    }[framing]
    wire.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
    sent = push(wire.sock, block, BODY, patience=20)
    assert sent < KERNEL_BYTES, "the origin was not held up"
    assert flow.note() <= LIMIT_KIB, f"{flow.peak} KiB for one stalled response"
    # It is only held up: as the client reads on, more comes.
    client.read_head()
    drain(client.sock, sent // 2, patience=10)
    assert push(wire.sock, block[sent % len(block):], MEGABYTE, patience=10) > 0
    assert flow.note() <= LIMIT_KIB


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_slow_origin_of_a_big_upload(place, framing):
    origin, weir, client = warm(place)
    head, block = {
        "content-length": (b"content-length: %d" % BODY, BLOCK),
        "chunked": (b"transfer-encoding: chunked", b"100000\r\n" + BLOCK + b"\r\n"),
    }[framing]
    flow = Relayed(weir)
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\n" + head + b"\r\n\r\n")
    wire = origin.accept()
    wire.read_head()
    sent = push(client.sock, block, BODY, patience=20)
    assert sent < KERNEL_BYTES, "the client was not held up"
    assert flow.note() <= LIMIT_KIB, f"{flow.peak} KiB for one stalled request"
    drain(wire.sock, sent // 2, patience=10)
    assert push(client.sock, block[sent % len(block):], MEGABYTE, patience=10) > 0


def test_twenty_slow_readers(place):
    origin, weir, _ = warm(place)
    clients = [place.client(receive_buffer=65536) for _ in range(20)]
    flow = Relayed(weir)
    for client in clients:
        client.send(request())
        wire = origin.accept()
        wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BODY)
        assert push(wire.sock, BLOCK, 4 * KERNEL_BYTES, patience=5,
                    stalled_after=0.05) < KERNEL_BYTES
    assert flow.note() <= LIMIT_KIB * len(clients)


def test_a_stalled_stream_does_not_hold_up_others(place):
    origin, _, client = warm(place)
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BODY)
    push(wire.sock, BLOCK, BODY, patience=10)
    with Client(place.port) as other:
        other.send(request())
        second = origin.accept()
        second.request()
        second.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        assert other.response().body == b"ok"


def test_client_that_leaves_a_stalled_response(place):
    origin, weir, client = warm(place)
    client.send(request())
    wire = origin.accept()
    wire.request()
    wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BODY)
    before = weir.descriptors()
    push(wire.sock, BLOCK, BODY, patience=10)
    client.close()
    wait_for(lambda: weir.descriptors() <= before - 2, "both descriptors closed", 5)
    assert place.log.line().split()[:2] == ["200", "DC"]


def may_open(count):
    """Raises this process's limit of descriptors (the proxy inherits it); False where it cannot."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    return count <= hard


def test_idle_connections_own_little_and_give_it_back(place):
    count = 2000
    if not may_open(count + 200):
        pytest.skip(f"{count} descriptors are not allowed here")
    weir = place.weir(place.server())
    with Client(place.port) as first:
        for _ in range(1000):
            first.ask()
    base, fewer = weir.memory_kib(), weir.descriptors() + 20

    def crowd():
        clients = [Client(place.port) for _ in range(count)]
        for client in clients:
            assert client.ask().status == 200
        used = weir.memory_kib() - base
        for client in clients:
            client.close()
        wait_for(lambda: weir.descriptors() <= fewer, "the descriptors are closed")
        return used

    for _ in range(2):
        used = crowd()
        assert used <= 2 * count, "the benchmark measures the exact figure"
        wait_for(lambda: weir.memory_kib() - base <= used * 0.35, "the memory is given back", 5)

