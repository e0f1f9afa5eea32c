"""Origins: upstream servers that do exactly what a test says, right or wrong, and keep what reached
them byte by byte."""

import contextlib
import os
import select
import socket
import threading

from http1_wire import PATIENCE, Wire, read_request, read_request_body

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def answer(status=200, body=b"", reason="OK", **fields):
    """The bytes of a response with content-length; x_name=… becomes the field x-name."""
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class OriginWire(Wire):
    """The origin's end of one connection."""

    def request(self):
        return read_request(self)


class Origin:
    """A listening socket; the test accepts and answers by hand, in the order it wants."""

    def __init__(self, family=socket.AF_INET, path=None, backlog=128, port=0, host="127.0.0.1"):
        self.sock = socket.socket(socket.AF_UNIX if path else family)
        self.sock.settimeout(PATIENCE)
        self.path = path
        if path:
            self.sock.bind(str(path))
        else:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind(("::1" if family == socket.AF_INET6 else host, port))
            self.port = self.sock.getsockname()[1]
        self.sock.listen(backlog)
        self.accepted = []

    @property
    def address(self):
        return str(self.path) if self.path else f"127.0.0.1:{self.port}"

    def accept(self):
        wire = OriginWire(self.sock.accept()[0])
        self.accepted.append(wire)
        return wire

    def nobody_connects(self, seconds):
        """True when no connection waits now or arrives within that time."""
        return not select.select([self.sock], [], [], seconds)[0]

    def close(self):
        for wire in self.accepted:
            wire.close()
        self.sock.close()


class Server(Origin):
    """An origin that answers each request by itself. `reply` is bytes, or a function of the request
    that returns bytes; None from it closes the connection."""

    def __init__(self, reply=OK, **options):
        super().__init__(**options)
        self.reply = reply
        self.requests = []
        self.connections = 0
        self.busy = 0  # requests whose head came and whose exchange has not ended
        self._lock = threading.Lock()
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._accept_all, daemon=True)
        self._thread.start()

    def _accept_all(self):
        while True:
            ready = select.select([self.sock, self._stop_read], [], [])[0]
            if self._stop_read in ready:
                return
            with contextlib.suppress(OSError):
                wire = self.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[wire], daemon=True).start()

    def _serve(self, wire):
        wire.sock.settimeout(None)
        with contextlib.suppress(OSError, EOFError, ValueError):
            while self._exchange(wire):
                pass
        wire.close()

    def _exchange(self, wire):
        request = wire.read_head()
        with self._lock:
            self.busy += 1
        try:
            read_request_body(wire, request)
            self.requests.append(request)
            return self.answer(wire, request)
        finally:
            with self._lock:
                self.busy -= 1

    def answer(self, wire, request):
        """Answers one request; False when the connection is to end."""
        reply = self.reply(request) if callable(self.reply) else self.reply
        if reply is None:
            return False
        wire.send(reply)
        return True

    def close(self):
        os.write(self._stop_write, b"x")
        self._thread.join()
        for wire in self.accepted:
            # Wakes the thread that reads from it; it closes the socket.
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        os.close(self._stop_read)
        os.close(self._stop_write)
