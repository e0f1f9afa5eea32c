"""Starting, watching and ending the processes of a benchmark.

Every process is pinned to one CPU, runs in its own scratch directory, and dies with the
benchmark (PR_SET_PDEATHSIG), so that a run that was killed leaves nothing listening.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10


class RowAborted(Exception):
    """A row's figures would be worthless: a wrong response, a dead process, a taken port."""


def generator_cpu():
    return min(os.sched_getaffinity(0))


def proxy_cpu():
    return max(os.sched_getaffinity(0))


def require_free(port):
    """A leftover that still answers on the port would be measured in the new process's name."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            raise RowAborted(f"port {port} is not free: {error.strerror}") from error


class Process:
    """One process, from start to end; use as a context manager."""

    def __init__(self, name, command, cpu, directory, port, patience=20):
        require_free(port)
        self.name = name
        self.port = port
        self.output = pathlib.Path(directory) / f"{name}.output"
        libc = ctypes.CDLL(None)

        def prepare():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.sched_setaffinity(0, {cpu})

        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=directory, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, preexec_fn=prepare)
        self.pid = self.process.pid
        try:
            self._await_listening(patience)
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.require_alive()
            self.stop()
        else:
            self.kill()

    def _await_listening(self, patience):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self.require_alive()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                self.require_alive()
                return
            time.sleep(0.02)
        raise RowAborted(f"{self.name} does not listen on {self.port} after {patience} s")

    def require_alive(self):
        code = self.process.poll()
        if code is not None:
            said = self.output.read_text(errors="replace").strip()[-1500:]
            raise RowAborted(f"{self.name} ended with code {code}: {said}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            print(f"  ! {self.name} did not end within {STOP_SECONDS} s of SIGTERM", flush=True)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def memory_kib(self):
        """Proportional set size in KiB: a page shared by n processes counts one n-th."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
