#!/usr/bin/env bash
# The overhead benchmark works: it measures every load and arm, and counts what every program does.
# Its figures are not judged here.
# ktax-test: timeout=400
. "$(dirname "$0")/../lib.sh"

require_root
require_command redis-server redis-cli nginx ss taskset
[ -x "$build/tests/overhead" ] || skip_all "needs the overhead program, built"
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"

run "$top/tests/bench/overhead.sh" --smoke --json "$tmp/overhead.json"
check_eq "The benchmark ends well" "$status" 0
cat "$tmp/out" "$tmp/err"
check_eq "Every load is measured" "$(json "$tmp/overhead.json" '[.loads[].load] | join(" ")')" \
  "redis-50 redis-1 nginx redis-50-default"
check_eq "Every pair of every arm is tried" \
  "$(json "$tmp/overhead.json" '[.loads[].arms[].pairs_tried > 0] | all')" true
# shellcheck disable=SC2016 # jq's variables
runs='[.loads[] | select(.load == $load).programs[$set][]
       | select(.boundary == "send_begin").runs_per_request] | add // 0'
for set in full light; do
  for load in redis-50 redis-1 nginx; do
    check_num "The programs of the $set set run under $load" \
      "$(json "$tmp/overhead.json" --arg load "$load" --arg set "$set" "$runs") >= 0.9"
  done
done
