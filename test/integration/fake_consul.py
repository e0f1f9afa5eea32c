"""A Consul agent that a test scripts: blocking queries as the real one answers them, and every way
in which they go wrong. One thread serves all connections, so thousands of queries can wait."""

import asyncio
import collections
import contextlib
import itertools
import json
import random
import re
import threading
import time
import urllib.parse

import fake_faults
from fake_catalog import Catalog
from fake_faults import CLOSE, HALF, HANG, JSON, POLICY, Reply, Rule, no_such_path
from weir_process import PATIENCE

LONGEST_WAIT, USUAL_WAIT = 600.0, 300.0
WAIT = re.compile(r"([\d.]+)(ms|s|m|h)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Asked:
    """A request as it came: `query` has a list for each name, `headers` are in lower case."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path, _, line = target.partition("?")
        self.path = urllib.parse.unquote(self.path)
        self.query = urllib.parse.parse_qs(line, keep_blank_values=True)
        self.at = time.monotonic()

    def __repr__(self):
        return f"<{self.method} {self.target}>"

    def one(self, name, default=None):
        return self.query.get(name, [default])[0]

    def wrong(self):
        """What Consul would say against its parameters."""
        if not WAIT.fullmatch(self.one("wait", "0s")):
            return "Invalid wait time"
        if not self.one("index", "0").isdigit():
            return "Invalid index"
        if "stale" in self.query and "consistent" in self.query:
            return "Cannot specify ?stale with ?consistent, conflicting semantics."
        return None

    @property
    def index(self):
        return int(self.one("index", "0"))

    @property
    def wait(self):
        """Seconds, as Consul limits them."""
        number, unit = WAIT.fullmatch(self.one("wait", "0s")).groups()
        return min(float(number) * UNITS[unit] or USUAL_WAIT, LONGEST_WAIT)

    def streams(self):
        """Whether Consul's streaming backend answers it."""
        return self.index > 0 and self.path.startswith("/v1/health/service/")

    def consistency(self):
        """As the answer names it; keys have none."""
        if self.path.startswith("/v1/kv/"):
            return None
        return next((name for name in ("stale", "consistent") if name in self.query), "leader")

    def token(self):
        bearer = self.headers.get("authorization", "").partition(" ")[2]
        return self.one("token") or self.headers.get("x-consul-token") or bearer


class Ended(Exception):
    """The client has left, or is made to."""


class FakeConsul:
    """`catalog` changes by `put`, `set_check`, `remove`, `put_key` and `delete_key`; other
    datacenters by the same with `datacenter=`. `fault` changes answers, `requests` has what was
    asked. With `tokens` a request needs one of them; those that are in `poor` have no rights."""

    def __init__(self, tokens=None, poor=()):
        self.tokens, self.poor = tokens, set(poor)
        self.catalogs = {"dc1": Catalog()}
        self.queries = {}  # name of a prepared query -> service
        self.filters = {}  # text of a filter -> whether it keeps an entry; others keep all
        self.requests = []
        self.rules = []
        self.open = self.most_open = self.accepted = self.held = self.port = 0
        self._wakes = 0
        self._links = set()
        self._waiting = collections.defaultdict(set)
        self._lock = threading.RLock()
        self._server = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.come()

    # what it holds

    @property
    def catalog(self):
        return self.catalogs["dc1"]

    def put(self, *arguments, datacenter="dc1", **fields):
        self._change(datacenter, "put", *arguments, **fields)

    def set_check(self, *arguments, datacenter="dc1", **fields):
        self._change(datacenter, "set_check", *arguments, **fields)

    def remove(self, instance, datacenter="dc1"):
        self._change(datacenter, "remove", instance)

    def put_key(self, key, value, **fields):
        self._change("dc1", "put_key", key, value, **fields)

    def delete_key(self, key):
        self._change("dc1", "delete_key", key)

    def rewind(self, index=5):
        """Every index is a smaller one from now on."""
        self._change("dc1", "rewind", index)

    def _change(self, datacenter, what, *arguments, **fields):
        with self._lock:
            catalog = self.catalogs.setdefault(datacenter, Catalog(datacenter))
            moved = getattr(catalog, what)(*arguments, **fields)
        self._loop.call_soon_threadsafe(self._wake, [(datacenter, name) for name in moved])

    # what it does wrong, and what it was asked

    def fault(self, change, path="/", times=None, waits=False):
        """Changes the answers to requests whose path begins with `path`, so many `times`, else
        until the rule's `end()` or the end of its `with` block. It answers at once unless it
        `waits` as a right answer would. `change` is of fake_faults, or any function of a Reply."""
        rule = Rule(change, path, times, waits, self._over)
        with self._lock:
            self.rules.insert(0, rule)
        return rule

    def _over(self, rule):
        with self._lock, contextlib.suppress(ValueError):
            self.rules.remove(rule)
        self._call(self._free, rule)

    def wake(self):
        """Every query that waits is answered now, with the faults of now."""
        self._call(self._wake_all)

    def drop(self):
        """Closes every connection."""
        self._call(lambda: [link.abort() for link in set(self._links)])

    def leave(self):
        """Nobody listens any more, and every connection breaks; `come` undoes it."""
        if self._server:
            self._call(self._server.close)
            self._server = None
        self.drop()

    def come(self):
        self._server = self._run(asyncio.start_server(
            self._serve, "127.0.0.1", self.port, backlog=4096, reuse_address=True))
        self.port = self._server.sockets[0].getsockname()[1]

    def asked(self, path="/"):
        """The requests so far whose path begins with that."""
        with self._lock:
            return [one for one in self.requests if one.path.startswith(path)]

    def close(self):
        self.leave()
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # the other thread

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _call(self, work, *arguments):
        async def call():
            return work(*arguments)
        return self._run(call())

    @staticmethod
    async def _end():
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _wake(self, names):
        for future in itertools.chain.from_iterable(
                self._waiting.pop(name, ()) for name in names):
            if not future.done():
                future.set_result(None)

    def _wake_all(self):
        self._wakes += 1
        self._wake(list(self._waiting))

    @staticmethod
    def _free(rule):
        for future in rule.hanging:
            if not future.done():
                future.set_result(None)

    async def _serve(self, reader, writer):
        self.accepted += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self._links.add(writer.transport)
        ahead = None
        try:
            request = await read(reader)
            while request:
                ahead = asyncio.ensure_future(read(reader))
                answering = asyncio.ensure_future(self._answer(request, writer))
                try:
                    await asyncio.wait({ahead, answering}, return_when=asyncio.FIRST_COMPLETED)
                    if not answering.done() and ahead.result() is None:
                        raise Ended
                    await answering
                finally:
                    answering.cancel()
                request = await ahead
        except (Ended, ConnectionError):
            pass
        finally:
            if ahead:
                ahead.cancel()
            self._links.discard(writer.transport)
            self.open -= 1
            writer.close()

    async def _answer(self, request, writer):
        with self._lock:
            self.requests.append(request)
        reply = await self._reply(request)
        data, whole = reply.encoded()
        writer.write(data)
        await writer.drain()
        if not whole or request.headers.get("connection", "").lower() == "close":
            raise Ended

    async def _reply(self, request):
        rule = self._rule(request, waits=False)
        reply = await self._right(request, at_once=rule is not None)
        rule = rule or self._rule(request, waits=True)
        if not rule:
            return reply
        changed = rule.change(reply)
        if changed is HANG:
            rule.hanging.append(self._loop.create_future())
            with self._holding():
                await rule.hanging[-1]
            return await self._reply(request)
        if changed is CLOSE:
            raise Ended
        return reply.half() if changed is HALF else changed

    def _rule(self, request, waits):
        with self._lock:
            for rule in self.rules:
                if rule.waits == waits and rule.takes(request.path):
                    return rule
        return None

    async def _right(self, request, at_once):
        """What Consul would say, when it would."""
        if self.tokens is None:
            return await self._allowed(request, at_once)
        token, reply = request.token(), None
        if token in self.tokens | self.poor:
            reply = await self._allowed(request, at_once)
        elif token and request.streams():
            # The real one does not refuse this: its streaming backend tries on meanwhile.
            await self._moves([("", "tokens")], self._loop.time() + request.wait)
            reply = fake_faults.unknown(await self._allowed(request, True))
            return fake_faults.header(POLICY, "deny")(reply)
        if token not in self.tokens | self.poor:  # of now: it may have become so meanwhile
            reply = Reply(403, fake_faults.NO_SUCH_TOKEN if token else fake_faults.ANONYMOUS)
        elif token in self.poor:
            reply = fake_faults.filtered(reply)
        return fake_faults.header(POLICY, "deny")(reply)

    async def _allowed(self, request, at_once):
        if wrong := request.wrong():
            return Reply(400, wrong)
        datacenter = request.one("dc", "dc1")
        if datacenter not in self.catalogs:
            return Reply(500, "No path to datacenter")
        deadline = self._loop.time() + request.wait * (1 + random.random() / 16)
        wakes = self._wakes
        while True:
            with self._lock:
                found = self._look(request, self.catalogs[datacenter])
                if isinstance(found, Reply):
                    return found
                done = at_once or found.index is None or not 0 < request.index >= found.index
                if done or self._wakes != wakes or self._loop.time() >= deadline:
                    return Reply.of(found, request.consistency())
            await self._moves([(datacenter, name) for name in found.watched], deadline)

    async def _moves(self, names, deadline):
        """Until one of these moves or the time is over."""
        future = self._loop.create_future()
        for name in names:
            self._waiting[name].add(future)
        try:
            with self._holding():
                await asyncio.wait([future], timeout=deadline - self._loop.time())
        finally:
            for name in names:
                self._waiting[name].discard(future)

    @contextlib.contextmanager
    def _holding(self):
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    # what is asked

    def _look(self, request, catalog):
        """The answer now, of a question that this fake knows."""
        parts = request.path.strip("/").split("/")
        if request.method == "PUT" and parts[:3] == ["v1", "agent", "service"]:
            return self._agent(parts[3:], request)
        match parts[1:]:
            case ["health", "service", service]:
                return catalog.health(service, lambda entry: self._kept(request, entry),
                                      request.streams())
            case ["health", "state", state]:
                return catalog.checks(state)
            case ["catalog", "services"]:
                return catalog.services()
            case ["agent", "service", instance]:
                return fake_faults.own(catalog.own(instance), instance)
            case ["query", name, "execute"]:
                return catalog.execute(self.queries.get(name))
            case ["kv", *key]:
                return catalog.under(request.path.removeprefix("/v1/kv/"),
                                     "recurse" in request.query, "keys" in request.query)
            case ["status", "leader"]:
                return Reply(200, '"127.0.0.1:8300"', JSON)
            case ["agent", "self"]:
                return Reply(200, json.dumps({"Config": {
                    "Datacenter": "dc1", "NodeName": "node-1", "Server": True,
                    "Version": "1.22.0"}}), JSON)
        return no_such_path()

    def _kept(self, request, entry):
        states = {check["Status"] for check in entry["Checks"]}
        passing = request.one("passing", "false") in ("", "1", "true")
        return (not (passing and states - {"passing"})
                and set(request.query.get("tag", ())) <= set(entry["Service"]["Tags"])
                and all(self.filters.get(text, bool)(entry)
                        for text in request.query.get("filter", ())))

    def _agent(self, parts, request):
        """A service that registers itself; no check of it is run."""
        match parts:
            case ["register"]:
                given = json.loads(request.body)
                checks = given.get("Checks") or ([given["Check"]] if given.get("Check") else [])
                self.put(given["Name"], given.get("Port", 0), given.get("ID") or given["Name"],
                         address=given.get("Address", ""), tags=given.get("Tags") or (),
                         meta=given.get("Meta"),
                         checks=[check.get("Status") or "critical" for check in checks])
            case ["deregister", instance]:
                if not any(instance in held for held in self.catalog.instances.values()):
                    return Reply(404, f'Unknown service ID "{instance}". Ensure that the '
                                 "service ID is passed, not the service name.")
                self.remove(instance)
            case _:
                return no_such_path()
        return Reply(200, "", None)


async def read(reader):
    """The next request; None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, target, _ = head[0].split(" ")
    return Asked(method, target, headers, body)
