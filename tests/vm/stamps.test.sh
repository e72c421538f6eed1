#!/usr/bin/env bash
# Where a NIC stamps what it receives, nic_rx begins at the stamp: 5 ms that packets spend between the
# NIC and the interrupt are in it, and only then.
#
# No emulated NIC has such stamps, so a module of our own makes them (stamping_nic/), by a clock with
# another epoch and another rate than the host's.
# ktax-test: timeout=900 slow
. "$(dirname "$0")/guest.sh"
. "$(dirname "$0")/guest-nics.sh"

delay_ns=5000000

nic_rx() {
  json "$tmp/$1.json" ".endpoints[0].accounts.nic_rx.$2"
}

requests() {
  json "$tmp/$1.json" '.endpoints[0].requests'
}

# begun NAME AT: requests of which nic_rx begins there, nic_stamp, nic_unstamped or nic_refused.
begun() {
  sqlite3 "$out/$1.ktax" "SELECT coalesce(sum(runs), 0) FROM hook WHERE boundary = '$2'"
}

check_recording() {
  local name=$1
  if [ "$(cat "$out/$name.status")" != 0 ]; then
    cat "$out/$name.err" >&2
    not_ok "$where: the recording ends well ($name)" "$(tail -n 1 "$out/$name.err")"
    return 1
  fi
  ktax report --json "$out/$name.ktax" >"$tmp/$name.json"
  check_num "$where: requests are seen ($name)" "$(requests "$name") >= 54"
  check_eq "$where: every ledger balances ($name)" \
    "$(json "$tmp/$name.json" '.endpoints[0].unbalanced')" 0
}

check_off() {
  check_match "$where: that stamps are off is said, and how to switch them on" \
    "$(cat "$out/off.err")" "receive stamps of b0 are off \(hwtstamp_ctl -i b0 -r 1\)"
  check_match "$where: and in the report" "$(nic_rx off why)" "receive stamps of b0 are off"
  check_eq "$where: no request begins at a stamp then" "$(begun off nic_stamp)" 0
}

check_stamped() {
  local name=$1 growth
  check_match "$where: the stamps' clock is among what feeds nic_rx ($name)" "$(nic_rx "$name" hook)" hwtstamp/ptp0
  check_match "$where: the report says how right they are ($name)" "$(nic_rx "$name" why)" "stamps of b0 are right to"
  check_num "$where: requests begin at stamps ($name)" "$(begun "$name" nic_stamp) >= 0.9 * $(requests "$name")"
  check_eq "$where: each of them is marked ($name)" \
    "$(sqlite3 "$out/$name.ktax" "SELECT count(*) FROM requests WHERE flags LIKE '%nic_stamp%'")" "$(begun "$name" nic_stamp)"
  growth=$(calculate "$(nic_rx "$name" p50_ns) - $(nic_rx off p50_ns)")
  check_ratio "$where: 5 ms between the NIC and its interrupt land in nic_rx ($name)" "$growth" "$delay_ns" 0.8 1.1
}

check_stepped() {
  check_num "$where: stamps of a clock that was stepped are refused" "$(begun stepped nic_refused) > 0"
  check_num "$where: until it was read again" "$(begun stepped nic_stamp) >= 60"
  check_num "$where: what is stamped is right before and after" \
    "$(sqlite3 "$out/stepped.ktax" \
      "SELECT min(nic_rx_ns) FROM requests WHERE flags LIKE '%nic_stamp%'") >= 0.98 * $delay_ns"
  check_num "$where: without stamps, requests begin at the interrupt again" "$(begun stepped nic_unstamped) >= 18"
  # Not all of them: one whose packet was merged into an ACK begins at neither.
  check_ratio "$where: of the requests it is known what they begin at" \
    "$(($(begun stepped nic_stamp) + $(begun stepped nic_unstamped) + $(begun stepped nic_refused)))" \
    "$(requests stepped)" 0.95 1
}

check_kernel() {
  local module name
  where=$(basename "$kernel")
  module=$("$top/tests/vm/module.sh" "$kernel" stamping_nic) ||
    { skip "$test_name on $where" "the kernel's headers cannot be downloaded"; return 0; }
  out=$(mktemp -d "$tmp/out.XXXXXX")
  VM_QEMU=$(nics_for_qemu virtio-net-pci) VM_RW=$out \
    in_guest 400 "$top/tests/vm/guest-stamps.sh" "$out" "$module"
  [ -e "$out/stepped.status" ] || return 0
  for name in off stamped hash stepped; do
    check_recording "$name" || return 0
  done
  check_off
  check_stamped stamped
  check_stamped hash
  check_stepped
}

require_command ktax ktax-sample-server ktax-sample-load jq sqlite3 make gcc-12
for_each_kernel check_kernel
