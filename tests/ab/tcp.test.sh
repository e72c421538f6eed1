#!/usr/bin/env bash
# ktax-test: timeout=400 restless
# `ktax ab --tcp` compares paths over TCP: all requests come back and are accounted for, a path without
# TCP is skipped and says so, and nothing is left behind; also on the ports of a plan.
# shellcheck disable=SC2016 # jq has variables of its own
. "$(dirname "$0")/../lib.sh"

require_command ktax jq ip
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
here=$(realpath "$(dirname "$0")")
. "$here/ports_lib.sh"
cd "$tmp"

# bad REGEX OPTION...: the command line is refused in one line.
bad() {
  local regex=$1
  shift
  run ktax ab --tcp "$@"
  check_eq "ktax ab --tcp $* is refused" "$status $(wc -l <err)" "1 1"
  check_match "and says why" "$(<err)" "$regex"
}
bad "256 flows" --flows 257
bad "kernel's sockets" --generator AF_XDP
require_root

p50() {
  json tcp.json --arg path "$1" '.arms[] | select(.path == $path).p50_ns'
}

mark=ktax-tcp-test-$$
# Has each path that ran a valid block? On a host that is busy the gates may reject all six.
all_valid() {
  [ "$(json tcp.json '[.arms[] | select(.skipped | not) | .requests > 0] | all')" = true ]
}
for _ in 1 2 3; do
  run env "KTAX_TEST_MARK=$mark" timeout -k 5 60 ktax ab --tcp --rounds 6 --requests 1000 --rate 4000 \
    --seed 1 --paths kernel-spin,kernel-awake,io_uring-spin,af_xdp-lwip,dpdk-xdp-lwip,af_xdp --json tcp.json
  ! all_valid || break
done
cat out err
check_match "A run over TCP ends with a verdict" "$status" "^(0|3|4)$"
check_eq "The JSON says that it was TCP" "$(json tcp.json .design.protocol)" tcp
check_match "A path without TCP is skipped and says so" \
  "$(json tcp.json '.arms[] | select(.path == "af_xdp") | "\(.skipped) \(.why)"')" "^true .*TCP"
check_eq "Each request is received or lost at a place" \
  "$(json tcp.json '[.arms[] | select(.requests != .received + ([.lost[]] | add)) | .path] | join(" ")')" ""
for path in kernel kernel-spin kernel-awake io_uring-spin af_xdp-lwip dpdk-xdp-lwip; do
  arm=$(json tcp.json -c --arg path "$path" '.arms[] | select(.path == $path)')
  if [ "$(jq .skipped <<<"$arm")" = true ]; then
    skip "All requests to $path come back" "$(jq -r .why <<<"$arm")"
    continue
  fi
  check_num "All requests to $path come back" \
    "$(jq .received <<<"$arm") == $(jq .requests <<<"$arm") && $(jq .requests <<<"$arm") >= 1000"
done
check_ratio "kernel-spin answers sooner than kernel" "$(p50 kernel-spin)" "$(p50 kernel)" 0.02 0.95

nothing_left() {
  ! grep -qsz "^KTAX_TEST_MARK=$mark$" /proc/[0-9]*/environ &&
    ! ip -o link | grep -q ": ktax[gr][0-9]"
}
check "It leaves no process and no interface" wait_for 10 nothing_left

run timeout -k 5 60 ktax ab --tcp --rounds 6 --requests 1000 --flows 256 --size 1400 --rate 5000 \
  --paths kernel-spin --json many.json
check_eq "256 connections with long records are answered" "$(answered many.json)" "kernel kernel-spin"
check_num "and carry all requests" \
  "$(json many.json '[.arms[] | .received - .requests] | add') == 0"

run timeout -k 5 60 ktax ab --rounds 6 --requests 1000 --paths af_xdp-lwip --json udp.json
check_match "A path over TCP only is skipped without --tcp" \
  "$(json udp.json '.arms[] | select(.path == "af_xdp-lwip") | "\(.skipped) \(.why)"')" \
  "^true .*(--tcp|lwIP)"

# ---- on the ports of a plan ----------------------------------------------------------------------

make_ports
write_plan
ports >"$tmp/before"
run timeout -k 5 60 ktax ab --tcp --plan "$plan" --baseline kernel-spin \
  --paths af_xdp-lwip --json plan.json
check_match "A planned run over TCP comes to a verdict" "$status" "^[034]$"
check_eq "Each path has answered over the cable" "$(answered plan.json)" \
  "$(json plan.json '[.arms[] | select(.skipped | not).path] | join(" ")')"
check_num "and all requests" \
  "$(json plan.json '[.arms[] | select(.skipped | not) | .received - .requests] | add') == 0"
check_ports "The ports are as they were"

start run ktax ab --tcp --plan "$plan" --rounds 100 --paths kernel-spin
wait_for 60 measuring || not_ok "A planned run over TCP begins" "$(<"$tmp/run.err")"
stop run KILL
ports >"$tmp/within"
check "kill -9 leaves both ports with addresses" test "$(grep -c "198.18.0." "$tmp/within")" -ge 2
run ktax ab --cleanup
check_ports "The ports are as they were after --cleanup"

ip -n "$ns_r" link set pr0 netns "$ns_g"
sed -i "s/^namespace = .*/namespace = $ns_g/" "$plan"
run ktax ab --tcp --plan "$plan"
check_match "Two ports in one namespace are refused" "$status $(said "$tmp/err")" \
  "^2 ktax: over TCP pg0 and pr0 have to be in two namespaces"
