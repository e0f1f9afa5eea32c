"""--state-dir: a disk that is full, a directory that is gone, and a process that is killed while it
writes."""

import random
import resource
import shutil
import signal
import time

import bootstrap as bs
import control_plane as cp
from cases import case
from stage import slowness
from weir_process import wait_for

FAILED = "control_plane.state_save_failed"
SAVED = "control_plane.state_saved"
LIMIT = 1 << 20   # bytes that a file may have; the log stays far below
STATE = 2 << 20   # bytes of what is to be saved
KILLS = 20
WITHIN = 1.0      # seconds from the start to an answer


def all_saved(stage):
    wait_for(lambda: stage.state_files() == {
        "Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"}, "all of it is saved")


def large(stage, number):
    """A cluster that makes the state large, other each time."""
    stage.plane.put("clusters", bs.cluster(
        stage.peer.one, name="large",
        metadata={"filter_metadata": {"of": {"text": f"{number}" + "x" * STATE}}}))


@case("the disk is full while the state is saved", state=True)
def full(stage):
    """What was saved stays whole; it says so once, and once when it works again."""
    all_saved(stage)
    before = {path.name: path.read_bytes() for path in (stage.directory / "state").iterdir()}
    _, most = resource.prlimit(stage.weir.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stage.weir.pid, resource.RLIMIT_FSIZE, (LIMIT, most))
    for number in range(3):
        large(stage, number)
        stage.counted(FAILED, number + 1)
    stage.logged("is not saved: cannot write it: File too large; what was saved before stays")
    assert stage.weir.output().count("is not saved") == 1
    stage.serves()
    for path in (stage.directory / "state").iterdir():
        assert path.read_bytes() == before[path.name], path.name
    resource.prlimit(stage.weir.pid, resource.RLIMIT_FSIZE, (most, most))
    large(stage, 3)
    stage.logged("is saved again")
    stage.plane.remove("clusters", "large")


@case("the state's directory is gone", state=True)
def gone(stage):
    all_saved(stage)
    shutil.rmtree(stage.directory / "state")
    large(stage, 0)
    stage.counted(FAILED, 1)
    stage.logged("is not saved: cannot open it: No such file or directory")
    stage.serves()
    (stage.directory / "state").mkdir(mode=0o700)
    large(stage, 1)
    stage.logged("is saved again")


@case(f"kill -9 while the state is saved, {KILLS} times", state=True)
def killed_while_saving(stage):
    """Each start without a control plane serves within a second. Half of the kills come at a moment
    when a file is half written, the others at any. The requests of the whole time are not counted:
    nobody can answer them."""
    all_saved(stage)
    stage.stop_asking()
    noise, slowest, half = random.Random(5), 0, 0
    for round_ in range(KILLS):
        large(stage, round_)
        half += killed(stage, noise if round_ % 2 else None)
        stage.plane.stop()
        begun = time.monotonic()
        stage.start()
        wait_for(lambda: stage.body() == b"one", "an answer of the saved state")
        slowest = max(slowest, time.monotonic() - begun)
        output = stage.weir.output()
        assert "damaged" not in output and "cannot be parsed" not in output, output
        assert "as they were saved" in output, output
        assert "stale: " in stage.page("/ready?verbose")
        stage.plane.start()
        wait_for(lambda: stage.stat("control_plane.saved_state_in_use") == 0, "it is confirmed")
    stage.note(f"{half} files were half written; an answer after {slowest:.2f} s at most")
    assert slowest <= WITHIN * slowness(), f"{slowest:.2f} s"
    assert half >= KILLS // 4, f"only {half} kills came while a file was written"
    stage.ask()


def killed(stage, noise):
    """Kills it; whether a file was left half written."""
    state = stage.directory / "state"
    if noise is None:
        wait_for(lambda: list(state.glob(".*.new")), "a file that is being written")
    else:
        time.sleep(noise.uniform(0, 0.6))
    stage.weir.signal(signal.SIGKILL)
    stage.weir.wait()
    return bool(list(state.glob(".*.new")))


@case("a saved state that is damaged", state=True)
def damaged(stage):
    """It says so, and waits for the control plane."""
    all_saved(stage)
    stage.stop_asking()
    stage.weir.signal(signal.SIGKILL)
    stage.weir.wait()
    for path in (stage.directory / "state").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    stage.plane.put("endpoints", cp.endpoints("back", stage.peer.one))
    stage.start()
    wait_for(lambda: stage.body() == b"one", "an answer of the control plane")
    stage.ask()
