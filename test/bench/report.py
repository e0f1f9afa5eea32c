"""Turning a row's figures into tables, and keeping them in a results file section by section."""

import dataclasses
import datetime
import os
import platform
import re
import statistics

import rows

CAVEAT = """\
Read the ratios, not the microseconds: everything ran on one machine over loopback, where a send
runs the receiver's side of the kernel and no network card is involved, so combining sends pays
more and bytes cost less than on a network. The peers of a row ran in turn, one fresh process
each, in every round; a ratio is taken within a round, and no round was dropped. The proxy had one
worker, pinned to a CPU of its own; generator and origin shared the other one, so requests/s may
be the generator's limit. Every response was checked (status, length, each body byte).
"""


@dataclasses.dataclass
class RowResult:
    """All rounds of a row: values[metric][peer] is one number per round."""

    row: rows.Row
    peers: list
    values: dict
    note: str = ""
    aborted: str = ""
    load_before: float = 0.0  # The machine's load average: above 0.5, others were working too.


def _number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def _ratio(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def _ratio_cell(result, metric, subject, peer):
    ours, theirs = result.values[metric][subject], result.values[metric][peer]
    ratios = [a / b for a, b in zip(ours, theirs) if b > 0]
    if not ratios:
        return "–"
    return f"{_ratio(statistics.median(ratios))} ({_ratio(min(ratios))}–{_ratio(max(ratios))})"


def table(result):
    """Markdown: a line per metric and peer, and the subject's ratio to each other peer."""
    subject = result.peers[0]
    lines = [f"| metric | peer | median | min | max | {subject} / peer: median (min–max) |",
             "|---|---|---|---|---|---|"]
    for metric, meaning in result.row.metrics.items():
        better = " (more is better)" if metric in rows.HIGHER_IS_BETTER else ""
        for peer in result.peers:
            values = result.values.get(metric, {}).get(peer)
            if not values:
                continue
            with_ratio = peer != subject and metric not in rows.WITHOUT_RATIO
            ratio = _ratio_cell(result, metric, subject, peer) if with_ratio else ""
            lines.append(f"| {meaning}{better} | {peer} | {_number(statistics.median(values))} | "
                         f"{_number(min(values))} | {_number(max(values))} | {ratio} |")
    return "\n".join(lines)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    return (f"{os.cpu_count()} CPUs ({model[1] if model else platform.machine()}), "
            f"Linux {platform.release()}")


def section(result, command, versions, rounds):
    today = datetime.date.today().isoformat()
    used = ", ".join(f"{name} {versions[name]}" for name in result.peers if name in versions)
    note = f" {result.note}" if result.note else ""
    return (f"## {result.row.key}: {result.row.title}\n\n`{command}` — {today}, {rounds} "
            f"round{'s' if rounds != 1 else ''}; {used}; {machine()}, "
            f"load {result.load_before:.1f} before.{note}\n\n"
            f"{table(result)}\n")


def write(path, sections):
    """Replaces the sections of the rows just measured and leaves the others alone."""
    kept = {}
    if path.exists():
        for text in re.split(r"(?m)^(?=## )", path.read_text(encoding="utf-8"))[1:]:
            kept[text.split(":")[0].removeprefix("## ")] = text
    kept.update(sections)
    ordered = [kept[key].strip() + "\n" for key in rows.ROWS if key in kept]
    head = "# Benchmark results\n\n" + CAVEAT
    path.write_text("\n".join([head, *ordered]), encoding="utf-8")
