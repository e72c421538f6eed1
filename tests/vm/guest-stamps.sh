#!/usr/bin/env bash
# guest-stamps.sh DIRECTORY MODULE - the part of stamps.test.sh in the guest.
#
# A server behind one emulated NIC, its load behind another. MODULE (stamping_nic.ko) makes the
# server's NIC one that stamps what it receives, by a clock of its own, as if it had come in 5 ms
# before. Makes recordings and leaves in DIRECTORY
#
#   NAME.ktax  NAME.err  NAME.status    for NAME
#     off       stamps are off
#     stamped   they are on
#     hash      the same, with kprobes, whose state is in hash maps
#     stepped   the NIC's clock is stepped by 3 s in between; at the end stamps are switched off
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/guest-nics.sh"

port=8080
parameters=/sys/module/stamping_nic/parameters

interval_written() {
  sleep 0.5
  [ "$(sqlite3 "file:$tmp/$1.ktax?mode=ro" 'SELECT count(*) FROM interval' 2>/dev/null || echo 0)" -gt 0 ] ||
    not running record
}

# load RATE REQUESTS
load() {
  "${in_a[@]}" ktax-sample-load --url "http://10.77.0.2:$port/work?bytes=100" \
    --rate "$1" --connections 1 --requests "$2" --duration 60 >&2
}

# The clock is stepped while requests come at a rate that leaves time to notice.
load_with_step() {
  start load load 20 100
  sleep 2
  echo 3000000000 >"$parameters/step_ns"
  wait "${pid_of[load]}"
  echo 0 >"$parameters/rx_filter"
  load 0 20
}

# record NAME LOAD OPTION...: while LOAD (a command) runs. Not into $out, which is no place for a
# database.
record() {
  local name=$1 load=$2
  shift 2
  start record ktax record --pid "${pid_of[server]}" --budget 0 --requests 1/1 -v "$@" \
    -o "$tmp/$name.ktax"
  wait_for 120 interval_written "$name"
  $load
  stop record INT
  echo "$status" >"$out/$name.status"
  cp "$tmp/record.err" "$out/$name.err"
  cp "$tmp/$name.ktax" "$out/" 2>/dev/null || true
}

out=$1
nic_pair virtio_net
modprobe ptp
"${in_b[@]}" insmod "$2" nic=b0 delay_ns=5000000
start server "${in_b[@]}" ktax-sample-server --listen "10.77.0.2:$port" --port-file "$tmp/port"
wait_file "$tmp/port" 60
record off "load 0 60"
echo 1 >"$parameters/rx_filter"
record stamped "load 0 60"
record hash "load 0 60" --hooks kprobe
record stepped load_with_step
