"""The load of test/suites/consul: it counts what fails, and says when an origin was asked last."""

import contextlib
import pathlib
import sys
import time

import pytest

from raw_client import fetch
from weir_process import ROOT, wait_for

sys.path.append(str(ROOT / "test/integration/consul"))

# pylint: disable=wrong-import-position
from follow_figures import at_most
from follow_stage import Traffic


@pytest.fixture(name="traffic")
def fixture_traffic():
    with contextlib.closing(Traffic()) as traffic:
        yield traffic


def test_a_load_is_answered(traffic):
    port = traffic.tell("open", "one")
    assert fetch(port).body == b"one"
    traffic.tell("ask", port, 200)
    before = time.monotonic()
    wait_for(lambda: traffic.tell("last", "one") > before, "it is asked")
    time.sleep(0.5)
    found = traffic.tell("stop")
    assert found["failed"] == 0 and found["answers"]["one"] == len(found["took"]) > 50
    ended = time.monotonic()
    assert before < traffic.tell("last", "one") < ended
    traffic.tell("close", "one")
    with pytest.raises(ConnectionRefusedError):
        fetch(port)


def test_what_fails_is_counted(traffic, place):
    port = traffic.tell("open", "one")
    traffic.tell("ask", port, 200)
    time.sleep(0.2)
    traffic.tell("close", "one")
    time.sleep(0.2)
    found = traffic.tell("stop")
    assert found["failed"] > 10 and found["errors"]
    refusing = place.server(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
    traffic.tell("ask", refusing.port, 200)
    time.sleep(0.2)
    found = traffic.tell("stop")
    assert found["failed"] == len(found["took"]) > 10 and "503" in found["errors"][0]


@pytest.mark.parametrize("judge,value,good", [
    (False, 4.9, True), (False, 5.1, False), (True, 1.0, True), (True, 1.1, False)])
def test_figures_are_held_to_their_bounds(judge, value, good):
    stage = type("Stage", (), {"options": type("Options", (), {"judge_times": judge})})
    with contextlib.nullcontext() if good else pytest.raises(AssertionError):
        assert "wanted: 1" in at_most(stage, "what", value, 1, 5)


def test_every_case_is_run():
    """Who adds one finds here that the suite's number is to be changed, too."""
    suite = pathlib.Path(ROOT / "test/suites/consul").read_text()
    modules = ROOT.glob("test/integration/consul/follow_*.py")
    cases = sum(path.read_text().count("\n@case\n") for path in modules)
    assert f"PROMISED = {cases}  #" in suite
