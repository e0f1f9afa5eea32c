"""Endless and slow peers, on non-blocking sockets and without a thread each."""

import select
import socket
import time

MEGABYTE = 1 << 20


def push(sock, block, at_most, patience, stalled_after=0.3):
    """Sends `block` over and over until `at_most` bytes went out or the peer stopped taking any for
    `stalled_after` seconds; returns the number of bytes."""
    sent, deadline = 0, time.monotonic() + patience
    sock.setblocking(False)
    view = memoryview(block)
    while sent < at_most and time.monotonic() < deadline:
        if not select.select([], [sock], [], stalled_after)[1]:
            break
        try:
            sent += sock.send(view[sent % len(block):])
        except BlockingIOError:
            continue
    return sent


def drain(sock, at_least, patience):
    """Reads until `at_least` bytes arrived; returns the number of bytes."""
    got, deadline = 0, time.monotonic() + patience
    sock.settimeout(patience)
    while got < at_least and time.monotonic() < deadline:
        data = sock.recv(MEGABYTE)
        if not data:
            break
        got += len(data)
    return got


def small_buffers(sock):
    """Keeps what the kernel holds small, so that a stalled peer is felt at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)


class Relayed:
    """Bytes that flow through the proxy while memory is watched."""

    def __init__(self, weir):
        self.weir = weir
        self.base = weir.memory_kib()
        self.peak = 0

    def note(self):
        self.peak = max(self.peak, self.weir.memory_kib() - self.base)
        return self.peak
