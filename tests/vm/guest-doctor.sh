#!/usr/bin/env bash
# guest-doctor.sh - what doctor.test.sh runs in the virtual machine.
. "$(dirname "$0")/../lib.sh"

kernel=$(uname -r)

# examine DRIVER MODULE: of the first interface with that driver, into $json.
examine() {
  local link
  modprobe "$2"
  json=
  for link in /sys/class/net/*; do
    [ "$(basename "$(readlink "$link/device/driver")")" = "$1" ] || continue
    ip link set dev "${link##*/}" up
    json=$tmp/$1.json
    ktax doctor --iface "${link##*/}" --json "$json" >/dev/null
  done
  [ -n "$json" ] || not_ok "$kernel has a NIC with $1"
}

# has CHECK STATUS: for the NIC that was examined.
has() {
  check_match "$kernel, $(jq -r .interface.driver "$json"): $1 is $2" \
    "$(jq -r --arg check "$1" '.checks[] | select(.check == $check) | .status' "$json")" "^($2)$"
}

examine e1000e e1000e
has xdp_native fail
has xdp_zerocopy warn
has dpdk_pmd 'ok|warn'
has vfio warn # a module of Debian's
has ptp_clock warn
has ring_size warn
# The kernel's features, each of which another test uses on these kernels (features.test.sh).
has btf ok
has tp_btf ok
has fentry ok
has kprobes ok
has xdp_sockets ok
has io_uring ok
has container ok
check_eq "$kernel: nothing keeps DPDK, AF_XDP or the recording from running" "$(jq -c .blocked "$json")" "[]"

examine virtio_net virtio_net
has driver ok
has xdp_native ok
# Linux 6.3 and later say themselves; before, the table does not know.
has xdp_zerocopy "$(jq -e '.checks[] | select(.check == "xdp_native" and (.source | test("netlink")))' \
  "$json" >/dev/null && echo 'ok|warn' || echo unknown)"
