#!/usr/bin/env bash
# kernel.sh VERSION_GLOB - fetches a stock Debian kernel; prints the directory it is unpacked in.
#
#   kernel.sh '6.1.0-*'            the newest 6.1 of Debian 12
#   kernel.sh '6.12.*+deb12'       the newest 6.12 offered for Debian 12, where apt has it
#
# The package is downloaded (70 to 110 MB) and unpacked, not installed, into
# ${KTAX_VM_CACHE:-${XDG_CACHE_HOME:-~/.cache}/ktax}/kernels/<package>. If apt offers none, or the
# download fails, the newest matching one of the cache serves. Always the full flavour: "cloud" has
# neither 9p nor e1000e. Exit status 1: there is none to be had.
set -euo pipefail

cache=${KTAX_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ktax}/kernels

# matching GLOB: reads package names, prints the newest that is linux-image-GLOB-amd64.
matching() {
  local name
  while read -r name; do
    case $name in *-cloud-* | *-rt-* | *-unsigned*) continue ;; esac
    # shellcheck disable=SC2053 # a glob, on purpose
    [[ $name != linux-image-$1-amd64 ]] || echo "$name"
  done | sort -V | tail -n 1
}

offered() {
  apt-cache pkgnames linux-image- 2>/dev/null | matching "$1"
}

cached() {
  mkdir -p "$cache"
  find "$cache" -mindepth 1 -maxdepth 1 -name 'linux-image-*' -printf '%f\n' | matching "$1"
}

download() {
  apt-get -qq -o APT::Sandbox::User=root download "$1" >&2
}

# fetch PACKAGE: into the cache, in one step, so that it is there as a whole or not at all.
fetch() {
  local package=$1 work
  work=$(mktemp -d "$cache/fetch.XXXXXX")
  # shellcheck disable=SC2064 # now
  trap "rm -rf '$work'" EXIT
  (
    cd "$work"
    download "$package" || { [ "$(id -u)" = 0 ] && apt-get -qq update >&2 && download "$package"; }
  ) || return 1
  mkdir "$work/root"
  dpkg-deb -x "$work"/*.deb "$work/root"
  depmod -b "$work/root" "$(ls "$work/root/lib/modules")"
  mv -T "$work/root" "$cache/$package" 2>/dev/null || [ -d "$cache/$package" ]
}

main() {
  [ $# = 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 1; }
  local package
  package=$(offered "$1")
  if [ -n "$package" ] && [ ! -d "$cache/$package" ]; then
    mkdir -p "$cache"
    fetch "$package" || package=
  fi
  [ -n "$package" ] || package=$(cached "$1")
  [ -n "$package" ] || { echo "kernel.sh: no linux-image-$1-amd64 to be had" >&2; exit 1; }
  echo "$cache/$package"
}

main "$@"
