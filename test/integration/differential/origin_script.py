"""What the origin of the differential test answers: the request's x-do says it."""

import time

BIG = b"0123456789abcdef" * 8192


def plain(*fields, status="200 OK", body=b"body"):
    head = [f"HTTP/1.1 {status}", *fields, f"content-length: {len(body)}"]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def head(*lines):
    return "\r\n".join(["HTTP/1.1 200 OK", *lines]).encode("latin-1") + b"\r\n\r\n"


CHUNKED = head("transfer-encoding: chunked")

# (bytes to send, whether the connection ends after them)
SCRIPTS = {
    "chunked": (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", False),
    "chunked-empty": (CHUNKED + b"0\r\n\r\n", False),
    "chunked-trailers": (CHUNKED + b"3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n", False),
    "chunked-extensions": (CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n", False),
    "until-close": (head("x-a: b") + b"till the end", True),
    "until-close-empty": (head("x-a: b"), True),
    "length-0": (plain(body=b""), False),
    "connection-close": (plain("connection: close"), True),
    "http-1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold", True),
    "http-1.0-keep-alive":
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nold", True),
    "big": (plain(body=BIG), False),
    "cookies": (plain("set-cookie: a=1; path=/", "set-cookie: b=2"), False),
    "own-server": (plain("server: theirs"), False),
    "own-date": (plain("date: Tue, 15 Nov 1994 08:12:31 GMT"), False),
    "own-via": (plain("via: 1.1 theirs"), False),
    "many": (plain(*[f"x-{n}: {n}" for n in range(60)]), False),
    "reason": (plain(status="200 A fine day"), False),
    "no-reason": (plain(status="200 "), False),
    "blanks": (plain("x-a:b", "x-b: \t c \t", "x-c:"), False),
    "hop": (plain("connection: x-hop", "x-hop: 1", "keep-alive: timeout=5",
                  "proxy-authenticate: Basic", "x-stay: 2"), False),
    "x-envoy": (plain("x-envoy-upstream-service-time: 77", "x-envoy-internal: true",
                      "x-envoy-degraded: true"), False),
    "request-id": (plain("x-request-id: theirs"), False),
    "hints": (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + plain(), False),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + plain(), False),
    "304-length":
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\netag: \"a\"\r\n\r\n", False),
    "204-length": (b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", False),
    "latin": (plain("x-a: \xe9\xff"), False),
    "upper": (plain("X-Upper-Case: Value", "Content-Type: Text/HTML"), False),
    "again": (plain("x-again: yes"), False),
    "rate-limited": (plain("x-envoy-ratelimited: true", status="429 Too Many"), False),
    "retry-after": (plain("retry-after: 1", status="503 Wait"), False),
    "grpc-unavailable": (plain("content-type: application/grpc", "grpc-status: 14"), False),
    "alt-svc": (plain("alt-svc: h3=\":443\"", "strict-transport-security: max-age=1"), False),
    "ops": (plain("x-inner: 1", "x-set: theirs", "x-add: theirs"), False),
    "die": (b"", True),
    "garbage": (b"\0\1\2 no HTTP\r\n\r\n", True),
    "cut-length": (head("content-length: 10") + b"abc", True),
    "cut-chunk": (CHUNKED + b"5\r\nabc", True),
    "bad-chunk": (CHUNKED + b"xyz\r\nabc", True),
    "two-lengths": (head("content-length: 3", "content-length: 4") + b"abcd", True),
    "bad-length": (head("content-length: abc") + b"abcd", True),
    "status-99": (b"HTTP/1.1 99 Low\r\ncontent-length: 0\r\n\r\n", True),
    "length-and-chunked":
        (head("content-length: 3", "transfer-encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n", True),
}
WAIT = {"never": b"", "stall": head("content-length: 10") + b"abc"}
# Longer than the timeouts of failing.yaml.
WAIT_SECONDS = 1.5
NO_BODY = ("204", "205", "304")


def scripted(request):
    """What x-do says; `until:3:die` dies before the third attempt and then echoes."""
    what = request.get("x-do") or ""
    if what.startswith("until:"):
        _, count, before = what.split(":", 2)
        return before if int(request.get("x-envoy-attempt-count")) < int(count) else "echo"
    return what


def answer(request):
    """(bytes, whether to close) for a request."""
    what = scripted(request) or "echo"
    if what == "echo":
        body = f"{request.start} with {len(request.body)} bytes".encode()
        data, close = plain("content-type: text/plain", body=body), False
    elif what.startswith("status:"):
        code = what.partition(":")[2]
        empty = code in NO_BODY
        data = f"HTTP/1.1 {code} Reason\r\n\r\n".encode() if empty else plain(
            status=f"{code} Reason")
        data, close = (plain(status="205 Reason", body=b""), False) if code == "205" else (data,
                                                                                           False)
    else:
        data, close = SCRIPTS[what]
    if request.method == "HEAD":
        data = data[:data.index(b"\r\n\r\n") + 4] if b"\r\n\r\n" in data else data
    return data, close


def serve(wire, request):
    """Answers on the origin's connection; False when the connection ends."""
    what = scripted(request)
    if what in WAIT:
        wire.send(WAIT[what])
        wire.sock.settimeout(WAIT_SECONDS)
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and wire.more():
            pass
        return False
    data, close = answer(request)
    wire.send(data)
    return not close
