"""The judge of test/suites/xds_churn: which figures are not enough. That the suite notices a proxy
that does wrong it shows by itself, on the real one."""

import copy
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "test/integration/xds_churn")]

# pylint: disable=wrong-import-position
import churn_judge
import churn_run
import churn_script

OPTIONS = churn_run.Options(seconds=10, rate=100)


def phase(p99=2.0):
    rounds = {str(number): 10 for number in range(100)}
    return {"requests": 1000, "failed": 0, "retried": 0, "errors": [],
            "quantiles": {"p50": 1.0, "p99": p99, "p99.9": 3.0, "max": 4.0},
            "seen": {"x-route": rounds, "x-extension": rounds, "x-host": rounds,
                     "x-origin": {"0": 1, "1": 1, "2": 1}, "x-scope": {"0": 1, "1": 1},
                     "x-runtime": {"first": 1, "second": 1},
                     "certificate": {"pair0": 1, "pair1": 1, "pair2": 1}}}


@pytest.fixture(name="good")
def fixture_good():
    group = {"messages": 5400, "opened": 20, "dropped": 0, "ended": 20, "errors": []}
    return churn_run.Figures(
        phases={"warm-up": phase(), "quiet": phase(), "churn": phase(2.4)},
        echoed={"streams": 2000, "sockets": 2000},
        lasting={"streams": dict(group), "sockets": copy.deepcopy(group)}, rounds=100,
        accepted=dict.fromkeys(churn_script.TYPES, 100),
        in_force=dict.fromkeys(churn_run.COUNTED, 100), memory=[5000] * 10, exit_code=0)


def failed(figures, **options):
    return [what for good, what in churn_judge.checks(figures, OPTIONS, **options) if not good]


def test_good_figures_pass(good):
    assert not failed(good, judge_latency=True)
    assert len(list(churn_judge.checks(good, OPTIONS))) == 35


@pytest.mark.parametrize("where,value,said", [
    ("phases warm-up failed", 1, "warm-up: 1 of 1000 requests failed: []"),
    ("phases quiet failed", 1, "quiet: 1 of 1000 requests failed: []"),
    ("phases churn failed", 1, "churn: 1 of 1000 requests failed: []"),
    ("phases churn retried", 2, "churn: 2 asked again by the client"),
    ("phases quiet requests", 799, "quiet: 799 requests of 1000"),
    ("phases churn requests", 799, "churn: 799 requests of 1000"),
    ("lasting streams dropped", 1, "streams: 20 opened, 1 dropped, 20 ended well"),
    ("lasting streams opened", 19, "streams: 19 opened, 0 dropped, 20 ended well"),
    ("lasting sockets ended", 19, "sockets: 20 opened, 0 dropped, 19 ended well"),
    ("echoed sockets", 999, "sockets: 999 messages in the churn"),
    ("rounds", 79, "79 rounds of changes"),
    ("refusals", ["cluster: NACK"], "1 refusals ['cluster: NACK']"),
    *((f"accepted {name}", 39, f"{name}: 39 changes accepted") for name in churn_script.TYPES),
    ("in_force listeners", 23, "listeners: the proxy counts 23 that were changed"),
    ("in_force clusters", 23, "clusters: the proxy counts 23 that were changed"),
    ("phases churn seen x-route", {"1": 900}, "routes: clients saw 1 rounds"),
    ("phases churn seen x-extension", {}, "extensions: clients saw 0 rounds"),
    ("phases churn seen x-host", {"1": 900}, "virtual_hosts: clients saw 1 rounds"),
    ("phases churn seen x-origin", {"0": 1, "1": 1}, "endpoints: clients saw 2 values of x-origin"),
    ("phases churn seen x-scope", {"0": 900}, "scoped_routes: clients saw 1 values of x-scope"),
    ("phases churn seen x-runtime", {"first": 9}, "runtime: clients saw 1 values of x-runtime"),
    ("phases churn seen certificate", {"a": 1, "b": 1},
     "secrets: clients saw 2 values of certificate"),
    ("memory", [5000 + 4000 * second for second in range(10)],
     "memory: +4000.0 KiB a second in the second half"),
    ("exit_code", -11, "the proxy's exit code is -11"),
    ("finding", "ThreadSanitizer: data race", "no sanitizer's finding ThreadSanitizer: data race"),
])
def test_each_shortfall_fails_its_check(good, where, value, said):
    *path, last = where.split()
    owner = vars(good)
    for name in path:
        owner = owner[name]
    owner[last] = value
    assert failed(good) == [said]


def test_latency_is_judged_on_request(good):
    good.phases["churn"]["quantiles"]["p99"] = 2.5
    assert not failed(good)
    assert failed(good, judge_latency=True) == ["p99 is 1.25 of the quiet one"]


def test_memory_that_has_settled_is_good(good):
    good.memory = [5000 + 4000 * second for second in range(5)] + [21000] * 5
    assert not failed(good)


def test_each_type_of_the_control_plane_is_changed():
    """Who adds a type there finds here that it is missing."""
    assert set(churn_script.TYPES) == set(churn_script.cp.FOLDERS)


def test_endpoints_are_never_none_and_each_is_used(tmp_path):
    script = churn_script.Script(None, (1, 2, 3), tmp_path, "delta")
    script.origins = [11, 12, 13]
    used = []
    for number in range(100):
        for resource in script.endpoints(number):
            found = [one["endpoint"]["address"]["socket_address"]["port_value"]
                     for one in resource["endpoints"][0]["lb_endpoints"]]
            assert found
            used += found
    assert set(used) == {11, 12, 13}
