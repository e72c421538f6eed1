#!/usr/bin/env bash
# guest-remote.sh - what remote.test.sh runs in the virtual machine: a responder for the ktax of the host.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/guest-nics.sh"

export KTAX_RUN_DIR=$tmp/run

nic_there() {
  [ -n "$(physical_nics)" ]
}

describe() {
  ip -j link show "$nic" | jq -c '.[0] | [.ifname, .address, .mtu, .flags, .operstate]'
  ip -j address show "$nic" | jq -c '.[0].addr_info'
  ethtool -k "$nic"
  ethtool -l "$nic"
}

modprobe virtio_net
wait_for 30 nic_there
nic=$(physical_nics)
[ "$nic" = eth0 ] || ip link set "$nic" name eth0
nic=eth0
describe >"$tmp/before"

for port in /sys/class/virtio-ports/*; do
  [ "$(cat "$port/name")" != remote ] || exec 7<>"/dev/${port##*/}"
done
status=0
ktax ab --responder <&7 >&7 || status=$?
check_eq "The responder in the machine ends well" "$status" 0
check_eq "The machine's port is as it was" "$(describe | diff "$tmp/before" -)" ""
