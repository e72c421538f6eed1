#!/usr/bin/env bash
# ktax-test: timeout=300 parallel
# The paths that read frames answer each request once, with its ends swapped and nothing else
# changed, count what is no request and leave it alone, and leave no XDP program behind, however
# they end. The client (echo_check.py) shares no code with them.
. "$(dirname "$0")/../lib.sh"

require_root
require_command python3 ethtool ip jq
port=7000
paths=(af_xdp af_xdp-poll af_xdp-busypoll xdp dpdk-af_packet dpdk-af_xdp)

# No end has an IP address: the kernel would answer too, and complain of the answers.
make_link() {
  [ -z "${ns_a-}" ] || netns_remove
  netns_pair
  ip -n "$ns_a" link set a0 address 02:00:00:00:77:01
  ip -n "$ns_b" link set b0 address 02:00:00:00:77:02
  ip -n "$ns_a" addr flush dev a0
  ip -n "$ns_b" addr flush dev b0
  "${in_a[@]}" ethtool -K a0 tx off tso off gso off >/dev/null
  "${in_b[@]}" ethtool -K b0 tx off tso off gso off >/dev/null
  "${in_a[@]}" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  "${in_b[@]}" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

netns_remove() {
  ip netns del "$ns_a"
  ip netns del "$ns_b"
}

# What the xdp path transmits is lost without a program at the peer.
start_pass() {
  start pass "${in_a[@]}" "$build/tests/xdp_pass" a0
  wait_file "$tmp/pass.out"
}

# start_path PATH: fails if it cannot run here; why is in $why then.
start_path() {
  rm -f "$tmp/server.out" "$tmp/server.err" # the last one's "ready" is not this one's
  start server "${in_b[@]}" "$build/tests/serve_path" "$1" b0 "$port"
  if wait_for 20 path_settled && grep -qs ready "$tmp/server.out"; then
    return 0
  fi
  why=$(<"$tmp/server.err")
  return 1
}

path_settled() {
  grep -qs ready "$tmp/server.out" || ! running server
}

# count NAME FILE: the figure of a NAME=VALUE line.
count() {
  sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$tmp/$2"
}

xdp_programs() {
  ip -n "$1" -json -details link show "$2" | jq '[.[].xdp // empty] | length'
}

check_echo() {
  local path=$1 sent plain=()
  [ "$path" != dpdk-af_packet ] || plain=(--plain)
  "${in_a[@]}" python3 "$(dirname "$0")/echo_check.py" a0 "$port" "${plain[@]}" >"$tmp/client.out"
  sent=$(count sent client.out)
  check_eq "$path answers every request" "$(count echoed client.out)" "$sent"
  check_eq "$path answers none twice" "$(count repeated client.out)" 0
  check_eq "$path swaps the ends and alters nothing else" "$(count altered client.out)" 0
  check_eq "$path leaves checksums valid" "$(count bad_sums client.out)" 0
  check_eq "$path answers nothing else" "$(count strange client.out)" 0
  stop server
  check_counts "$path" "$sent"
}

# A stop frame is received like a request, but where a program in the kernel answers.
check_counts() {
  local path=$1 sent=$2 stops
  stops=$(count stops client.out)
  check_eq "$path sent as many as it counts" "$(count sent server.out)" "$sent"
  if [ "$path" = xdp ]; then
    check_eq "$path counts stop frames" "$(count stops server.out)" "$stops"
  else
    check_eq "$path hands over requests and stop frames" "$(count received server.out)" \
      "$((sent + stops))"
  fi
  check_eq "$path counts what is no request" "$(count foreign server.out)" \
    "$(count foreign client.out)"
  check_eq "$path lost none" "$(count ring_drops server.out) $(count send_failures server.out)" "0 0"
}

check_path() {
  local path=$1
  if ! start_path "$path"; then
    skip "$path answers every request" "$why"
    return
  fi
  check_echo "$path"
  check_eq "$path ends well" "$status" 0
  check_eq "$path leaves no XDP program after its end" "$(xdp_programs "$ns_b" b0)" 0

  start_path "$path" || { not_ok "$path opens again at once" "$why"; return; }
  ok "$path opens again at once"
  case $path in
    dpdk-*) stop server; return ;; # the program is DPDK's business
  esac
  check_eq "$path has a program on its link" "$(xdp_programs "$ns_b" b0)" 1
  stop server KILL
  check "$path leaves no XDP program when it is killed" wait_for 5 no_program
}

no_program() {
  [ "$(xdp_programs "$ns_b" b0)" = 0 ]
}

program_gone() {
  ! bpftool prog show id "$1" >/dev/null 2>&1
}

# Its namespace goes first, and it is killed then.
check_vanishing_namespace() {
  local path=$1 id
  start_path "$path" || return 0
  id=$(ip -n "$ns_b" -json -details link show b0 | jq '.[0].xdp.prog.id')
  bpftool prog show id "$id" >/dev/null # it is there
  ip netns del "$ns_b"
  stop server KILL
  check "Nothing of a killed $path is loaded any more" \
    wait_for 5 program_gone "$id"
  ip netns add "$ns_b" # for what is deferred
}

# listen_udp PORT: the kernel's end of a datagram on the same interface.
listen_udp() {
  start listener "${in_b[@]}" timeout 10 python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('10.77.0.2', $1))
print('ready', flush=True)
print(s.recv(100).decode(), flush=True)"
  wait_file "$tmp/listener.out"
}

# What is not for the port, as a shell's connection would be: ARP here, and a datagram.
check_bystander() {
  make_link
  ip -n "$ns_a" addr add 10.77.0.1/24 dev a0
  ip -n "$ns_b" addr add 10.77.0.2/24 dev b0
  start_path af_xdp || return 0
  listen_udp $((port + 1))
  "${in_a[@]}" bash -c "echo hello >/dev/udp/10.77.0.2/$((port + 1))"
  check "Other traffic of the interface reaches the kernel beside af_xdp" \
    wait_for 5 grep -q hello "$tmp/listener.out"
  stop server
}

make_link
start_pass
for path in "${paths[@]}"; do
  check_path "$path"
done
for path in af_xdp dpdk-af_xdp; do
  make_link
  check_vanishing_namespace "$path"
done
check_bystander
check_eq "DPDK leaves no files" "$(find /run/dpdk -name "ktax-*" 2>/dev/null)" ""
