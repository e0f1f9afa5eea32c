"""One mode of go-control-plane's integration test: the steps of its scripts/integration.sh, each of
them checked. The test is the control plane, too. Ports are fixed in its sample bootstraps, so they
are checked to be free; what is started is ended by process id, and dies with this process."""

import pathlib
import re
import signal
import socket
import subprocess

from weir_process import LIBC, PR_SET_PDEATHSIG, wait_for

MESSAGE = "Hi, there!\n"
ORIGIN = 18080
# gRPC and REST of the control plane, the origin, access logs, the proxy's admin, its listeners.
PORTS = (18000, 18001, ORIGIN, 18090, 19000, *range(9000, 9008))
VERSIONS = ["v0", "v1", "v2"]
BATCHES = 5
ASKED = "initial snapshot"        # What the test says once somebody asked for something.
# Seconds. The first counts twice (the origin, a discovery request): a minute at most.
STARTING, RUNNING, ENDING = 15, 25, 5
ROUND = re.compile(r"update snapshot (v\d+)$", re.MULTILINE)
BATCH = re.compile(r"request batch \d+, ok (\d+), failed (\d+), pass", re.MULTILINE)


class Failed(Exception):
    """A step that went wrong: which one, and how."""


def require_free():
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen(1)
            except OSError as error:
                raise Failed(f"port {port} is not free: {error.strerror}") from error


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def rounds(said):
    """(version, [(answered, failed) of each batch]) of each round, as the test says it."""
    parts = ROUND.split(said)[1:]
    return [(version, [(int(good), int(bad)) for good, bad in BATCH.findall(text)])
            for version, text in zip(parts[::2], parts[1::2])]


def first_good(batches):
    """The first batch in which all were answered; nothing when there is none."""
    return next((number for number, (_, bad) in enumerate(batches) if not bad), None)


class Run:
    """`words` is a mode as the test's flags say it: (what --xds is, other flags); `proxy` how to
    start the proxy, `programs` the folder of `main`, the test, and `upstream`, the origin; `module`
    the one with sample/; `directory` the one for logs. Call go() once, then close()."""

    def __init__(self, words, proxy, programs, module, directory):
        self.xds, *self.flags = words
        self.proxy, self.programs, self.module = proxy, pathlib.Path(programs), module
        self.directory = pathlib.Path(directory)
        self.processes = {}

    def go(self):
        """The step that failed as an exception; else in which batch each version was live."""
        require_free()
        self.start("upstream", self.programs / "upstream", f"-message={MESSAGE}")
        self.wait(lambda: listens(ORIGIN), STARTING, "the origin does not listen")
        self.start("proxy", *self.proxy, "-c", f"sample/bootstrap-{self.xds}.yaml",
                   "--drain-time-s", "1", "-l", "debug")
        self.start("test", self.programs / "main", f"--xds={self.xds}",
                   f"--runtimes={2 if self.xds == 'ads' else 1}", "--pprof=false", "-debug",
                   f"-message={MESSAGE}", *self.flags)
        self.wait(lambda: ASKED in self.said("test"), STARTING, "no discovery request")
        self.wait(lambda: self.processes["test"].poll() is not None, RUNNING, "no end of the test")
        live = self.judged()
        self.end_proxy()
        return live

    def start(self, name, *command):
        with (self.directory / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in command], cwd=self.module, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def said(self, name, lines=None):
        """What a program wrote, or its last lines."""
        path = self.directory / f"{name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return text if lines is None else "\n".join(text.splitlines()[-lines:])

    def wait(self, condition, seconds, otherwise):
        """Until the condition is true; the programs must live as long, but for the test."""
        def done():
            # Who has ended is asked first: the test may end any moment, and then its words count.
            ended = {name: code for name, process in self.processes.items()
                     if (code := process.poll()) is not None}
            if condition():
                ended.pop("test", None)
            elif not ended:
                return False
            for name, code in ended.items():
                raise Failed(f"{self.place()}: the {name} ended with {code}")
            return True
        try:
            wait_for(done, otherwise, seconds)
        except AssertionError as error:
            raise Failed(f"{self.place()}: {error}") from error

    def place(self):
        """Where the test was."""
        found = rounds(self.said("test"))
        return f"in round {found[-1][0]}" if found else "before the first round"

    def judged(self):
        found = rounds(self.said("test"))
        for version, batches in found:
            if first_good(batches) is None:
                answered = " ".join(f"{good}/{good + bad}" for good, bad in batches)
                raise Failed(f"in round {version}: no batch was answered in full: {answered}")
        code = self.processes["test"].returncode
        last = self.said("test", 1)
        if code or not last.endswith(f"Test for {self.xds} passed!"):
            raise Failed(f"{self.place()}: the test ended with {code}: {last}")
        # It did what it promises: so many rounds and requests.
        listeners = 8 if self.xds == "delta" else 6
        ran = [(version, [good + bad for good, bad in batches]) for version, batches in found]
        if ran != [(version, [listeners] * BATCHES) for version in VERSIONS]:
            raise Failed(f"the test passed, but did not run as it should: {ran}")
        return [first_good(batches) for _, batches in found]

    def end_proxy(self):
        proxy = self.processes["proxy"]
        proxy.terminate()
        try:
            code = proxy.wait(ENDING)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"at the end: the proxy runs {ENDING} s after SIGTERM") from error
        if code:
            raise Failed(f"at the end: the proxy's exit code is {code}")

    def close(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
