"""The runner of test/suites/xds_go_control_plane: what it takes for a failure, and which step it
names. Scripts stand for the module's programs and for the proxy."""

import importlib.machinery
import importlib.util
import os
import pathlib
import socket
import sys

import pytest

from weir_process import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "test/bench"), str(ROOT / "test/integration/xds_go_control_plane")]

# pylint: disable=wrong-import-position
import control_plane_mode

LISTEN = """import socket, signal
with socket.create_server(("127.0.0.1", {port})): signal.pause()"""
WAIT = "import signal\nsignal.pause()"
# A proxy: it leaves a file that the test program waits for, and does {} on SIGTERM.
PROXY = """import signal, sys
signal.signal(signal.SIGTERM, {})
print("speaks no xDS", flush=True)
open("ready", "w").close()
while True: signal.pause()"""
WELL = PROXY.format("lambda *_: sys.exit(0)")
BADLY = PROXY.format("lambda *_: sys.exit(3)")
DEAF = PROXY.format("signal.SIG_IGN")
MAKEFILE = "".join(f"t:\n\tenv XDS={words} scripts/integration.sh{more}\n" for words, more in [
    ("xds", ""), ("ads", ""), ("rest", ""), ("xds", " -mux"), ("delta", ""), ("delta-ads", "")])


def said(versions=("v0", "v1", "v2"), bad=None, total=6, batches=5):
    """What the test program says; in the round `bad` one listener never answers."""
    lines = ["waiting for the first request...", "initial snapshot {}"]
    for version in versions:
        lines.append(f"update snapshot {version}")
        for batch in range(batches):
            failed = 1 if batch == 0 or version == bad else 0
            lines.append(f"request batch {batch}, ok {total - failed}, failed {failed}, "
                         f"pass {'false' if failed else 'true'}")
    return lines


def saying(lines, code=0):
    """A test program: it says the lines, and that the mode passed when it ends with 0."""
    return (f"import os, sys, time\nwhile not os.path.exists('ready'): time.sleep(0.01)\n"
            f"os.remove('ready')\nxds = sys.argv[1].partition('=')[2]\nlines = {lines!r}\n"
            f"if {code} == 0: lines.append(f'Test for {{xds}} passed!')\n"
            f"for line in lines: print('2026/11/22 10:00:00', line)\nsys.exit({code})")


