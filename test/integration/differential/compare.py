"""Runs the cases through a proxy and compares what two proxies made of them."""

import datetime
import email.utils
import fnmatch
import pathlib
import re
import tempfile

import cases
import origin_script
from http1_wire import read_response
from origin import Server
from raw_client import Client
from weir_process import ProxyProcess, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
# How long a connection must stay silent after the last answer to count as kept open.
OPEN_SECONDS = 0.04


class ScriptedOrigin(Server):
    def answer(self, wire, request):
        return origin_script.serve(wire, request)


def is_now(value):
    parsed = email.utils.parsedate_to_datetime(value)
    return abs((parsed - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 600


def neutral(name, value, sent):
    """A value without what is each proxy's own: its name, the time, a new id."""
    if name == "date" and is_now(value):
        return "<now>"
    if name == "server" and value in ("envoy", "weir"):
        return "<proxy>"
    if name == "x-request-id" and UUID.fullmatch(value) and value not in sent:
        return "<new uuid>"
    if name == "x-envoy-upstream-service-time" and value.isdigit():
        return "<milliseconds>"
    if name == "x-forwarded-for":
        # For a client on loopback Envoy appends its own outward address, Weir the client's.
        before, _, last = value.rpartition(",")
        theirs = re.search(r"(?im)^x-forwarded-for:.*", sent)
        return value if theirs and last.strip() in theirs[0] else f"{before},<client>"
    return value


def field_table(fields, sent):
    table = {}
    for name, value in fields:
        table.setdefault(name.lower(), []).append(neutral(name.lower(), value, sent))
    return table


def aspects_of(prefix, message, sent):
    """What is compared of a message: {aspect: value}."""
    first = message.start.split(" ")
    start = message.start if prefix.startswith("origin") else first[1]
    found = {
        f"{prefix}: start": start, f"{prefix}: body": message.body,
        f"{prefix}: complete": message.complete,
        f"{prefix}: trailers": field_table(message.trailers, sent)}
    for name, values in field_table(message.fields, sent).items():
        found[f"{prefix}: {name}"] = values
    return found


def read_answers(client, case, number, sent):
    """One final response and the interim ones before it: (aspects, is the connection alive)."""
    found = {}
    for interim in range(5):
        try:
            message = read_response(client, case.methods[number])
        except (EOFError, TimeoutError) as error:
            return {f"answer {number}": type(error).__name__}, False
        if message.status >= 200:
            found.update(aspects_of(f"answer {number}", message, sent))
            return found, True
        found[f"answer {number}: interim {interim}"] = message.status
    raise AssertionError("interim responses without end")


def connect(port, used):
    """A client whose port none of the cases before had: the access log is told apart by it."""
    while True:
        client = Client(port)
        local = client.sock.getsockname()[1]
        if local not in used:
            used.add(local)
            return client
        client.close()


def run_case(case, port, origin, used):
    """All aspects of a case as one proxy shows them."""
    first_seen = len(origin.requests)
    sent = b"".join(case.requests).decode("latin-1")
    found, alive = {}, True
    with connect(port, used) as client:
        found["port"] = client.sock.getsockname()[1]
        client.sock.settimeout(5)
        if case.burst:
            client.send(sent.encode("latin-1"))
        for number, data in enumerate(case.requests):
            if not alive:
                break
            try:
                if not case.burst:
                    client.send(data)
            except OSError:
                alive = False
                break
            answers, alive = read_answers(client, case, number, sent)
            found.update(answers)
        # Who announced the end may take a moment to close, waiting for the client to do so.
        if alive and found.get(f"answer {len(case.requests) - 1}: connection") != ["close"]:
            found["connection stays open"] = client.silent(OPEN_SECONDS)
    # A request that broke off is listed when the proxy has closed its connection.
    wait_for(lambda: origin.busy == 0, "the origin is idle")
    for number, request in enumerate(origin.requests[first_seen:]):
        found.update(aspects_of(f"origin {number}", request, sent))
    return found


def run_all(binary, arguments, config):
    """{case name: aspects} of a configuration's cases on one proxy."""
    origin = ScriptedOrigin()
    ports = {"18100": free_port(), "18101": origin.port, "18102": free_port()}
    text = re.sub(r"\b1810[012]\b", lambda match: str(ports[match[0]]),
                  (HERE / f"{config}.yaml").read_text())
    with tempfile.TemporaryDirectory(prefix="wd-") as directory:
        proxy = ProxyProcess(binary, text, directory, arguments)
        try:
            proxy.await_ready()
            used = set()
            found = {
                case.name: run_case(case, ports["18100"], origin, used)
                for case in cases.CASES[config]}
            assert proxy.alive(), f"the proxy died:\n{proxy.output()[-2000:]}"
        finally:
            proxy.stop()
            origin.close()
        add_log_lines(found, pathlib.Path(directory, "access.log").read_text())
        return found


def add_log_lines(found, log):
    """Each case's lines of the access log, which begin with the client's port."""
    by_port = {aspects.pop("port"): aspects for aspects in found.values()}
    for line in log.splitlines():
        port, rest = line.split(" ", 1)
        lines = by_port[int(port)].setdefault("log", [])
        lines.append(ADDRESS.sub("<address>", rest))


def differences(config, envoys, weirs):
    """(config, case, aspect, Envoy's, Weir's) of everything that is not the same."""
    for name, envoy in envoys.items():
        weir = weirs[name]
        for aspect in sorted(set(envoy) | set(weir)):
            if envoy.get(aspect) != weir.get(aspect):
                yield config, name, aspect, envoy.get(aspect), weir.get(aspect)


def matches(row, difference):
    return all(fnmatch.fnmatchcase(text, pattern) for text, pattern in zip(difference[:3], row[:3]))
