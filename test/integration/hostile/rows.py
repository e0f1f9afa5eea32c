"""What a row of the two tables is, and short ways to write one."""

import dataclasses
import typing

TAIL = b"x-forwarded-proto: http\r\n"


@dataclasses.dataclass
class Asked:
    """A request, and what becomes of it.

    `origin`: each request that must reach the origin, byte by byte. `partial`: the only one
    breaks off; its head, and the data of which a part may arrive. `statuses` and `reasons`: of each answer, and of
    each line of the access log. `kept`: the connection can carry another request afterwards."""

    name: str
    sent: bytes
    statuses: list
    reasons: list
    origin: list
    kept: bool
    partial: typing.Optional[tuple] = None
    listener: str = "plain"
    methods: tuple = ("GET",)


@dataclasses.dataclass
class Answered:
    """A response, and what the client gets.

    `client`: the bytes, without the date. `closes`: the origin closes behind its bytes. `reused`: the
    connection to the origin carries the next request. `whole`: False where the client must be able
    to tell that the response is cut off."""

    name: str
    sent: bytes
    client: bytes
    reason: str
    reused: bool
    closes: bool = False
    method: str = "GET"
    whole: bool = True
    listener: str = "plain"
    fields: bytes = b""  # more of the request


def at_origin(start, *fields, framing=b"", body=b"", host=b"a"):
    """The bytes of a request as Weir writes it."""
    lines = [start, b"host: " + host, *fields]
    return b"".join(line + b"\r\n" for line in lines) + TAIL + framing + b"\r\n" + body


def refused(name, sent, reason, status=400, **more):
    """Nothing of it reaches the origin; the connection ends."""
    return Asked(name, sent, [status], [reason], [], kept=False, **more)


def passed(name, sent, *origin, kept=True, status=200, **more):
    """All of it is answered by the origin."""
    count = len(origin)
    more.setdefault("methods", ("GET",) * count)
    return Asked(name, sent, [status] * count, ["via_upstream"] * count, list(origin), kept, **more)


def broken(name, sent, reason, partial, status=400, **more):
    """The head is good and the body is not."""
    return Asked(name, sent, [status], [reason], [], kept=False, partial=partial, **more)


G = b"GET / HTTP/1.1\r\nHost: a\r\n"
P = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = P + b"Transfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
PLAIN = at_origin(b"GET / HTTP/1.1")
TE = b"transfer-encoding: chunked\r\n"
POSTED = at_origin(b"POST / HTTP/1.1", framing=TE)
EMPTY = b"content-length: 0\r\n"


def get(target, **more):
    return at_origin(b"GET " + target + b" HTTP/1.1", **more)


def rechunked(*pieces):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return POSTED + body + b"0\r\n\r\n"
