#!/usr/bin/env python3
"""Measures Weir beside nginx, HAProxy and Envoy: interleaved rounds, fresh processes, one pinned
worker each, every response checked. README.md says what each figure means."""

import argparse
import os
import pathlib
import resource
import shlex
import shutil
import signal
import sys
import time

import measure
import peers
import report
import rows
from processes import RowAborted

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ALL_PEERS = ("weir", "nginx", "haproxy", "envoy")
WANTED_DESCRIPTORS = 20_000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", action="append", choices=[*rows.ROWS, "all"],
                        help="row to measure; may be repeated (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of a row (default 7)")
    parser.add_argument("--quick", action="store_true",
                        help="3 rounds with short windows; writes no results file by itself")
    parser.add_argument("--window", type=float, default=3.0, help="seconds measured (default 3)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before (default 1)")
    parser.add_argument("--rate", type=float, default=0.0,
                        help="requests/s of the latency row (default: 40 %% of the slowest peer)")
    parser.add_argument("--peers", default=",".join(ALL_PEERS),
                        help=f"comma-separated (default {','.join(ALL_PEERS)}; also: relay, the "
                             "control); ratios are the first one's")
    parser.add_argument("--weir", default=str(ROOT / "build/release/weir"),
                        help="Weir's binary (default build/release/weir)")
    parser.add_argument("--tools", help="directory of weir_bench_load and weir_bench_backend")
    parser.add_argument("--port", type=int, default=peers.DEFAULT_PORT,
                        help="the proxies' port; the origin takes the next one")
    parser.add_argument("--results", type=pathlib.Path,
                        help="results file (default RESULTS.md beside this script)")
    arguments = parser.parse_args()
    arguments.keys = list(rows.ROWS) if "all" in (arguments.row or ["all"]) else arguments.row
    if arguments.quick:
        arguments.rounds, arguments.window, arguments.warm_up = 3, 1.5, 0.5
    elif not arguments.results:
        arguments.results = HERE / "RESULTS.md"
    return arguments


def find_tools(arguments):
    build = pathlib.Path(arguments.weir).resolve().parent
    places = [arguments.tools, build, build / "test/bench", ROOT / "build/release",
              ROOT / "build/release/test/bench"]
    for place in places:
        if place and (pathlib.Path(place) / "weir_bench_load").exists():
            return pathlib.Path(place).resolve()
    sys.exit("bench: weir_bench_load is not built (tools/dev build), or name it with --tools")


class Progress:
    """Says before each step what runs, and how long the rest will take."""

    def __init__(self, total):
        self.total, self.done, self.begin = total, 0, time.monotonic()

    def step(self, text):
        spent = time.monotonic() - self.begin
        left = f"about {spent / self.done * (self.total - self.done):.0f} s left" \
            if self.done else "first step"
        print(f"[{self.done + 1}/{self.total}] {text} ({left})", flush=True)
        self.done += 1


def rounds_of(row, arguments):
    return min(arguments.rounds, row.max_rounds)


def peers_of(row, found):
    extra = [peers.NginxBuffered(peer.binary) for peer in found
             if peer.name == "nginx" and "nginx-buffered" in row.extra_peers]
    return found + extra


def run_row(row, bench, found, settings, arguments, progress):
    running = peers_of(row, found)
    result = report.RowResult(row, [peer.name for peer in running],
                              {metric: {} for metric in row.metrics},
                              load_before=os.getloadavg()[0])
    rounds = rounds_of(row, arguments)
    try:
        with bench.origin():
            if row.key == "latency" and not settings.rate:
                settings.rate = float(round(rows.slowest_rate(bench, found, settings), -2))
            for turn in range(rounds):
                # Each round starts with another peer, so that none always follows the same one.
                first = turn % len(running)
                for peer in running[first:] + running[:first]:
                    progress.step(f"{row.key}: round {turn + 1} of {rounds}, {peer.name}")
                    figures = row.measure(bench, peer, settings)
                    for metric, values in result.values.items():
                        values.setdefault(peer.name, []).append(figures[metric])
    except RowAborted as reason:
        result.aborted = str(reason)
    if row.key == "latency":
        result.note = f"Rate: {settings.rate:,.0f} requests/s."
    if row.key == "syscalls":
        result.note = "Counted by " + ("perf (raw_syscalls)." if settings.use_perf else "strace.")
    return result


def command_line():
    """The command as it can be repeated from the project's root, without this machine's paths."""
    words = []
    for word in sys.argv[1:]:
        absolute = pathlib.Path(word).absolute()
        inside = "/" in word and absolute.is_relative_to(ROOT)
        words.append(str(absolute.relative_to(ROOT)) if inside else
                     pathlib.Path(word).name if word.startswith("/") else word)
    return shlex.join(["test/bench/bench.py", *words])


def run(arguments):
    tools = find_tools(arguments)
    found, missing = peers.find(arguments.weir, tools, arguments.peers.split(","))
    for text in missing:
        print(f"bench: {text}", flush=True)
    if not found:
        sys.exit("bench: nothing to measure")
    versions = {peer.name: peer.version() for peer in found}
    bench = measure.Bench(tools, arguments.port)
    settings = rows.Settings(arguments.warm_up, arguments.window, arguments.rate,
                             measure.perf_works())
    chosen = [rows.ROWS[key] for key in arguments.keys]
    if "instr" in arguments.keys and not shutil.which("valgrind"):
        print("bench: row instr left out: valgrind is not installed", flush=True)
        chosen = [row for row in chosen if row.key != "instr"]
    progress = Progress(sum(rounds_of(row, arguments) * len(peers_of(row, found))
                            for row in chosen))
    sections, failed = {}, False
    for row in chosen:
        result = run_row(row, bench, found, settings, arguments, progress)
        if result.aborted:
            failed = True
            print(f"\n## {row.key} ABORTED: {result.aborted}\n", flush=True)
            continue
        sections[row.key] = report.section(result, command_line(), versions,
                                           rounds_of(row, arguments))
        print("\n" + sections[row.key], flush=True)
        if arguments.results:
            report.write(arguments.results, sections)
    return 1 if failed else 0


def main():
    arguments = parse_arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, WANTED_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    # So that the processes of a run that is ended from outside are ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if len(os.sched_getaffinity(0)) < 2:
        print("bench: one CPU only: proxy and generator share it, ratios are distorted", flush=True)
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
