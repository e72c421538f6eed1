#!/usr/bin/env bash
# module.sh KERNEL_DIR NAME - builds the kernel module tests/vm/NAME for a kernel that kernel.sh has
# fetched; prints the path of NAME.ko.
#
# The kernel's headers (15 MB, three Debian packages of the same version) are downloaded and unpacked
# beside the kernel, not installed. Exit status 1: they are not to be had, or the module does not
# build.
set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

download() {
  apt-get -qq -o APT::Sandbox::User=root download "$@" >&2
}

# fetch_headers VERSION DIRECTORY: in one step, so that they are there as a whole or not at all.
fetch_headers() {
  local headers=linux-headers-$1 common kbuild work
  common=${headers%-amd64}-common
  kbuild=$(apt-cache depends "$headers" | sed -n 's/^ *Depends: \(linux-kbuild-.*\)$/\1/p')
  [ -n "$kbuild" ] || { echo "module.sh: apt does not offer $headers" >&2; return 1; }
  work=$(mktemp -d "$2.XXXXXX")
  # shellcheck disable=SC2064 # now
  trap "rm -rf '$work'" EXIT
  (cd "$work" && download "$headers" "$common" "$kbuild") || return 1
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  rm -f "$work/root/usr/src/$headers/vmlinux" # for BTF of the module, which would take pahole
  # Where the headers look for each other, they expect to be installed.
  sed -i "s|^include /usr/src/|include $2/usr/src/|" "$work/root/usr/src/$headers/Makefile"
  mv -T "$work/root" "$2" 2>/dev/null || [ -d "$2" ]
}

main() {
  [ $# = 2 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 1; }
  local kernel version headers work
  kernel=$(realpath "$1")
  version=$(basename "$kernel"/lib/modules/*)
  headers=$kernel/headers
  [ -d "$headers" ] || fetch_headers "$version" "$headers" || exit 1
  work=$kernel/modules-built/$2-$(cat "$here/$2"/* | sha256sum | cut -c 1-12)
  if [ ! -s "$work/$2.ko" ]; then
    mkdir -p "$work"
    cp "$here/$2"/* "$work/"
    make -s -C "$headers/usr/src/linux-headers-$version" M="$work" modules >&2 ||
      { echo "module.sh: $2 does not build for $version" >&2; exit 1; }
  fi
  echo "$work/$2.ko"
}

main "$@"
