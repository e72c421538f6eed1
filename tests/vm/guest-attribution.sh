#!/usr/bin/env bash
# guest-attribution.sh FAMILY... - runs in the guest (attribution.test.sh): the ledger is right with
# each family of hooks on this kernel.
#
# One server per phase (none, spin, json, lock, sleep), all in one recording per family. The load of
# each asks for 20 ms of its phase in every request; the server's log has how long they really took.
# So the account of a phase must have grown by that much over the server with none, and no other
# account by anything like it. Emulation slows down everything else by 20 to 30 times, but 20 ms by
# the clock stay 20 ms.
. "$(dirname "$0")/../lib.sh"

phases=(none spin json lock sleep)
declare -A account_of=([spin]=app [json]=serialize [lock]=lock [sleep]=wait)
phase_us=20000
requests=40
# The least of a phase that its account must have got. Calls into the JSON library are probed, and
# the trap itself counts as app.
declare -A least_of=([spin]=0.8 [json]=0.5 [lock]=0.8 [sleep]=0.8)

start_servers() {
  local phase
  for phase in "${phases[@]}"; do
    rm -f "$tmp/$phase.port"
    start "$phase" ktax-sample-server --listen 127.0.0.1:0 --port-file "$tmp/$phase.port" \
      --log "$tmp/$phase.tsv"
  done
  for phase in "${phases[@]}"; do
    wait_file "$tmp/$phase.port" 60
  done
}

stop_servers() {
  local phase
  for phase in "${phases[@]}"; do stop "$phase"; done
}

# An interval is there: so the hooks are attached.
recording_runs() {
  ! running record || [ "$(sqlite3 "file:$recording?mode=ro" 'SELECT count(*) FROM interval' 2>/dev/null || echo 0)" -gt 0 ]
}

# start_recording FAMILY: waits until it sees requests.
start_recording() {
  local phase ports=()
  for phase in "${phases[@]}"; do ports+=(--port "$(cat "$tmp/$phase.port")"); done
  recording=$tmp/$1.ktax
  start record ktax record --hooks "$1" --budget 0 "${ports[@]}" -v -o "$recording"
  wait_for 120 recording_runs || true
  if running record; then return 0; fi
  sed 's/^/record: /' "$tmp/record.err" >&2
  return 1
}

load_all() {
  local phase query
  for phase in "${phases[@]}"; do
    query="${phase}_us=$phase_us"
    [ "$phase" != none ] || query=bytes=100
    run ktax-sample-load --url "http://127.0.0.1:$(cat "$tmp/$phase.port")/work?$query" \
      --rate 0 --connections 1 --requests "$requests" --duration 60
    [ "$status" = 0 ] || cat "$tmp/out" "$tmp/err" >&2
  done
}

# endpoint PHASE FILTER: out of the report, of that phase's server.
endpoint() {
  json "$tmp/report.json" ".endpoints[] | select(.endpoint | endswith(\":$(cat "$tmp/$1.port")/tcp\")) | $2"
}

# account PHASE NAME: its mean in ns; an absent account is 0.
account() {
  endpoint "$1" ".accounts.$2.mean_ns // 0"
}

# truth PHASE: the mean of the phase in ns, as the server measured it.
truth() {
  awk -F'\t' -v phase="$1" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == phase) column = i; next }
    { sum += $column; n++ }
    END { printf "%.0f", n ? sum / n : 0 }' "$tmp/$1.tsv"
}

# strays PHASE: the accounts other than the phase's own that grew by more than what it may lack.
strays() {
  local name growth most
  most=$(calculate "(1.1 - ${least_of[$1]}) * $(truth "$1")")
  for name in $(endpoint "$1" '.accounts | keys[]'); do
    [ "$name" != "${account_of[$1]}" ] || continue
    growth=$(calculate "$(account "$1" "$name") - $(account none "$name")")
    numbers_hold "$growth <= $most" || echo "$name +$growth ns"
  done
}

check_phase() {
  local family=$1 phase=$2 account=${account_of[$2]} growth
  growth=$(calculate "$(account "$phase" "$account") - $(account none "$account")")
  check_ratio "$where, $family: 20 ms of $phase land in $account" \
    "$growth" "$(truth "$phase")" "${least_of[$phase]}" 1.2
  check_eq "$where, $family: $phase lands nowhere else" "$(strays "$phase")" ""
}

# The families of the hooks that are attached, one per line.
families_used() {
  awk '/^ktax: [a-z_]+ +[a-z_]+\// { split($3, hook, "/"); print hook[1] }' \
    "$tmp/record.err" | sort -u
}

check_family() {
  local family=$1 phase
  start_servers
  if ! start_recording "$family"; then
    not_ok "$where, $family: hooks load and attach" "$(tail -n 1 "$tmp/record.err")"
    stop_servers
    return
  fi
  load_all
  stop record INT
  check_eq "$where, $family: hooks load and attach, and the recording ends well" "$status" 0
  [ "$family" = any ] ||
    check_match "$where, $family: the family that was asked for is used" "$(families_used)" "$family"
  stop_servers
  ktax report --json "$recording" >"$tmp/report.json"
  for phase in "${phases[@]}"; do
    check_num "$where, $family: requests are seen, server $phase" \
      "$(endpoint "$phase" .requests) >= $requests * 0.9"
    check_eq "$where, $family: every ledger balances, server $phase" "$(endpoint "$phase" .unbalanced)" 0
  done
  for phase in "${phases[@]:1}"; do check_phase "$family" "$phase"; done
  cat "$tmp/record.err" >&2
  endpoint none '.accounts | map_values(.mean_ns)' >&2
}

where=$(uname -r)
for family; do
  check_family "$family"
done
