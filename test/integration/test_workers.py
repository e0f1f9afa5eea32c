"""Several workers under traffic, while everything is done to them that another thread may do. Says
little without ThreadSanitizer: `tools/dev test --sanitizers` runs it with one."""

import collections
import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import signal
import threading

import pytest

import bootstrap as bs
from name_server import NameServer
from origin import OK
from raw_client import Client, fetch
from weir_process import free_port, wait_for

WORKERS = 3
CLIENTS = 4
PATHS = ["/", "/named", "/here", "/health"]
FILTERS = [
    bs.http_filter("health_check", "health_check.v3.HealthCheck", pass_through_mode=False,
                   headers=[{"name": ":path", "string_match": {"exact": "/health"}}],
                   cluster_min_healthy_percentages={"named": {"value": 50}}),
    bs.http_filter("fault", "fault.v3.HTTPFault", max_active_faults=2,
                   delay={"fixed_delay": "0.002s", "percentage": {"numerator": 20}}), ]


class Traffic:
    """Clients that ask, each in a thread of its own, from the beginning of a `with` to its end."""

    def __init__(self, port):
        self.port = port
        self.statuses = collections.Counter()
        self.broken = 0  # responses that began and did not end
        self._over = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self._clients = []

    def __enter__(self):
        self._clients = [self._pool.submit(self._run) for _ in range(CLIENTS)]
        return self

    def __exit__(self, *_):
        self._over.set()
        for client in self._clients:
            client.result()
        self._pool.shutdown()

    def _run(self):
        paths = itertools.cycle(PATHS)
        while not self._over.is_set():
            # Refused, or closed before it answered: so it may end while draining.
            with contextlib.suppress(OSError, EOFError), Client(self.port) as client:
                for _ in range(20):
                    response = client.ask(path=next(paths))
                    self.statuses[response.status] += 1
                    self.broken += not response.complete
                    if self._over.is_set():
                        break

    def await_more(self, count=200):
        wanted = self.statuses.total() + count
        wait_for(lambda: self.statuses.total() >= wanted or any(c.done() for c in self._clients),
                 f"{count} more responses")


class Proxy:
    """Weir with all that its threads share in use; `log` has a line for each request."""

    def __init__(self, place):
        self.names = NameServer("127.0.0.1", "127.0.0.2")
        place.closers.append(self.names.close)
        origin = place.server(OK)
        twin = place.server(OK, host="127.0.0.2", port=origin.port)
        self.log, self.port, self.admin = place.log, free_port(), free_port()
        routes = [
            bs.route("named", {"path": "/named"}),
            {"match": {"path": "/here"}, "direct_response": {"status": 200}},
            bs.route(), ]
        manager = bs.hcm(routes, filters=FILTERS, access_log=[bs.file_log(place.log.path)])
        named = bs.cluster(("moving.test", origin.port), name="named", kind="STRICT_DNS",
                           dns_refresh_rate="0.01s", dns_lookup_family="V4_ONLY",
                           dns_resolvers=[bs.address(self.names.port)])
        config = bs.bootstrap(
            [bs.listener(self.port, manager)], [bs.cluster(origin.port, ("127.0.0.2", twin.port)),
                                                named],
            admin={"address": bs.address(self.admin)}, stats_flush_interval="0.02s")
        self.process = place.start(config, concurrency=WORKERS)
        wait_for(lambda: "starting workers" in self.process.output(), "the workers")

    def ask(self, method, path):
        return fetch(self.admin, method, path, host="localhost")


@pytest.fixture(name="proxy")
def fixture_proxy(place):
    return Proxy(place)


PAGES = [
    "/", "/certs", "/clusters", "/clusters?format=json", "/config_dump?include_eds", "/decisions",
    "/decisions?n=5000", "/help", "/init_dump", "/listeners", "/livez", "/memory", "/metrics",
    "/ready", "/runtime", "/server_info", "/stats", "/stats?format=json",
    "/stats?histogram_buckets=cumulative", "/stats?usedonly&filter=rq", "/stats/prometheus"]
ORDERS = [
    "/healthcheck/fail", "/logging?level=debug", "/reopen_logs", "/reset_counters",
    "/logging?level=info", "/healthcheck/ok", "/drain_listeners?inboundonly"]


def test_all_pages_and_orders_of_admin(proxy):
    with Traffic(proxy.port) as traffic:
        for _ in range(3):
            for path in PAGES:
                assert proxy.ask("GET", path).status == 200, path
            for path in ORDERS:
                assert proxy.ask("POST", path).status == 200, path
            traffic.await_more()
    # 503 is the health check while it was to fail.
    assert set(traffic.statuses) <= {200, 503} and traffic.broken == 0, traffic.statuses
    assert traffic.statuses[200] > 500
    lines = proxy.log.lines(traffic.statuses.total())
    assert len(lines) == traffic.statuses.total()
    assert sum(line.startswith("200 ") for line in lines) == traffic.statuses[200]
    assert proxy.names.asked > 5


def test_counts_of_all_workers_add_up(proxy):
    with Traffic(proxy.port) as traffic:
        traffic.await_more(300)
    proxy.log.lines(traffic.statuses.total())
    assert traffic.statuses == {200: traffic.statuses.total()}
    stats = {one["name"]: one["value"] for one in
             json.loads(proxy.ask("GET", "/stats?format=json").body)["stats"] if "name" in one}
    assert stats["http.test.downstream_rq_2xx"] == traffic.statuses.total()
    assert stats["http.test.downstream_rq_active"] == 0
    assert traffic.statuses.total() < 1000, "more than one worker may remember"
    decisions = json.loads(proxy.ask("GET", "/decisions?n=3000").body)["decisions"]
    streams = {(one["connection_id"], one["stream_id"]) for one in decisions}
    assert len(decisions) == len(streams) == traffic.statuses.total()


def test_draining_cuts_no_response(proxy):
    with Traffic(proxy.port) as traffic:
        traffic.await_more()
        proxy.process.signal(signal.SIGTERM)
        assert proxy.process.wait() == 0
    assert set(traffic.statuses) == {200} and traffic.broken == 0, traffic.statuses
    assert len(proxy.log.lines(traffic.statuses.total())) >= traffic.statuses.total()


@pytest.mark.parametrize("times", range(3))
def test_ending_at_once(proxy, times):
    with Traffic(proxy.port) as traffic:
        traffic.await_more(50 * (times + 1))
        proxy.ask("POST", "/quitquitquit")
        assert proxy.process.wait() == 0


def test_the_main_thread_comes_after_the_workers(place):
    """Where CPUs are short, requests go before their configuration."""
    weir = place.weir(place.server(), concurrency=2)
    workers = {"wrk:worker_0", "wrk:worker_1"}
    nice = {}

    def named():
        for task in pathlib.Path(f"/proc/{weir.pid}/task").iterdir():
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            name = "main" if task.name == str(weir.pid) else name
            nice[name] = int(fields.split()[16])
        return workers <= set(nice)

    wait_for(named, "the workers have their names")
    assert {nice[name] for name in workers} == {nice["main"] - 5}
