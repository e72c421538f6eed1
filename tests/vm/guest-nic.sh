#!/usr/bin/env bash
# guest-nic.sh DIRECTORY DRIVER - the part of nic.test.sh in the guest.
#
# A server behind one emulated NIC, its load behind another. Makes two recordings, without and with a
# delay of 20 ms in the server's queueing discipline, and leaves in DIRECTORY:
#
#   NAME.ktax  NAME.err  NAME.status    for NAME plain and delayed
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/guest-nics.sh"

port=8080

interval_written() {
  sleep 0.5
  [ "$(sqlite3 "file:$tmp/$1.ktax?mode=ro" 'SELECT count(*) FROM interval' 2>/dev/null || echo 0)" -gt 0 ] ||
    not running record
}

# record NAME: while the load runs. Not into $out, which is no place for a database.
record() {
  start record ktax record --pid "${pid_of[server]}" --budget 0 -v -o "$tmp/$1.ktax"
  wait_for 120 interval_written "$1"
  "${in_a[@]}" ktax-sample-load --url "http://10.77.0.2:$port/work?bytes=100" \
    --rate 0 --connections 1 --requests 60 --duration 60 >&2
  stop record INT
  echo "$status" >"$out/$1.status"
  cp "$tmp/record.err" "$out/$1.err"
  cp "$tmp/$1.ktax" "$out/" 2>/dev/null || true
}

out=$1
nic_pair "$2"
start server "${in_b[@]}" ktax-sample-server --listen "10.77.0.2:$port" --port-file "$tmp/port"
wait_file "$tmp/port" 60
record plain
modprobe sch_netem
"${in_b[@]}" tc qdisc replace dev b0 root netem delay 20ms
record delayed
