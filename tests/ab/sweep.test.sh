#!/usr/bin/env bash
# ktax-test: timeout=300 restless
# shellcheck disable=SC2016 # jq has variables of its own
# `ktax ab --sweep` finds a rate without loss for each path, and tells its latency at shares of it.
. "$(dirname "$0")/../lib.sh"

require_root
require_command ktax jq ip
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
cd "$tmp"

run ktax ab --sweep --paths kernel-spin,dpdk --seed 1 --json sweep.json
cat out err
check_eq "A sweep ends well" "$status" 0
# A host with two CPUs gets a note.
without_note() {
  sed '/^ktax: generator and responder fill both CPUs: /d' "$1"
}
check_eq "It is silent where standard error is no terminal" "$(without_note err)" ""

holds_in_sweep() {
  jq -e "$1" sweep.json >/dev/null
}

# holds SENTENCE FILTER
holds() {
  check "$1" holds_in_sweep "$2"
}
holds "It names its schema" '.schema == "ktax.sweep/1"'
holds "Both paths have a rate without loss, within the search" \
  '[.arms[] | select(.skipped | not).lossless_pps] | length == 2 and all(. >= 1000 and . <= 4e6)'
holds "The loads rise up to that rate" \
  'all(.arms[] | select(.skipped | not); ([.points[].load] | . == sort and .[-1] == 1 and length >= 5))'
holds "and the rates are these shares of it" \
  'all(.arms[] | select(.skipped | not); . as $arm | all(.points[];
     (.rate_pps / .load / $arm.lossless_pps) | . > 0.999 and . < 1.001))'
holds "The knee is one of the points, and unknown only if the first has no figure" \
  'all(.arms[] | select(.skipped | not); . as $arm |
     if .points[0].p99_ns then any(.points[]; .rate_pps == $arm.knee_pps) else .knee_pps == null end)'
holds "A point has no figure only if every try was rejected, and says by which gate" \
  'all(.arms[].points[] | select(.blocks == 0); .rejected >= 12 and (.rejected_by | length > 0))'
# Points that a busy host has not let be measured are not compared.
if holds_in_sweep '[.arms[] | select(.skipped | not).points[:4]] | transpose | any(all(.p50_ns))'; then
  holds "The path that spins is the faster one at the lowest load" \
    '[.arms[] | select(.skipped | not).points[:4]] | transpose | map(select(all(.p50_ns)))[0]
       | .[0].p50_ns > .[1].p50_ns'
else
  skip "The path that spins is the faster one at the lowest load" \
    "the host let no low load of both paths be measured: $(jq -c '[.arms[].points[].rejected_by]' sweep.json)"
fi
spin='.arms[] | select(.path == "kernel-spin").points | to_entries | map(select(.value.p50_ns))'
if holds_in_sweep "$spin | map(.key) | any(. < 4) and any(. >= 4)"; then
  holds "Latency of the path that spins is the highest at one of the highest loads" \
    "$spin | max_by(.value.p50_ns).key >= 4"
else
  skip "Latency of the path that spins is the highest at one of the highest loads" \
    "the host let no such load be measured: $(jq -c '[.arms[].points[].rejected_by]' sweep.json)"
fi
holds "A path that cannot run here is skipped and says why" \
  '[.arms[] | select(.skipped)] | length == 1 and all(.why | length > 20)'
check_eq "The table has the paths with their knees" "$(grep -cE '^(kernel|kernel-spin) +[>0-9]|knee (at|unknown)' out)" 4
check_match "and what was skipped" "$(cat out)" "dpdk skipped: .{20}"

schema_errors() {
  python3 -W ignore - "$top/docs/sweep.schema.json" "$@" <<'PYTHON'
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for path in sys.argv[2:]:
    for error in validator.iter_errors(json.load(open(path))):
        print(path, list(error.path), error.message[:100])
PYTHON
}
if python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
  check_eq "JSON is as docs/sweep.schema.json describes it" "$(schema_errors sweep.json)" ""
else
  skip "JSON is as docs/sweep.schema.json describes it" "needs python3-jsonschema"
fi

run ktax ab --tcp --sweep --baseline kernel-spin --paths af_xdp-lwip --seed 1 --json tcp.json
cat out err
check_eq "A sweep over TCP ends well" "$status" 0
check "and has a rate without loss, and latencies, for each path" jq -e \
  '[.arms[] | select(.skipped | not)] | length >= 1 and all(.[];
     .lossless_pps >= 1000 and .lossless_pps <= 4e6 and .points[0].p50_ns > 0)' tcp.json

start interrupted ktax ab --sweep --paths kernel-spin
sleep 2
stop interrupted INT
check_eq "An interrupted sweep says so" "$status $(without_note interrupted.err)" "2 ktax: interrupted: there is no result"
