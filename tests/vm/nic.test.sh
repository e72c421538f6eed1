#!/usr/bin/env bash
# On a NIC that raises interrupts and has a queueing discipline, nic_rx and qdisc are seen, and right.
#
# One kernel per NIC model. The NICs are emulated, so no figure of theirs means anything by itself;
# but 20 ms of delay in the queueing discipline are 20 ms.
# ktax-test: timeout=900 slow
. "$(dirname "$0")/guest.sh"
. "$(dirname "$0")/guest-nics.sh"

account() {
  json "$tmp/$1.json" ".endpoints[0].accounts.$2.$3"
}

check_recording() {
  local name=$1
  if [ "$(cat "$out/$name.status")" != 0 ]; then
    cat "$out/$name.err" >&2
    not_ok "$where: the recording ends well ($name)" "$(tail -n 1 "$out/$name.err")"
    return 1
  fi
  ktax report --json "$out/$name.ktax" >"$tmp/$name.json"
  check_num "$where: requests are seen ($name)" \
    "$(json "$tmp/$name.json" '.endpoints[0].requests') >= 54"
  check_eq "$where: every ledger balances ($name)" \
    "$(json "$tmp/$name.json" '.endpoints[0].unbalanced')" 0
}

check_nic() {
  local growth
  where="$(basename "$kernel"), $driver"
  check_recording plain && check_recording delayed || return 0
  check_match "$where: an interrupt hook feeds nic_rx" "$(account plain nic_rx hook)" irq_handler_entry
  check_num "$where: nic_rx takes time" "$(account plain nic_rx p50_ns) > 0"
  check_num "$where: the queueing discipline is seen" "$(account plain qdisc p50_ns) >= 0"
  growth=$(calculate "$(account delayed qdisc p50_ns) - $(account plain qdisc p50_ns)")
  check_ratio "$where: a delay of 20 ms in the queueing discipline lands in qdisc" "$growth" 20000000 0.8 1.3
}

# check_kernel MODEL DRIVER: QEMU's name of the NIC, and the kernel's.
check_kernel() {
  driver=$2
  out=$(mktemp -d "$tmp/out.XXXXXX")
  VM_QEMU=$(nics_for_qemu "$1") VM_RW=$out in_guest 300 "$top/tests/vm/guest-nic.sh" "$out" "$driver"
  [ ! -e "$out/delayed.status" ] || check_nic
}

require_command ktax ktax-sample-server ktax-sample-load jq sqlite3
with_kernel "${guest_kernels[0]}" check_kernel e1000e e1000e
with_kernel "${guest_kernels[1]}" check_kernel virtio-net-pci virtio_net
