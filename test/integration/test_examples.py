"""Every example is run as its own comments say: the curl lines, and what the answer holds."""

import re
import subprocess
import sys

import pytest

import go_module
from fake_consul import FakeConsul
from weir_process import ROOT, Weir, free_port, wait_for

EXAMPLES = sorted([*ROOT.glob("examples/*.yaml"), *ROOT.glob("filters/*/*/example.yaml")])
UPSTREAMS = {"18081": "one", "18082": "two"}  # what tools/dev run starts beside Weir
OURS = ("10000", "10001", "9901")
CONSUL = "8500"  # where an example's services register themselves
DEMO = ROOT / "tools/dev.d/demo_upstream.py"
PORT_FLAG = re.compile(r'flag\.Int\("(\w+)", (\d+)')


def lines_to_try(text):
    """Pairs of a line with curl and the texts its answer holds."""
    tries = []
    for line in re.findall(r"^# +([^#\n]*\bcurl .*|=> .*)$", text, re.MULTILINE):
        if line.startswith("=> "):
            tries[-1][1].append(line[3:])
        else:
            tries.append((line, []))
    return tries


def run(command):
    done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=30, check=False)
    return done.stdout + done.stderr


def flags_of(program):
    """The ports that a program of an example is told by flags, as they are unless it is told."""
    source = program / "main.go"
    return dict(PORT_FLAG.findall(source.read_text())) if source.exists() else {}


def test_there_are_examples():
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_example(path, tmp_path):
    run_example(path, tmp_path)


def run_example(path, tmp_path, consul=None):
    """`consul`: the agent; a scripted one unless there is another."""
    text = path.read_text()
    started = []
    weir = None
    scripted = None
    program = path.with_name(path.stem)
    flags = flags_of(program)
    try:
        script = path.with_name(path.stem + "-files.sh")
        files = {}
        if script.exists():
            made = tmp_path / "files"
            subprocess.run(["sh", script, made], check=True, timeout=30)
            files = {file: file.read_text() for file in made.iterdir()}
            text = text.replace("/tmp/files-example", str(made))
        for port in {*UPSTREAMS, *OURS, *flags.values()}:
            free = str(free_port())
            if port == CONSUL:
                consul = consul or (scripted := FakeConsul())
                free = str(consul.port)
            if port in UPSTREAMS and port in "".join([text, *files.values(), *flags.values()]):
                name = UPSTREAMS[port]
                started.append(subprocess.Popen([sys.executable, str(DEMO), name, free]))
                wait_for(lambda free=free: run(f"curl -s http://127.0.0.1:{free}/"), "upstream")
            text = re.sub(rf"(?<!\d){port}(?!\d)", free, text)
            files = {file: re.sub(rf"(?<!\d){port}(?!\d)", free, held)
                     for file, held in files.items()}
            flags = {name: free if held == port else held for name, held in flags.items()}
        for file, held in files.items():
            file.write_text(held)
        script = path.with_name(path.stem + "-certificates.sh")
        if script.exists():
            subprocess.run(["sh", script, tmp_path / "certificates"], check=True, timeout=30)
            text = text.replace("/tmp/tls-example", str(tmp_path / "certificates"))
        tries = lines_to_try(text)
        assert tries and all(holds for _, holds in tries), "a curl line, and what its answer holds"
        if flags:
            built, = go_module.tools(program).iterdir()
            started.append(subprocess.Popen(
                [built, *(f"-{name}={port}" for name, port in flags.items())]))
        weir = Weir(text, tmp_path).await_ready("starting workers")
        for command, holds in tries:
            answer = run(command)
            for part in holds:
                assert part in answer, f"{command}\n{answer}"
    finally:
        if weir is not None:
            assert weir.stop() == 0
        for process in started:
            process.terminate()
            process.wait()
        if scripted:
            scripted.close()
