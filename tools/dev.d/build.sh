# tools/dev build: configures a preset once and builds targets of it.
# shellcheck shell=bash

presets=(release debug asan tsan fuzz)

# Where a command differs only in its build folder's name (protoc's files), ccache takes what another
# preset has compiled.
export CCACHE_BASEDIR=$PWD

build_help() {
  cat << 'HELP'
usage: tools/dev build [PRESET] [TARGET…]

Builds Weir: build/release/weir, unless another preset or target is named.

PRESET is release (default), debug, asan, tsan or fuzz; everything it makes is in build/PRESET/.
TARGET is a CMake target, `all`, or a folder's targets such as source/codec/all; the default is
weir for release and all for the other presets. WEIR_JOBS sets the number of parallel jobs.
HELP
}

# CMake is asked again only when the build files do not exist or the presets have changed: ninja
# itself notices every other change.
configure() {
  local preset=$1 directory=build/$1
  [[ -f $directory/build.ninja && $directory/build.ninja -nt CMakePresets.json ]] && return
  mkdir -p "$directory"
  if ! cmake --preset "$preset" > "$directory/configure.log" 2>&1; then
    cat "$directory/configure.log" >&2
    say "build: CMake refused the $preset preset" >&2
    return 1
  fi
  touch "$directory/build.ninja"
}

# Passes ninja's output on, but of the "[n/m] …" lines only about ten. A failing command's own
# line and output follow a line that starts with FAILED, and are shown.
every_tenth() {
  local line shown=0 built total
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
      built=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
      ((total < 20 || built * 10 / total <= shown)) && continue
      shown=$((built * 10 / total))
      say "build: $built of $total steps, $SECONDS s"
    elif [[ $line != 'ninja: '[Ene]* || $line == 'ninja: error'* ]]; then
      say "$line"
    fi
  done
}

run_ninja() {
  local preset=$1
  shift
  local -a command=(ninja -C "build/$preset" -j "${WEIR_JOBS:-$(nproc)}" "$@")
  if [[ -t 1 ]]; then
    "${command[@]}"
  else
    "${command[@]}" 2>&1 | every_tenth
  fi
}

# build_targets PRESET TARGET…: configure and build, no set-up and no closing line.
build_targets() {
  local preset=$1
  shift
  configure "$preset" || return
  run_ninja "$preset" "$@"
}

stripped_size() {
  local copy=build/.stripped
  strip -o "$copy" "$1" && stat -c %s "$copy"
  rm -f "$copy"
}

build_main() {
  local preset=release start=$SECONDS
  if [[ " ${presets[*]} " == *" ${1:-} "* ]]; then
    preset=$1
    shift
  fi
  local -a targets=("$@")
  if ((${#targets[@]} == 0)); then
    targets=(all)
    [[ $preset != release ]] || targets=(weir)
  fi
  setup_main build
  [[ $preset != fuzz ]] || setup_main fuzz
  build_targets "$preset" "${targets[@]}" || fail "build: $preset ${targets[*]} failed"
  local note="" binary=build/$preset/weir
  if [[ " ${targets[*]} " =~ \ (weir|all)\  && -x $binary ]]; then
    note=", $binary is $(megabytes "$(stat -c %s "$binary")")"
    note+=" ($(megabytes "$(stripped_size "$binary")") stripped)"
  fi
  say "build: $preset ${targets[*]} in $((SECONDS - start)) s$note"
}
