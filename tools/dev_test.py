"""How tools/dev counts: a wrong sum would make a red run look green."""

import pathlib
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parent
CTEST = """<testsuite>
<testcase name="good_test" status="run"/>
<testcase name="bad_test" status="fail"><failure message=""/></testcase>
<testcase name="crash_test" status="fail"><failure message=""/></testcase>
<testcase name="replay" status="run"/>
<testcase name="gone" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="off" status="disabled"><skipped message="Disabled"/></testcase>
</testsuite>"""
GOOD = """<testsuites><testsuite><testcase name="a" classname="G" status="run"/>
<testcase name="b" classname="G" status="run"><skipped message="x_test.cc:7&#x0A;no IPv6"/></testcase>
<testcase name="c" classname="G" status="notrun"/></testsuite></testsuites>"""
BAD = """<testsuites><testsuite><testcase name="a" classname="B" status="run"/>
<testcase name="b" classname="B" status="run"><failure message="x_test.cc:9&#x0A;1 is not 2"/></testcase>
</testsuite></testsuites>"""
PYTEST = """<testsuites><testsuite><testcase classname="t" name="a"/>
<testcase classname="t" name="b"><error message="fixture broke"/></testcase>
<testcase classname="t" name="c"><skipped message="no root"/></testcase></testsuite></testsuites>"""


def test_results_are_added_up(tmp_path):
    (tmp_path / "gtest").mkdir()
    (tmp_path / "ctest.xml").write_text(CTEST)
    (tmp_path / "gtest/good_test.xml").write_text(GOOD)
    (tmp_path / "gtest/bad_test.xml").write_text(BAD)
    (tmp_path / "gtest/crash_test.xml").write_text("<testsuites><test")  # cut off by the crash
    (tmp_path / "pytest.xml").write_text(PYTEST)
    output = subprocess.run([TOOLS / "dev.d/results.py", tmp_path], capture_output=True, text=True,
                            check=True).stdout.splitlines()
    assert output[0] == "4 4 4"
    assert set(output[1:]) == {
        "failed: B.b: 1 is not 2 (x_test.cc:9)", "failed: crash_test: failed",
        "failed: gone: Unable to find executable", "failed: t::b: fixture broke",
        "skipped: G.b: no IPv6 (x_test.cc:7)", "skipped: G.c: disabled", "skipped: off: Disabled",
        "skipped: t::c: no root"}


def bash(script, folder=TOOLS.parent):
    run = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True,
                         check=False)
    return run.returncode, run.stdout


@pytest.mark.parametrize("ci, line, code", [
    ("", "7 passed, 0 failed, 1 skipped", 0), ("yes", "7 passed, 1 failed", 1)])
def test_a_skipped_test_fails_only_in_ci(tmp_path, ci, line, code):
    (tmp_path / "build/test-results").mkdir(parents=True)
    script = f"""
      source {TOOLS}/dev.d/lib.sh; source {TOOLS}/dev.d/steps.sh
      step build true > build/log
      step suite command_step echo '6 passed, 0 failed, 1 skipped' >> build/log
      step quick command_step true >> build/log
      closing_line '{ci}'"""
    status, output = bash(script, tmp_path)
    assert (output.splitlines()[-1], status) == (line, code)


@pytest.mark.parametrize("command, line", [
    ("true", "0 passed, 0 failed"),                                  # nothing ran: not a success
    ("false", "0 passed, 1 failed"),                                 # a build that fails counts
    ("command_step false", "0 passed, 1 failed"),
    ("command_step echo '3 passed, 2 failed'", "3 passed, 2 failed"),
    ("command_step bash -c 'echo 3 passed, 0 failed; exit 1'", "3 passed, 1 failed"),
])
def test_what_fails_a_run(tmp_path, command, line):
    (tmp_path / "build/test-results").mkdir(parents=True)
    status, output = bash(f"source {TOOLS}/dev.d/lib.sh; source {TOOLS}/dev.d/steps.sh\n"
                          f"step one {command} > build/log || true\nclosing_line ''", tmp_path)
    assert (output.splitlines()[-1], status) == (line, 1)


def test_ci_says_which_suites_it_leaves_out():
    status, output = bash("""
      for verb in lib suite test; do source tools/dev.d/$verb.sh; done
      for name in "${!left_out_of_ci[@]}"; do [[ -x test/suites/$name ]]; done
      step() { say "step $1"; }
      suites_known() { printf '%s\\n' one two; }
      left_out_of_ci=([two]="it waits")
      test_everything
      say "${step_notes[@]}"
      """)
    lines = output.splitlines()
    assert status == 0 and "step suite one" in lines and "step suite two" not in lines
    assert lines[-1] == "not run: suite two: it waits"


def test_ci_runs_long_suites_shorter():
    status, output = bash("""
      for verb in lib suite test; do source tools/dev.d/$verb.sh; done
      for name in "${!ci_arguments[@]}"; do [[ -x test/suites/$name ]]; done
      step() { say "${@: -3}"; }
      suites_known() { printf '%s\\n' one two; }
      ci_arguments=([two]="--seconds 5")
      test_everything
      """)
    lines = output.splitlines()
    assert status == 0 and lines[-1] == "test/suites/two --seconds 5"
    assert lines[-2].endswith("900 test/suites/one")


def test_packages_come_from_their_group_and_unless_counts(tmp_path):
    (tmp_path / "bazel-free-build").mkdir()
    (tmp_path / "bazel-free-build/dependencies.txt").write_text(
        "# about\n[build]\ng++   # compiler\ncmake\n\n[ci]\nnpm unless no-such-command-here\n"
        "bashful unless bash\n")
    source = f"source {TOOLS}/dev.d/lib.sh; "
    assert bash(source + "packages_of build", tmp_path)[1] == "g++\ncmake\n"
    assert bash(source + "packages_of ci", tmp_path)[1] == "npm\n"
    assert bash(source + "packages_of all", tmp_path)[1] == "g++\ncmake\nnpm\n"


def test_every_verb_has_its_help():
    usage = subprocess.run([TOOLS / "dev", "--help"], capture_output=True, text=True, check=True)
    verbs = [line.split()[0] for line in usage.stdout.splitlines()[2:]]
    assert verbs == "setup build run test bench suite fmt lint fuzz".split()
    for verb in verbs:
        told = subprocess.run([TOOLS / "dev", verb, "--help"], capture_output=True, text=True,
                              check=True)
        assert told.stdout.startswith(f"usage: tools/dev {verb}")
