"""What control planes said, kept across starts (--state-dir)."""

import signal
import time

import pytest

import control_plane as cp
from control_plane import named, says
from test_xds_listeners import follow, put_all
from tls_tools import stat
from weir_process import free_port, wait_for


def page(place, path):
    with place.client(place.admin_port) as client:
        return client.ask(host="localhost", path=path).body.decode()


def kill(place, weir):
    """As a crash would end it."""
    weir.signal(signal.SIGKILL)
    weir.wait()
    place.proxies.remove(weir)


def kept(directory):
    return {path.name.partition("-")[0] for path in directory.iterdir() if path.name[0] != "."}


ALL = {"Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"}


@cp.EVERY_WAY
def test_a_start_without_a_control_plane(place, plane, kind, ads, tmp_path):
    """Within a second it serves what was said last; it says so, and is put right later."""
    one, two = named(place, "one"), named(place, "two")
    state = tmp_path / "state"
    arguments = ["--state-dir", state]
    first = follow(place, plane, kind, ads, arguments)
    port = place.port
    put_all(place, plane, one, "ads" if ads else kind)
    wait_for(lambda: says(place) == "one", "the first answer")
    wait_for(lambda: state.exists() and kept(state) == ALL, "all of it is saved")
    kill(place, first)
    plane.stop()
    weir = follow(place, plane, kind, ads, arguments)
    began = time.monotonic()
    wait_for(lambda: says(place, port) == "one", "an answer")
    assert time.monotonic() - began < 5  # one second, on a machine that has nothing else to do
    assert "as they were saved" in weir.output()
    said = page(place, "/ready?verbose")
    assert said.startswith("LIVE\n") and "stale: 1 cluster(s) as they were saved at 20" in said
    assert stat(place, "control_plane.saved_state_in_use") == 4
    plane.put("endpoints", cp.endpoints("back", two.port))
    plane.start()
    wait_for(lambda: says(place, port) == "two", "what is said now")
    wait_for(lambda: "stale" not in page(place, "/ready?verbose"), "nothing is stale")
    assert not plane.refusals()


def test_what_was_said_last_before_the_end_is_kept(place, plane, tmp_path):
    one, two = named(place, "one"), named(place, "two")
    arguments = ["--state-dir", tmp_path / "state"]
    first = follow(place, plane, arguments=arguments)
    port = place.port
    put_all(place, plane, one)
    wait_for(lambda: (tmp_path / "state").exists() and kept(tmp_path / "state") == ALL, "saved")
    plane.put("endpoints", cp.endpoints("back", two.port))
    wait_for(lambda: says(place, port) == "two", "the last word")
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    plane.stop()
    follow(place, plane, arguments=arguments)
    wait_for(lambda: says(place, port) is not None, "an answer")
    assert says(place, port) == "two"


def test_what_is_gone_meanwhile_goes(place, plane, tmp_path):
    one = named(place, "one")
    arguments = ["--state-dir", tmp_path / "state"]
    first = follow(place, plane, arguments=arguments)
    port = place.port
    put_all(place, plane, one)
    wait_for(lambda: (tmp_path / "state").exists() and kept(tmp_path / "state") == ALL, "saved")
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    plane.stop()
    plane.remove("listeners", "front")
    follow(place, plane, arguments=arguments)
    wait_for(lambda: says(place, port) == "one", "an answer")
    plane.start()
    wait_for(lambda: says(place, port) is None, "the listener is gone")


def test_killed_at_any_moment(place, plane, tmp_path):
    """What is read at the next start is whole: the last or one before."""
    state = tmp_path / "state"
    arguments = ["--state-dir", state]
    origins = [named(place, f"n{i}") for i in range(3)]
    weir = follow(place, plane, arguments=arguments)
    port = place.port
    put_all(place, plane, origins[0])
    wait_for(lambda: state.exists() and kept(state) == ALL, "saved")
    for round_ in range(6):
        for origin in origins:
            plane.put("endpoints", cp.endpoints("back", origin.port))
            time.sleep(0.05 * round_)
        kill(place, weir)
        plane.stop()
        weir = follow(place, plane, arguments=arguments)
        wait_for(lambda: str(says(place, port)).startswith("n"), "an answer")
        assert "damaged" not in weir.output()
        plane.start()
        wait_for(lambda: stat(place, "control_plane.saved_state_in_use") == 0, "it is confirmed")


def test_damaged_files_are_not_used(place, plane, tmp_path):
    one = named(place, "one")
    state = tmp_path / "state"
    arguments = ["--state-dir", state]
    first = follow(place, plane, arguments=arguments)
    port = place.port
    put_all(place, plane, one)
    wait_for(lambda: state.exists() and kept(state) == ALL, "saved")
    kill(place, first)
    for path in state.iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    plane.stop()
    weir = follow(place, plane, arguments=arguments)
    wait_for(lambda: "damaged" in weir.output(), "it says so")
    plane.start()
    wait_for(lambda: says(place, port) == "one", "it is answered")


def test_where_nothing_can_be_saved_it_serves_on(place, plane, tmp_path):
    one, two = named(place, "one"), named(place, "two")
    state = tmp_path / "state"
    weir = follow(place, plane, arguments=["--state-dir", state])
    put_all(place, plane, one)
    wait_for(lambda: state.exists() and kept(state) == ALL, "saved")
    for path in list(state.iterdir()):
        (state / f".{path.name}.new").mkdir()
    plane.put("endpoints", cp.endpoints("back", two.port))
    wait_for(lambda: says(place) == "two", "it serves on")
    wait_for(lambda: "is not saved" in weir.output(), "it says so")
    assert stat(place, "control_plane.state_save_failed") >= 1
    for path in list(state.glob(".*.new")):
        path.rmdir()


@pytest.mark.parametrize("mode,why", [(0o777, "others may write"), (None, "expected a directory")])
def test_a_directory_that_cannot_be_trusted(place, plane, tmp_path, mode, why):
    path = tmp_path / "state"
    if mode is None:
        path.write_text("")
    else:
        path.mkdir()
        path.chmod(mode)
    place.port = free_port()
    config = {"node": {"id": "i", "cluster": "c"}}
    weir = place.start(config, ready=False, arguments=["--state-dir", path])
    assert weir.wait() == 1
    assert why in weir.output() and "--state-dir" in weir.output()
