#!/usr/bin/env bash
# ktax-test: timeout=300
# What the paths of `ktax ab --plan` set of a port themselves is as it was at any end: NAPI settings,
# XDP programs of DPDK's driver, promiscuous mode. DPDK's paths go with those in memory, and a sweep
# with a plan.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/ports_lib.sh"

require_command python3
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
napi=$(realpath "$(dirname "$0")/napi.py")

# napi [DEFER GRO_NS SUSPEND_NS]: what the responder's instances are set to, or sets them.
napi() {
  nsenter "--net=/run/netns/$ns_r" "$napi" pr0 "$@" | cut -d' ' -f2-
}

has_carrier() {
  ip -n "$ns_r" route show table all dev pr0 | grep -q '^multicast ff00::'
}

# Ports that have NAPI instances: up, with GRO.
make_ports
write_plan
nsenter "--net=/run/netns/$ns_r" ethtool -K pr0 gro on
ip -n "$ns_g" link set pg0 up
ip -n "$ns_r" link set pr0 up
wait_for 10 has_carrier
ports >"$tmp/before"

# program: the XDP program of the responder's port; "null": none.
program() {
  ip -n "$ns_r" -details -json link show pr0 | jq -c '.[0].xdp'
}

pinned() {
  find /sys/fs/bpf/xdp 2>/dev/null | sort || true
}

# clean_up SENTENCE: what a run leaves that was killed is restored by --cleanup.
clean_up() {
  run ktax ab --cleanup
  check_match "$1: --cleanup restores what it left" "$status $(<"$tmp/out")" "^0 restored what"
  check_ports "$1: the port is as it was"
}

# ---- NAPI ----------------------------------------------------------------------------------------

suspended() {
  napi | grep -qx '0 0 [1-9][0-9]*'
}

check_napi() {
  napi 2 20000 1000 >"$tmp/napi"
  start_slow_run kernel-irqsuspend kernel-irqsuspend
  check "IRQ suspension sets the NAPI instance of the port" suspended
  check "which is in the journal" grep -q '^napi.*	2 20000 1000$' "$KTAX_RUN_DIR/ab.journal"
  stop run KILL
  check "kill -9 leaves it set" suspended
  clean_up "After kill -9 of IRQ suspension"
  check_eq "After kill -9 of IRQ suspension: each of its instances is set as it was" "$(napi)" "$(<"$tmp/napi")"
  start_slow_run kernel-irqsuspend kernel-irqsuspend
  stop run INT
  check_eq "After SIGINT they are, too" "$(napi)" "$(<"$tmp/napi")"
}

if napi >"$tmp/napi" 2>&1 && [ "$(cut -d' ' -f3 "$tmp/napi" | head -1)" = 0 ]; then
  check_napi
else
  skip "NAPI settings are restored" "the kernel does not set NAPI instances (Linux 6.13)"
fi

# ---- DPDK ----------------------------------------------------------------------------------------

is_built_with_dpdk() {
  run ktax ab --plan "$plan" --baseline dpdk-pair --sweep
  ! grep -q 'without DPDK' "$tmp/err"
}

check_dpdk() {
  pinned >"$tmp/pinned"
  start_slow_run dpdk-af_xdp dpdk-af_xdp
  stop run KILL
  check "kill -9 leaves the XDP program of DPDK's driver" test "$(program)" != null
  clean_up "After kill -9 of DPDK"
  check_eq "After kill -9 of DPDK: no XDP program is attached" "$(program)" null
  check_eq "After kill -9 of DPDK: nor pinned" "$(diff "$tmp/pinned" <(pinned))" ""

  run ktax ab --plan "$plan" --paths dpdk-pair,dpdk-af_packet,dpdk-af_xdp --json "$tmp/ab.json"
  check_match "DPDK's paths take turns on the port beside the one in memory" "$status" '^[034]$'
  check_eq "Each of them has answered" "$(answered "$tmp/ab.json")" \
    "kernel dpdk-pair dpdk-af_packet dpdk-af_xdp"
  check_ports "The ports are as they were, not promiscuous"
  check_eq "The table says whether DPDK had huge pages" \
    "$(json "$tmp/ab.json" '.arms[] | select(.path == "dpdk-pair").how')" \
    "memif, no kernel on either side, $(huge_pages)"
}

huge_pages() {
  local kb=0 directory
  for directory in /sys/kernel/mm/hugepages/hugepages-*; do
    kb=$((kb + $(<"$directory/free_hugepages") * $(tr -dc 0-9 <<<"${directory##*/}")))
  done
  [ "$kb" -ge $((64 * 1024)) ] && echo hugepages || echo "no hugepages"
}

if is_built_with_dpdk; then
  check_dpdk
else
  skip "What DPDK sets is restored" "built without DPDK"
fi

# ---- the generator's wire ------------------------------------------------------------------------

# A veth whose peer has a larger MTU takes no XDP program, unlike the links of an embedded run.
ip -n "$ns_g" link set pg0 mtu 9000
ip -n "$ns_r" link set pr0 mtu 9000
ports >"$tmp/before"
run ktax ab --plan "$plan" --paths kernel-spin --json "$tmp/wire.json"
check_match "How the generator sends is chosen on the ports themselves" \
  "$status $(json "$tmp/wire.json" '.design.generator')" '^[034] (AF_PACKET|DPDK)$'
check_ports "The ports are as they were, MTU and all"
ip -n "$ns_g" link set pg0 mtu 1500
ip -n "$ns_r" link set pr0 mtu 1500
ports >"$tmp/before"

# ---- sweeps --------------------------------------------------------------------------------------

run ktax ab --sweep --plan "$plan" --baseline kernel-spin --paths af_xdp --json "$tmp/sweep.json"
check_eq "A sweep runs on the ports of a plan" "$status $(said "$tmp/err")" "0 "
check_eq "and finds the rate of each path" \
  "$(json "$tmp/sweep.json" '[.arms[] | select(.lossless_pps >= 1000).path] | join(" ")')" \
  "kernel-spin af_xdp"
check_ports "The ports are as they were after the sweep"

start run ktax ab --sweep --plan "$plan"
wait_for 60 measuring || not_ok "A sweep begins" "$(<"$tmp/run.err")"
ip -n "$ns_r" link del pr0
check "A sweep ends when a port vanishes" await run 30
check_match "It says so in one sentence" "$status $(said "$tmp/run.err")" \
  "^2 ktax: interface p[gr]0 has vanished$"
