"""The judge of test/suites/xds_scale: which figures are not enough; and the suite itself, small."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "test/integration/xds_scale")]

# pylint: disable=wrong-import-position
import scale_judge
import scale_run
from weir_process import weir_binary

OPTIONS = scale_run.Options(clusters=100, changes=2, seconds=10, rate=100)


@pytest.fixture(name="good")
def fixture_good():
    return scale_run.Figures(
        load_ms=5000, memory=200 * 1024, clusters=100, seen_ms=[50, 50], quiet_ms=[1.0] * 1000,
        busy_ms=[1.2] * 1000, updated=10, updates_used=10, exit_code=0)


def failed(figures, **options):
    return [what for good, what in scale_judge.checks(figures, OPTIONS, **options) if not good]


def test_good_figures_pass(good):
    assert not failed(good, judge_times=True)
    assert len(list(scale_judge.checks(good, OPTIONS))) == 11


@pytest.mark.parametrize("name,value,said", [
    ("clusters", 99, "99 clusters are active of 100"),
    ("wrong", ["c1: 503"], "1 wrong answers ['c1: 503']"),
    ("refusals", ["refused: no"], "1 refusals ['refused: no']"),
    ("seen_ms", [1], "1 of 2 changes seen by every connection"),
    ("quiet_ms", [1] * 899, "899 requests quiet and under updates of 1000"),
    ("busy_ms", [1] * 899, "899 requests quiet and under updates of 1000"),
    ("updates_used", 9, "9 updates in use of 10"),
    ("updates_used", 11, "11 updates in use of 10"),
    ("load_ms", 30_001, "loaded in 30001 ms (at most 30000)"),
    ("memory", 250_000, "250000 KiB resident (at most 245760)"),
    ("seen_ms", [301, 302], "a change is seen in 302.0 ms (at most 300)"),
    ("exit_code", -9, "the proxy's exit code is -9"),
    ("finding", "WARNING", "no sanitizer's finding WARNING"),
])
def test_what_is_not_enough_is_named(good, name, value, said):
    setattr(good, name, value)
    assert failed(good) == [said]


@pytest.mark.parametrize("name,value,said", [
    ("load_ms", 5001, "loaded in 5001 ms (at most 5000)"),
    ("memory", 204_801, "204801 KiB resident (at most 204800)"),
    ("seen_ms", [51, 52], "a change is seen in 52.0 ms (at most 50)"),
    ("busy_ms", [1.0] * 998 + [1.3] * 2, "p99.9 is 1.30 of the quiet one"),
])
def test_times_that_are_not_as_wanted_fail_where_they_are_judged(good, name, value, said):
    setattr(good, name, value)
    assert not failed(good)
    assert failed(good, judge_times=True) == [said]


def test_noise_is_what_quiet_slices_differ_by(good):
    good.rounds = 10
    assert scale_judge.noise(good) == (1, 1)
    good.quiet_ms[500:503] = [9.0] * 3
    low, high = scale_judge.noise(good)
    assert low < 0.2 and high > 5


def test_no_updates_prove_nothing(good):
    good.updated = good.updates_used = 0
    assert failed(good) == ["0 updates in use of 0"]


def test_a_small_crowd_is_followed(tmp_path):
    """Times are nobody's concern here."""
    options = scale_run.Options(clusters=30, endpoints=3, changes=3, seconds=1, rate=100,
                                updates=200, workers=2)
    figures = scale_run.Run([weir_binary()], options, tmp_path).go()
    figures.load_ms = figures.memory = 0
    figures.seen_ms = [0] * len(figures.seen_ms)
    assert [what for good, what in scale_judge.checks(figures, options) if not good] == []
