# tools/dev lint: everything that is checked without running Weir.
# shellcheck shell=bash

lint_help() {
  cat << 'HELP'
usage: tools/dev lint [--tidy]

Checks format, layers, sizes, headers, links and words.

Runs fmt --check and each tools/check_* below; all of them, even when one fails.
  check_layers   no include points up the link order of bazel-free-build/layers.cmake
  check_sizes    files and functions stay within the budgets
  check_docs     each folder has its README; links and named functions exist; examples are shown
  check_words    nothing that belongs to one machine or to later is committed
  check_headers  each header compiles alone
  shellcheck     the shell scripts of tools/
  --tidy         clang-tidy-14 as well, over the files of the debug build (minutes)
HELP
}

lint_checks=(check_layers check_sizes check_docs check_words check_headers)

generated_header_targets() {
  ninja -C build/debug -t targets all | sed -nE 's/^(.*\.pb\.h): .*/\1/p'
}

# Headers are compiled with the include paths of the debug build and need its generated ones, which
# protoc makes in seconds.
generated_headers() {
  configure debug || return
  local -a headers
  read_lines headers generated_header_targets
  ((${#headers[@]})) || return 0
  ninja -C build/debug "${headers[@]}" > build/.setup/protoc.log 2>&1 || {
    tail -n 20 build/.setup/protoc.log >&2
    return 1
  }
}

# Each check's name, seconds and verdict; output only of those that found something.
lint_step() {
  local name=$1 start=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    say "lint: $name: fine, $((SECONDS - start)) s"
    return
  fi
  say "lint: $name: FAILED, $((SECONDS - start)) s"
  say "$output"
  return 1
}

tidy() {
  setup_main tidy
  build_targets debug all || return
  project_files 'source/*.cc' 'filters/*.cc' | grep -v '_test\.cc$' |
    xargs -P "$(nproc)" -n 1 clang-tidy-14 --quiet -p build/debug
}

lint_main() {
  local failed=0 check
  mkdir -p build/.setup
  setup_main build lint
  lint_step fmt fmt_main --check || failed=$((failed + 1))
  lint_step generated_headers generated_headers || failed=$((failed + 1))
  lint_step shellcheck shellcheck -x tools/dev tools/dev.d/*.sh tools/new_filter .ci/run || failed=$((failed + 1))
  for check in "${lint_checks[@]}"; do
    lint_step "$check" "tools/$check" || failed=$((failed + 1))
  done
  if [[ ${1:-} == --tidy ]]; then lint_step tidy tidy || failed=$((failed + 1)); fi
  ((failed == 0)) || fail "lint: $failed checks failed"
  say "lint: all clean"
}
