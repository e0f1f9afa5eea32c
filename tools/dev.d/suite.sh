# tools/dev suite: one public or large test suite against the release build.
# shellcheck shell=bash

suite_help() {
  cat << 'HELP'
usage: tools/dev suite NAME [ARGUMENTS] | list

Runs one of the public or large suites in test/suites/.

A suite is an executable file there; it finds the proxy's binary in WEIR_BINARY, fetches its tools
by package name, and ends with a line 'N passed, N failed' and exit code 0 or 1.
HELP
}

suites_known() {
  local path
  for path in test/suites/*; do
    if [[ -f $path && -x $path ]]; then basename "$path"; fi
  done
}

# The second line of a suite that starts with a comment says what it is.
suite_list() {
  local name
  for name in $(suites_known); do
    printf '%-20s %s\n' "$name" "$(sed -n '2s/^# *//p' "test/suites/$name")"
  done
}

suite_main() {
  local name=${1:-list}
  if [[ $name == list ]]; then
    suite_list
    return
  fi
  shift
  [[ -x test/suites/$name ]] || fail "suite: there is no test/suites/$name; there are: $(suites_known | tr '\n' ' ')"
  setup_main build test ci
  build_main release weir weir_xds_server weir_xds_crowd
  WEIR_BINARY=$PWD/build/release/weir "test/suites/$name" "$@"
}
