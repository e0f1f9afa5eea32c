"""Figures of Weir and the real Consul under load: how soon a failing instance is left alone, what an
agent that is away costs, a rolling restart, 10,000 instances, 1,000 services at rest."""

import os
import pathlib
import signal
import time

import consul_setup as cs
from consul_agent import elsewhere
from follow_stage import RETRIES, case
from weir_process import wait_for

# What is wanted on a quiet machine; and how much more fails on any.
NO_TRAFFIC_MS, FACTOR = 1000, 5
MEMORY_KIB = 20.0
CPU_SHARE = 0.01
FACTOR_CPU = 4
SERVICES, INSTANCES = 200, 50
NAMED = [f"far{number}" for number in range(SERVICES)]


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def at_most(stage, what, value, wanted, factor):
    """Fails above `wanted` where times are judged, else above a multiple of it; as a note."""
    bound = wanted if stage.options.judge_times else wanted * factor
    text = f"{what} {value:.3g} (wanted: {wanted:g})"
    assert value <= bound, f"{text}: at most {bound:g}"
    return text


def with_retries():
    return [cs.bs.route("back", action=RETRIES)]


@case
def from_critical_to_no_more_traffic(stage):
    """From before Consul is told until the last request arrives there, at 200 requests a second."""
    trials = 12 if stage.options.short else 60
    for name in ("one", "two"):
        stage.serve(name)
    stage.follow()
    stage.expect(one=5, two=5)
    stage.ask(200)
    took = []
    for _ in range(trials):
        begun = time.monotonic()
        stage.agent.set_check("two", "critical")
        wait_for(lambda: stage.stat("cluster.back.membership_total") == 1, "it has left")
        time.sleep(0.3)  # 60 requests: half of them would be its own
        took.append((stage.traffic.tell("last", "two") - begun) * 1000)
        stage.agent.set_check("two", "passing")
        wait_for(lambda: stage.stat("cluster.back.membership_total") == 2, "it is back")
        wait_for(lambda b=time.monotonic(): stage.traffic.tell("last", "two") > b, "it is asked")
    requests, p99 = stage.all_answered()
    return "; ".join([
        at_most(stage, "p99 ms", quantile(took, 0.99), NO_TRAFFIC_MS, FACTOR),
        f"p50 ms {quantile(took, 0.5):.0f}, longest {max(took):.0f}, {trials} trials",
        f"{requests} requests, 0 failed, p99 {p99:.1f} ms"])


@case
def the_agent_is_away_under_load(stage):
    """200 requests a second meanwhile, and after it has come back."""
    seconds = 5 if stage.options.short else 30
    agent = stage.another("away")
    for name in ("one", "two"):
        port = stage.traffic.tell("open", name)
        agent.register("web", port, name)
    stage.follow(agent=agent, routes=with_retries())
    stage.expect(one=5, two=5)
    stage.ask(200)
    agent.stop(signal.SIGKILL)
    begun = time.monotonic()
    wait_for(lambda: stage.stat("consul.web.list_age_seconds") >= seconds - 1, "it is away", 60)
    away = time.monotonic() - begun
    agent.start()
    wait_for(lambda: stage.stat("consul.web.list_age_seconds") == 0, "it is back", 60)
    agent.register("web", stage.traffic.tell("open", "three"), "three")
    wait_for(lambda: stage.stat("cluster.back.membership_total") == 3, "a change is seen", 60)
    requests, p99 = stage.all_answered()
    return f"away {away:.0f} s; {requests} requests, 0 failed, p99 {p99:.1f} ms"


@case
def a_rolling_restart(stage):
    """20 instances, one after the other: deregistered, ended at once, started and registered; 500
    requests a second."""
    count, rate = 20, 200 if stage.options.short else 500
    names = [f"i{number}" for number in range(count)]
    for name in names:
        stage.serve(name)
    stage.follow(routes=with_retries())
    wait_for(lambda: stage.stat("cluster.back.membership_total") == count, "all are there")
    stage.ask(rate)
    for name in names:
        stage.agent.deregister(name)
        stage.traffic.tell("close", name)
        stage.serve(name)
        wait_for(lambda n=name: n in stage.agent.instances("web", passing=True), "it is back")
        time.sleep(0.5)  # as long as a quick process takes to start
    wait_for(lambda: stage.stat("cluster.back.membership_total") == count, "all are back")
    requests, p99 = stage.all_answered()
    retried = stage.stat("cluster.back.upstream_rq_retry")
    return f"{requests} requests, 0 failed, {retried} retried, p99 {p99:.1f} ms"


