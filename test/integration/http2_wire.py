"""HTTP/2 by python3-h2, an implementation not ours: a client that asks and reads, and an origin that
answers each request by itself. Their checks of what they send themselves are off, so that a test can
send what no library would."""

import contextlib
import os
import select
import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from http1_wire import PATIENCE

# A GOAWAY leaves what is under way to go on (RFC 9113 §6.8); older versions of the library do not.
_MACHINE = h2.connection.H2ConnectionStateMachine
for _state in (h2.connection.ConnectionState.CLIENT_OPEN, h2.connection.ConnectionState.SERVER_OPEN):
    _MACHINE._transitions[_state, h2.connection.ConnectionInputs.RECV_GOAWAY] = (None, _state)

LOOSE = {"validate_outbound_headers": False, "normalize_outbound_headers": False,
         "header_encoding": "latin-1"}


class Exchange:
    """What came on one stream."""

    def __init__(self, stream):
        self.stream = stream
        self.fields = []
        self.interim = []  # statuses
        self.body = b""
        self.trailers = []
        self.ended = False
        self.reset = None  # the code of an RST_STREAM

    @property
    def status(self):
        return int(self.get(":status"))

    @property
    def over(self):
        return self.ended or self.reset is not None

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name):
        """The field's only value; None without the field."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def __repr__(self):
        return f"<stream {self.stream} {self.fields} {self.body[:60]!r} reset {self.reset}>"


class Link:
    """One end of an HTTP/2 connection: what arrives is sorted by stream."""

    def __init__(self, sock, client, window=None, settings=None):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=client, **LOOSE))
        if settings is not None:  # the first, not a change of it
            self.h2.local_settings = h2.settings.Settings(client, settings)
        if window is not None:
            self.h2.local_settings.initial_window_size = window
        self.exchanges = {}
        self.goaways = []  # (code, last stream)
        self.pings = 0     # answers to ours
        self.closed = False
        self.reads_bodies = True
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def raw(self, data):
        """Bytes behind the library's back."""
        self.sock.sendall(data)

    def close(self):
        self.sock.close()

    def step(self):
        """Receives once and returns the events; the end of the connection sets `closed`."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return []
        events = self.h2.receive_data(data)
        for event in events:
            self.note(event)
        self.flush()
        return events

    def note(self, event):
        stream = getattr(event, "stream_id", None)
        at = self.exchanges.setdefault(stream, Exchange(stream)) if stream else None
        if isinstance(event, (h2.events.ResponseReceived, h2.events.RequestReceived)):
            at.fields = list(event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            at.interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.DataReceived):
            at.body += event.data
            if self.reads_bodies and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            at.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            at.ended = True
        elif isinstance(event, h2.events.StreamReset):
            at.reset = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append((event.error_code, event.last_stream_id))
        elif isinstance(event, h2.events.PingAckReceived):
            self.pings += 1

    def until(self, condition):
        """Reads until `condition()` holds, or the connection is closed; answers whether it holds."""
        while not condition():
            if self.closed:
                return False
            self.step()
        return True

    def send_body(self, stream, body, end=True):
        """As the peer's window allows."""
        view = memoryview(body)
        while len(view):
            self.until(lambda: self.h2.local_flow_control_window(stream) > 0)
            size = min(len(view), self.h2.local_flow_control_window(stream),
                       self.h2.max_outbound_frame_size)
            self.h2.send_data(stream, bytes(view[:size]))
            self.flush()
            view = view[size:]
        if end:
            self.h2.end_stream(stream)
            self.flush()


class Client(Link):
    def __init__(self, port, window=None):
        super().__init__(socket.create_connection(("127.0.0.1", port)), True, window)

    def head(self, method="GET", path="/", fields=(), end=True, host="test.example"):
        """Sends a head; answers the stream."""
        stream = self.h2.get_next_available_stream_id()
        lines = [(":method", method), (":scheme", "http"), (":path", path),
                 (":authority", host), *fields]
        self.h2.send_headers(stream, lines, end_stream=end)
        self.exchanges[stream] = Exchange(stream)
        self.flush()
        return stream

    def start(self, method="GET", path="/", fields=(), body=None, trailers=None):
        """Sends a whole request; answers the stream."""
        stream = self.head(method, path, fields, end=body is None and trailers is None)
        if body is not None:
            self.send_body(stream, body, end=trailers is None)
        if trailers is not None:
            self.h2.send_headers(stream, trailers, end_stream=True)
            self.flush()
        return stream

    def response(self, stream):
        at = self.exchanges[stream]
        assert self.until(lambda: at.over), f"closed before {at}"
        return at

    def ask(self, method="GET", path="/", **request):
        return self.response(self.start(method, path, **request))


class Origin:
    """A server for HTTP/2 by prior knowledge. `reply(link, exchange)` answers one whole request."""

    def __init__(self, reply=None, settings=None):
        self.reply = reply or (lambda link, exchange: respond(link, exchange.stream))
        self.settings = settings or {}
        self.requests = []
        self.links = []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.path = None
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._accept_all, daemon=True)
        self._thread.start()

    def _accept_all(self):
        while True:
            ready = select.select([self.sock, self._stop_read], [], [])[0]
            if self._stop_read in ready:
                return
            threading.Thread(target=self._serve, args=[self.sock.accept()[0]], daemon=True).start()

    def _serve(self, sock):
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            link = Link(sock, False)
            link.sock.settimeout(None)
            if self.settings:
                link.h2.update_settings(self.settings)
                link.flush()
            self.links.append(link)
            while not link.closed:
                for event in link.step():
                    if isinstance(event, h2.events.StreamEnded):
                        exchange = link.exchanges[event.stream_id]
                        self.requests.append(exchange)
                        self.reply(link, exchange)
        sock.close()

    def close(self):
        os.write(self._stop_write, b"x")
        self._thread.join()
        for link in self.links:
            with contextlib.suppress(OSError):
                link.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        os.close(self._stop_read)
        os.close(self._stop_write)


def respond(link, stream, status=200, fields=(), body=b"ok", trailers=None):
    """Sends a whole response."""
    end = not body and trailers is None
    link.h2.send_headers(stream, [(":status", str(status)), *fields], end_stream=end)
    if body:
        link.send_body(stream, body, end=trailers is None)
    if trailers is not None:
        link.h2.send_headers(stream, trailers, end_stream=True)
    link.flush()
