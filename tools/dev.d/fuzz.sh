# tools/dev fuzz: libFuzzer over every function that takes bytes from outside.
# shellcheck shell=bash

fuzz_help() {
  cat << 'HELP'
usage: tools/dev fuzz [TARGET… | all | list] [--runs N | --seconds S]

Runs the libFuzzer targets under ASan and UBSan.

Each target runs for N executions or S seconds (default: 60 seconds), as many at once as there are
CPUs, starting from the seeds in test/fuzz/corpus/TARGET and what earlier runs found, which is kept
in build/fuzz/corpus/TARGET. A finding is written to build/fuzz/findings/ and fails the run. To run
one again: build/fuzz/.../TARGET build/fuzz/findings/FILE.
HELP
}

fuzz_targets() {
  project_files '*CMakeLists.txt' | xargs grep -hoE '^ *weir_fuzzer\([a-z0-9_]+' | sed 's/.*(//' | sort
}

# fuzz_one TARGET LIMIT: runs it; its report is build/fuzz/logs/TARGET.
fuzz_one() {
  local target=$1 limit=$2 binary status=0
  local -a arguments=("$limit" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 -verbosity=1)
  binary=$(find build/fuzz -type f -name "$target" -perm -u+x | head -n 1)
  mkdir -p "build/fuzz/corpus/$target"
  arguments+=("-artifact_prefix=build/fuzz/findings/$target-" "build/fuzz/corpus/$target")
  [[ ! -d test/fuzz/corpus/$target ]] || arguments+=("test/fuzz/corpus/$target")
  [[ ! -f test/fuzz/$target.dict ]] || arguments+=("-dict=test/fuzz/$target.dict")
  ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-14 \
    "$binary" "${arguments[@]}" > "build/fuzz/logs/$target" 2>&1 || status=$?
  say "$status" > "build/fuzz/logs/$target.status"
}

statistic() { sed -n "s/^stat::$2: *//p" "build/fuzz/logs/$1" | tail -n 1; }

# One line a running target every ten seconds.
show_progress() {
  local target
  for target in "$@"; do
    [[ -e build/fuzz/logs/$target && ! -e build/fuzz/logs/$target.status ]] || continue
    say "fuzz: $target: $(grep -E '^#[0-9]+' "build/fuzz/logs/$target" | tail -n 1 | cut -c 1-90)"
  done
}

fuzz_table() {
  local target executions speed status verdict total=0 findings=0
  printf '\n%-28s %14s %10s %8s  %s\n' target executions exec/s corpus verdict
  for target in "$@"; do
    executions=$(statistic "$target" number_of_executed_units)
    speed=$(statistic "$target" average_exec_per_sec)
    status=$(cat "build/fuzz/logs/$target.status")
    verdict=clean
    if ((status != 0)); then
      verdict="FINDING (build/fuzz/logs/$target)"
      findings=$((findings + 1))
    fi
    total=$((total + ${executions:-0}))
    printf '%-28s %14s %10s %8s  %s\n' "$target" "${executions:-?}" "${speed:-?}" \
      "$(find "build/fuzz/corpus/$target" -type f | wc -l)" "$verdict"
  done
  say "fuzz: $total executions of $# targets, $findings with a finding"
  ((findings == 0))
}

fuzz_all() {
  local limit=$1 target last=$SECONDS
  local -a waiting=("${@:2}") running=()
  rm -rf build/fuzz/logs
  mkdir -p build/fuzz/logs build/fuzz/findings
  trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
  while ((${#waiting[@]} || $(jobs -pr | wc -l))); do
    while ((${#waiting[@]} && $(jobs -pr | wc -l) < $(nproc))); do
      target=${waiting[0]}
      waiting=("${waiting[@]:1}")
      running+=("$target")
      fuzz_one "$target" "$limit" &
    done
    sleep 0.5
    if ((SECONDS - last >= 10)); then
      show_progress "${running[@]}"
      last=$SECONDS
    fi
  done
}

fuzz_main() {
  local limit=-max_total_time=60
  local -a known targets=()
  setup_main build fuzz
  read_lines known fuzz_targets
  while (($#)); do
    case $1 in
      --runs) shift; limit=-runs=${1:?fuzz: --runs needs a number} ;;
      --seconds) shift; limit=-max_total_time=${1:?fuzz: --seconds needs a number} ;;
      list) printf '%s\n' "${known[@]}"; return ;;
      all) targets=("${known[@]}") ;;
      *)
        [[ " ${known[*]} " == *" $1 "* ]] || fail "fuzz: there is no target '$1'; there are: ${known[*]}"
        targets+=("$1")
        ;;
    esac
    shift
  done
  ((${#targets[@]})) || targets=("${known[@]}")
  ((${#targets[@]})) || fail "fuzz: no CMakeLists.txt declares a weir_fuzzer"
  build_targets fuzz "${targets[@]}" || fail "fuzz: the build failed"
  fuzz_all "$limit" "${targets[@]}"
  fuzz_table "${targets[@]}"
}
