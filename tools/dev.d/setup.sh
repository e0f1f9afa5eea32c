# tools/dev setup: installs the Debian packages that are missing.
# shellcheck shell=bash

setup_help() {
  cat << 'HELP'
usage: tools/dev setup [GROUP…]

Installs missing Debian packages.

Groups are the headings of bazel-free-build/dependencies.txt (build run test lint tidy fuzz bench
ci), or `all`; default: build run test lint. Needs root only when something is missing. The other
verbs call it with the groups they need.
HELP
}

missing_packages() {
  local -a wanted
  local known package
  read_lines wanted packages_of "$@"
  known=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2> /dev/null) || true
  for package in "${wanted[@]}"; do
    [[ $'\n'$known$'\n' == *$'\n'"installed $package"$'\n'* ]] || printf '%s\n' "$package"
  done | sort -u
}

# Runs apt-get quietly; what it said is in build/.setup/apt.log.
apt_get() {
  DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -y -o Dpkg::Use-Pty=0 "$@" \
    >> build/.setup/apt.log 2>&1 < /dev/null
}

# Installed daemons (nginx, haproxy, prometheus) are started by the tests that use them, on ports of
# their own, and must not start by themselves now. A policy that is already there stays.
without_daemons() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [[ -e $policy ]]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}

install_packages() {
  mkdir -p build/.setup
  : > build/.setup/apt.log
  # A bare root may have no package lists; old ones may name versions that are gone.
  if ! compgen -G '/var/lib/apt/lists/*Packages*' > /dev/null; then apt_get update || true; fi
  without_daemons apt_get install --no-install-recommends "$@" && return
  say "setup: fetching new package lists"
  apt_get update || true
  without_daemons apt_get install --no-install-recommends "$@" && return
  tail -n 15 build/.setup/apt.log >&2
  fail "apt-get could not install: $* (the whole log is build/.setup/apt.log)"
}

setup_main() {
  local -a groups=("$@") missing
  local group known start=$SECONDS
  known=" all $(groups_known | tr '\n' ' ')"
  ((${#groups[@]})) || groups=(build run test lint)
  for group in "${groups[@]}"; do
    [[ $known == *" $group "* ]] || fail "setup: there is no group '$group'; there are:$known"
  done
  command -v dpkg-query > /dev/null ||
    fail "setup: this is no Debian system; install by hand what bazel-free-build/dependencies.txt lists"
  read_lines missing missing_packages "${groups[@]}"
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || fail "setup: packages are missing; run
  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
  say "setup: installing ${#missing[@]} packages for ${groups[*]}: ${missing[*]}"
  install_packages "${missing[@]}"
  say "setup: done in $((SECONDS - start)) s"
}
