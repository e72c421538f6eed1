#!/usr/bin/env bash
# guest-attribution.sh DIRECTORY PHASES FAMILY... - the part of attribution.test.sh in the guest.
# FAMILY is one of hooks, or light: the light hook set.
#
# Starts one server per phase and, for each family of hooks, makes one recording of all of them
# while each is asked for its phase. Leaves in DIRECTORY, for the host to judge (jq and awk take
# their time under emulation):
#
#   FAMILY.ktax  FAMILY.err  FAMILY.status    the recording, and what `ktax record -v` said
#   FAMILY.PHASE.port  FAMILY.PHASE.tsv       the server's port, and its log
. "$(dirname "$0")/../lib.sh"

phase_us=20000
requests=40

start_servers() {
  local phase
  for phase in "${phases[@]}"; do
    start "$phase" ktax-sample-server --listen 127.0.0.1:0 --port-file "$out/$family.$phase.port" \
      --log "$out/$family.$phase.tsv"
  done
  for phase in "${phases[@]}"; do
    wait_file "$out/$family.$phase.port" 60
  done
}

stop_servers() {
  local phase
  for phase in "${phases[@]}"; do stop "$phase"; done
}

# It has written an interval: so the hooks are attached.
recording_runs() {
  [ "$(sqlite3 "file:$tmp/$family.ktax?mode=ro" 'SELECT count(*) FROM interval' 2>/dev/null || echo 0)" -gt 0 ]
}

recording_runs_or_ended() {
  sleep 0.5
  recording_runs || not running record
}

# start_recording: fails if it ends at once. Not into $out, which is no place for a database.
start_recording() {
  local phase hooks ports=()
  for phase in "${phases[@]}"; do ports+=(--port "$(cat "$out/$family.$phase.port")"); done
  hooks=(--hooks "$family")
  [ "$family" != light ] || hooks=(--detail light)
  start record ktax record "${hooks[@]}" --budget 0 "${ports[@]}" -v -o "$tmp/$family.ktax"
  wait_for 120 recording_runs_or_ended && running record
}

load_all() {
  local phase query
  for phase in "${phases[@]}"; do
    query="${phase}_us=$phase_us"
    [ "$phase" != none ] || query=bytes=100
    ktax-sample-load --url "http://127.0.0.1:$(cat "$out/$family.$phase.port")/work?$query" \
      --rate 0 --connections 1 --requests "$requests" --duration 60 >&2
  done
}

record_family() {
  start_servers
  if start_recording; then load_all; fi
  stop record INT
  echo "$status" >"$out/$family.status"
  stop_servers
  cp "$tmp/record.err" "$out/$family.err"
  cp "$tmp/$family.ktax" "$out/" 2>/dev/null || true
}

out=$1
read -ra phases <<<"$2"
shift 2
for family; do
  record_family
done
