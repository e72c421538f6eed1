#!/usr/bin/env bash
# ktax-test: timeout=120 parallel
# `ktax decide` where shares and percentiles of single accounts would give the wrong verdict: the slow
# requests are made of other things than the fast ones (make_joint_recording.c).
. "$(dirname "$0")/decide_lib.sh"

make=$build/tests/make_joint_recording
require_command ktax jq "$make"

# decide_on KIND: a recording of that kind.
decide_on() {
  "$make" "$1" "$tmp/$1.ktax"
  decide "$1" "$tmp/$1.ktax"
}

# gain KIND ACCOUNT FIELD: of its row in the ranking
gain() {
  json "$tmp/$1.json" --arg account "$2" ".ranking[] | select(.account == \$account) | .$3"
}

share() {
  ktax report --json "$tmp/$1.ktax" | jq -r ".endpoints[0].accounts.$2.share"
}

# ---- Kernel time of the fast requests only ------------------------------------------------------

decide_on fast_kernel
check_num "Most of all time is the kernel's, but on fast requests" "$(share fast_kernel kernel_tx) > 0.5"
check_eq "Bypass is refused for a p99 that has no kernel time in it" "$verdict" "fix-application 3"
check_match "It says to fix the application first" "$(first_reason fast_kernel)" '^fix app first'
check_num "The bypass ceiling of p99 is that of its own requests" \
  "$(json "$tmp/fast_kernel.json" .ceiling.bypass.gain_p99) < 0.03"
check_num "That of p50 is 80 %" "$(json "$tmp/fast_kernel.json" .ceiling.bypass.gain_p50) > 0.78"
check_num "Without the kernel's account, p99 stays" "$(gain fast_kernel kernel_tx gain_p99) < 0.03"
check_num "Without that of the application, p99 falls to the fast ones" \
  "$(gain fast_kernel app gain_p99) > 0.9"

# ---- Of the slow requests only --------------------------------------------------------------------

decide_on slow_kernel
check_num "Most of all time is the application's, but on fast requests" \
  "$(share slow_kernel app) > 0.6"
check_eq "Bypass is not refused for a p99 that is kernel time" "$verdict" "not-enough-evidence 4"
check_match "It names the A/B that would settle it" "$(json "$tmp/slow_kernel.json" '[.. | strings] | join(" ")')" \
  'ktax ab '
check_num "The bypass ceiling of p99 is 90 %" \
  "$(json "$tmp/slow_kernel.json" .ceiling.bypass.gain_p99) > 0.88"
check_eq "The kernel's account is first in the ranking" \
  "$(json "$tmp/slow_kernel.json" '.ranking[0].account')" kernel_tx

# ---- A rare pause under a kernel that takes all the rest --------------------------------------------

decide_on rare_gc
check_num "The kernel and the wakeup have most of the time" \
  "$(share rare_gc gc) < 0.3"
check_eq "The pause decides p99 all the same" "$verdict" "fix-application 3"
check_match "It says to fix the pause first" "$(first_reason rare_gc)" '^fix gc first'

# ---- What the joint table cannot tell -----------------------------------------------------------------

decide_on mixture
check_match "Where the table leaves it open, the reason says so" "$(first_reason mixture)" \
  'requests 1/N would tell'
check_num "The bounds hold what is true: nothing is gained" "$(gain mixture gc 'bound_gain_p99[0]') < 0.01"
decide_on sampled
check_eq "Sampled requests are the source then" "$(gain sampled gc source_p99)" request
check_eq "They say that without the pauses nothing is gained" "$(gain sampled gc gain_p99)" 0
check_match "The other half is what to fix" "$(first_reason sampled)" '^fix app first'
