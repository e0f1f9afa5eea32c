"""The command line, and what it says when a start is impossible."""

import json
import re
import socket
import subprocess

import pytest

import bootstrap as bs
from weir_process import free_port, wait_for, weir_binary


def run(*arguments, patience=20):
    return subprocess.run([weir_binary(), *map(str, arguments)], capture_output=True, text=True,
                          timeout=patience, check=False)


GOOD = bs.bootstrap([bs.listener(10000)], [bs.cluster(9)])


@pytest.fixture(name="good")
def fixture_good(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(json.dumps(GOOD))
    return path


def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert re.search(r"version: \S+/\d+\.\d+\.\d+/\S+/\S+/\S+", done.stdout)


def test_help_lists_every_flag():
    done = run("--help")
    assert done.returncode == 0
    for flag in ("--config-path", "--config-yaml", "--mode", "--concurrency", "--log-level",
                 "--log-path", "--drain-time-s", "--base-id", "--service-node",
                 "--admin-address-path", "--version"):
        assert flag in done.stdout, flag
    assert not re.search(r"[^\n\x20-\x7e]", done.stdout)


def test_unknown_flag():
    done = run("--no-such-flag")
    assert done.returncode == 1
    assert "--no-such-flag" in done.stderr


def test_no_configuration():
    done = run()
    assert done.returncode == 1
    assert "config" in done.stderr


def test_missing_configuration_file():
    done = run("-c", "/nonexistent/weir.yaml")
    assert done.returncode == 1
    assert "/nonexistent/weir.yaml" in done.stderr


@pytest.mark.parametrize("arguments", [["-c", "{}"], ["--config-path", "{}"], ["--config-path={}"]])
def test_validate(good, arguments):
    done = run("--mode", "validate", *[part.format(good) for part in arguments])
    assert (done.returncode, done.stderr) == (0, "")
    assert f"configuration '{good}' OK" in done.stdout


def test_validate_from_the_command_line(good):
    done = run("--mode=validate", "--config-yaml", good.read_text())
    assert done.returncode == 0


def test_validate_names_what_is_ignored(good):
    done = run("--mode", "validate", "-c", good, "--config-yaml", "stats_flush_on_admin: true")
    assert done.returncode == 0
    assert "stats_flush_on_admin" in done.stdout


def test_validate_opens_no_port(tmp_path):
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        path = tmp_path / "c.yaml"
        path.write_text(str(bs.bootstrap([bs.listener(taken.getsockname()[1])], [bs.cluster(9)])))
        assert run("--mode", "validate", "-c", path).returncode == 0


def test_config_yaml_is_merged_over_the_file(place):
    port = free_port()
    config = bs.bootstrap([bs.listener(port, bs.hcm([{"match": {"prefix": "/"},
                                                      "direct_response": {"status": 204}}]))], [])
    extra = free_port()
    more = bs.bootstrap([bs.listener(extra, bs.hcm([{"match": {"prefix": "/"},
                                                     "direct_response": {"status": 202}}]))], [])
    place.start(config, arguments=["--config-yaml", str(more)])
    assert place.client(port).ask().status == 204
    assert place.client(extra).ask().status == 202


def test_flags_of_envoy_are_accepted(place):
    arguments = [
        "--service-cluster", "c", "--service-node", "n", "--service-zone=z", "--base-id", "7", "-l",
        "warning", "--component-log-level", "main:debug,http:info", "--restart-epoch", "0",
        "--disable-hot-restart", "--drain-strategy", "immediate", "--parent-shutdown-time-s", "9",
        "--use-dynamic-base-id", "--cpuset-threads", "--log-format", "%v"]
    port = free_port()
    weir = place.start(bs.bootstrap([bs.listener(port)], [bs.cluster(9)]),
                       ready=False,
                       arguments=arguments)
    wait_for(lambda: not weir.alive() or listening(port), "the listener")
    assert weir.alive(), weir.output()


@pytest.mark.parametrize("levels, told", [("upstream:off", False), ("http:debug,main:info", True)])
def test_component_log_levels(place, levels, told):
    lost = bs.cluster(("does-not-exist.invalid", 80), name="lost", kind="STRICT_DNS",
                      dns_resolution_config={"resolvers": [bs.address(("127.0.0.1", free_port()))]})
    weir = place.start(bs.bootstrap([bs.listener(free_port())], [bs.cluster(9), lost]),
                       arguments=["--component-log-level", levels])
    # Said when every name has an answer or has failed.
    wait_for(lambda: "starting workers" in weir.output(), "the clusters")
    assert ("[upstream] cluster 'lost': cannot resolve" in weir.output()) == told
    assert ("--component-log-level http has no effect" in weir.output()) == told


@pytest.mark.parametrize("levels, problem", [
    ("nonsense:debug", "unknown component 'nonsense', expected main upstream"),
    ("main:loud", "'main:loud' is not component:level"),
    ("main", "'main' is not component:level"), ])
def test_wrong_component_log_levels_are_refused(good, levels, problem):
    done = run("--mode", "validate", "-c", good, "--component-log-level", levels)
    assert done.returncode == 1
    assert problem in done.stderr


@pytest.mark.parametrize("strategy", ["immediate", "gradual"])
def test_drain_strategies_are_known(place, strategy):
    weir = place.start(bs.bootstrap([bs.listener(free_port())], [bs.cluster(9)]),
                       arguments=["--drain-strategy", strategy])
    assert "has no effect" not in weir.output()


def test_no_other_drain_strategy_is_known(good):
    done = run("-c", good, "--drain-strategy", "abrupt")
    assert done.returncode == 1
    assert "--drain-strategy" in done.stderr


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_log_path(place):
    log = place.directory / "weir.log"
    port = free_port()
    weir = place.start(bs.bootstrap([bs.listener(port)], [bs.cluster(9)]), ready=False,
                       arguments=["--log-path", str(log)])
    wait_for(
        lambda: not weir.alive() or
        (log.exists() and "starting main dispatch loop" in log.read_text()),
        "the line in the log file")
    assert weir.alive(), weir.output()


def test_taken_port_is_a_clear_error(place):
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        weir = place.start(bs.bootstrap([bs.listener(port)], [bs.cluster(9)]), ready=False)
        assert weir.wait() == 1
        said = weir.output()
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said.lower()


BROKEN = [
    ("static_resources:\n  listeners: [\n", 3, "YAML"),
    ("static_resources:\n\tlisteners: []\n", 2, "tab"),
    ("static_resources:\n  listenerz: []\n", 2, "did you mean 'listeners'"),
    ("static_resources:\n  listeners: []\n  listeners: []\n", 3, "listeners"),
    ("static_resources:\n  clusters:\n  - name: 5s\n    connect_timeout: soon\n", 4,
     "connect_timeout"),
    ("static_resources:\n  clusters:\n  - name: a\n    type: STATICK\n", 4, "STATIC"),
    ("static_resources:\n  clusters:\n  - name: a\n    lb_policy: {}\n", 4, "lb_policy"),
    ("admin: 7\n", 1, "admin"), ]


@pytest.mark.parametrize("text, line, mention", BROKEN)
def test_errors_have_file_line_and_column(tmp_path, text, line, mention):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    done = run("--mode", "validate", "-c", path)
    assert done.returncode == 1
    found = re.search(rf"{re.escape(str(path))}:(\d+):(\d+): .*", done.stderr)
    assert found, done.stderr
    assert abs(int(found[1]) - line) <= (1 if mention == "YAML" else 0), done.stderr
    if mention != "YAML":
        assert mention in done.stderr


def test_all_errors_at_once(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(
        "static_resources:\n  clusters:\n  - name: a\n    typ: STATIC\n    connect_timeout: x\n"
        "    lb_policy: NONE_SUCH\nadmn: {}\n")
    done = run("--mode", "validate", "-c", path)
    assert done.returncode == 1
    assert len(set(re.findall(r"broken\.yaml:(\d+):", done.stderr))
               & {"4", "5", "6", "7"}) == 4, done.stderr


def test_unknown_cluster_is_named(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        str(bs.bootstrap([bs.listener(10000, bs.hcm([bs.route("nowhere")]))], [bs.cluster(9)])))
    done = run("--mode", "validate", "-c", path)
    assert done.returncode == 1
    assert "nowhere" in done.stderr


def test_a_broken_file_never_starts(place):
    weir = place.start("static_resources: {listenerz: []}", ready=False)
    assert weir.wait() == 1
