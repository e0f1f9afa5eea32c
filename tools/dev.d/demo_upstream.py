#!/usr/bin/env python3
"""A small origin for `tools/dev run`: tells who it is and what reached it, so that one sees what
the proxy did to the request. usage: demo_upstream.py NAME PORT"""

import base64
import hashlib
import http.server
import sys

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = "demo"

    def answer(self):
        if self.headers.get("upgrade", "").lower() == "websocket":
            return self.greet()
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        lines = [f"{self.name} got: {self.command} {self.path}"]
        lines += [f"  {name}: {value}" for name, value in self.headers.items()]
        if body:
            lines.append(f"  and {len(body)} bytes of body")
        text = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(text)))
        self.send_header("x-upstream", self.name)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
        return None

    def greet(self):
        """A WebSocket that says hello and closes."""
        key = self.headers.get("sec-websocket-key", "").encode()
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept",
                         base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest()).decode())
        self.end_headers()
        text = f"hello from {self.name}".encode()
        self.wfile.write(b"\x81" + bytes([len(text)]) + text + b"\x88\x02\x03\xe8")
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_):
        pass  # The proxy's access log is what one looks at.


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    Origin.name, port = sys.argv[1], int(sys.argv[2])
    Server(("127.0.0.1", port), Origin).serve_forever()


if __name__ == "__main__":
    main()
