#!/usr/bin/env bash
# Loopback and veth are seen from the peer's transmission on, the delay of a queueing discipline is
# in qdisc as much as its rate says, and lost segments do not corrupt any total.
# ktax-test: timeout=400
. "$(dirname "$0")/truth.sh"

require_command tc ip nsenter

# The server is in namespace b, the load in a. What leaves b0 is shaped.
netns_pair
server_prefix=("${in_b[@]}") load_prefix=("${in_a[@]}")
burst=1600       # bytes that a token bucket lets through at once: one full segment
segment=1448     # bytes of payload in it
header=66        # bytes before the payload: Ethernet, IPv4, TCP with timestamps
response_head=70 # bytes of the HTTP head, about

shape() {
  tc -n "$ns_b" qdisc replace dev b0 root tbf "$@"
}

unshape() {
  tc -n "$ns_b" qdisc del dev b0 root
}

# Requests to the server over veth: send_veth NAME PATH OPTION...
send_veth() {
  local name=$1 path=$2
  shift 2
  send_to "$name" "http://10.77.0.2:${port[server]}$path" "$@"
}

# measure PATH OPTION...: one recording of one load over veth.
measure() {
  serve server --listen 10.77.0.2:0
  record run --port "${port[server]}"
  send_veth load "$@"
  end_record run
  stop server
  join run run server load
}

# ---- links --------------------------------------------------------------------------------------

over_veth() {
  measure '/work?bytes=1000' --requests 500
  check_eq "veth: every request has its arrival" "$(ledger_sum run.db incomplete)" 0
  check_eq "veth: none came over loopback" "$(ledger_sum run.db loopback)" 0
  check_num "veth: nic_rx is seen" "$(median run nic_rx_ns) > 0"
  check_all "veth" run
}

over_loopback() {
  local server_prefix=() load_prefix=()
  serve server
  record run --port "${port[server]}"
  send load server '/work?bytes=1000' --requests 500
  end_record run
  stop server
  join run run server load
  check_eq "loopback: every request has its arrival" "$(ledger_sum run.db incomplete)" 0
  check_eq "loopback: it is known of every request that it came so" "$(ledger_sum run.db loopback)" "$(ledger_sum run.db requests)"
  check_num "loopback: nic_rx is seen" "$(median run nic_rx_ns) > 0"
  check_all "loopback" run
}

# ---- a shaped link ------------------------------------------------------------------------------

# wire_bytes PAYLOAD: with the headers of its segments.
wire_bytes() {
  local segments=$((($1 + segment - 1) / segment))
  echo $(($1 + segments * header))
}

# The response fits the first congestion window, so that all of it waits in the bucket's queue, and
# pauses between requests let the bucket fill again.
shaped() {
  local bytes=12000 rate=10 sent expected
  shape rate "${rate}mbit" burst "$burst" limit 1000000
  measure "/work?bytes=$bytes" --rate 30 --requests 90
  unshape
  sent=$(wire_bytes $((bytes + response_head)))
  expected=$(((sent - burst) * 8 * 1000 / rate)) # ns
  check_ratio "What a token bucket delays is in qdisc" "$(median run qdisc_ns)" "$expected" 0.95 1.05
  check_num "and not in kernel_tx" "$(median run kernel_tx_ns) < 0.05 * $expected"
  check_num "and not in cwnd" "$(median run cwnd_ns) < 0.05 * $expected"
  check_all "shaped link" run
}

# The bucket's queue holds 20 kB: segments of the 200 kB are dropped and sent again.
lossy() {
  shape rate 100mbit burst 3200 limit 20000
  measure '/work?bytes=200000' --requests 30
  unshape
  check_num "lossy link: retransmissions are noted" "$(ledger_sum run.db retransmitted) > 0"
  check_all "lossy link" run
}

over_loopback
over_veth
if shape rate 10mbit burst "$burst" limit 1000000; then
  unshape
  at_most_thrice shaped
  lossy
else
  skip "What a token bucket delays is in qdisc" "the kernel has no tbf"
fi
