"""Where Weir answers differently from Envoy on purpose. Each row: configuration, case, aspect (all
as shell patterns) and the reason, which docs/differences.md repeats. A row that nothing needs is an
error, so the table stays true.

Besides, the comparison does not look at: the order of different fields, the name in `server`, the
time in `date`, newly made request ids, the milliseconds of x-envoy-upstream-service-time, where
chunks begin, and how soon after `connection: close` the connection ends. For a client on loopback
Envoy appends its own outward address to x-forwarded-for; Weir appends the client's, as for any
other client.
"""

INTENDED = [
    ("plain", "method M-SEARCH", "*",
     "Envoy's HTTP/1 parser refuses methods it does not know with 400. Weir forwards any method "
     "that is a token (RFC 9110 §9.1 lets anyone register one)."),
    ("plain", "answer hop", "answer 0: x-hop",
     "Weir removes what a response's Connection field names, as RFC 9110 §7.6.1 demands of a "
     "proxy; Envoy does so for requests only."),
    ("plain", "answer hints*", "answer 0: interim 0",
     "Weir passes 1xx responses such as 103 Early Hints on, as RFC 9110 §15.2 demands of a proxy; "
     "Envoy drops them."),
    ("*", "HEAD *", "answer 0: transfer-encoding",
     "Envoy adds transfer-encoding: chunked to an answer to HEAD that has no content-length. Weir "
     "adds nothing: the answer has no body to frame."),
    ("plain", "upstream die", "origin 1: *",
     "Weir sends a safe request once more when a pooled connection dies before a byte of the "
     "response; Envoy needs a retry policy for that. What the client gets is the same."),
    ("plain", "upstream status-99", "*",
     "A status below 100 is 502 at once; Envoy takes it for an interim response and waits for the "
     "final one until the timeout."),
    ("plain", "upstream cut-*", "log",
     "An upstream that closes in the middle of a body is logged as UC, connection_termination. "
     "Envoy's parser sees the end as a protocol error and logs UPE, as for an upstream that sends "
     "garbage."),
    ("plain", "options [*]", "log",
     "OPTIONS * without a route is logged as any request without one, NR route_not_found; Envoy "
     "logs no flag and absolute_path_rejected."),
    ("plain", "repeated equal length", "log",
     "The details name what was wrong with the request, and its method; Envoy's say "
     "http1.codec_error."),
    ("failing", "too many fields", "log",
     "A refused request is logged with its method where that was read; Envoy leaves it out."),
    ("failing", "HTTP/1.0", "log",
     "A refused request is logged with its method where that was read; Envoy leaves it out."),
    ("failing", "unknown cluster", "log",
     "The log names the cluster that was not found; Envoy's leaves it out."),
    ("logged", "pipelined*", "log",
     "Of requests that arrive together each is logged with its own bytes; Envoy adds those behind a "
     "request to its count."),
    ("retries", "/[!5gr]* until:*:die", "*",
     "Weir sends a safe request once more when a pooled connection dies before a byte of the "
     "response, whatever the retry policy says; Envoy does what the policy says."),
    ("retries", "/reset-before until:2:die", "*",
     "As above."),
    ("retries", "* cut-length", "log",
     "An upstream that closes in the middle of a body is logged as UC, see above."),
    ("retries", "/try-time stall", "log",
     "As above: UC where Envoy logs UPE."),
    ("retries", "/try-time never", "log",
     "Flags are listed in a fixed order; Envoy lists them as they were set."),
    ("retries", "/dead *", "log",
     "The details say remote_connection_failure without Envoy's wording, and an endpoint that could "
     "not be connected to is among those attempted; Envoy leaves it out."),
    ("plain", "blank lines first", "*",
     "One empty line before a request is passed over, which is RFC 9112 §2.2's \"at least one\"; a "
     "second one is refused. Envoy passes over any number."),
    ("*", "method *", "origin 0: content-length",
     "A request without a body gets content-length: 0 only where its method makes one likely (RFC "
     "9110 §8.6); Envoy adds it for all methods but GET, HEAD, DELETE, TRACE and CONNECT."),
    ("*", "options /", "origin 0: content-length",
     "As above: OPTIONS without a body gets no content-length."),
    ("*", "fields: expect", "*",
     "An expectation other than 100-continue is answered 417 (RFC 9110 §10.1.1); Envoy forwards it."),
    ("failing", "refused connection*", "log",
     "The details say remote_connection_failure; Envoy adds its own wording of the system's error, "
     "which here is %UPSTREAM_TRANSPORT_FAILURE_REASON%."),
]
