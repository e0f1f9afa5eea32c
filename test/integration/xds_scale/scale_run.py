"""One run of xds_scale: a proxy follows a control plane of very many clusters."""

import dataclasses
import gc
import http.client
import os
import pathlib
import select
import subprocess
import sys
import threading
import time
import urllib.request

import bootstrap as bs
import control_plane as cp
from raw_client import Client
from tls_tools import stat
from weir_process import ProxyProcess, free_port, wait_for, weir_binary

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 120
CLIENTS = 16     # connections: with two workers, that all are on one happens once in 30,000 runs
# The cluster that the load asks: a change of it costs each worker a connection, and with one
# cluster of 10,000 those are less than one in 1,000 requests.
LOADED = 0
JUDGED = 120     # seconds of load where p99.9 is judged: of 10,000 requests, the ten latest are luck
SLICE = 2        # seconds of quiet, then as much under updates, and again: both see the same noise


@dataclasses.dataclass
class Options:
    clusters: int = 10_000
    endpoints: int = 10
    changes: int = 20        # single ones, of which each is timed
    seconds: float = 20      # of load without updates, and as much with
    rate: float = 500        # requests a second
    updates: float = 1000    # single-endpoint updates a second
    workers: int = 2


@dataclasses.dataclass
class Figures:
    """What a run has shown. Times in ms, memory in KiB."""

    load_ms: float = 0          # from the start of the process until it takes traffic
    longest_stall_ms: float = 0  # of the main thread while it loaded
    memory_before: int = 0      # of a proxy with one cluster
    memory: int = 0
    memory_peak: int = 0
    clusters: int = 0           # active, without that of the control plane
    seen_ms: list = dataclasses.field(default_factory=list)  # by every connection, per change
    quiet_ms: list = dataclasses.field(default_factory=list)  # of each request
    busy_ms: list = dataclasses.field(default_factory=list)  # the same, under updates
    rounds: int = 1             # of quiet, then busy
    wrong: list = dataclasses.field(default_factory=list)    # answers that were not as expected
    updated: int = 0            # endpoints that the control plane changed
    updates_used: int = 0       # that the proxy has taken, by its own count
    update_us: float = 0        # CPU time of the main thread for one
    update_stall_ms: float = 0  # of the main thread under updates
    refusals: list = dataclasses.field(default_factory=list)
    exit_code: int = None
    finding: str = ""


class Told:
    """A program that is told by lines, and answers by lines."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.heard = []

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def answer(self, beginning, patience=PATIENCE):
        """The next line that begins so; what comes before is kept in `heard`."""
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], patience)
            line = self.process.stdout.readline() if ready else ""
            assert line, f"no '{beginning}' from {self.process.args[0]}; heard {self.heard[-3:]}"
            if line.startswith(beginning):
                return line.split()
            self.heard.append(line.strip())

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Stalls(threading.Thread):
    """Asks the admin interface, which the main thread serves, all the time."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.longest_ms = 0
        self.done = threading.Event()
        self.start()

    def run(self):
        connection = None
        while not self.done.wait(0.005):
            begun = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port,
                                                                      timeout=PATIENCE)
                connection.request("GET", "/ready")
                connection.getresponse().read()
            except OSError:  # not there yet
                connection = None
                continue
            self.longest_ms = max(self.longest_ms, (time.monotonic() - begun) * 1000)
        if connection:
            connection.close()

    def end(self):
        self.done.set()
        self.join()
        return self.longest_ms