class Stage:
    """Scripts in the places of the programs, and the suite that runs them."""

    def __init__(self, directory, monkeypatch):
        self.directory = directory
        port = free_port()
        monkeypatch.setattr(control_plane_mode, "ORIGIN", port)
        monkeypatch.setattr(control_plane_mode, "PORTS", [port])
        (directory / "Makefile").write_text(MAKEFILE)
        self.script("upstream", LISTEN.format(port=port))
        monkeypatch.setenv("ENVOY", str(self.script("proxy", WELL)))
        path = str(ROOT / "test/suites/xds_go_control_plane")
        loader = importlib.machinery.SourceFileLoader("xds_go_control_plane_suite", path)
        self.suite = importlib.util.module_from_spec(
            importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(self.suite)
        monkeypatch.setattr(self.suite.go_module, "tools", lambda _: directory)
        monkeypatch.setattr(self.suite.go_module, "source", lambda *_: directory)

    def script(self, name, text):
        path = self.directory / name
        path.write_text(f"#!{sys.executable}\n{text}\n")
        path.chmod(0o755)
        return path


@pytest.fixture(name="stage")
def fixture_stage(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    return Stage(tmp_path, monkeypatch)


def test_each_mode_passes_once(stage, capsys):
    stage.script("main", saying(said()))
    assert stage.suite.main(["--modes", "xds,xds-mux-tls", "--times", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(";")[0] for line in lines] == [
        "passed: xds: live in batch 1, 1, 1", "passed: xds-mux-tls: live in batch 1, 1, 1"] * 2 + [
        "4 passed, 0 failed"]


def test_all_modes_with_their_flags(stage, capsys):
    """`delta` has two listeners more; each mode gets its own flags."""
    asked = stage.directory / "asked"
    stage.script("main", f"import sys\n"
                 f"open({str(asked)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')\n"
                 f"delta = '--xds=delta' in sys.argv\n"
                 f"if delta: exec({saying(said(total=8))!r})\nexec({saying(said())!r})")
    assert stage.suite.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "12 passed, 0 failed"
    common = ["--pprof=false", "-debug", "-message=Hi, there!\n"]
    plain = [["--xds=xds", "--runtimes=1", *common], ["--xds=ads", "--runtimes=2", *common],
             ["--xds=rest", "--runtimes=1", *common],
             ["--xds=xds", "--runtimes=1", *common, "-mux"],
             ["--xds=delta", "--runtimes=1", *common], ["--xds=delta-ads", "--runtimes=1", *common]]
    assert asked.read_text().splitlines() == [
        repr(flags) for flags in plain + [[*flags, "-tls"] for flags in plain]]


@pytest.mark.parametrize("script, step", [
    (saying(said(["v0", "v1"], bad="v1"), 1),
     "in round v1: no batch was answered in full: 5/6 5/6 5/6 5/6 5/6"),
    (saying(said(["v0"]), 1), "in round v0: the test ended with 1: "),
    (saying(["waiting for the first request..."], 1),
     "before the first round: the test ended with 1"),
    (saying(said(["v0", "v1"])), "the test passed, but did not run as it should: "),
    (saying(said(batches=4)), "the test passed, but did not run as it should: "),
    (saying(said(total=5)), "the test passed, but did not run as it should: "),
    (saying(said()).replace("passed!", "ended!"), "in round v2: the test ended with 0: "),
])
def test_what_the_test_program_says_against_it(stage, capsys, script, step):
    stage.script("main", script)
    assert stage.suite.main(["--modes", "ads"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"FAILED: ads: {step}") and lines[-1] == "0 passed, 1 failed"


def test_a_proxy_that_speaks_no_xds(stage, monkeypatch, capsys):
    """It names the step, and what both programs said last."""
    monkeypatch.setattr(control_plane_mode, "STARTING", 1)
    stage.script("main", f"print('waiting for the first request...', flush=True)\n{WAIT}")
    assert stage.suite.main(["--modes", "delta"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FAILED: delta: before the first round: no discovery request: not within 1 s",
        "--- the test's last lines:", "waiting for the first request...",
        "--- the proxy's last lines:", "speaks no xDS", "0 passed, 1 failed"]


@pytest.mark.parametrize("script, step", [
    ("raise SystemExit('no such field')", "before the first round: the proxy ended with 1"),
    ("import sys\nsys.exit(0)", "before the first round: the proxy ended with 0"),
])
def test_a_proxy_that_ends(stage, capsys, script, step):
    stage.script("proxy", script)
    stage.script("main", WAIT)
    assert stage.suite.main(["--modes", "rest"]) == 1
    assert f"FAILED: rest: {step}" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("script, step", [
    (BADLY, "the proxy's exit code is 3"), (DEAF, "the proxy runs 0.5 s after SIGTERM")])
def test_a_proxy_that_does_not_end_well(stage, monkeypatch, capsys, script, step):
    monkeypatch.setattr(control_plane_mode, "ENDING", 0.5)
    stage.script("proxy", f"import os\nopen('pid', 'w').write(str(os.getpid()))\n{script}")
    stage.script("main", saying(said()))
    assert stage.suite.main(["--modes", "xds"]) == 1
    assert f"FAILED: xds: at the end: {step}" in capsys.readouterr().out.splitlines()
    with pytest.raises(ProcessLookupError):
        os.kill(int((stage.directory / "pid").read_text()), 0)


@pytest.mark.parametrize("looks", range(4))
def test_the_test_may_end_between_two_looks(tmp_path, looks):
    class Ending:
        """It runs for so many looks."""
        seen = 0

        def poll(self):
            self.seen += 1
            return None if self.seen <= looks else 0

    run = control_plane_mode.Run(("xds",), [], tmp_path, tmp_path, tmp_path)
    test = run.processes["test"] = Ending()
    run.wait(lambda: test.poll() is not None, 5, "no end")
    assert test.seen > looks


def test_a_taken_port_is_named(stage, capsys):
    with socket.create_server(("127.0.0.1", control_plane_mode.ORIGIN)):
        assert stage.suite.main(["--modes", "xds"]) == 1
    assert f"port {control_plane_mode.ORIGIN} is not free" in capsys.readouterr().out


def test_fewer_modes_than_promised_fail(stage, monkeypatch, capsys):
    stage.script("main", saying(said()))
    monkeypatch.setattr(stage.suite, "MODES", {"xds": ("xds",)})
    assert stage.suite.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "FAILED: 1 modes ran, not 12", "1 passed, 1 failed"]


def test_a_mode_that_the_suite_does_not_know_fails(stage, capsys):
    stage.script("main", saying(said()))
    (stage.directory / "Makefile").write_text(
        MAKEFILE + "t:\n\tenv XDS=files scripts/integration.sh\n")
    assert stage.suite.main(["--modes", "xds"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "FAILED: the module's modes are others than this suite knows: [('files',)]",
        "1 passed, 1 failed"]
