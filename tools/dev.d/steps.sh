# The steps of a test run: each is run, timed and counted; closing_line adds up.
# shellcheck shell=bash

step_table=()      # "name|verdict|passed|failed|skipped|seconds"
step_notes=()      # failed and skipped tests, with the reason
step_passed=0
step_failed=0
step_skipped=0

# What a step leaves for `step`: how many tests passed, failed, were skipped. A step that counts
# nothing (a build) is one failed test when it fails and none when it succeeds.
step_counts=""
step_name=""

not_run() { step_notes+=("not run: $*"); }

step() {
  local name=$1 start=$SECONDS status=0 passed failed skipped verdict=passed
  shift
  say "=== $name"
  step_name=$name
  step_counts="0 0 0"
  "$@" || status=$?
  read -r passed failed skipped <<< "$step_counts"
  if ((status != 0 && failed == 0)); then
    failed=1
    step_notes+=("failed: $name: exit code $status")
  fi
  ((failed == 0)) || verdict=FAILED
  step_table+=("$name|$verdict|$passed|$failed|$skipped|$((SECONDS - start))")
  step_passed=$((step_passed + passed))
  step_failed=$((step_failed + failed))
  step_skipped=$((step_skipped + skipped))
  [[ $verdict == passed ]]
}

# Reads results.py's answer for a step's directory.
count_results() {
  local -a lines
  read_lines lines python3 tools/dev.d/results.py "$1"
  step_counts=${lines[0]:-0 1 0}
  step_notes+=("${lines[@]:1}")
}

# An exit code that no test expects of a program, so that none takes a finding for what it provoked.
sanitizer_environment() {
  export ASAN_OPTIONS=exitcode=99:detect_leaks=1:check_initialization_order=1:strict_init_order=1
  export UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
  export TSAN_OPTIONS=exitcode=99:halt_on_error=1:second_deadlock_stack=1
}

# wrapper_of PRESET: sets `wrapper`, the command that starts a program of that build.
# ThreadSanitizer of g++ 12 cannot place its shadow when addresses are fully random. Where that may
# not be turned off, they may be random enough.
wrapper_of() {
  local -a fixed
  fixed=(setarch "$(uname -m)" -R)
  wrapper=()
  if [[ $1 == tsan* ]] && "${fixed[@]}" true 2> /dev/null; then wrapper=("${fixed[@]}"); fi
}

# unit_tests PRESET[/FOLDER] [ctest arguments]: GoogleTest programs and seed corpora.
unit_tests() {
  local where=$1 status=0 results=$PWD/build/test-results/${step_name//[ \/]/-}
  local -a wrapper
  shift
  rm -rf "$results"
  mkdir -p "$results/gtest"
  sanitizer_environment
  wrapper_of "$where"
  GTEST_OUTPUT=xml:$results/gtest/ "${wrapper[@]}" ctest --test-dir "build/$where" \
    -j "$(nproc)" --output-on-failure --output-junit "$results/ctest.xml" "$@" 2>&1 |
    tee "$results/log" | grep -v '^ *Start ' || status=$?
  count_results "$results"
  return "$status"
}

# python_tests PRESET [pytest arguments]: tests that drive PRESET's binary from outside, or need none.
python_tests() {
  local preset=$1 status=0 results=$PWD/build/test-results/${step_name// /-}
  local -a wrapper
  shift
  rm -rf "$results"
  mkdir -p "$results"
  sanitizer_environment
  wrapper_of "$preset"
  WEIR_BINARY=$PWD/build/$preset/weir PYTHONDONTWRITEBYTECODE=1 "${wrapper[@]}" python3 -m pytest \
    -q -ra -p no:cacheprovider --junitxml "$results/pytest.xml" "$@" 2>&1 | tee "$results/log" ||
    status=$?
  [[ ! -f $results/pytest.xml ]] || count_results "$results"
  ((status == 5)) && status=0  # pytest's "nothing matched"; no test at all is closing_line's to judge
  return "$status"
}

# A command that is one test, or that ends with a line 'N passed, N failed' of its own.
command_step() {
  local status=0 log="build/test-results/${step_name// /-}.log" line
  "$@" 2>&1 | tee "$log" || status=$?
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    step_counts="${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[4]:-0}"
  elif ((status == 0)); then
    step_counts="1 0 0"
  fi
  return "$status"
}

tests_labelled() {
  ctest --test-dir "build/$1" -N -L "^$2\$" | sed -nE 's/^ *Test +#[0-9]+: ([^ ]+).*/\1/p'
}

# build_labelled PRESET LABEL [TARGET…]: the tests that carry a label, and more; a test is named as
# its target.
build_labelled() {
  local preset=$1 label=$2
  local -a targets
  shift 2
  configure "$preset" || return
  read_lines targets tests_labelled "$preset" "$label"
  if ((${#targets[@]} == 0)); then
    say "no test carries the label '$label'"
    return 1
  fi
  build_targets "$preset" "${targets[@]}" "$@"
}

print_table() {
  local row name verdict passed failed skipped seconds
  printf '\n%-28s %-8s %8s %8s %8s %8s\n' step verdict passed failed skipped seconds
  for row in "${step_table[@]}"; do
    IFS='|' read -r name verdict passed failed skipped seconds <<< "$row"
    printf '%-28s %-8s %8s %8s %8s %8s\n' "$name" "$verdict" "$passed" "$failed" "$skipped" "$seconds"
  done
  printf '\n'
}

# closing_line CI: the table, what failed and was skipped and why, and the line that counts. In CI a
# skipped test is a failed one.
closing_line() {
  local ci=$1 tail=""
  print_table
  ((${#step_notes[@]} == 0)) || printf '%s\n' "${step_notes[@]}"
  if [[ -n $ci ]]; then
    ((step_skipped == 0)) || say "$step_skipped skipped tests count as failed here"
    step_failed=$((step_failed + step_skipped))
  elif ((step_skipped)); then
    tail=", $step_skipped skipped"
  fi
  say "$step_passed passed, $step_failed failed$tail"
  ((step_failed == 0 && step_passed > 0))
}
