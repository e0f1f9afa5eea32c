# tools/dev bench: Weir beside nginx, HAProxy and Envoy in one run.
# shellcheck shell=bash

bench_help() {
  cat << 'HELP'
usage: tools/dev bench [ARGUMENTS of test/bench/bench.py]

Measures Weir beside nginx, HAProxy and Envoy; figures as ratios.

Sets up the peers, builds release, and runs test/bench/bench.py with the arguments given
(tools/dev bench -- --help lists them). What each figure means: test/bench/README.md.
HELP
}

bench_main() {
  [[ ${1:-} != -- ]] || shift
  setup_main build bench
  build_main release weir weir_bench_backend weir_bench_load
  python3 test/bench/bench.py "$@"
}
