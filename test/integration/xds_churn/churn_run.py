"""One run of the suite: the load, a quiet phase and one in which everything changes, both in slices
that take turns, and what is said of both."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import select
import subprocess
import time

import control_plane as cp
from churn_script import Script, TYPES
from tls_tools import stat
from weir_process import ProxyProcess, free_port

CHANGES = 10          # of each type, a second
LASTING = 20          # streams, and as many WebSockets
WARM_UP = 2           # seconds of load that is judged, but not compared
SLICE = 5             # of quiet, then as much of churn, and again: both see the same noise
SETTLE = 0.5          # until the last change is in force
DRAIN = "600"         # nothing is cut by design
PATIENCE = 60
# What no client sees: the proxy says how often it was put in force.
COUNTED = {"clusters": "cluster_manager.cluster_modified",
           "listeners": "listener_manager.listener_modified"}


@dataclasses.dataclass
class Options:
    seconds: float = 60
    rate: float = 1000
    kind: str = "delta"
    workers: int = 2


@dataclasses.dataclass
class Figures:
    """What a run has shown. `phases`: what the load says of warm-up, quiet and churn."""

    phases: dict = dataclasses.field(default_factory=dict)
    echoed: dict = dataclasses.field(default_factory=dict)  # messages in the churn, by group
    lasting: dict = dataclasses.field(default_factory=dict)
    rounds: int = 0
    accepted: dict = dataclasses.field(default_factory=dict)
    refusals: list = dataclasses.field(default_factory=list)
    in_force: dict = dataclasses.field(default_factory=dict)  # as the proxy itself counts
    memory: list = dataclasses.field(default_factory=list)  # KiB, each second of the churn
    exit_code: int = None
    finding: str = ""


class Load:
    """The process that asks; it is told by lines, and answers by lines of JSON."""

    def __init__(self, program, ports, authority, options, directory):
        self.log = pathlib.Path(directory) / "load.log"
        flags = [f"--{name}={port}" for name, port in zip(("front", "secure", "scoped"), ports)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program, *flags, f"--authority={authority}", f"--rate={options.rate}",
                 f"--streams={LASTING}", f"--sockets={LASTING}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def answer(self, patience=PATIENCE):
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        line = self.process.stdout.readline() if ready else ""
        assert line, f"the load says nothing: {self.log.read_text()[-2000:]}"
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Run:
    """`command` starts the proxy: its binary and flags. `script`: what the control plane says. Call
    go() once."""

    def __init__(self, command, program, options, directory, script=Script):
        self.script_type = script
        self.command, self.program = command, program
        self.options, self.directory = options, pathlib.Path(directory)
        self.figures = Figures()
        self.proxy = self.plane = self.load = self.script = self.admin_port = None

    def go(self):
        try:
            self.start()
            self.play()
        finally:
            if self.load:
                self.load.close()
            if self.proxy:
                self.figures.exit_code = self.proxy.stop()
                self.figures.finding = self.proxy.finding()
            if self.plane:
                self.plane.stop()
        self.figures.refusals = self.plane.refusals()
        return self.figures

    def start(self):
        ports = [free_port() for _ in range(3)]
        self.plane = cp.ControlPlane(self.directory, behind=True)
        script = self.script_type(self.plane, ports, self.directory, self.options.kind)
        self.load = Load(self.program, ports, script.authority.crt, self.options, self.directory)
        script.origins = self.load.answer()["origins"]
        self.script = script
        script.put(0)
        self.admin_port = free_port()
        self.proxy = ProxyProcess(
            self.command[0], script.bootstrap(self.admin_port), self.directory,
            [*self.command[1:], "--drain-time-s", DRAIN], self.options.workers, "proxy")
        script.proxy = self.proxy
        self.proxy.await_ready("starting workers")

    def play(self):
        figures, seconds = self.figures, self.options.seconds
        self.load.tell("open")
        self.load.answer()
        self.ask("warm-up", min(WARM_UP, seconds))
        before, changed = self.acknowledged(), self.counted()
        slices = max(1, round(seconds / SLICE))
        for _ in range(slices):
            quiet = self.ask("quiet", seconds / slices)
            churn = self.ask("churn", seconds / slices, self.churn)
            for name, group in churn["lasting"].items():
                echoed = group["messages"] - quiet["lasting"][name]["messages"]
                figures.echoed[name] = figures.echoed.get(name, 0) + echoed
            time.sleep(SETTLE)
        figures.accepted = {name: number - before[name]
                            for name, number in self.acknowledged().items()}
        figures.in_force = {name: number - changed[name] for name, number in self.counted().items()}
        self.load.tell("close")
        figures.lasting = self.load.answer()

    def ask(self, phase, seconds, meanwhile=None):
        """What the load says of all slices of the phase until now."""
        self.load.tell("phase", phase, seconds)
        if meanwhile:
            with concurrent.futures.ThreadPoolExecutor(1) as aside:
                aside.submit(meanwhile, seconds).result()
        self.figures.phases[phase] = self.load.answer(seconds + PATIENCE)
        return self.figures.phases[phase]

    def churn(self, seconds):
        """Changes at fixed times; those that come late are not made up for. In a thread of its own,
        which goes behind the proxy as the control plane does."""
        os.nice(10)  # of the thread alone (Linux)
        begun = time.monotonic()
        tick, next_sample = 0, 0
        while (now := time.monotonic() - begun) < seconds:
            if now >= next_sample and self.proxy.alive():
                self.figures.memory.append(self.proxy.memory_kib())
                next_sample += 1
            self.figures.rounds += 1
            self.script.put(self.figures.rounds)
            tick = max(tick + 1, int((time.monotonic() - begun) * CHANGES))
            time.sleep(max(0, begun + tick / CHANGES - time.monotonic()))

    def acknowledged(self):
        """How many responses of each type were accepted."""
        said = self.plane.said()
        return {name: sum(line.startswith(f"{title}: ACK") for line in said)
                for name, title in TYPES.items() if name in self.script.types}

    def counted(self):
        """By the proxy, if it lives."""
        if not self.proxy.alive():
            return dict.fromkeys(COUNTED, 0)
        return {name: stat(self, counter) for name, counter in COUNTED.items()}
