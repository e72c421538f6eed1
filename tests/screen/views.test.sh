#!/usr/bin/env bash
# ktax-test: timeout=120 parallel
# ktax top: every view of a fixed recording, at two sizes, as text.
. "$(dirname "$0")/screen.sh"

require_command sqlite3
"$make" two "$tmp/two.ktax"
# As if it were of a host that booted at a time that stands in what is expected.
sqlite3 "$tmp/two.ktax" "UPDATE meta SET value = '470729000000' WHERE key = 'boot_time_ns'"

views=(endpoints ledger distribution slowest threads self)
titles=(Endpoints Ledger Distribution Slowest Threads Self)

# each_view WIDTH HEIGHT SUFFIX OPTION...
each_view() {
  local size=$1x$2 suffix=$3 i
  open_screen "$1" "$2" ktax top --replay "$tmp/two.ktax" --at end "${@:4}"
  for i in "${!views[@]}"; do
    shows "\[$((i + 1)) ${titles[i]}\]" || true
    sleep 0.2
    check_screen "The view ${views[i]} at $size$suffix is as expected" "${views[i]}-$size$suffix"
    keys Tab
  done
  keys q
  end_screen || true
  check_eq "q ends it at $size$suffix" "$status" 0
}

each_view 80 24 ""
each_view 132 43 ""
each_view 80 24 -ascii --ascii

open_screen 80 24 ktax top --replay "$tmp/two.ktax" --at end
shows Endpoints
keys h
shows "ktax top: keys"
check_screen "The help at 80x24 is as expected" help-80x24
keys x
check "Any key leaves the help" shows '\[1 Endpoints\]'
