"""What every test here can ask for: origins and proxies that are gone when the test ends."""

import pathlib
import shutil
import socket
import tempfile

import pytest

import bootstrap as bs
import http2_wire
from certificates import Authority
from control_plane import ControlPlane
from fake_consul import FakeConsul
from origin import Origin, Server
from raw_client import Client
from standstill import Standstill
from weir_process import Weir, free_port, wait_for

# A crash, or what a sanitizer reported, fails the test that caused it even when nobody looked.
ENDED_WELL = (0, 1)
STANDSTILL = Standstill()


class AccessLog:
    """A log file that is read as it grows."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def lines(self, count=1):
        """The lines, once there are at least `count`."""
        wait_for(lambda: self.path.exists() and self.path.read_text().count("\n") >= count,
                 f"{count} line(s) in {self.path.name}")
        return self.path.read_text().splitlines()

    def line(self):
        return self.lines(1)[0]


class Place:
    """What a test runs in: a scratch directory, and everything started through it."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.log = AccessLog(self.directory / "access.log")
        self.proxies = []
        self.closers = []
        self.port = None

    def origin(self, **options):
        return self._closed_later(Origin(**options))

    def server(self, reply=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", **options):
        return self._closed_later(Server(reply, **options))

    def client(self, port=None, **options):
        return self._closed_later(Client(port or self.port, **options))

    def h2_origin(self, reply=None, **options):
        return self._closed_later(http2_wire.Origin(reply, **options))

    def h2_client(self, **options):
        return self._closed_later(http2_wire.Client(self.port, **options))

    def _closed_later(self, thing):
        self.closers.append(thing.close)
        return thing

    def start(self, config, ready=True, **options):
        """A process on a whole configuration."""
        weir = Weir(config, self.directory, **options)
        self.proxies.append(weir)
        return weir.await_ready() if ready else weir

    def weir(self, *endpoints, routes=None, hosts=None, filters=(), hcm=None, cluster=None,
             log=bs.LOG_LINE, weights=None, listener=None, clusters=(), **options):
        """A proxy with one listener on self.port and the cluster `origin`; keywords add fields."""
        where = [end if isinstance(end, (int, tuple, str)) else end.path or end.port
                 for end in endpoints]
        self.port = free_port()
        logs = {"access_log": [bs.file_log(self.log.path, log)]}
        manager = bs.hcm(routes, hosts, filters, **{**logs, **(hcm or {})})
        config = bs.bootstrap([bs.listener(self.port, manager, **(listener or {}))],
                              [bs.cluster(*where, weights=weights, **(cluster or {})), *clusters])
        return self.start(config, **options)

    def close(self):
        for close in self.closers:
            close()
        codes = [(weir, weir.stop()) for weir in self.proxies]
        bad = [f"exit code {code}:\n{weir.finding()[:6000] or weir.output()[-3000:]}"
               for weir, code in codes if code not in ENDED_WELL or weir.finding()]
        assert not bad, "\n".join(bad)


def ready_place():
    # pytest's own tmp_path is too long for the path of a unix socket.
    directory = tempfile.mkdtemp(prefix="wi-")
    there = Place(directory)
    try:
        yield there
        there.close()
    finally:
        for weir in there.proxies:
            if weir.alive():
                weir.process.kill()
                weir.process.wait()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(name="place")
def fixture_place():
    yield from ready_place()


@pytest.fixture(name="shared_place", scope="module")
def fixture_shared_place():
    """One place for all tests of a file that only ask."""
    yield from ready_place()


@pytest.fixture(name="ca")
def fixture_ca(place):
    """An authority whose certificates the test's clients and origins may trust."""
    return Authority(place.directory)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the proxies were at, and whether the machine stood still."""
    outcome = yield
    report = outcome.get_result()
    if call.when == "setup":
        STANDSTILL.begin()
    if not report.failed:
        return
    report.sections.append(("machine", f"stood still for {STANDSTILL.longest():.1f} s at most"))
    there = item.funcargs.get("place") or item.funcargs.get("shared_place")
    for weir in there.proxies if there else ():
        state = "\n".join(weir.sockets()) if weir.alive() else "ended"
        report.sections.append((f"proxy {weir.pid}", f"{weir.output()[-3000:]}\n{state}"))


def ipv6_works():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not ipv6_works(), reason="no IPv6 loopback on this machine")


@pytest.fixture(name="plane")
def fixture_plane(place):
    """A control plane that serves what the test puts into it."""
    made = ControlPlane(place.directory)
    yield made
    made.stop()


@pytest.fixture(name="consul")
def fixture_consul():
    """A Consul agent that the test scripts."""
    made = FakeConsul()
    yield made
    made.close()
