"""The two ends of a tunnel, over HTTP/1 or as a stream of HTTP/2: what a test says to one it says to
the other. `opened(place, down, up)` makes a pair."""

import base64
import hashlib
import socket

import h2.errors
import h2.settings

import bootstrap as bs
import http2_wire
from raw_client import request

KEY = "AAECAwQFBgcICQoLDA0ODw=="
ALLOWED = {"upgrade_configs": [{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}],
           "http2_protocol_options": {"allow_connect": True}}
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def accept_of(key):
    """RFC 6455 §4.2.2."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


class Http1End:
    """A connection of its own."""

    def __init__(self, wire):
        self.wire = wire
        self.sock = wire.sock

    def send(self, data):
        self.wire.send(data)

    def read(self, count):
        return self.wire.read_exactly(count)

    def finish(self):
        """No more from here."""
        self.sock.shutdown(socket.SHUT_WR)

    def finished(self):
        """Waits until no more comes, in good order; what was left to read is lost."""
        self.wire.read_to_end()
        return True

    def reset(self):
        self.wire.reset()

    def broken(self):
        """Waits until the tunnel is torn off."""
        return self.finished()

    def vanish(self):
        self.wire.close()


class Http2End:
    """One stream of `link`."""

    def __init__(self, link, stream):
        self.link, self.stream = link, stream
        self.sock = link.sock
        self.at = link.exchanges[stream]
        self.taken = 0

    def send(self, data):
        self.link.send_body(self.stream, data, end=False)

    def read(self, count):
        self.link.until(lambda: self.at.over or len(self.at.body) >= self.taken + count)
        data = self.at.body[self.taken:self.taken + count]
        self.taken += len(data)
        return data

    def finish(self):
        self.link.h2.end_stream(self.stream)
        self.link.flush()

    def finished(self):
        return self.link.until(lambda: self.at.over) and self.at.ended

    def reset(self):
        self.link.h2.reset_stream(self.stream, h2.errors.ErrorCodes.CANCEL)
        self.link.flush()

    def broken(self):
        return self.link.until(lambda: self.at.over) and self.at.reset is not None

    def vanish(self):
        self.link.close()


def to_origin(up, **fields):
    """Fields of the cluster."""
    kind = "http2_protocol_options" if up == "h2" else "http_protocol_options"
    return {"typed_extension_protocol_options": {OPTIONS: {
        "@type": "type.googleapis.com/" + OPTIONS, "explicit_http_config": {kind: {}}, **fields}}}


def ask(place, down, fields=()):
    """A client that has asked for a WebSocket."""
    if down == "h1":
        client = place.client()
        client.send(request(path="/chat", connection="Upgrade", upgrade="websocket",
                            sec_websocket_key=KEY, sec_websocket_version="13", **dict(fields)))
        return client
    client = place.h2_client()
    client.stream = client.head("CONNECT", "/chat", [
        (":protocol", "websocket"), ("sec-websocket-version", "13"), *dict(fields).items()], end=False)
    return client


def answered(client):
    """(status, fields, end) once the answer's head has come."""
    if hasattr(client, "stream"):
        at = client.exchanges[client.stream]
        client.until(lambda: at.fields or at.over)
        assert at.fields, f"no head: {at}"
        return at.status, dict(at.fields), Http2End(client, client.stream)
    head = client.read_head()
    return head.status, dict(head.fields), Http1End(client)


class Asked:
    """A request for a tunnel as it came to the origin, unanswered."""

    def __init__(self, origin, up, settings=None):
        self.wire = origin.accept()
        self.link = None
        if up == "h1":
            self.head = self.wire.read_head()
            self.fields = dict(self.head.fields)
            return
        self.link = http2_wire.Link(self.wire.sock, False, settings={
            h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1, **(settings or {})})
        self.link.h2.config.validate_inbound_headers = False  # it knows no CONNECT
        self.next()

    def next(self):
        """The next request on an HTTP/2 connection."""
        seen = len(self.link.exchanges)
        self.link.until(lambda: len(self.link.exchanges) > seen)
        self.stream = max(self.link.exchanges)
        self.fields = dict(self.link.exchanges[self.stream].fields)
        return self

    def accept(self, **fields):
        """Says yes; the origin's end."""
        if self.link is None:
            from_key = {"sec-websocket-accept": accept_of(self.fields.get("sec-websocket-key", "")), **fields}
            lines = "".join(f"{name}: {value}\r\n" for name, value in from_key.items() if value)
            self.wire.send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                           b"connection: Upgrade\r\n" + lines.encode() + b"\r\n")
            return Http1End(self.wire)
        self.link.h2.send_headers(self.stream, [(":status", "200"), *fields.items()])
        self.link.flush()
        end = Http2End(self.link, self.stream)
        end.asked = self
        return end


def opened(place, down, up, hcm=None, cluster=None, settings=None, **options):
    """(proxy, client's end, origin's end) of an open tunnel."""
    origin = place.origin()
    weir = place.weir(origin, hcm={**ALLOWED, **(hcm or {})},
                      cluster=cluster or to_origin(up), **options)
    client = ask(place, down)
    end = Asked(origin, up, settings).accept()
    status, _, near = answered(client)
    assert status == (101 if down == "h1" else 200)
    return weir, near, end
