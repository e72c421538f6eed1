#!/usr/bin/env bash
# ktax-test: timeout=400 parallel
# Over TCP, a path answers each record once, unchanged and in order, on the connection it came from,
# however it was cut into segments, and ends connections that do not keep to the framing. The client
# (tcp_check.py) shares no code with it.
. "$(dirname "$0")/../lib.sh"

require_root
require_command python3 ip ethtool jq
port=7000

# start_path PATH ADDRESS: fails if it cannot run here; why is in $why then.
start_path() {
  rm -f "$tmp/server.out" "$tmp/server.err" # the last one's "ready" is not this one's
  start server "${in_b[@]}" "$build/tests/serve_path" "$1" b0 "$port" "$2" tcp
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

# ask ADDRESS [REQUESTS [CONNECTIONS]]
ask() {
  "${in_a[@]}" python3 "$(dirname "$0")/tcp_check.py" "$1" "$port" "${@:2}" >"$tmp/client.out"
}

# check_path PATH ADDRESS [REQUESTS [CONNECTIONS]]
check_path() {
  local path=$1 sent
  if ! start_path "$path" "$2"; then
    skip "$path answers every record to $2" "$why"
    return
  fi
  ask "${@:2}"
  stop server
  sent=$(count sent client.out)
  check_eq "$path ends well" "$status" 0
  check_eq "$path answers every record to $2 on ${4-7} connections" \
    "$(count echoed client.out)" "$sent"
  check_eq "$path alters none, and keeps their order" \
    "$(count altered client.out) $(count disordered client.out)" "0 0"
  check_eq "$path ends connections that break the framing" "$(count kept client.out)" 0
  check_eq "$path counts what it received" "$(count received server.out)" \
    "$((sent + $(count stops client.out)))"
  check_eq "$path counts what it sent" \
    "$(count sent server.out) $(count send_failures server.out)" "$sent 0"
  check_eq "$path counts what is no request" "$(count foreign server.out)" \
    "$(count foreign client.out)"
}

# A peer that never reads its answers is cut off, and does not stop the others.
check_greedy_peer() {
  local path=$1
  if ! start_path "$path" 10.77.0.2; then
    skip "$path cuts off a peer that takes no answers" "$why"
    return
  fi
  "${in_a[@]}" python3 -c '
import socket, struct
payload = struct.pack("!IIHHBBH", 0x4B544158, 1, 7, 7 ^ 0xFFFF, 0, 0, 0) + bytes(1400)
record = struct.pack("!I", len(payload)) + payload
s = socket.create_connection(("10.77.0.2", 7000))
s.settimeout(10)
try:
    while True:
        s.sendall(record * 100)
except (ConnectionResetError, BrokenPipeError):
    print("cut")
except TimeoutError:
    print("stuck")
' >"$tmp/greedy.out"
  check_eq "$path cuts off a peer that takes no answers" "$(<"$tmp/greedy.out")" cut
  ask 10.77.0.2 700
  check_eq "$path serves others after that" "$(count echoed client.out)" 700
  stop server
  check_num "$path counts answers that it could not send" "$(count send_failures server.out) > 0"
}

netns_pair
ip -n "$ns_a" addr add fd77::1/64 dev a0 nodad
ip -n "$ns_b" addr add fd77::2/64 dev b0 nodad
for path in kernel kernel-awake kernel-blocking kernel-spin kernel-busypoll kernel-irqsuspend \
  io_uring io_uring-spin io_uring-busypoll; do
  check_path "$path" 10.77.0.2 2100
done
check_path kernel-blocking 10.77.0.2 700 1 # it waits in another way for an only connection
for path in kernel kernel-blocking io_uring; do
  check_path "$path" fd77::2 2540 254
done
check_greedy_peer kernel
check_greedy_peer io_uring

# lwIP answers from an end without an address, and does not ask who has the other's.
ip -n "$ns_b" addr flush dev b0
mac=$(ip -n "$ns_b" -j link show dev b0 | jq -r '.[0].address')
for address in 10.77.0.2 fd77::2; do
  ip -n "$ns_a" neighbour replace "$address" lladdr "$mac" nud permanent dev a0
done
for end in a0 b0; do
  [ "$end" = a0 ] && in=("${in_a[@]}") || in=("${in_b[@]}")
  "${in[@]}" ethtool -K "$end" tx off tso off gso off >/dev/null
done
for path in af_xdp-lwip dpdk-lwip dpdk-packet-lwip dpdk-xdp-lwip; do
  check_path "$path" 10.77.0.2 2100
  check_path "$path" fd77::2 2540 254
done
check_greedy_peer af_xdp-lwip

run "${in_b[@]}" "$build/tests/serve_path" xdp b0 "$port" 10.77.0.2 tcp
check_eq "A path without TCP says so by having none" "$status" 1
