# Shared by the verbs of tools/dev; sourced, never run. The current directory is the project's root.
# shellcheck shell=bash

# npm trusts the authorities the system trusts, as pip and curl do.
export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}

# The Python whose packages setup installs goes before others on the machine.
mkdir -p build/bin
ln -sf /usr/bin/python3 build/bin/python3
export PATH=$PWD/build/bin:$PATH

say() { printf '%s\n' "$*"; }

fail() {
  printf 'tools/dev: %s\n' "$*" >&2
  exit 1
}

# Names of the packages in the given groups of dependencies.txt, one a line. "PACKAGE unless COMMAND"
# is left out where that command exists.
packages_of() {
  local group line wanted="" groups=" $* "
  while read -r line; do
    line=${line%%#*}
    line=${line%"${line##*[![:space:]]}"}
    case $line in
      '') ;;
      '['*']')
        group=${line:1:-1}
        wanted=""
        [[ $groups == *" $group "* || $groups == *" all "* ]] && wanted=yes
        ;;
      *' unless '*)
        [[ -z $wanted ]] || command -v "${line##* }" > /dev/null || printf '%s\n' "${line%% *}"
        ;;
      *) [[ -z $wanted ]] || printf '%s\n' "$line" ;;
    esac
  done < bazel-free-build/dependencies.txt
}

groups_known() { sed -n 's/^\[\(.*\)\]$/\1/p' bazel-free-build/dependencies.txt; }

# read_lines ARRAY COMMAND…: the command's output, an element a line. (A bare root may lack /proc, and
# with it /dev/fd: no process substitution here.)
read_lines() {
  local -n into=$1
  local text
  text=$("${@:2}") || true
  into=()
  # shellcheck disable=SC2034  # a name for the caller's array
  [[ -z $text ]] || mapfile -t into <<< "$text"
}

# True when something listens on 127.0.0.1:PORT.
port_taken() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# The project's own files that match the glob patterns; without git, what is not in build/.
project_files() {
  local file
  if git -c safe.directory='*' rev-parse --git-dir > /dev/null 2>&1; then
    git -c safe.directory='*' ls-files -co --exclude-standard -- "$@"
  else
    local names=() pattern
    for pattern in "$@"; do names+=(-o -name "$pattern"); done
    find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "${names[@]:1}" \) -print |
      sed 's|^\./||'
  fi | sort -u | while read -r file; do
    if [[ -f $file ]]; then printf '%s\n' "$file"; fi
  done
}

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }
