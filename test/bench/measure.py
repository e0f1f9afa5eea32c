"""The instruments: load, CPU time, system calls, instructions and memory of one running proxy.

Each function puts load on a started proxy and returns plain numbers. A wrong response, or fewer
than were asked for, aborts the row.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from processes import PR_SET_PDEATHSIG, Process, RowAborted, generator_cpu, proxy_cpu

SETTLE_SECONDS = 1.0
VALGRIND_PATIENCE = 180
# In a mount namespace of its own, so that the machine stays as it was.
PERF_IN_NAMESPACE = ('mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null; exec perf "$@"')


def _pin_to_generator():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, {generator_cpu()})


def _spawn(command, **options):
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, preexec_fn=_pin_to_generator,
                            **options)


def _read_report(text, error_text):
    try:
        report = json.loads(text.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise RowAborted(f"the generator said: {text} {error_text}") from error
    if report["errors"] or not report["requests"]:
        raise RowAborted(f"{report['requests']} right responses, wrong ones: {report['faults']}")
    return report


class Bench:
    """What all measurements of one run share: the tools, the ports and the origin."""

    def __init__(self, tools, port):
        self.load_tool = pathlib.Path(tools) / "weir_bench_load"
        self.backend_tool = pathlib.Path(tools) / "weir_bench_backend"
        self.port = port

    @contextlib.contextmanager
    def origin(self):
        with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
            command = [self.backend_tool, self.port + 1]
            with Process("backend", command, generator_cpu(), directory, self.port + 1) as origin:
                yield origin

    @contextlib.contextmanager
    def proxy(self, peer, variant="plain", wrapper=(), patience=20):
        """A fresh process of the peer; its scratch directory lives as long as it does."""
        with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
            command = [*wrapper, *peer.command(pathlib.Path(directory), variant, self.port)]
            with Process(peer.name, command, proxy_cpu(), directory, self.port, patience) as proxy:
                yield proxy

    def load(self, *options, port=None):
        """Runs the generator to its end; its report."""
        command = [self.load_tool, "--port", port or self.port, *options]
        process = _spawn(command, stdin=subprocess.DEVNULL)
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            process.wait()
            raise
        return _read_report(output, errors)

    def hold_idle(self, count, while_held, options=()):
        """Opens `count` connections, one request each; calls `while_held` while they are open."""
        process = _spawn([self.load_tool, "--port", self.port, "--idle", count, "--body", 1024,
                          *options],
                         stdin=subprocess.PIPE)
        try:
            ready, _, _ = select.select([process.stdout], [], [], 60)
            line = process.stdout.readline() if ready else "nothing within 60 s"
            if line.strip() != "ready":
                _read_report(line, "")
                raise RowAborted(f"the idle connections were not opened: {line}")
            result = while_held()
            output, errors = process.communicate("")
        except BaseException:
            process.kill()
            process.wait()
            raise
        report = _read_report(output, errors)
        if report["reconnects"]:
            raise RowAborted(f"{report['reconnects']} idle connections were closed by the proxy")
        return result


def settle():
    time.sleep(SETTLE_SECONDS)


def perf_works():
    """Whether perf can count system calls on this machine."""
    if not shutil.which("perf") or not shutil.which("unshare"):
        return False
    done = subprocess.run([*_perf_command("true")], capture_output=True, text=True, check=False)
    return done.returncode == 0 and re.search(r"^\d+,", done.stderr, re.M) is not None


def _perf_command(*what):
    return ["unshare", "-m", "sh", "-c", PERF_IN_NAMESPACE, "perf", "stat", "-x,", "-e",
            "raw_syscalls:sys_enter", *what]


def syscalls_by_perf(bench, proxy, requests, *options):
    """System calls a request, counted in the kernel; the proxy runs at full speed."""
    counter = _spawn(_perf_command("-p", str(proxy.pid)), stdin=subprocess.DEVNULL)
    try:
        time.sleep(0.5)  # Until it is attached.
        bench.load("--requests", requests, *options)
        counter.send_signal(signal.SIGINT)
        _, said = counter.communicate(timeout=20)
    except BaseException:
        counter.kill()
        counter.wait()
        raise
    count = re.search(r"^(\d+),", said, re.M)
    if not count:
        raise RowAborted(f"perf said: {said}")
    return int(count[1]) / requests


def syscalls_by_strace(bench, proxy, requests, *options):
    """System calls a request under strace: slowed down, so more events share a wait."""
    with tempfile.NamedTemporaryFile("r", prefix="weir-bench-") as summary:
        tracer = _spawn(["strace", "-c", "-f", "-q", "-o", summary.name, "-p", proxy.pid],
                        stdin=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            bench.load("--requests", requests, *options)
            tracer.send_signal(signal.SIGINT)
            _, said = tracer.communicate(timeout=20)
        except BaseException:
            tracer.kill()
            tracer.wait()
            raise
        total = re.search(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)", summary.read(), re.M)
    if not total:
        raise RowAborted(f"strace said: {said}")
    return int(total[1]) / requests


def instructions(bench, peer, variant, requests, *options):
    """User instructions of a whole life of the proxy that answers so many requests."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
        out = pathlib.Path(directory) / "callgrind.out"
        wrapper = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
        with bench.proxy(peer, variant, wrapper, VALGRIND_PATIENCE):
            bench.load("--requests", requests, *options)
        total = re.search(r"^(?:totals|summary): (\d+)", out.read_text(errors="replace"), re.M)
    if not total:
        raise RowAborted(f"callgrind wrote no total for {peer.name}")
    return int(total[1])
