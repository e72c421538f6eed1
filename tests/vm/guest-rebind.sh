#!/usr/bin/env bash
# guest-rebind.sh MODULE - what rebind.test.sh runs in the virtual machine: the NICs' driver.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/guest-nics.sh"

export KTAX_RUN_DIR=$tmp/run
where="$(uname -r), $1"
plan=$tmp/plan.ini

# What somebody has set of the responder's port, unlike its driver's defaults.
set_up_ports() {
  nic_pair "$1"
  ip -n "$ns_a" address flush dev a0
  ip -n "$ns_b" address flush dev b0
  ip -n "$ns_b" link set b0 down
  ip -n "$ns_b" link set b0 address 02:00:00:00:77:02 mtu 1400
  "${in_b[@]}" ethtool -K b0 gso off >/dev/null
  ip -n "$ns_b" link set b0 up
  device=$("${in_b[@]}" ethtool -i b0 | sed -n 's/^bus-info: //p')
}

driver() {
  basename "$(readlink "/sys/bus/pci/devices/$device/driver" || echo none)"
}

port() {
  driver
  cat "/sys/bus/pci/devices/$device/driver_override"
  ip -n "$ns_b" -j link show b0 | jq -c '.[0] | [.ifname, .address, .mtu, (.flags - ["LOWER_UP", "NO-CARRIER"] | sort)]'
  ip -n "$ns_b" -j address show b0 | jq -c '[.[0].addr_info[] | select(.scope != "link")]'
  "${in_b[@]}" ethtool -k b0
  "${in_b[@]}" cat /proc/sys/net/ipv6/conf/b0/disable_ipv6 /proc/sys/net/ipv4/conf/b0/forwarding
}

check_port() {
  check_eq "$where: $1" "$(port | diff "$tmp/port" - || true)" ""
}

write_plan() {
  cat >"$plan" <<END
[generator]
interface = a0
namespace = $ns_a
[responder]
interface = b0
namespace = $ns_b
rebind = $1
[traffic]
rate = 800
gaps = constant
[design]
baseline = kernel
paths = dpdk
requests = 1000
rounds = 6
lateness = 10s
END
}

given() {
  [ "$(driver)" = uio_pci_generic ]
}

has_program() {
  ip -n "$ns_b" -details -json link show b0 2>/dev/null | jq -e '.[0].xdp' >/dev/null
}

set_up_ports "$1"
port >"$tmp/port"
modprobe uio_pci_generic
echo 80 >/proc/sys/vm/nr_hugepages
write_plan yes

run timeout 500 ktax ab --plan "$plan" --json "$tmp/ab.json"
cat "$tmp/out" "$tmp/err" >&2
check_match "$where: a run with DPDK on the NIC ends with a verdict" "$status" "^[034]$"
check_match "$where: by DPDK's own driver of the NIC" \
  "$(json "$tmp/ab.json" '.arms[] | select(.path == "dpdk") | "\(.skipped) \(.how)"')" "^false poll-mode driver, "
# As far as an emulated NIC keeps up; the gates may have rejected any of it.
check_eq "$where: both paths have answered, in turns" \
  "$(json "$tmp/ab.json" '[.validity.rejected_by | to_entries[] | select(.value.silent < 6).key] | join(" ")')" "kernel dpdk"
check_port "the NIC is the kernel's again, as it was"

start killed ktax ab --plan "$plan"
check "$where: the NIC is not the kernel's while DPDK has it" wait_for 120 given
stop killed KILL
check "$where: nor after kill -9" given
run ktax ab --cleanup
check_match "$where: --cleanup restores it" "$status $(<"$tmp/out")" "^0 restored what"
check_port "after kill -9 and --cleanup it is as it was"

# Its interface has another index by then.
start xdp ktax ab --plan "$plan" --paths dpdk --baseline dpdk-af_xdp
wait_for 120 given || true
check "$where: DPDK's driver of the kernel's interfaces takes its turn after that" wait_for 120 has_program
stop xdp KILL
run ktax ab --cleanup
check_port "after kill -9 then it is as it was"
check_eq "$where: without an XDP program" "$(has_program && echo one)" ""

write_plan no
run ktax ab --plan "$plan" --baseline dpdk --paths kernel
check_match "$where: a plan that does not allow it keeps the NIC, and says so" "$status $(<"$tmp/err")" \
  "^[1-9].*path dpdk: it takes b0 from the kernel for its blocks, which needs \"rebind = yes\""