def fill(agent, services, instances):
    agent.register_elsewhere(
        elsewhere(f"far-{node}", f"127.1.0.{node}", service, 2000 + number)
        for node in range(instances) for number, service in enumerate(services))


def empty(agent, instances):
    for node in range(instances):
        agent.deregister_elsewhere(f"far-{node}")


def members(stage, names, wanted):
    return all(stage.stat(f"cluster.{name}.membership_total") == wanted for name in names)


@case
def two_hundred_services_of_fifty_instances(stage):
    begun = time.monotonic()
    fill(stage.agent, NAMED, INSTANCES)
    filled = time.monotonic() - begun
    try:
        begun = time.monotonic()
        stage.follow(*(cs.cluster(name, {"service": name}) for name in NAMED),
                     routes=[cs.bs.route(NAMED[0])])
        wait_for(lambda: members(stage, NAMED, INSTANCES), "all of them", 60)
        loaded = time.monotonic() - begun
        stage.agent.register_elsewhere(
            elsewhere("far-7", "127.1.0.7", NAMED[number], 2000 + number, status="critical")
            for number in (0, 100, 199))
        failing = [NAMED[0], NAMED[100], NAMED[199]]
        wait_for(lambda: members(stage, failing, INSTANCES - 1), "three instances fail")
        stage.agent.deregister_elsewhere("far-8")
        wait_for(lambda: members(stage, failing, INSTANCES - 2), "a node is gone", 60)
        rest = [name for name in NAMED if name not in failing]
        wait_for(lambda: members(stage, rest, INSTANCES - 1), "for all", 60)
    finally:
        empty(stage.agent, INSTANCES)
    wait_for(lambda: members(stage, NAMED, 0), "all are gone", 60)
    return f"filled in {filled:.1f} s, loaded in {loaded:.1f} s"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@case
def a_thousand_services_at_rest(stage):
    """What one costs, cluster and endpoint and all, and what it takes to follow them while nothing
    changes."""
    count = 200 if stage.options.short else 1000
    names = [f"rest{number}" for number in range(count)]
    fill(stage.agent, names, 1)
    memory = {}
    try:
        for chosen in (names[:1], names):
            weir = stage.follow(*(cs.cluster(name, {"service": name}) for name in chosen),
                                routes=[cs.bs.route(names[0])])
            wait_for(lambda c=chosen: members(stage, c, 1), "all are there", 60)
            time.sleep(2)
            memory[len(chosen)] = weir.memory_kib()
            if chosen is not names:
                weir.stop()
        each = (memory[count] - memory[1]) / (count - 1)
        seconds = 8 if stage.options.short else 35  # each is asked once in 30 s
        used, agents = cpu_seconds(weir.pid), stage.agent.processor_seconds()
        time.sleep(seconds)
        share = (cpu_seconds(weir.pid) - used) / seconds
        agents = (stage.agent.processor_seconds() - agents) / seconds
        links = stage.stat(f"cluster.{cs.AGENT}.upstream_cx_active")
        newcomer = time.monotonic()
        stage.agent.register_elsewhere([elsewhere("far-1", "127.1.0.1", names[-1], 3000)])
        wait_for(lambda: members(stage, names[-1:], 2), "an instance more", 60)
        newcomer = time.monotonic() - newcomer
        failing = time.monotonic()
        stage.agent.register_elsewhere(
            [elsewhere("far-1", "127.1.0.1", names[-1], 3000, status="critical")])
        wait_for(lambda: members(stage, names[-1:], 1), "it fails", 60)
        failing = time.monotonic() - failing
    finally:
        empty(stage.agent, 2)
    # Under a sanitizer memory is not counted.
    return "; ".join([
        at_most(stage, f"{count} services, KiB each", each, MEMORY_KIB, 1.2),
        at_most(stage, "CPU", share, CPU_SHARE, FACTOR_CPU), f"Consul's CPU {agents:.3f}",
        f"{links} connections", f"an instance more is seen in {newcomer:.2f} s",
        f"one that fails in {failing:.2f} s"])
