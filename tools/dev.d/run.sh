# tools/dev run: Weir on the quick-start example, between two demo upstreams and your curl.
# shellcheck shell=bash

run_help() {
  cat << 'HELP'
usage: tools/dev run [--check] [--preset PRESET]

Builds and starts Weir with two demo upstreams; stop with Ctrl-C.

The configuration is examples/01-quickstart.yaml: proxy on 127.0.0.1:10000, admin on
127.0.0.1:9901, upstreams on 18081 and 18082. The lines to try are the curl lines in its comments.
  --check           run those lines, show the answers, stop; exit 1 when one is not as promised
                    (a comment line '=> TEXT' below a curl line: TEXT is in the answer)
  --preset PRESET   another build than release
HELP
}

quickstart=examples/01-quickstart.yaml
run_ports=(18081 18082 10000 9901)
run_pids=()

# TERM to all three, in the order that lets the proxy drain first.
stop_all() {
  local pid
  trap 'kill -KILL "${run_pids[@]}" 2> /dev/null' INT TERM
  for pid in "${run_pids[@]}"; do
    kill -TERM "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
  run_pids=()
}

# Own session, so that Ctrl-C reaches this script alone and each child gets one signal.
start_child() {
  setsid "$@" &
  run_pids=("$!" "${run_pids[@]}")
}

wait_for_port() {
  local tries=0
  until port_taken "$1"; do
    ((++tries < 100)) || fail "run: nothing listens on port $1 after 10 s"
    sleep 0.1
  done
}

wait_until_ready() {
  local pid=$1 tries=0 answer
  until answer=$(curl -s http://127.0.0.1:9901/ready) && [[ $answer == LIVE* ]]; do
    kill -0 "$pid" 2> /dev/null || return 1
    ((++tries < 100)) || return 1
    sleep 0.1
  done
}

# Lines to try: "curl …" or "=> what the answer holds", as they stand in the example's comments.
lines_to_try() {
  sed -nE 's/^# +(curl .*|=> .*)/\1/p' "$quickstart"
  say 'curl -s http://127.0.0.1:9901/ready'
  say '=> LIVE'
}

# Runs the lines on standard input; returns how many did not answer as promised.
check_lines() {
  local line answer="" failed=0 status
  while IFS= read -r line <&3; do
    if [[ $line == '=> '* ]]; then
      [[ $answer == *"${line#=> }"* ]] && continue
      say "run: the answer should hold '${line#=> }'"
      failed=$((failed + 1))
      continue
    fi
    say "\$ $line"
    status=0
    answer=$(bash -c "$line" 2>&1 < /dev/null) || status=$?
    say "$answer"
    if ((status != 0)); then
      say "run: that line ended with exit code $status"
      failed=$((failed + 1))
    fi
  done 3<&0
  return "$failed"
}

start_upstreams() {
  start_child python3 tools/dev.d/demo_upstream.py upstream-one 18081
  start_child python3 tools/dev.d/demo_upstream.py upstream-two 18082
  wait_for_port 18081
  wait_for_port 18082
}

# run_and_check BINARY: the lines, then a TERM that has to end it with 0; its log goes to a file.
run_and_check() {
  local log=build/.run/weir.log status=0
  mkdir -p build/.run
  start_child "$1" -c "$quickstart" --drain-time-s 5 > "$log" 2>&1
  local weir=${run_pids[0]}
  if ! wait_until_ready "$weir"; then
    cat "$log" >&2
    fail "run: Weir did not become ready (its log is above)"
  fi
  lines_to_try | check_lines || status=$?
  kill -TERM "$weir"
  wait "$weir" || { say "run: Weir ended with exit code $?"; status=1; }
  run_pids=("${run_pids[@]:1}")
  if ((status)); then
    tail -n 30 "$log" >&2
    fail "run: the quick start does not do what $quickstart says"
  fi
  say "run: the quick start answers as $quickstart says"
}

# run_until_stopped BINARY: its log goes to the terminal.
run_until_stopped() {
  local status=0
  start_child "$1" -c "$quickstart" --drain-time-s 5
  local weir=${run_pids[0]}
  wait_until_ready "$weir" || fail "run: Weir did not become ready (its log is above)"
  say ""
  say "Weir is ready. Try, in another terminal:"
  lines_to_try | sed -n 's/^curl/  curl/p'
  say "Stop with Ctrl-C."
  say ""
  wait "$weir" || status=$?
  fail "run: Weir ended by itself with exit code $status"
}

run_main() {
  local check="" preset=release port
  while (($#)); do
    case $1 in
      --check) check=yes ;;
      --preset) shift; preset=${1:?run: --preset needs a name} ;;
      *) fail "run: what is '$1'? (tools/dev run --help)" ;;
    esac
    shift
  done
  [[ -f $quickstart ]] || fail "run: $quickstart is missing"
  setup_main build run
  build_main "$preset" weir
  for port in "${run_ports[@]}"; do
    ! port_taken "$port" || fail "run: port $port of 127.0.0.1 is taken by another program; stop it first"
  done
  trap stop_all EXIT
  trap 'exit 0' INT TERM
  start_upstreams
  if [[ -n $check ]]; then
    run_and_check "build/$preset/weir"
  else
    run_until_stopped "build/$preset/weir"
  fi
}
