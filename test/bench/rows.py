"""The rows of the benchmark: what is measured in one round of one peer, and how it is read.

A row is a function (bench, peer, settings) -> {metric: number}; every call starts a fresh proxy.
"""

import dataclasses
from typing import Callable

import measure
import peers

BODY = 1024
LARGE = 10 * 1024 * 1024
MICRO, MILLI, GIGA = 1e-3, 1e-6, 1e9   # Of nanoseconds; of bytes.
CALLGRIND_COUNTS = (2000, 6000)
SMALL_BODY = ("--path", "/", "--body", BODY)


@dataclasses.dataclass
class Settings:
    """What the command line decides about a measurement."""

    warm_up: float = 1.0
    window: float = 3.0
    rate: float = 0.0          # Open loop, requests a second; 0 is not known yet.
    use_perf: bool = True


@dataclasses.dataclass(frozen=True)
class Row:
    """What is measured (`metrics`: name -> meaning, in print order), by which function, in how
    many rounds at most: counts hardly vary. `extra_peers` run in this row only."""

    key: str
    title: str
    measure: Callable
    metrics: dict
    max_rounds: int = 1000
    extra_peers: tuple = ()


def _timed(bench, peer, settings, variant, *options):
    with bench.proxy(peer, variant) as proxy:
        return bench.load("--warm-up", settings.warm_up, "--window", settings.window, "--cpu-of",
                          proxy.pid, *options)


def _keep_alive(bench, peer, settings, variant="plain"):
    report = _timed(bench, peer, settings, variant, "--connections", 64, *SMALL_BODY)
    return {"cpu_us": report["cpu_ns"] * MICRO / report["requests"], "rps": report["rps"],
            "p50_us": report["p50_us"], "p99_us": report["p99_us"]}


def _logged(bench, peer, settings):
    return _keep_alive(bench, peer, settings, "log")


def _large(bench, peer, settings):
    report = _timed(bench, peer, settings, "stream", "--connections", 8, "--path", f"/b/{LARGE}",
                    "--body", LARGE)
    return {"cpu_ms_gb": report["cpu_ns"] * MILLI / (report["bytes"] / GIGA),
            "gb_s": report["bytes"] / GIGA / report["seconds"]}


def _new_connection(bench, peer, settings):
    report = _timed(bench, peer, settings, "plain", "--connections", 16, "--new-connection",
                    *SMALL_BODY)
    return {"cpu_us": report["cpu_ns"] * MICRO / report["requests"], "rps": report["rps"]}


def _tls(bench, peer, settings):
    report = _timed(bench, peer, settings, "tls", "--tls", "--connections", 64, *SMALL_BODY)
    return {"cpu_us": report["cpu_ns"] * MICRO / report["requests"], "rps": report["rps"]}


def _tls_new(bench, peer, settings, *options):
    report = _timed(bench, peer, settings, "tls", "--tls", "--connections", 16, "--new-connection",
                    *options, *SMALL_BODY)
    return {"cpu_us": report["cpu_ns"] * MICRO / report["requests"], "rps": report["rps"]}


def _tls_resumed(bench, peer, settings):
    return _tls_new(bench, peer, settings, "--resume")


def _latency(bench, peer, settings):
    report = _timed(bench, peer, settings, "plain", "--connections", 64, "--rate", settings.rate,
                    *SMALL_BODY)
    return {"p50_us": report["p50_us"], "p99_us": report["p99_us"], "p999_us": report["p999_us"],
            "cpu_us": report["cpu_ns"] * MICRO / (report["rps"] * report["seconds"])}


def _syscalls(bench, peer, settings):
    options = ("--connections", 64, *SMALL_BODY)
    with bench.proxy(peer) as proxy:
        bench.load("--requests", 5000, *options)
        if settings.use_perf:
            return {"syscalls": measure.syscalls_by_perf(bench, proxy, 100_000, *options)}
        return {"syscalls": measure.syscalls_by_strace(bench, proxy, 20_000, *options)}


