"""One proxy process: started on a configuration, watched while it runs, ended by its id."""

import contextlib
import ctypes
import functools
import json
import mmap
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 20
READY = "starting main dispatch loop"
# How many workers a proxy has where its test does not care: 1, or what the environment says.
WORKERS = int(os.environ.get("WEIR_TEST_WORKERS", "1"))
FINDING = re.compile(r"^.*(?:\w+Sanitizer: |: runtime error: )", re.MULTILINE)
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def weir_binary():
    """WEIR_BINARY, else the release build, else the debug build."""
    given = os.environ.get("WEIR_BINARY")
    candidates = [given] if given else [
        ROOT / "build" / kind / "weir" for kind in ("release", "debug")]
    for path in candidates:
        if pathlib.Path(path).is_file():
            return str(path)
    raise FileNotFoundError(
        f"no binary among {[str(path) for path in candidates]}; set WEIR_BINARY")


@functools.cache
def is_sanitized(binary):
    """Whether a binary was built with AddressSanitizer or ThreadSanitizer."""
    with open(binary, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return any(text.find(mark) >= 0 for mark in (b"__asan_init", b"__tsan_init"))


def free_port():
    """A port nobody listens on, below the range from which outgoing connections take theirs."""
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen(1)
                return port
            except OSError:
                continue


def wait_for(condition, what, patience=PATIENCE):
    """Polls until `condition()` is true and returns its value."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.005)
    return value


class ProxyProcess:
    """Any proxy with Envoy's command line. `config` is a bootstrap as a dictionary or as text."""

    def __init__(self, binary, config, directory, arguments=(), concurrency=WORKERS, name="weir"):
        self.directory = pathlib.Path(directory)
        self.config_path = self.directory / f"{name}.yaml"
        text = config if isinstance(config, str) else json.dumps(config, indent=1)
        self.config_path.write_text(text)
        self.output_path = self.directory / f"{name}.output"
        with self.output_path.open("w") as output:
            self.process = subprocess.Popen(
                [
                    binary, "-c",
                    str(self.config_path), "--concurrency",
                    str(concurrency), *arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.pid = self.process.pid
        self.sanitized = is_sanitized(binary)

    def output(self):
        return self.output_path.read_text(errors="replace")

    def finding(self):
        """What a sanitizer reported, from its first line; nothing when all is well."""
        output = self.output()
        found = FINDING.search(output)
        return output[found.start():] if found else ""

    def alive(self):
        return self.process.poll() is None

    def await_ready(self, mark=READY):
        wait_for(lambda: mark in self.output() or not self.alive(), "the proxy is not ready")
        assert self.alive(), f"ended with {self.process.returncode}:\n{self.output()[-2000:]}"
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE):
        return self.process.wait(patience)

    def stop(self):
        """Ends it however it can be ended; the exit code tells a test whether it was well."""
        if self.alive():
            # The second TERM asks not to wait for connections that a failed test left open.
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                self.signal(number)
                try:
                    self.process.wait(3)
                    break
                except subprocess.TimeoutExpired:
                    continue
        return self.process.returncode

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self):
        """Its lines of /proc/net/tcp: addresses, state, and what waits in either queue."""
        links = set()
        for entry in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since
                links.add(os.readlink(entry))
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        return [line for line in lines if f"socket:[{line.split()[9]}]" in links]

    def memory_kib(self):
        """What is private to the process and resident, without the binary's own pages; 0 with a
        sanitizer, whose allocator keeps what was freed."""
        if self.sanitized:
            return 0
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return next(
            int(line.split()[1]) for line in text.splitlines() if line.startswith("Anonymous:"))


class Weir(ProxyProcess):
    def __init__(self, config, directory, arguments=(), concurrency=WORKERS, flush_ms=20):
        super().__init__(weir_binary(), config, directory,
                         ["--file-flush-interval-msec", str(flush_ms), *arguments], concurrency)
