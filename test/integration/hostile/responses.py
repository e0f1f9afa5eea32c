"""The responses: splitting and smuggling towards clients and caches, broken framing, and odd ones that
are legal. Sections of RFC 9112 unless another is named."""

from rows import Answered

BAD = b"HTTP/1.1 502 Bad Gateway\r\n"
RESET = b"upstream connect error or disconnect/reset before headers. reset reason: protocol error"
GONE = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
PROTOCOL = "upstream_reset_before_response_started{protocol_error}"
CUT = "upstream_reset_after_response_started{connection_termination}"
OK = b"HTTP/1.1 200 OK\r\n"
SPLIT = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL"
TE = b"transfer-encoding: chunked\r\n"


def local(head, body):
    return head + b"content-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def bad(name, sent, **more):
    """Never reaches the client; neither does what stands behind it."""
    return Answered(name, sent + SPLIT, local(BAD, RESET), PROTOCOL, reused=False, **more)


def head(name, line, **more):
    return bad(name, OK + line + b"\r\ncontent-length: 2\r\n\r\nok", **more)


def good(name, sent, client, reused=True, **more):
    return Answered(name, sent, client, "via_upstream", reused, **more)


def sized(fields, body, start=OK):
    return start + fields + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(*pieces, fields=b"", start=OK):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return start + fields + TE + b"\r\n" + body + b"0\r\n\r\n"


PLAIN = sized(b"", b"ok")

