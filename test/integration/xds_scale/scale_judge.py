"""What a run must have shown; and the same as a table."""

import random

# What is wanted of 10,000 clusters of 10 endpoints on a quiet machine; and how much more fails on
# any, which other work may slow down.
LOAD_MS = 5000
MEMORY_KIB = 200 * 1024
SEEN_MS = 50
SLOWER = 1.2
STALL_MS = 100
FACTOR = 6         # of times
FACTOR_MEMORY = 1.2
REACHED = 0.9      # of the requests that were wanted: less proves nothing
DRAWS = 100


def quantile(times, share):
    """The time within which that share of them is."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def slower(figures):
    """p99.9 under updates as a multiple of the quiet one."""
    quiet = quantile(figures.quiet_ms, 0.999)
    return quantile(figures.busy_ms, 0.999) / quiet if quiet else 0.0


def noise(figures):
    """What the ratio is where nothing differs: of quiet slices against quiet ones, as many as there
    are, drawn at random again and again; nine in ten are between the two."""
    size = max(1, len(figures.quiet_ms) // figures.rounds)
    slices = [sorted(figures.quiet_ms[begin:begin + size])
              for begin in range(0, size * figures.rounds, size)]
    chance = random.Random(0)

    def drawn():
        some = chance.choices(slices, k=len(slices))
        return quantile([time for one in some for time in one], 0.999)

    ratios = [drawn() / (drawn() or 1) for _ in range(DRAWS)]
    return quantile(ratios, 0.05), quantile(ratios, 0.95)


def checks(figures, options, judge_times=False):
    """(good, what) of each check. `judge_times`: by what is wanted, else by a multiple of it."""
    factor = 1 if judge_times else FACTOR
    more_memory = 1 if judge_times else FACTOR_MEMORY
    yield (figures.clusters == options.clusters,
           f"{figures.clusters} clusters are active of {options.clusters}")
    yield not figures.wrong, f"{len(figures.wrong)} wrong answers {figures.wrong[:3]}"
    yield not figures.refusals, f"{len(figures.refusals)} refusals {figures.refusals[:3]}"
    yield (len(figures.seen_ms) == options.changes,
           f"{len(figures.seen_ms)} of {options.changes} changes seen by every connection")
    asked = min(len(figures.quiet_ms), len(figures.busy_ms))
    wanted = options.rate * options.seconds
    yield asked >= REACHED * wanted, f"{asked} requests quiet and under updates of {wanted:.0f}"
    yield (figures.updates_used == figures.updated > 0,
           f"{figures.updates_used} updates in use of {figures.updated}")
    yield (figures.load_ms <= LOAD_MS * factor,
           f"loaded in {figures.load_ms:.0f} ms (at most {LOAD_MS * factor})")
    yield (figures.memory <= MEMORY_KIB * more_memory,
           f"{figures.memory} KiB resident (at most {MEMORY_KIB * more_memory:.0f})")
    seen = quantile(figures.seen_ms, 0.5)
    yield seen <= SEEN_MS * factor, f"a change is seen in {seen:.1f} ms (at most {SEEN_MS * factor})"
    if judge_times:
        yield slower(figures) <= SLOWER, f"p99.9 is {slower(figures):.2f} of the quiet one"
    yield figures.exit_code == 0, f"the proxy's exit code is {figures.exit_code}"
    yield not figures.finding, f"no sanitizer's finding {figures.finding[:2000]}"


def rows(figures):
    """(name, value, what is wanted)."""
    yield "load, ms", f"{figures.load_ms:.0f}", LOAD_MS
    yield "longest stall of the main thread in it, ms", f"{figures.longest_stall_ms:.0f}", STALL_MS
    yield "resident, KiB", f"{figures.memory}", MEMORY_KIB
    yield "resident at most, KiB", f"{figures.memory_peak}", ""
    yield "resident with one cluster, KiB", f"{figures.memory_before}", ""
    yield "a change seen by every worker, median ms", f"{quantile(figures.seen_ms, 0.5):.1f}", SEEN_MS
    yield "a change seen by every worker, longest ms", f"{max(figures.seen_ms, default=0):.1f}", SEEN_MS
    for title, times in (("quiet", figures.quiet_ms), ("under updates", figures.busy_ms)):
        yield f"{title}: requests", f"{len(times)}", ""
        yield f"{title}: p50, p99, p99.9 ms", ", ".join(
            f"{quantile(times, share):.2f}" for share in (0.5, 0.99, 0.999)), ""
    yield "p99.9, under updates to quiet", f"{slower(figures):.2f}", SLOWER
    yield "p99.9, quiet to quiet, nine in ten", "{:.2f} to {:.2f}".format(*noise(figures)), ""
    yield "main thread's CPU for an update, us", f"{figures.update_us:.0f}", ""
    yield "longest stall of the main thread under them, ms", f"{figures.update_stall_ms:.1f}", STALL_MS
