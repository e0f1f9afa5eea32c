"""Reads HTTP/1 messages off a socket and keeps every byte as it arrived. Lenient on purpose: it
reports what was sent, the test judges it."""

import socket
import time

PATIENCE = 30  # Seconds any single read may take before a test fails: machines stand still.


class Message:
    """A head with its body: `start` is the first line, `fields` (name, value) pairs in order."""

    def __init__(self, head):
        self.raw_head = head
        lines = head.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.fields = [(name, value.strip(" \t")) for name, _, value in
                       (line.partition(":") for line in lines[1:] if line)]
        self.body = b""
        self.raw_body = b""
        self.trailers = []
        self.complete = True  # False: the connection ended inside the body

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The field's only value; None without the field."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def __repr__(self):
        return f"<{self.start!r} {dict(self.fields)} {self.body[:60]!r}>"


class Wire:
    """One end of a connection, with what was received and not yet consumed."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        sock.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def more(self):
        """Receives once; False at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def _take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _until(self, mark):
        """Bytes through `mark`; None when the connection ended first."""
        while mark not in self.buffer:
            if not self.more():
                return None
        return self._take(self.buffer.index(mark) + len(mark))

    def peek_until(self, mark):
        """Waits for `mark` and consumes nothing."""
        while mark not in self.buffer:
            assert self.more(), f"the connection ended without {mark!r}: {self.buffer[:200]!r}"

    def read_exactly(self, count):
        """`count` bytes, or fewer when the connection ends."""
        while len(self.buffer) < count and self.more():
            pass
        return self._take(count)

    def read_to_end(self):
        while self.more():
            pass
        return self._take(len(self.buffer))

    def read_head(self):
        head = self._until(b"\r\n\r\n")
        if head is None:
            left = self._take(len(self.buffer))
            raise EOFError(f"the connection ended before a whole head; got {left[:200]!r}")
        return Message(head)

    def read_sized(self, message, size):
        message.raw_body = message.body = self.read_exactly(size)
        message.complete = len(message.body) == size

    def read_chunked(self, message):
        message.complete = False
        while (line := self._until(b"\r\n")) is not None:
            message.raw_body += line
            size = int(line.split(b";")[0], 16)
            if size == 0:
                return self._read_trailers(message)
            data = self.read_exactly(size + 2)
            message.raw_body += data
            message.body += data[:size]
            if len(data) < size + 2:
                return None
        return None

    def _read_trailers(self, message):
        while (line := self._until(b"\r\n")) is not None:
            message.raw_body += line
            if line == b"\r\n":
                message.complete = True
                return
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(":")
            message.trailers.append((name, value.strip()))

    def ended(self, within=PATIENCE):
        """True when the peer closes within that time without sending another byte."""
        deadline = time.monotonic() + within
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.sock.settimeout(left)
                if not self.more():
                    return not self.buffer
                if self.buffer:
                    return False
            return False
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(PATIENCE)

    def silent(self, seconds):
        """True when nothing arrives for that long and the connection stays open."""
        if self.buffer:
            return False
        self.sock.settimeout(seconds)
        try:
            self.more()
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(PATIENCE)


def read_request_body(wire, message):
    """The body of a request as its head frames it."""
    if "chunked" in (message.get("transfer-encoding") or ""):
        wire.read_chunked(message)
    elif message.get("content-length"):
        wire.read_sized(message, int(message.get("content-length")))


def read_request(wire):
    message = wire.read_head()
    read_request_body(wire, message)
    return message


def read_response(wire, method="GET"):
    """A response with its body as its head and the request's method frame it."""
    message = wire.read_head()
    if method == "HEAD" or message.status in (204, 304) or message.status < 200:
        return message
    if "chunked" in (message.get("transfer-encoding") or ""):
        wire.read_chunked(message)
    elif message.get("content-length") is not None:
        wire.read_sized(message, int(message.get("content-length")))
    else:
        message.raw_body = message.body = wire.read_to_end()
    return message
