"""A client that sends bytes, not requests, so that a test can send what no library would."""

import socket

from http1_wire import PATIENCE, Wire, read_response


def request(method="GET", path="/", host="test.example", body=None, **fields):
    """The bytes of a request; x_some_name=… becomes the field x-some-name."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class Client(Wire):
    """One connection to the proxy."""

    def __init__(self, port, family=socket.AF_INET, path=None, receive_buffer=None):
        sock = socket.socket(socket.AF_UNIX if path else family)
        sock.settimeout(PATIENCE)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        sock.connect(str(path) if path else (host, port))
        super().__init__(sock)

    def response(self, method="GET"):
        return read_response(self, method)

    def ask(self, method="GET", path="/", **fields):
        """Sends one request and reads its response."""
        self.send(request(method, path, **fields))
        return self.response(method)


def fetch(port, method="GET", path="/", **fields):
    """One request on a connection of its own."""
    with Client(port) as client:
        return client.ask(method, path, **fields)
