"""What stands between the proxy and its control plane: it passes bytes on, or freezes, or hands
each new connection to a script that answers in the control plane's place."""

import contextlib
import select
import socket
import threading

import h2.events
import h2.exceptions

from http2_wire import Link

GRPC = [(":status", "200"), ("content-type", "application/grpc")]
EITHER_END = (OSError, h2.exceptions.ProtocolError, AssertionError)


class Relay:
    """Connections are the threads' own; `cut` ends them all, from any thread."""

    def __init__(self, target):
        self.target = target
        self.handler = self.forward
        self.thawed = threading.Event()
        self.thawed.set()
        self.accepted = 0
        self.open = set()
        self._lock = threading.Lock()
        self.port = 0
        self.reopen()

    def reopen(self):
        self.sock = socket.create_server(("127.0.0.1", self.port))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept_all, args=[self.sock], daemon=True).start()

    def refuse(self):
        """Connects are refused until it opens again."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self.sock.close()
        self.cut()

    def _accept_all(self, listening):
        while True:
            try:
                sock = listening.accept()[0]
            except OSError:
                return
            self.thawed.wait()
            self.accepted += 1
            with self._lock:
                self.open.add(sock)
            threading.Thread(target=self._run, args=[sock, self.handler], daemon=True).start()

    def _run(self, sock, handler):
        with contextlib.suppress(*EITHER_END):
            handler(sock)
        with self._lock:
            self.open.discard(sock)
        sock.close()

    def forward(self, sock):
        """Nothing is read nor written while it is frozen: as when packets are lost."""
        with socket.create_connection(("127.0.0.1", self.target)) as far:
            ends = {sock: far, far: sock}
            while True:
                ready = select.select(list(ends), [], [], 0.05)[0]
                self.thawed.wait()
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    ends[end].sendall(data)

    def freeze(self):
        self.thawed.clear()

    def to(self, handler):
        """New connections are its own; those of before end."""
        self.handler = handler
        self.thawed.set()
        self.cut()

    def cut(self):
        with self._lock:
            for sock in self.open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.refuse()
        self.thawed.set()


class Scripted:
    """A server for HTTP/2 that hands each call to `script(link, stream)`, and afterwards does what
    the protocol wants: it answers pings and reads. `heard` is all that it was sent."""

    def __init__(self, script):
        self.script = script
        self.calls = 0
        self._links = []

    def __call__(self, sock):
        link = Link(sock, False)
        link.sock.settimeout(None)
        self._links.append(link)
        while not link.closed:
            for event in link.step():
                if isinstance(event, h2.events.RequestReceived):
                    self.calls += 1
                    self.script(link, event.stream_id)

    def heard(self):
        return b"".join(exchange.body for link in list(self._links)
                        for exchange in list(link.exchanges.values()))


def answers(*messages, trailers=None, fields=GRPC):
    """A script: an answer with those bytes in it, which ends when there are trailers."""

    def script(link, stream):
        link.h2.send_headers(stream, fields)
        for message in messages:
            link.send_body(stream, message, end=False)
        if trailers is not None:
            link.h2.send_headers(stream, trailers, end_stream=True)
        link.flush()

    return script
