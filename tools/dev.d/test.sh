# tools/dev test: what runs, in which order; how a step runs and is counted is in steps.sh.
# shellcheck shell=bash
# shellcheck source=tools/dev.d/steps.sh
source tools/dev.d/steps.sh

# The suites that --ci does not run, and why; it says so each time.
declare -A left_out_of_ci=()

# How --ci runs a suite whose full length is for `tools/dev suite`.
declare -A ci_arguments=([consul]="--short" [xds_churn]="--seconds 10" [xds_scale]="--seconds 6")

# Seconds that a suite may take there, where 900 are too few: the first one builds Consul.
declare -A ci_seconds=([consul]=2400)

test_help() {
  cat << 'HELP'
usage: tools/dev test [--ci | --sanitizers] [FOLDER | PATTERN]

Runs the tests; ends with a line 'N passed, N failed'.

Alone: unit tests, the fuzzers' seed corpora and the integration tests, on the debug build; needs
Debian packages only.
  FOLDER    only the tests in that folder, e.g. source/codec or filters/cors (filters/http/cors)
  PATTERN   only the tests whose name matches
  --ci      the same on the ASan+UBSan build, the integration tests also on the release build, lint,
            the API comparison, the quick start and every suite in test/suites/; there a skipped
            test is a failed one
  --sanitizers  unit and integration tests under ASan+UBSan; what runs in several threads also under
            TSan: the unit tests labelled `threaded`, and the integration tests with two workers
Exit code 1 when a test failed or none ran. What each step printed is in build/test-results/.
HELP
}

# The folder that is meant: filters/cors stands for filters/http/cors.
folder_of() {
  local wanted=${1%/} found
  if [[ -f $wanted/CMakeLists.txt ]]; then
    say "$wanted"
    return
  fi
  [[ $wanted == */* ]] || return 1
  found=$(find api source filters test -type d -path "${wanted/\//*/}" 2> /dev/null | sort | head -n 1)
  [[ -n $found && -f $found/CMakeLists.txt ]] && say "$found"
}

test_some() {
  local wanted=$1 folder
  if [[ $wanted == tools* ]]; then
    step 'tools' python_tests debug "$wanted"
  elif [[ $wanted == test/integration* ]]; then
    step 'build debug' build_targets debug weir || return 0
    step 'integration' python_tests debug "$wanted"
  elif folder=$(folder_of "$wanted"); then
    step "build $folder" build_targets debug "$folder/all" || return 0
    step "unit $folder" unit_tests "debug/$folder"
  elif [[ $wanted == */* ]]; then
    fail "test: no folder $wanted has tests"
  else
    step 'build debug' build_targets debug all || return 0
    step 'unit' unit_tests debug -R "$wanted"
    [[ ! -d test/integration ]] || step 'integration' python_tests debug test/integration -k "$wanted"
  fi
}

test_plain() {
  step 'tools' python_tests debug tools
  step 'build debug' build_targets debug all || return 0
  step 'unit' unit_tests debug
  if [[ -d test/integration ]]; then
    step 'integration' python_tests debug test/integration
  else
    not_run "integration tests: test/integration does not exist"
  fi
  not_run "lint, API comparison, quick start, suites: they are part of --ci"
  not_run "sanitizer builds: tools/dev test --sanitizers"
}

test_asan() {
  step 'build asan' build_targets asan all || return 0
  step 'unit asan' unit_tests asan
  step 'integration asan' python_tests asan test/integration
}

test_sanitizers() {
  test_asan
  if step 'build tsan' build_labelled tsan threaded weir; then
    step 'unit tsan' unit_tests tsan -L '^threaded$'
    WEIR_TEST_WORKERS=2 step 'integration tsan' python_tests tsan test/integration
  fi
}

test_everything() {
  local name
  local -a arguments
  step 'lint' command_step tools/dev lint
  step 'tools' python_tests debug tools
  step 'api' command_step tools/check_api
  test_asan
  if step 'build release' build_targets release weir weir_report_server weir_xds_server weir_xds_crowd; then
    step 'integration' python_tests release test/integration
    step 'quick start' command_step tools/dev run --check
    for name in $(suites_known); do
      if [[ -n ${left_out_of_ci[$name]:-} ]]; then
        not_run "suite $name: ${left_out_of_ci[$name]}"
        continue
      fi
      read -ra arguments <<< "${ci_arguments[$name]:-}"
      step "suite $name" command_step env WEIR_BINARY="$PWD/build/release/weir" \
        timeout --kill-after=10 "${ci_seconds[$name]:-900}" "test/suites/$name" "${arguments[@]}"
    done
  fi
}

test_main() {
  local ci="" sanitizers="" wanted=""
  while (($#)); do
    case $1 in
      --ci) ci=yes ;;
      --sanitizers) sanitizers=yes ;;
      -*) fail "test: what is '$1'? (tools/dev test --help)" ;;
      *) wanted=$1 ;;
    esac
    shift
  done
  mkdir -p build/test-results
  # `|| true`: a failed step is counted, and the next one runs.
  if [[ -n $ci ]]; then
    setup_main build run test lint ci
    test_everything || true
  elif [[ -n $sanitizers ]]; then
    setup_main build run test
    test_sanitizers || true
  elif [[ -n $wanted ]]; then
    setup_main build test
    test_some "$wanted" || true
  else
    setup_main build test
    test_plain || true
  fi
  closing_line "$ci"
}
