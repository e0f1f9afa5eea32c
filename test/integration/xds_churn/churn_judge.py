"""What a run must have shown; and the same as a table."""

from churn_run import CHANGES, LASTING

REACHED = 0.8           # of the requests and rounds that were wanted: less proves nothing
ACCEPTED = 0.5          # of the rounds, as responses of a type: two rounds may come in one
SEEN = 0.3              # of the rounds, as different values that clients saw
RETRIED = 0.001         # of the requests; a connection that stays is closed under nobody
ECHOED = 0.5            # of the messages, ten a second
SLOWER = 1.2
GROWN_KIB = 4096        # in the second half of the churn
# The field of responses that tells which round made them, by the type that does.
ROUNDS_SEEN = {"routes": "x-route", "extensions": "x-extension", "virtual_hosts": "x-host"}
VALUES_SEEN = {"endpoints": ("x-origin", 3), "scoped_routes": ("x-scope", 2),
               "runtime": ("x-runtime", 2), "secrets": ("certificate", 3)}


def slope(samples):
    """KiB a second of the second half, by least squares; nothing without three samples."""
    half = samples[len(samples) // 2:]
    if len(half) < 3:
        return 0.0
    middle, mean = (len(half) - 1) / 2, sum(half) / len(half)
    return (sum((x - middle) * (y - mean) for x, y in enumerate(half)) /
            sum((x - middle)**2 for x in range(len(half))))


def slower(figures):
    """p99 of the churn as a multiple of the quiet one."""
    quiet, churn = (figures.phases[name]["quantiles"].get("p99", 0) for name in ("quiet", "churn"))
    return churn / quiet if quiet else 0.0


def checks(figures, options, judge_latency=False):
    """(good, what) of each check."""
    for name, phase in figures.phases.items():
        asked, failed = phase["requests"], phase["failed"]
        first = f": {phase['errors'][:3]}" if failed else ""
        yield not failed, f"{name}: {failed} of {asked} requests failed{first}"
        yield (phase["retried"] <= RETRIED * asked,
               f"{name}: {phase['retried']} asked again by the client")
    for name in ("quiet", "churn"):
        asked, wanted = figures.phases[name]["requests"], options.rate * options.seconds
        yield asked >= REACHED * wanted, f"{name}: {asked} requests of {wanted:.0f}"
    yield from of_lasting(figures, options)
    yield from of_changes(figures, options)
    grown = slope(figures.memory) * len(figures.memory) / 2
    yield (grown <= GROWN_KIB,
           f"memory: {slope(figures.memory):+.1f} KiB a second in the second half")
    if judge_latency:
        yield slower(figures) <= SLOWER, f"p99 is {slower(figures):.2f} of the quiet one"
    yield figures.exit_code == 0, f"the proxy's exit code is {figures.exit_code}"
    yield not figures.finding, f"no sanitizer's finding {figures.finding[:2000]}"


def of_lasting(figures, options):
    for name in ("streams", "sockets"):
        group = figures.lasting[name]
        first = f": {group['errors'][:3]}" if group["errors"] else ""
        yield (group["opened"] == group["ended"] == LASTING and not group["dropped"],
               f"{name}: {group['opened']} opened, {group['dropped']} dropped, {group['ended']} "
               f"ended well{first}")
        echoed, wanted = figures.echoed[name], options.seconds * LASTING * 10
        yield echoed >= ECHOED * wanted, f"{name}: {echoed} messages in the churn"


def of_changes(figures, options):
    wanted = REACHED * CHANGES * options.seconds
    yield figures.rounds >= wanted, f"{figures.rounds} rounds of changes"
    yield not figures.refusals, f"{len(figures.refusals)} refusals {figures.refusals[:3]}"
    seen = figures.phases["churn"]["seen"]
    for name, number in figures.accepted.items():
        yield number >= ACCEPTED * wanted, f"{name}: {number} changes accepted"
        if name in ROUNDS_SEEN:
            values = len(seen.get(ROUNDS_SEEN[name], {}))
            yield values >= SEEN * wanted, f"{name}: clients saw {values} rounds"
        if name in VALUES_SEEN:
            field, many = VALUES_SEEN[name]
            values = len(seen.get(field, {}))
            yield values >= many, f"{name}: clients saw {values} values of {field}"
        if name in figures.in_force:
            times = figures.in_force[name]
            yield times >= SEEN * wanted, f"{name}: the proxy counts {times} that were changed"


def errors(figures):
    """What the load said of the first failures of each kind."""
    for name, phase in figures.phases.items():
        yield from (f"{name}: {error}" for error in phase["errors"][:3])
    for name, group in figures.lasting.items():
        yield from (f"{name}: {error}" for error in group["errors"][:3])


def rows(figures):
    """(name, value) of what one compares."""
    quiet, churn = figures.phases["quiet"], figures.phases["churn"]
    for title, phase in (("quiet", quiet), ("churn", churn)):
        yield f"{title}: requests, failed, retried", (
            f"{phase['requests']}, {phase['failed']}, {phase['retried']}")
        yield f"{title}: p50, p99, p99.9, max ms", ", ".join(
            f"{phase['quantiles'].get(name, 0):.2f}" for name in ("p50", "p99", "p99.9", "max"))
    yield "p99, churn to quiet", f"{slower(figures):.2f}"
    for name, group in figures.lasting.items():
        yield f"{name}: opened, dropped, messages", (
            f"{group['opened']}, {group['dropped']}, {group['messages']}")
    yield "rounds", str(figures.rounds)
    yield "refusals", str(len(figures.refusals))
    for name, number in figures.accepted.items():
        yield f"accepted: {name}", str(number)
    if figures.memory:
        yield "memory KiB, first, last, a second", (
            f"{figures.memory[0]}, {figures.memory[-1]}, {slope(figures.memory):+.1f}")
