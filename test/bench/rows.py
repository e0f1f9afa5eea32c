"""The rows of the benchmark: what is measured in one round of one peer, and how it is read.

A row is a function (bench, peer, settings) -> {metric: number}; every call starts a fresh proxy.
"""

import dataclasses
import functools
import tempfile
from typing import Callable

import http2_load
import measure
import peers

BODY = 1024
GRPC_BODY = 100
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


def _large(bench, peer, settings, variant="stream"):
    report = _timed(bench, peer, settings, variant, "--connections", 8, "--path", f"/b/{LARGE}",
                    "--body", LARGE)
    return {"cpu_ms_gb": report["cpu_ns"] * MILLI / (report["bytes"] / GIGA),
            "gb_s": report["bytes"] / GIGA / report["seconds"]}


def _new_connection(bench, peer, settings, variant="plain"):
    report = _timed(bench, peer, settings, variant, "--connections", 16, "--new-connection",
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
    hold = functools.partial(bench.hold_idle, options=options)
    with bench.proxy(peer, variant) as proxy:
        bench.load("--requests", 20_000, "--connections", 64, *options, *SMALL_BODY)
        return _held(proxy, hold, min(9000, peers.max_connections() - 100))


def _h2_idle(bench, peer, settings):
    del settings
    with bench.proxy(peer, "h2") as proxy:
        http2_load.run(bench.port, 20_000, 64, 1, BODY)
        return _held(proxy, functools.partial(http2_load.hold_idle, bench.port), 4000)


def _held(proxy, hold, connections):
    """What `connections` that `hold` opens cost, twice."""
    def memory():
        measure.settle()
        return proxy.memory_kib()

    before = memory()
    during = hold(connections, memory)
    after = memory()
    again = hold(connections, memory)
    return {"kib_conn": (during - before) / connections,
            "kib_conn_after": (after - before) / connections, "after_start": after / before,
            "kib_conn_again": (again - during) / connections,
            "start_mib": before / 1024}


def _h2(bench, peer, settings, connections, streams, variant="h2", **options):
    with bench.proxy(peer, variant) as proxy:
        return http2_load.timed(proxy, bench.port, int(20_000 * settings.window), connections,
                                streams, BODY, **options)


def _h2_many(bench, peer, settings):
    return _h2(bench, peer, settings, 8, 16)


def _h2_single(bench, peer, settings):
    return _h2(bench, peer, settings, 64, 1)


def _tls_h2(bench, peer, settings):
    return _h2(bench, peer, settings, 8, 16, "tls_h2", scheme="https")


def _grpc(bench, peer, settings):
    """Unary calls with 100 bytes each way; the origin is on the port behind the others."""
    with http2_load.grpc_origin(bench.port + 2, GRPC_BODY), bench.proxy(peer, "grpc") as proxy, \
            tempfile.NamedTemporaryFile() as body:
        body.write(bytes(GRPC_BODY))
        body.flush()
        http2_load.require_trailers(bench.port)
        return http2_load.timed(proxy, bench.port, int(20_000 * settings.window), 8, 16, GRPC_BODY,
                                "-d", body.name, "-H", "te: trailers", "-H",
                                "content-type: application/grpc", path="/call")


def _tcp(bench, peer, settings):
    return _keep_alive(bench, peer, settings, "tcp")


def _tcp_large(bench, peer, settings):
    return _large(bench, peer, settings, "tcp")


def _tcp_new(bench, peer, settings):
    return _new_connection(bench, peer, settings, "tcp")


def _tls_idle(bench, peer, settings):
    return _idle(bench, peer, settings, "tls", "--tls")


CPU = "CPU µs/request"
IDLE = {"kib_conn": "KiB/idle connection", "kib_conn_after": "KiB/connection after close",
        "after_start": "memory after close / before",
        "kib_conn_again": "KiB/connection more when opened again", "start_mib": "MiB before"}
ROWS = {row.key: row for row in (
    Row("h1", "HTTP/1.1, 1 KB, keep-alive, 64 connections", _keep_alive,
        {"cpu_us": CPU, "rps": "requests/s", "p50_us": "p50 µs, closed loop",
         "p99_us": "p99 µs, closed loop"}),
    Row("syscalls", "System calls, HTTP/1.1, 1 KB, 64 connections", _syscalls,
        {"syscalls": "system calls/request"}, max_rounds=3),
    Row("instr", "User instructions, HTTP/1.1, 1 KB (callgrind)", _instructions,
        {"instructions": "instructions/request"}, max_rounds=1),
    Row("idle", "Idle connections after one request each", _idle, IDLE, max_rounds=3),
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
    Row("tls_idle", "Idle TLS connections after one request each", _tls_idle, IDLE, max_rounds=3),
    Row("h2_8x16", "HTTP/2 to HTTP/1.1, 1 KB, 8 connections of 16 streams", _h2_many,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("h2_64x1", "HTTP/2 to HTTP/1.1, 1 KB, 64 connections of one stream", _h2_single,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("tls_h2", "TLS 1.3, HTTP/2 to HTTP/1.1, 1 KB, 8 connections of 16 streams", _tls_h2,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("grpc", "gRPC-like unary calls, HTTP/2 to HTTP/2, 100 bytes, 8 × 16", _grpc,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("h2_idle", "Idle HTTP/2 connections after one request each", _h2_idle, IDLE, max_rounds=3),
    Row("tcp", "TCP proxy, 1 KB requests, 64 connections", _tcp,
        {"cpu_us": CPU, "rps": "requests/s"}),
    Row("tcp_10mb", "TCP proxy, 10 MB, 8 connections", _tcp_large,
        {"cpu_ms_gb": "CPU ms/GB", "gb_s": "GB/s"}),
    Row("tcp_newconn", "TCP proxy, a new connection per request, 16 at once", _tcp_new,
        {"cpu_us": CPU, "rps": "requests/s"}),
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
