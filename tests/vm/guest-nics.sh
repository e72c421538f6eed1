# shellcheck shell=bash
# shellcheck disable=SC2034 # what a library sets, its scripts use
# guest-nics.sh - for scripts that run in the guest: its two emulated NICs, one in each of two
# network namespaces, so that a packet between them passes both drivers and their interrupts:
#
#     $ns_a  a0 10.77.0.1 ── hub ── b0 10.77.0.2  $ns_b
#
# The machine gets them by VM_QEMU="$(nics_for_qemu e1000e)" (or virtio-net-pci), which needs no
# network on the host. Scripts source lib.sh first.

# nics_for_qemu DEVICE: QEMU's arguments for two NICs of that model on one hub.
nics_for_qemu() {
  local i
  for i in 1 2; do
    printf -- '-netdev hubport,hubid=1,id=hub%d -device %s,netdev=hub%d ' "$i" "$1" "$i"
  done
}

# physical_nics: the interfaces that have a device behind them, one per line.
physical_nics() {
  find /sys/class/net/*/ -maxdepth 1 -name device -printf '%h\n' | xargs -r -n 1 basename
}

two_nics_there() {
  [ "$(physical_nics | wc -l)" = 2 ]
}

# nic_pair DRIVER: loads it and makes the namespaces. Sets ns_a, ns_b, in_a and in_b as netns_pair
# of lib.sh does.
nic_pair() {
  local nics
  modprobe "$1"
  wait_for 30 two_nics_there
  mapfile -t nics < <(physical_nics)
  ns_a=ktax-test-$$-a
  ns_b=ktax-test-$$-b
  nic_into "${nics[0]}" "$ns_a" a0 10.77.0.1/24
  nic_into "${nics[1]}" "$ns_b" b0 10.77.0.2/24
  in_a=(nsenter "--net=/run/netns/$ns_a")
  in_b=(nsenter "--net=/run/netns/$ns_b")
  wait_for 60 "${in_a[@]}" busybox ping -c 1 -W 1 10.77.0.2 >/dev/null
}

# nic_into NIC NETNS NAME ADDRESS/BITS
nic_into() {
  netns_add "$2"
  ip link set "$1" netns "$2" name "$3"
  netns_link_up "$2" "$3" "$4"
}
