# tools/dev fmt: clang-format over the project's own C++ files.
# shellcheck shell=bash

fmt_help() {
  cat << 'HELP'
usage: tools/dev fmt [--check] [FILE…]

Formats the C++ files (clang-format-14, .clang-format).

Without files: all of the project's *.cc and *.h. --check changes nothing, names the files that
differ and exits 1.
HELP
}

# One line a file is enough: the first place that clang-format would change.
first_difference() {
  local said
  said=$(clang-format-14 --dry-run -Werror "$1" 2>&1) && return
  printf '%s: not as clang-format writes it\n' "$(head -n 1 <<< "$said" | cut -d : -f 1,2)"
}

fmt_main() {
  local check=""
  if [[ ${1:-} == --check ]]; then
    check=yes
    shift
  fi
  setup_main lint
  local -a files=("$@")
  ((${#files[@]})) || read_lines files project_files '*.cc' '*.h'
  ((${#files[@]})) || return 0
  if [[ -z $check ]]; then
    clang-format-14 -i "${files[@]}"
    return
  fi
  local differing
  export -f first_difference
  # shellcheck disable=SC2016  # the inner shell expands it
  differing=$(printf '%s\0' "${files[@]}" |
    xargs -0 -P "$(nproc)" -n 20 bash -c 'for file; do first_difference "$file"; done' -- | sort)
  if [[ -n $differing ]]; then
    say "$differing"
    say "fmt: $(wc -l <<< "$differing") of ${#files[@]} files differ; tools/dev fmt formats them"
    return 1
  fi
  say "fmt: ${#files[@]} files are formatted"
}
