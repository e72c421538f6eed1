#!/usr/bin/env bash
# guest-paths.sh DRIVER [dpdk] - the part of paths.test.sh in the guest: the raw paths on an emulated
# NIC, asked by another. With "dpdk" its driver is taken away, for DPDK's own.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/guest-nics.sh"

driver=$1
port=7000
where="$(uname -r), $driver"
kinds=(--plain)
[ "$driver" != virtio_net ] || kinds+=(--untagged) # QEMU filters tags that nobody registered

pci_of() {
  basename "$(readlink -f "/sys/class/net/$1/device")"
}

# Before the NICs go into their namespaces, where sysfs does not show them.
note_devices() {
  local nics
  modprobe "$driver"
  wait_for 30 two_nics_there
  mapfile -t nics < <(physical_nics)
  device=$(pci_of "${nics[1]}")
}

# As echo_check.py has them, and no address: the kernel would answer too.
set_up_ends() {
  ip -n "$ns_a" addr flush dev a0
  ip -n "$ns_b" addr flush dev b0
  set_mac "$ns_a" a0 02:00:00:00:77:01
  set_mac "$ns_b" b0 02:00:00:00:77:02
  "${in_a[@]}" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  "${in_b[@]}" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  # Tags stay in the frame, where an XDP program sees them.
  "${in_b[@]}" ethtool -K b0 rxvlan off >/dev/null 2>&1 || true
}

set_mac() {
  ip -n "$1" link set "$2" down
  ip -n "$1" link set "$2" address "$3"
  ip -n "$1" link set "$2" up
}

settled() {
  grep -qs ready "$tmp/server.out" || ! running server
}

count() {
  sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$tmp/$2"
}

ask() {
  "${in_a[@]}" python3 "$top/tests/ab/echo_check.py" a0 "$port" "${kinds[@]}" >"$tmp/client.out"
}

answers() {
  ask
  [ "$(count echoed client.out)" = "$(count sent client.out)" ]
}

# check_path PATH DEVICE: a link that has just come up loses the first frames; then it must not.
check_path() {
  local path=$1
  rm -f "$tmp/server.out" "$tmp/server.err"
  start server "${in_b[@]}" "$build/tests/serve_path" "$path" "$2" "$port"
  wait_for 60 settled || true
  if ! grep -qs ready "$tmp/server.out"; then
    skip "$where: $path answers every request" "$(tr '\n' ' ' <"$tmp/server.err")"
    stop server
    return
  fi
  check "$where: $path answers every request" wait_for 40 answers
  check_eq "$where: $path answers none twice, changed, or unasked" \
    "$(grep -o 'repeated.*' "$tmp/client.out")" "repeated=0 altered=0 bad_sums=0 strange=0"
  stop server
  echo "$where: $path: $(grep how "$tmp/server.out")" >&2
}

unbind() {
  modprobe uio_pci_generic
  echo uio_pci_generic >"/sys/bus/pci/devices/$device/driver_override"
  echo "$device" >"/sys/bus/pci/devices/$device/driver/unbind"
  echo "$device" >/sys/bus/pci/drivers_probe
  echo 80 >/proc/sys/vm/nr_hugepages
}

note_devices
nic_pair "$driver"
set_up_ends
check_path af_xdp b0
check_path af_xdp-poll b0
check_path xdp b0
if [ "${2-}" = dpdk ]; then
  unbind
  check_path dpdk "$device"
fi