def memory(pid, field):
    """KiB, of a line of /proc/PID/status."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid):
    """What the main thread has used."""
    fields = pathlib.Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    """`command`: how the proxy is started. Call go() once."""

    def __init__(self, command, options, directory):
        self.command, self.options, self.directory = command, options, pathlib.Path(directory)
        self.figures = Figures()
        self.front, self.admin_port, self.hosts_port = free_port(), free_port(), free_port()
        self.hosts = self.crowd = self.proxy = None

    def go(self):
        self.hosts = Told(sys.executable, HERE / "hosts.py", self.hosts_port,
                          self.options.endpoints + 1)
        try:
            self.hosts.answer("serving")
            self.load_one()
            self.load_all()
            self.change_one_by_one()
            self.change_under_load()
            self.end_proxy()
        finally:
            if self.proxy:
                self.proxy.stop()
            if self.crowd:
                self.crowd.close()
            self.hosts.close()
        return self.figures

    def start(self, clusters):
        binary = pathlib.Path(weir_binary()).with_name("weir_xds_crowd")
        self.crowd = Told("chrt", "--idle", "0", binary, clusters, self.options.endpoints,
                          self.hosts_port)
        port = int(self.crowd.answer("serving")[-1])
        plane = type("Plane", (), {"port": port})
        route = {"match": {"prefix": "/"}, "route": {"cluster_header": "x-cluster"}}
        front = bs.listener(self.front, bs.hcm([route]))
        made = bs.bootstrap([front], [cp.xds_cluster(plane)], **cp.dynamic("delta"))
        made["admin"] = {"address": bs.address(self.admin_port)}
        begun = time.monotonic()
        self.proxy = ProxyProcess(self.command[0], made, self.directory, self.command[1:],
                                  self.options.workers, f"proxy{clusters}")
        stalls = Stalls(self.admin_port)
        wait_for(lambda: "starting workers" in self.proxy.output() or not self.proxy.alive(),
                 "the proxy takes traffic", PATIENCE)
        loaded = time.monotonic() - begun
        assert self.proxy.alive(), self.proxy.output()[-2000:]
        return loaded * 1000, stalls.end()

    def end_proxy(self):
        self.crowd.tell("told")
        told = self.crowd.answer("told")
        self.figures.refusals += [line for line in self.crowd.heard if "refused" in line]
        self.figures.refusals += [" ".join(told)] if told[3] != "0" else []
        self.figures.exit_code = self.proxy.stop()
        self.figures.finding += self.proxy.finding()

    def load_one(self):
        self.start(1)
        self.figures.memory_before = memory(self.proxy.pid, "VmRSS")
        self.end_proxy()
        self.crowd.close()

    def load_all(self):
        figures = self.figures
        figures.load_ms, figures.longest_stall_ms = self.start(self.options.clusters)
        figures.memory = memory(self.proxy.pid, "VmRSS")
        figures.memory_peak = memory(self.proxy.pid, "VmHWM")
        figures.clusters = stat(self, "cluster_manager.active_clusters") - 1

    def host(self, client, cluster):
        """Which host answered; None, and noted, when it was no good answer."""
        response = client.ask(x_cluster=f"c{cluster}")
        number = int(response.body) if response.status == 200 else 0
        if 1 <= number <= self.options.endpoints + 1:
            return number
        self.figures.wrong.append(f"c{cluster}: {response.status} {response.body[:80]}")
        return None

    def change_one_by_one(self):
        clients = [Client(self.front) for _ in range(CLIENTS)]
        number_of_hosts = self.options.endpoints + 1
        for change in range(self.options.changes):
            cluster = change * self.options.clusters // self.options.changes
            # Of its hosts the one that it lacks is the last.
            for client in clients:
                seen = {self.host(client, cluster) for _ in range(number_of_hosts)}
                if number_of_hosts in seen:
                    self.figures.wrong.append(f"c{cluster}: a host that it does not have")
            begun = time.monotonic()
            self.crowd.tell("move", cluster)
            waiting = list(clients)
            while waiting:
                assert time.monotonic() - begun < PATIENCE, f"c{cluster} did not change"
                waiting = [client for client in waiting
                           if self.host(client, cluster) != number_of_hosts]
            self.figures.seen_ms.append((time.monotonic() - begun) * 1000)
        for client in clients:
            client.close()

    def ask(self, clients, seconds, times):
        """The load: each request at its time; one that is late counts from when it was due."""
        begun = time.monotonic()
        for number in range(int(seconds * self.options.rate)):
            due = begun + number / self.options.rate
            while (early := due - time.monotonic()) > 0:
                time.sleep(early)
            self.host(clients[number % CLIENTS], LOADED)
            times.append((time.monotonic() - due) * 1000)

    def change_under_load(self):
        options, figures = self.options, self.figures
        clients = [Client(self.front) for _ in range(CLIENTS)]
        gc.collect()
        gc.disable()
        self.ask(clients, min(SLICE * 2, options.seconds), [])  # so that connections are made
        before = self.updates_used()
        figures.rounds = max(1, round(options.seconds / SLICE))
        length = options.seconds / figures.rounds
        for _ in range(figures.rounds):
            self.ask(clients, length, figures.quiet_ms)
            used = cpu_seconds(self.proxy.pid)
            self.crowd.tell("churn", options.updates, length)
            self.ask(clients, length, figures.busy_ms)
            figures.updated += int(self.crowd.answer("churned")[1])
            figures.update_us += cpu_seconds(self.proxy.pid) - used
        gc.enable()
        figures.update_us *= 1e6 / figures.updated  # the admin interface is not asked meanwhile
        for client in clients:
            client.close()
        stalls = Stalls(self.admin_port)
        self.crowd.tell("churn", options.updates, length)
        figures.updated += int(self.crowd.answer("churned")[1])
        figures.update_stall_ms = stalls.end()
        wait_for(lambda: self.updates_used() - before >= figures.updated, "every update is used")
        figures.updates_used = self.updates_used() - before

    def updates_used(self):
        """By all clusters, as the proxy counts."""
        query = "/stats?filter=%5Ecluster%5C.c%5B0-9%5D%2B%5C.update_success"
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{query}") as page:
            return sum(int(line.split()[-1]) for line in page)
