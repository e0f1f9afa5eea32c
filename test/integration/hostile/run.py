"""Runs the rows of both tables against one proxy: each whole, and cut at several places."""

import pathlib
import re
import socket

import bootstrap as bs
from http1_wire import read_response
from origin import OK, Server
from raw_client import Client, request
from weir_process import Weir, free_port, wait_for

CANARY = b"GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"
DATE = re.compile(rb"^date: [^\r]*\r\n", re.MULTILINE)
LOG = "%CONNECTION_ID% %REQ(:PATH)% %RESPONSE_CODE_DETAILS%"
TE = b"transfer-encoding: chunked\r\n"
CLOSE_WAIT = "08"  # of /proc/net/tcp


def cuts_of(size):
    """Where a message of so many bytes is cut in two: at its beginning, at its end and between."""
    if size < 2:
        return []
    places = {size // 2} if size > 20_000 else {1, size // 2, size - 3, size - 1}
    return sorted(place for place in places if 0 < place < size)


def sockets(port):
    """(the other end's port, state, bytes to be read) of each connection at a local port."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, here, there, state, queues = line.split()[:5]
        if int(here.rpartition(":")[2], 16) == port:
            yield int(there.rpartition(":")[2], 16), state, int(queues.rpartition(":")[2], 16)


def quiet(local, remote):
    """True when the proxy has read all that was sent on the connection."""
    return not any(other == remote and unread for other, _, unread in sockets(local))


def settled(origin):
    """True when the origin has seen the end of every connection that the proxy closed."""
    return origin.busy == 0 and not any(state == CLOSE_WAIT for _, state, _ in sockets(origin.port))


def send_cut(wire, data, cut):
    """`data` in two pieces; the second when the first has been read."""
    if cut is None:
        return wire.send(data)
    # Or the second piece waits for the acknowledgement of the first.
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.send(data[:cut])
    local, remote = wire.sock.getpeername()[1], wire.sock.getsockname()[1]
    wait_for(lambda: quiet(local, remote), "the first piece is read")
    return wire.send(data[cut:])


class Scripted(Server):
    """Answers OK, or as the row says; keeps which connection each request came on."""

    def __init__(self):
        self.row = self.cut = None
        self.at = []
        super().__init__()

    def answer(self, wire, request):
        row = self.row
        self.at.append(wire)
        if row is None or request.target == "/canary":
            wire.send(OK if request.method != "HEAD" else OK[:-2])
            return True
        send_cut(wire, row.sent, self.cut)
        return not row.closes


class Bench:
    """The proxy with two listeners, and the origin behind them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.origin = Scripted()
        self.ports = {"plain": free_port(), "lenient": free_port()}
        quiet_router = bs.http_filter("router", "router.v3.Router", suppress_envoy_headers=True)
        common = {"generate_request_id": False, "server_header_transformation": "PASS_THROUGH", "codec_type": "HTTP1",
                  "http_filters": [quiet_router], "delayed_close_timeout": "0.2s",
                  "access_log": [bs.file_log(self.directory / "access.log", LOG)]}
        old = {"accept_http_10": True, "default_host_for_http_10": "old.example",
               "enable_trailers": True}
        # Not of extended features: what a row does not say must not be there.
        managers = {"plain": bs.hcm(**common), "lenient": bs.hcm(http_protocol_options=old, **common)}
        name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        options = {name: {"@type": "type.googleapis.com/" + name, "explicit_http_config": {
            "http_protocol_options": {"enable_trailers": True}}}}
        config = bs.bootstrap(
            [bs.listener(self.ports[kind], manager) for kind, manager in managers.items()],
            [bs.cluster(self.origin.port, typed_extension_protocol_options=options)])
        self.weir = Weir(config, directory, concurrency=1)
        self.weir.await_ready()
        self.logged = []  # (what was run, reasons expected) of each connection, in order

    def close(self):
        code = self.weir.stop()
        self.origin.close()
        return code

    def reasons(self):
        """The log's details by connection, in the order of the connections."""
        path, by_connection = self.directory / "access.log", {}
        wait_for(lambda: path.exists() and path.read_text().count("\n") >=
                 sum(len(wanted) for _, wanted in self.logged), "the log's lines", 5)
        for line in path.read_text().splitlines():
            connection, target, details = line.split(" ", 2)
            by_connection.setdefault(int(connection), []).append((target, details))
        return by_connection


def shown(data):
    return repr(data if len(data) < 300 else data[:150] + b" ... " + data[-100:])


def differ(what, wanted, got):
    return [] if wanted == got else [f"{what}: expected {shown(wanted)}, found {shown(got)}"]


def ask(bench, row, cut):
    """What is wrong with the row, cut there; nothing when all is well."""
    bench.origin.row = None
    before = len(bench.origin.requests)
    problems = []
    with Client(bench.ports[row.listener]) as client:
        send_cut(client, row.sent, cut)
        statuses = []
        try:
            for method in row.methods[:len(row.statuses)]:
                statuses.append(client.response(method).status)
            if row.kept:
                client.send(CANARY)
                problems += differ("behind it", b"200", b"%d" % client.response().status)
            elif not client.ended():
                problems.append(f"not closed, or more was sent: {shown(client.buffer)}")
        except (EOFError, TimeoutError, OSError) as error:
            problems.append(f"{type(error).__name__}: {error}")
        if statuses != row.statuses:
            problems.append(f"statuses {statuses}, expected {row.statuses}")
    reasons = row.reasons + (["via_upstream"] if row.kept else [])
    bench.logged.append((f"{row.name}, cut {cut}", reasons))
    return problems + reached(bench, row, before)


def reached(bench, row, before):
    """Compares what arrived at the origin."""
    wait_for(lambda: settled(bench.origin), "the origin is done")
    requests = bench.origin.requests[before:]
    seen = [got.raw_head + got.raw_body for got in requests]
    if row.kept:
        if not seen or not seen[-1].startswith(b"GET /canary HTTP/1.1\r\nhost: a\r\n"):
            return [f"at the origin last: {[shown(one) for one in seen]}"]
        seen.pop()
    if row.partial is not None:
        # How much of it went on, and in which chunks, depends on when it came.
        head, data = row.partial
        good = [got for got in requests
                if got.raw_head == head and data.startswith(got.body) and not got.complete]
        return [] if len(good) == len(seen) < 2 else [f"at the origin: {shown(seen[-1])}"]
    if len(seen) != len(row.origin):
        return [f"{len(seen)} requests at the origin, expected {len(row.origin)}: "
                f"{[shown(one) for one in seen]}"]
    return [problem for wanted, got in zip(row.origin, seen)
            for problem in differ("at the origin", wanted, got)]


def chunks_joined(data):
    """(head, data of its chunks, what stands behind them)"""
    head, _, rest = data.partition(b"\r\n\r\n")
    body = b""
    while size := int(rest.partition(b"\r\n")[0] or b"0", 16):
        start = rest.index(b"\r\n") + 2
        body, rest = body + rest[start:start + size], rest[start + size + 2:]
    return head, body, rest


def received(client, row):
    """The bytes of the response, without the date."""
    if row.whole and TE in row.client:
        message = read_response(client, row.method)
        return DATE.sub(b"", message.raw_head + message.raw_body)
    try:
        got = client.read_exactly(len(row.client) + 37) if row.whole else client.read_to_end()
    except TimeoutError:
        got = client.buffer
    return DATE.sub(b"", got)


def judged(row, cut, got):
    """What is wrong with what the client got. In which chunks it came depends on when it did."""
    if cut is None or TE not in row.client or not got:
        if row.whole:
            return differ("the client got", row.client, got)
        good = row.client.startswith(got) and not got.endswith(b"\r\n0\r\n\r\n")
    elif row.whole:
        good = chunks_joined(got) == chunks_joined(row.client)
    else:
        (head, body, rest), (wanted, whole, _) = chunks_joined(got), chunks_joined(row.client)
        good = head == wanted and whole.startswith(body) and not rest
    return [] if good else [f"the client got {shown(got)}, expected of {shown(row.client)}"]


def answered(bench, row, cut):
    """As `ask`, of a response."""
    bench.origin.row, bench.origin.cut = row, cut
    with Client(bench.ports[row.listener]) as client:
        client.send(b"%s / HTTP/1.1\r\nHost: a\r\n%s\r\n" % (row.method.encode(), row.fields))
        problems = judged(row, cut, received(client, row))
        if row.whole:
            problems += differ("behind it", b"", client.buffer)
    # The last piece may come behind what the client needs.
    wait_for(lambda: bench.origin.busy == 0, "the origin has sent all")
    first = bench.origin.at[-1]
    bench.origin.row = None
    bench.logged.append((f"{row.name}, cut {cut}", [row.reason]))
    with Client(bench.ports[row.listener]) as client:
        client.send(CANARY)
        response = read_response(client)
        problems += differ("the next answer", b"ok", response.body)
    bench.logged.append((f"behind {row.name}", ["via_upstream"]))
    if (bench.origin.at[-1] is first) != row.reused:
        problems.append(f"the origin's connection was {'not ' if row.reused else ''}reused")
    return problems


def run(bench, rows, judge):
    """(rows that passed, problems) of one group."""
    passed, problems = 0, []
    for row in rows:
        found = []
        for cut in [None, *cuts_of(len(row.sent))]:
            try:
                found += [f"cut at {cut}: {problem}" for problem in judge(bench, row, cut)]
            except (AssertionError, OSError, EOFError) as error:
                found.append(f"cut at {cut}: {type(error).__name__}: {error}")
            if found:
                break
        problems += [f"{row.name}: {problem}" for problem in found]
        passed += not found
    return passed, problems
