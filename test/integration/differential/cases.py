"""The requests of the differential test: for each configuration, (name, what the client sends).

A case is one connection. Its bytes are a list of requests: each is sent when the answer to the one
before has been read; a `Burst` is sent at once. The header x-do tells the origin what to answer
(origin_script.py).
"""

import dataclasses


@dataclasses.dataclass
class Case:
    name: str
    requests: list  # bytes each
    methods: list   # of each request, to know what its response's framing means
    burst: bool = False


def case(name, *requests, burst=False):
    return Case(name, list(requests), [data.split(b" ")[0].decode() for data in requests], burst)


def req(method="GET", path="/", *fields, host="a.example", body=b"", version="HTTP/1.1"):
    hosts = [] if host is None else [f"Host: {host}"]
    lines = [f"{method} {path} {version}", *hosts, *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def do(what, method="GET", path="/", *fields, **options):
    """A request whose answer the origin's script decides."""
    return req(method, path, f"x-do: {what}", *fields, **options)


def sized(method, path, body, *fields):
    return req(method, path, f"content-length: {len(body)}", *fields, body=body)


def chunked(method, path, raw, *fields):
    return req(method, path, "transfer-encoding: chunked", *fields, body=raw)


METHODS = [
    "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "POST", "PROPFIND", "MKCOL", "REPORT",
    "SEARCH", "M-SEARCH", "TRACE",
]

PATHS = [
    "/a", "/a/", "/a/b/c", "/a//b", "//a", "/a/./b", "/a/../b", "/a/..", "/%61", "/%41%2f%42",
    "/a%20b", "/%E2%82%AC", "/%e2%82%ac", "/a+b", "/a;p=1;q", "/a,b", "/~user", "/a:b", "/@a",
    "/!$&'()*+,;=:@", "/?", "/?a", "/?a=", "/?a=b&c=d", "/?a=b&&c", "/?a=b?c=d", "/a?b=/../c",
    "/a?%00", "/a?b=%zz", "/%zz", "/a%", "/[x]", "/{x}", "/a|b", "/a^b", "/a\\b", "/a\"b", "/a<b>",
    "/a`b", "/*", "/" + "x" * 3000, "http://b.example/abs", "http://b.example:81/abs?x=1",
    "http://b.example", "http://B.Example/",
]

FIELDS = {
    "empty value": ["x-a:"],
    "no blank after the colon": ["x-a:b"],
    "blanks around a value": ["x-a: \t  b \t "],
    "tab in a value": ["x-a: b\tc"],
    "token characters in a name": ["x!#$%&'*+-.^_`|~1: b"],
    "underscore in a name": ["x_a: b"],
    "upper case": ["X-UPPER-Case: MixedCase"],
    "bytes above 0x7f": ["x-a: \xe9\xff\x80"],
    "quoted string": ['x-a: "a, b", c;d="e"'],
    "repeated": ["x-a: 1", "x-b: 2", "x-a: 3"],
    "repeated empty": ["x-a:", "x-a:", "x-a: 3"],
    "forty fields": [f"x-{n}: {n}" for n in range(40)],
    "long value": ["x-a: " + "v" * 8000],
    "cookies": ["cookie: a=1; b=2"],
    "two cookie fields": ["cookie: a=1", "cookie: b=2"],
    "accept and agent": [
        "accept: text/html, */*;q=0.1", "accept-encoding: gzip, br", "user-agent: curl/8 (x)"],
    "authorization": ["authorization: Basic YTpi", "proxy-authorization: Basic YTpi"],
    "connection keep-alive": ["connection: keep-alive"],
    "connection names a field": ["connection: x-hop", "x-hop: 1", "x-stay: 2"],
    "keep-alive": ["keep-alive: timeout=5, max=10"],
    "proxy-connection": ["proxy-connection: keep-alive"],
    "te trailers": ["te: trailers"],
    "te trailers, named": ["te: trailers", "connection: te"],
    "te gzip": ["te: gzip"],
    "trailer": ["trailer: x-sum"],
    "x-forwarded-for": ["x-forwarded-for: 192.0.2.1, 198.51.100.7"],
    "x-forwarded-proto https": ["x-forwarded-proto: https"],
    "x-forwarded-proto odd": ["x-forwarded-proto: gopher"],
    "x-forwarded-host": ["x-forwarded-host: elsewhere.example"],
    "forwarded": ["forwarded: for=192.0.2.60;proto=http;by=203.0.113.43"],
    "x-request-id": ["x-request-id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301"],
    "x-request-id, no uuid": ["x-request-id: mine"],
    "via": ["via: 1.0 fred"],
    "x-envoy-internal": ["x-envoy-internal: true"],
    "x-envoy timeout": ["x-envoy-upstream-rq-timeout-ms: 4321"],
    "x-envoy-original-path": ["x-envoy-original-path: /theirs"],
    "x-envoy-external-address": ["x-envoy-external-address: 192.0.2.9"],
    "x-envoy-expected": ["x-envoy-expected-rq-timeout-ms: 7"],
    "range and conditions": [
        "range: bytes=0-4", "if-none-match: \"a\"",
        "if-modified-since: Tue, 15 Nov 1994 08:12:31 GMT"],
    "content type without body": ["content-type: text/plain"],
    "grpc content type": ["content-type: application/grpc"],
    "date and server": ["date: Tue, 15 Nov 1994 08:12:31 GMT", "server: mine"],
    "connection close": ["connection: close"],
    "expect": ["expect: 200-ok"],
}

HOSTS = [
    "a.example", "A.EXAMPLE", "a.example:80", "a.example:8080", "127.0.0.1", "127.0.0.1:99",
    "[::1]", "[::1]:99", "a-b_c.example", "a.example.",
]

BODIES = [
    case("body of 0 bytes", sized("POST", "/", b"")),
    case("body of 1 byte", sized("POST", "/", b"x")),
    case("body of 100 kB", sized("PUT", "/", b"0123456789" * 10000)),
    case("every byte value", sized("POST", "/", bytes(range(256)))),
    case("GET with a body", sized("GET", "/", b"query")),
    case("DELETE with a body", sized("DELETE", "/", b"why")),
    case("POST without length", req("POST")),
    case("repeated equal length",
         req("POST", "/", "content-length: 3", "content-length: 3", body=b"abc")),
    case("chunked empty", chunked("POST", "/", b"0\r\n\r\n")),
    case("chunked one", chunked("POST", "/", b"3\r\nabc\r\n0\r\n\r\n")),
    case("chunked many", chunked("POST", "/", b"1\r\na\r\n" * 500 + b"0\r\n\r\n")),
    case("chunked extensions", chunked("POST", "/", b"3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n")),
    case("chunk sizes in hex",
         chunked("POST", "/", b"A\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n")),
    case("chunked trailers",
         chunked("POST", "/", b"3\r\nabc\r\n0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n", "trailer: x-sum")),
    case("Chunked in capitals",
         req("POST", "/", "Transfer-Encoding: Chunked", body=b"3\r\nabc\r\n0\r\n\r\n")),
    case("expect 100-continue, body sent at once",
         sized("POST", "/", b"abc", "expect: 100-continue")),
    case("keep-alive with bodies",
         sized("POST", "/1", b"one"), chunked("POST", "/2", b"3\r\ntwo\r\n0\r\n\r\n"), req()),
    case("pipelined", req("GET", "/1"), req("HEAD", "/2"), req("GET", "/3"), burst=True),
    case("pipelined bodies",
         sized("POST", "/1", b"one"), chunked("POST", "/2", b"1\r\na\r\n0\r\n\r\n"), req(),
         burst=True),
    case("keep-alive ten times", *[req("GET", f"/{n}") for n in range(10)]),
    case("blank lines first", b"\r\n\r\n" + req()),
]
BODIES[-1].methods = ["GET"]

ANSWERS = [
    "status:200", "status:201", "status:202", "status:203", "status:204", "status:205",
    "status:206", "status:299", "status:300", "status:301", "status:304", "status:307",
    "status:400", "status:401", "status:404", "status:418", "status:429", "status:451",
    "status:500", "status:502", "status:503", "status:504", "status:599", "status:700", "chunked",
    "chunked-empty", "chunked-trailers", "chunked-extensions", "until-close", "until-close-empty",
    "length-0", "connection-close", "http-1.0", "http-1.0-keep-alive", "big", "cookies",
    "own-server", "own-date", "own-via", "many", "reason", "no-reason", "blanks", "hop", "x-envoy",
    "request-id", "hints", "continue", "304-length", "204-length", "latin", "upper", "alt-svc",
]
UPSTREAM_ERRORS = [
    "die", "garbage", "cut-length", "cut-chunk", "bad-chunk", "two-lengths", "bad-length",
    "status-99", "length-and-chunked",
]

PLAIN = (
    [case(f"method {method}", req(method)) for method in METHODS]
    + [case(f"path {path[:40]}", req("GET", path)) for path in PATHS]
    + [case(f"options {target}", req("OPTIONS", target)) for target in ["*", "/"]]
    + [case(f"fields: {name}", req("GET", "/", *fields)) for name, fields in FIELDS.items()]
    + [case(f"host {host}", req(host=host)) for host in HOSTS]
    + BODIES
    + [case(f"answer {what}", do(what)) for what in ANSWERS]
    + [case(f"answer {what}, then another request", do(what), req())
       for what in ("chunked", "status:204", "status:304", "length-0", "connection-close", "big",
                    "hints")]
    + [case(f"HEAD answer {what}", do(what, "HEAD"), req())
       for what in ("status:200", "chunked", "big", "status:404")]
    + [case(f"upstream {what}", do(what)) for what in UPSTREAM_ERRORS]
)

EDGE = (
    [case(f"path {path[:40]}", req("GET", path)) for path in PATHS]
    + [case(f"fields: {name}", req("GET", "/", *fields)) for name, fields in FIELDS.items()]
    + [case(f"host {host}", req(host=host)) for host in HOSTS]
    + [case(f"answer {what}", do(what)) for what in
       ("status:200", "status:204", "chunked", "chunked-trailers", "own-server", "own-via",
        "request-id", "until-close")]
    + [case("trailers", chunked("POST", "/", b"3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n")),
       case("HTTP/1.0", req(version="HTTP/1.0")),
       case("HTTP/1.0 without host", req(version="HTTP/1.0", host=None)),
       case("HTTP/1.0 keep-alive",
            req("GET", "/", "connection: keep-alive", version="HTTP/1.0"), req()),
       case("HTTP/1.0 and chunks", do("chunked", version="HTTP/1.0")),
       case("HTTP/1.0 POST",
            req("POST", "/", "content-length: 3", version="HTTP/1.0", body=b"abc")),
       case("three requests", req(), req(), req())]
)

ROUTED = [
    "/direct", "/direct?x", "/direct/", "/direct-empty", "/teapot", "/to-host/a?b=c",
    "/to-path/a?b=c", "/to-path", "/to-query/a?b=c", "/to-prefix/a/b?c", "/to-https/a?b",
    "/to-port/x", "/to-regex/abc/d?e", "/rewrite/a/b?c=d", "/rewrite/", "/exact-rewrite?q=1",
    "/regex/12/34/x?y=/5/", "/regex/none", "/literal/x", "/by-path/one/two?x", "/item/12",
    "/item/12/", "/item/x", "/parts", "/parts/a/b?c", "/parts?c", "/partsx", "/case", "/CASE?x",
    "/match", "/match?q=1", "/match?q=2&q=1", "/match?q=%31", "/pass", "/nowhere",
]

ROUTES = (
    [case(f"route {path}", req("GET", path)) for path in ROUTED]
    + [case(f"HEAD {path}", req("HEAD", path), req("GET", "/pass"))
       for path in ("/direct", "/teapot", "/to-host/x")]
    + [case(f"POST {path}", sized("POST", path, b"body"))
       for path in ("/to-path", "/pass", "/to-https")]
    + [case(f"host {host}", req("GET", "/x", host=host)) for host in
       ("a.wild.example", "a.b.wild.example", "wild.example", "named.example", "named.example:80",
        "NAMED.example",
        "prefix.com", "prefix.a.b", "other")]
    + [case("redirect of a host with port", req("GET", "/to-path", host="a.example:8080")),
       case("https redirect of a host with port", req("GET", "/to-https", host="a.example:80")),
       case("host by header", req("GET", "/by-header", "x-to-host: given.example")),
       case("host by absent header", req("GET", "/by-header")),
       case("ops",
            req("GET", "/ops", "x-drop: 1", "x-a: A", "x-set: theirs", "x-once: theirs",
                "x-only: theirs")),
       case("ops on nothing", req("GET", "/ops")),
       case("ops on a response", do("ops", "GET", "/ops", "x-a: A")),
       case("ops on repeated", req("GET", "/ops", "x-set: 1", "x-set: 2", "x-add: 0")),
       case("header match", req("GET", "/match", "x-a: YES-sir")),
       case("method match", req("DELETE", "/match")),
       case("range match", req("GET", "/match", "x-n: 10")),
       case("range match, outside", req("GET", "/match", "x-n: 20")),
       case("range match, no number", req("GET", "/match", "x-n: ten")),
       case("direct, then another", req("GET", "/direct"), req("GET", "/pass")),
       case("status of the upstream in a header", do("status:404", "GET", "/pass"))]
)

FAILING = [
    case("refused connection", req("GET", "/dead"), req("GET", "/pass")),
    case("refused connection, HEAD", req("HEAD", "/dead"), req("GET", "/pass")),
    case("refused connection, grpc",
         req("POST", "/dead", "content-type: application/grpc", "content-length: 0")),
    case("no endpoints", req("GET", "/empty"), req("GET", "/pass")),
    case("no endpoints, grpc",
         req("POST", "/empty", "content-type: application/grpc", "content-length: 0")),
    case("circuit breaker", req("GET", "/full"), req("GET", "/pass")),
    case("unknown cluster", req("GET", "/named", "x-cluster: nowhere")),
    case("no cluster named", req("GET", "/named")),
    case("named cluster", req("GET", "/named", "x-cluster: origin")),
    case("route timeout", do("never", "GET", "/short"), req("GET", "/pass")),
    case("route timeout, grpc", do("never", "GET", "/short", "content-type: application/grpc")),
    case("route timeout after the head", do("stall", "GET", "/short")),
    case("stream idle timeout", do("never", "GET", "/endless")),
    case("stream idle timeout after the head", do("stall", "GET", "/endless")),
    case("request timeout", req("POST", "/pass", "content-length: 10", body=b"abc")),
    case("request headers timeout", b"GET /pass HTTP/1.1\r\nHost: a\r\n"),
    case("head too large", req("GET", "/pass", "x-a: " + "v" * 5000)),
    case("too many fields", req("GET", "/pass", *[f"x-{n}: 1" for n in range(30)])),
    case("no route", req("GET", "/nowhere"), req("GET", "/pass")),
    case("HTTP/1.0", req("GET", "/pass", version="HTTP/1.0")),
    case("timeout by header", do("never", "GET", "/pass", "x-envoy-upstream-rq-timeout-ms: 100")),
]

LOGGED = (
    [case(f"method {method}", req(method)) for method in ("GET", "HEAD", "POST", "PUT")]
    + [case(f"path {path[:40]}", req("GET", path)) for path in
       ("/a/b/c", "/?a=b&c=d", "/" + "x" * 3000, "http://b.example/abs")]
    + [case(f"fields: {name}", req("GET", "/", *FIELDS[name])) for name in
       ("forty fields", "long value", "repeated", "connection names a field", "upper case")]
    + [body for body in BODIES if body.name not in
       ("blank lines first", "repeated equal length", "chunked many", "chunk sizes in hex")]
    + [case(f"answer {what}", do(what)) for what in
       ("chunked-empty", "until-close", "length-0", "big", "many", "no-reason", "304-length",
        "204-length", "connection-close", "http-1.0")]
)

INTERNAL = "x-forwarded-for: 10.1.2.3"
RETRIES = (
    [case(f"{path} {what}", do(what, "GET", path), req("GET", "/plain"))
     for path in ("/5xx", "/once", "/none", "/gateway", "/reset", "/connect", "/4xx", "/only-put",
                  "/full", "/plain")
     for what in ("status:200", "status:404", "status:409", "status:500", "status:503",
                  "until:2:status:503", "until:3:status:503", "until:4:status:503", "until:2:die",
                  "until:3:die", "cut-length")]
    + [case(f"{path} {what}", do(what, "GET", path), req("GET", "/plain")) for path, what in (
        ("/codes", "until:2:status:404"), ("/codes", "status:404"), ("/codes", "status:503"),
        ("/headers", "until:2:again"), ("/headers", "again"), ("/headers", "status:503"),
        ("/limited", "rate-limited"), ("/limited", "until:2:rate-limited"),
        ("/limited", "status:429"), ("/5xx", "rate-limited"), ("/grpc", "grpc-unavailable"),
        ("/grpc", "until:2:grpc-unavailable"), ("/reset-before", "until:2:die"),
        ("/try-time", "never"), ("/try-time", "until:2:never"), ("/try-time", "stall"),
        ("/try-only", "never"), ("/dead", "status:200"), ("/5xx", "until:2:garbage"),
        ("/5xx", "until:2:chunked"))]
    + [case(f"PUT {path}", do("until:2:status:503", "PUT", path, "content-length: 5", body=b"hello"))
       for path in ("/5xx", "/only-put", "/short-body", "/plain")]
    + [case("a body too long to be kept",
            do("until:2:status:503", "PUT", "/short-body", "content-length: 11",
               body=b"hello again")),
       case("a chunked body",
            do("until:3:status:503", "POST", "/5xx", "transfer-encoding: chunked",
               body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
       case("a body and a reset",
            do("until:2:die", "POST", "/reset", "content-length: 5", body=b"hello"))]
    + [case(f"asked by an internal sender: {name}", do(what, "GET", path, INTERNAL, *fields))
       for name, what, path, fields in (
           ("5xx", "until:2:status:503", "/plain", ["x-envoy-retry-on: 5xx"]),
           ("so many", "until:4:status:503", "/plain",
            ["x-envoy-retry-on: 5xx", "x-envoy-max-retries: 3"]),
           ("fewer than the policy", "until:3:status:503", "/5xx", ["x-envoy-max-retries: 1"]),
           ("none", "until:2:status:503", "/5xx", ["x-envoy-max-retries: 0"]),
           ("codes", "until:2:status:404", "/plain",
            ["x-envoy-retry-on: retriable-status-codes", "x-envoy-retriable-status-codes: 404"]),
           ("fields", "until:2:again", "/plain",
            ["x-envoy-retry-on: retriable-headers", "x-envoy-retriable-header-names: x-again"]),
           ("grpc", "until:2:grpc-unavailable", "/plain",
            ["x-envoy-retry-grpc-on: unavailable"]),
           ("time of each", "until:2:never", "/plain",
            ["x-envoy-retry-on: 5xx", "x-envoy-upstream-rq-per-try-timeout-ms: 600"]),
           ("time of all", "never", "/plain", ["x-envoy-upstream-rq-timeout-ms: 600"]))]
    + [case("asked by an external sender",
            do("status:503", "GET", "/plain", "x-forwarded-for: 192.0.2.1", "x-envoy-retry-on: 5xx"))]
)

CASES = {"plain": PLAIN, "edge": EDGE, "routes": ROUTES, "failing": FAILING, "logged": LOGGED,
         "retries": RETRIES}