STATUS_LINE = [
    bad("garbage", b"not http at all\r\n\r\n"),
    bad("HTTP/0.9", b"<html>hello</html>\r\n\r\n"),
    bad("an empty line first", b"\r\n" + PLAIN),
    bad("a space first", b" " + PLAIN),
    bad("HTTP/2.0", b"HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("HTTP/1.2", b"HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("lower-case version", b"http/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("ICY", b"ICY 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("two spaces", b"HTTP/1.1  200 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("a tab", b"HTTP/1.1\t200 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("no status", b"HTTP/1.1\r\ncontent-length: 2\r\n\r\nok"),
    bad("two digits", b"HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("four digits", b"HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("a status of 099", b"HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("a signed status", b"HTTP/1.1 +20 OK\r\ncontent-length: 2\r\n\r\nok"),
    bad("a control byte in the phrase", b"HTTP/1.1 200 O\x01K\r\ncontent-length: 2\r\n\r\nok"),
    bad("a NUL in the phrase", b"HTTP/1.1 200 O\0K\r\ncontent-length: 2\r\n\r\nok"),
    bad("a bare CR in the phrase", b"HTTP/1.1 200 O\rK\r\ncontent-length: 2\r\n\r\nok"),
    bad("a bare LF ends the line", b"HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok"),
    bad("a request", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    good("no phrase", sized(b"", b"ok", b"HTTP/1.1 200\r\n"), PLAIN),
    good("an empty phrase", sized(b"", b"ok", b"HTTP/1.1 200 \r\n"), PLAIN),
    good("a phrase of its own", sized(b"", b"ok", b"HTTP/1.1 200 Fine, \xe9 thanks\r\n"),
         sized(b"", b"ok", b"HTTP/1.1 200 Fine, \xe9 thanks\r\n")),
    good("a status of 799", sized(b"", b"ok", b"HTTP/1.1 799 Odd\r\n"),
         sized(b"", b"ok", b"HTTP/1.1 799 Odd\r\n")),
]

FIELDS = [
    head("a space before the colon", b"x-a : b"),
    head("obs-fold", b"x-a: b\r\n c"),
    head("no colon", b"nothing"),
    head("an empty name", b": b"),
    head("a space in the name", b"x a: b"),
    head("a NUL in the value", b"x-a: b\0c"),
    head("a control byte in the value", b"x-a: b\x08c"),
    head("a bare CR splits (CWE-113)", b"x-a: b\rset-cookie: a=b"),
    head("a bare LF splits", b"x-a: b\nset-cookie: a=b"),
    head("CR CR LF", b"x-a: b\r\r\nx-b: c"),
    bad("LF LF ends the head", b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok"),
    head("a value of 70,000 bytes", b"x-a: " + b"v" * 70000),
    head("101 fields", b"\r\n".join(b"x-%d: 1" % n for n in range(101))),
    Answered("Connection lists content-length",
             OK + b"connection: content-length\r\ncontent-length: 2\r\n\r\nok",
             local(BAD, b"Bad Gateway"), "http1.connection_header_rejected", reused=False),
    good("capitals", sized(b"X-Abc: Def\r\n", b"ok"), sized(b"x-abc: Def\r\n", b"ok")),
    good("bytes above 0x7f", sized(b"x-a: \xc3\xa9\xff\r\n", b"ok"),
         sized(b"x-a: \xc3\xa9\xff\r\n", b"ok")),
    good("cookies stay apart", sized(b"set-cookie: a=1\r\nset-cookie: b=2\r\n", b"ok"),
         sized(b"set-cookie: a=1\r\nset-cookie: b=2\r\n", b"ok")),
    good("Connection lists a field", sized(b"connection: x-hop\r\nx-hop: 1\r\n", b"ok"), PLAIN),
    good("keep-alive and upgrade", sized(b"keep-alive: timeout=5\r\nupgrade: h2c\r\n", b"ok"), PLAIN),
    good("Connection: close", sized(b"connection: close\r\n", b"ok"), PLAIN, reused=False),
]

LENGTH = [
    bad("two that differ", OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nokx"),
    bad("two that are equal", OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok"),
    bad("a list", OK + b"content-length: 2, 2\r\n\r\nok"),
    bad("a sign", OK + b"content-length: +2\r\n\r\nok"),
    bad("hexadecimal", OK + b"content-length: 0x2\r\n\r\nok"),
    bad("2^64 + 2", OK + b"content-length: 18446744073709551618\r\n\r\nok"),
    bad("with chunked", OK + b"content-length: 2\r\n" + TE + b"\r\n0\r\n\r\n"),
    bad("with chunked, the other way", OK + TE + b"content-length: 2\r\n\r\n0\r\n\r\n"),
    good("leading zeros", OK + b"content-length: 0002\r\n\r\nok", PLAIN),
    good("0", OK + b"content-length: 0\r\n\r\n", sized(b"", b"")),
    good("bytes behind it are dropped", PLAIN + SPLIT, PLAIN, reused=False),
    good("one byte behind it", PLAIN + b"\n", PLAIN, reused=False),
    good("none: until the end (§6.3 rule 8)", OK + b"\r\nall of it", chunked(b"all of it"),
         reused=False, closes=True),
    good("none, and nothing", OK + b"\r\n", chunked(), reused=False, closes=True),
    Answered("fewer bytes than announced", OK + b"content-length: 9\r\n\r\nok",
             OK + b"content-length: 9\r\n\r\nok", CUT, reused=False, closes=True, whole=False),
    Answered("nothing at all", b"", local(b"HTTP/1.1 503 Service Unavailable\r\n", GONE),
             "upstream_reset_before_response_started{connection_termination}", reused=False,
             closes=True, method="POST"),
    Answered("half a head", OK + b"content-le", local(b"HTTP/1.1 503 Service Unavailable\r\n", GONE),
             "upstream_reset_before_response_started{connection_termination}", reused=False,
             closes=True),
]


def cut(name, body, arrives, **more):
    """The head is good; the client gets `arrives` at most, and sees that it is not all."""
    return Answered(name, OK + TE + b"\r\n" + body, OK + TE + b"\r\n" + arrives,
                    "upstream_reset_after_response_started{protocol_error}", reused=False,
                    whole=False, **more)


ONE = b"3\r\nabc\r\n"
CODING = [
    bad("unknown", OK + b"transfer-encoding: cow\r\n\r\nok"),
    bad("gzip, chunked", OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    bad("chunked, identity", OK + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    bad("twice", OK + TE + TE + b"\r\n0\r\n\r\n"),
    bad("in HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + TE + b"\r\n0\r\n\r\n"),
    bad("empty", OK + b"transfer-encoding:\r\n\r\n0\r\n\r\n"),
    cut("a size that is none", b"xyz\r\n", b""),
    cut("a size beyond 2^63", b"8000000000000000\r\n", b""),
    cut("a space behind the size", b"3 \r\nabc\r\n0\r\n\r\n", b""),
    cut("a bare LF behind the size", b"3\nabc\r\n0\r\n\r\n", b""),
    cut("data longer than its size", b"3\r\nabcd\r\n0\r\n\r\n", ONE),
    cut("a bad second size", ONE + b"-1\r\n", ONE),
    cut("a forbidden trailer", ONE + b"0\r\ncontent-length: 5\r\n\r\n", ONE),
    cut("a bad trailer", ONE + b"0\r\nx y: z\r\n\r\n", ONE),
    Answered("no last chunk", OK + TE + b"\r\n" + ONE, OK + TE + b"\r\n" + ONE, CUT, reused=False,
             closes=True, whole=False),
    good("extensions go no further", OK + TE + b"\r\n3;a=b\r\nabc\r\n0;x\r\n\r\n", chunked(b"abc")),
    good("trailers are dropped", OK + TE + b"\r\n" + ONE + b"0\r\nx-a: 1\r\n\r\n", chunked(b"abc")),
    good("bytes behind the last chunk", chunked(b"abc") + SPLIT, chunked(b"abc"), reused=False),
    good("chunked in capitals", OK + b"Transfer-Encoding: CHUNKED\r\n\r\n" + ONE + b"0\r\n\r\n",
         chunked(b"abc")),
]

BODILESS = [
    good("204", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"),
    good("204 with a length of 0", b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
         b"HTTP/1.1 204 No Content\r\n\r\n"),
    good("204 with a body that is none", b"HTTP/1.1 204 No Content\r\n\r\nEVIL",
         b"HTTP/1.1 204 No Content\r\n\r\n", reused=False),
    bad("204 with a length", b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nbody"),
    bad("204 with chunks", b"HTTP/1.1 204 No Content\r\n" + TE + b"\r\n0\r\n\r\n"),
    good("304 with a length", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n",
         b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n"),
    good("304 with a body that is none", b"HTTP/1.1 304 Not Modified\r\n\r\n" + SPLIT,
         b"HTTP/1.1 304 Not Modified\r\n\r\n", reused=False),
    good("HEAD with a length", OK + b"content-length: 99\r\n\r\n", OK + b"content-length: 99\r\n\r\n",
         method="HEAD"),
    good("HEAD with a body that is none", PLAIN, OK + b"content-length: 2\r\n\r\n", method="HEAD",
         reused=False),
    good("HEAD without framing", OK + b"\r\n", OK + b"\r\n", method="HEAD"),
    good("205 with a body", sized(b"", b"ok", b"HTTP/1.1 205 Reset Content\r\n"),
         sized(b"", b"ok", b"HTTP/1.1 205 Reset Content\r\n")),
]

HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
INTERIM = [
    good("100 unasked is swallowed", b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, PLAIN),
    good("103 goes on (RFC 9110 §15.2)", HINTS + PLAIN, HINTS + PLAIN),
    good("many of them", HINTS * 20 + PLAIN, HINTS * 20 + PLAIN),
    good("102 and 199", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 x\r\n\r\n" + PLAIN,
         b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 x\r\n\r\n" + PLAIN),
    bad("1xx with a length", b"HTTP/1.1 103 Early Hints\r\ncontent-length: 4\r\n\r\nbody" + PLAIN),
    bad("1xx with chunks", b"HTTP/1.1 100 Continue\r\n" + TE + b"\r\n0\r\n\r\n" + PLAIN),
    bad("101 unasked", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    bad("101 for h2c, which was not asked",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        fields=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"),
]

OLD = [
    good("HTTP/1.0", b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", PLAIN, reused=False),
    good("HTTP/1.0 kept alive",
         b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", PLAIN),
    good("HTTP/1.0 until the end", b"HTTP/1.0 200 OK\r\n\r\nall", chunked(b"all"), reused=False,
         closes=True),
]

GROUPS = {"status line": STATUS_LINE, "field": FIELDS, "content-length": LENGTH,
          "transfer-encoding": CODING, "without body": BODILESS, "interim": INTERIM, "old": OLD}