def _instructions(bench, peer, settings):
    del settings  # A count needs no window.
    few, many = CALLGRIND_COUNTS
    counts = [measure.instructions(bench, peer, "plain", requests, "--connections", 8, *SMALL_BODY)
              for requests in (few, many)]
    return {"instructions": (counts[1] - counts[0]) / (many - few)}


def _idle(bench, peer, settings, variant="plain", *options):
    del settings
    connections = min(9000, peers.max_connections() - 100)
    with bench.proxy(peer, variant) as proxy:
        bench.load("--requests", 20_000, "--connections", 64, *options, *SMALL_BODY)
        measure.settle()
        before = proxy.memory_kib()

        def held():
            measure.settle()
            return proxy.memory_kib()

        during = bench.hold_idle(connections, held, *options)
        measure.settle()
        after = proxy.memory_kib()
        again = bench.hold_idle(connections, held, *options)
    return {"kib_conn": (during - before) / connections,
            "kib_conn_after": (after - before) / connections, "after_start": after / before,
            "kib_conn_again": (again - during) / connections,
            "start_mib": before / 1024}


def _tls_idle(bench, peer, settings):
    return _idle(bench, peer, settings, "tls", "--tls")


CPU = "CPU µs/request"
ROWS = {row.key: row for row in (
    Row("h1", "HTTP/1.1, 1 KB, keep-alive, 64 connections", _keep_alive,
        {"cpu_us": CPU, "rps": "requests/s", "p50_us": "p50 µs, closed loop",
         "p99_us": "p99 µs, closed loop"}),
    Row("syscalls", "System calls, HTTP/1.1, 1 KB, 64 connections", _syscalls,
        {"syscalls": "system calls/request"}, max_rounds=3),
    Row("instr", "User instructions, HTTP/1.1, 1 KB (callgrind)", _instructions,
        {"instructions": "instructions/request"}, max_rounds=1),
    Row("idle", "Idle connections after one request each", _idle,
        {"kib_conn": "KiB/idle connection", "kib_conn_after": "KiB/connection after close",
         "after_start": "memory after close / before",
         "kib_conn_again": "KiB/connection more when opened again", "start_mib": "MiB before"},
        max_rounds=3),
    Row("h1_10mb", "HTTP/1.1, 10 MB bodies, 8 connections", _large,
        {"cpu_ms_gb": "CPU ms/GB", "gb_s": "GB/s"}, extra_peers=("nginx-buffered",)),
    Row("h1_newconn", "HTTP/1.1, 1 KB, a new connection per request, 16 at once",
        _new_connection, {"cpu_us": CPU, "rps": "requests/s"}),
    Row("tls_h1", "TLS 1.3, HTTP/1.1, 1 KB, keep-alive, 64 connections", _tls,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("tls_newconn", "TLS 1.3, a full handshake per request, 16 at once", _tls_new,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("tls_resumed", "TLS 1.3, a resumed handshake per request, 16 at once", _tls_resumed,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("tls_idle", "Idle TLS connections after one request each", _tls_idle,
        {"kib_conn": "KiB/idle connection", "kib_conn_after": "KiB/connection after close",
         "after_start": "memory after close / before",
         "kib_conn_again": "KiB/connection more when opened again", "start_mib": "MiB before"},
        max_rounds=3),
    Row("latency", "Latency at a fixed rate, open loop, 64 connections", _latency,
        {"p50_us": "p50 µs", "p99_us": "p99 µs", "p999_us": "p99.9 µs", "cpu_us": CPU}),
    Row("log", "As the first row, with access log and five filters", _logged,
        {"cpu_us": CPU, "rps": "requests/s"}),
)}
# Where more is better; everything else is a cost.
HIGHER_IS_BETTER = {"rps", "gb_s"}
# Differences against a base of almost nothing: a ratio of them says nothing.
WITHOUT_RATIO = {"kib_conn_after", "kib_conn_again", "after_start"}


def slowest_rate(bench, found, settings):
    """40 % of what the slowest peer can do, probed shortly: the rate all of them must hold."""
    probe = dataclasses.replace(settings, warm_up=0.5, window=1.0)
    return 0.4 * min(_keep_alive(bench, peer, probe)["rps"] for peer in found)
