#!/usr/bin/env bash
# ktax-test: timeout=180
# ktax top on a live server: what it shows is what the load sends; w writes what follows.
. "$(dirname "$0")/screen.sh"

require_root
require_command ktax-sample-server ktax-sample-load ss

start server ktax-sample-server --listen 127.0.0.1:0 --port-file "$tmp/port"
wait_file "$tmp/port"
port=$(cat "$tmp/port")
start load ktax-sample-load --url "http://127.0.0.1:$port/items?n=5" --rate 200 --connections 4 --duration 170

# ---- text ---------------------------------------------------------------------------------------

COLUMNS=100 run timeout 60 ktax top --port "$port" --budget 0 --batch -n 4 --view ledger
check_eq "Batch mode of a live server ends after -n frames" "$status" 0
check_eq "It printed as many frames" "$(grep -c '^ ktax top  live  port' "$tmp/out")" 4
rate=$(grep -oE '^ [0-9.,]+ requests/s' "$tmp/out" | tail -n 1 | tr -dc '0-9.')
check_ratio "The requests per second are those of the load" "$rate" 200 0.85 1.15
check_match "The ledger names the server" "$(cat "$tmp/out")" "127.0.0.1:$port/tcp  ktax-sample-ser \(${pid_of[server]}\)"
check_match "The ledger has the kernel's accounts" "$(cat "$tmp/out")" 'k kernel_rx .* %.* %'

# ---- the screen ---------------------------------------------------------------------------------

open_screen 80 24 ktax top --port "$port" --budget 0
check "The endpoint appears on the screen" wait_for 30 screen_has "127.0.0.1:$port/tcp"
keys 2
check "Its ledger is shown" wait_for 30 screen_has 'wakeup +[0-9.]+'
keys 4
check "Slow requests appear with their ledgers" wait_for 40 screen_has '[0-9:.]{12} +[0-9.]+ .s +[0-9]+  [a-zA-Z]+'

keys p
shows PAUSED
keys w
shows "Record to: ktax.ktax_"
for _ in {1..9}; do keys BSpace; done
keys -l "$tmp/written.ktax"
keys Enter
keys p
check "w begins a recording" wait_for 20 screen_has "recording to /"
recorded() {
  [ "$(sqlite3 -readonly "$tmp/written.ktax" 'SELECT count(*) FROM ledger' 2>/dev/null || echo 0)" -ge 3 ]
}
check "Intervals are written" wait_for 20 recorded
keys w
check "w again ends it" wait_for 20 screen_has "recorded to"
check_eq "The recording is complete" \
  "$(sqlite3 "$tmp/written.ktax" "SELECT value FROM meta WHERE key = 'complete'")" 1
ktax report --json "$tmp/written.ktax" >"$tmp/written.json"
check_ratio "It has the load's rate" "$(json "$tmp/written.json" '.endpoints[0].rate.per_second')" 200 0.85 1.15

keys w
shows "Record to"
for _ in {1..9}; do keys BSpace; done
keys -l "$tmp/written.ktax"
keys Enter
check "A recording that exists is not overwritten" wait_for 20 screen_has "File exists"

keys q
wait_for 60 test -s "$tmp/status" || true
check_eq "q ends it" "$(cat "$tmp/status")" 0
