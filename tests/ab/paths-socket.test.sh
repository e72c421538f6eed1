#!/usr/bin/env bash
# ktax-test: timeout=300 parallel
# The paths through kernel sockets answer each request once, unchanged, to whoever sent it, over IPv4
# and IPv6; count what is no request; and leave the interface as they found it. The client
# (udp_check.py) shares no code with them.
. "$(dirname "$0")/../lib.sh"

require_root
require_command python3 ethtool ip
port=7000
paths=(kernel kernel-awake kernel-blocking kernel-spin kernel-busypoll kernel-irqsuspend
  io_uring io_uring-spin io_uring-busypoll)

make_link() {
  netns_pair
  ip -n "$ns_a" addr add fd77::1/64 dev a0 nodad
  ip -n "$ns_b" addr add fd77::2/64 dev b0 nodad
  "${in_b[@]}" ethtool -K b0 gro off >/dev/null
}

# start_path PATH ADDRESS: fails if it cannot run here; why is in $why then.
start_path() {
  rm -f "$tmp/server.out" "$tmp/server.err" # the last one's "ready" is not this one's
  start server "${in_b[@]}" "$build/tests/serve_path" "$1" b0 "$port" "$2"
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

# counts FILE NAME...: several of them.
counts() {
  local file=$1 name
  shift
  for name; do
    printf '%s=%s ' "$name" "$(count "$name" "$file")"
  done
}

# check_path PATH ADDRESS
check_path() {
  local path=$1 sent
  if ! start_path "$path" "$2"; then
    stop server
    if [ "$status" = 2 ]; then
      skip "$path answers every request to $2" "$why"
    else
      not_ok "$path answers every request to $2" "status $status: $why"
    fi
    return
  fi
  "${in_a[@]}" python3 "$(dirname "$0")/udp_check.py" "$2" "$port" >"$tmp/client.out"
  stop server
  sent=$(count sent client.out)
  check_eq "$path ends well" "$status" 0
  check_eq "$path answers every request to $2" "$(count echoed client.out)" "$sent"
  check_eq "$path answers none twice, changed, elsewhere or unasked" \
    "$(counts client.out repeated altered strayed strange)" \
    "repeated=0 altered=0 strayed=0 strange=0 "
  check_eq "$path counts what it did" \
    "$(counts server.out received sent foreign ring_drops send_failures)" \
    "received=$((sent + $(count stops client.out))) sent=$sent foreign=$(count foreign client.out) ring_drops=0 send_failures=0 "
}

# The kernel counts a packet that a full socket refuses, and ktax finds it there: the responder
# stands still meanwhile.
check_drops() {
  local path=$1
  start_path "$path" 10.77.0.2 || return 0
  kill -STOP "${pid_of[server]}"
  "${in_a[@]}" python3 - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20000):
    s.sendto(bytes(1400), ("10.77.0.2", 7000))
PY
  kill -CONT "${pid_of[server]}"
  wait_for 10 drained
  stop server
  check_num "$path counts what its socket had no room for" "$(count ring_drops server.out) > 1000"
  check_eq "$path loses nothing else" \
    "$(($(count ring_drops server.out) + $(count foreign server.out)))" 20000
}

drained() {
  [ "$("${in_b[@]}" ss -Hlun "sport = :$port" | awk '{ print $2 }')" = 0 ]
}

gro() {
  "${in_b[@]}" ethtool -k b0 | sed -n 's/^generic-receive-offload: //p'
}

make_link
for path in "${paths[@]}"; do
  check_path "$path" 10.77.0.2
  check_path "$path" fd77::2
  check_eq "$path leaves GRO as it was" "$(gro)" off
done
check_drops kernel
check_drops io_uring

start_path kernel 10.77.0.2
run "${in_b[@]}" "$build/tests/serve_path" kernel-spin b0 "$port" 10.77.0.2
check_match "A port that is taken is a failure that says so" "$status: $(<"$tmp/err")" \
  "^1: .*UDP port $port of b0: Address already in use"
stop server
run "${in_b[@]}" "$build/tests/serve_path" kernel-busypoll lo "$port" 127.0.0.1
check_match "An interface without NAPI has nothing to poll: the path is skipped" \
  "$status: $(<"$tmp/err")" "^2: .*lo has no NAPI instance"
