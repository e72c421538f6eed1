#!/usr/bin/env bash
# What `ktax ab` shows of results that are made up (print_ab.c): the table against tests/ab/expected,
# JSON against its schema, JUnit XML, interval logs. After a change of the table that is meant:
#
#     KTAX_UPDATE=1 tests/ab/output.test.sh
# ktax-test: parallel
# shellcheck disable=SC2016 # jq has variables of its own
. "$(dirname "$0")/../lib.sh"

print_ab=$build/tests/print_ab
expected=$top/tests/ab/expected
kinds="gain nothing lossy invalid"
export LC_ALL=C.UTF-8

# ---- text ----------------------------------------------------------------------------------------

for kind in $kinds; do
  "$print_ab" "$kind" text >"$tmp/$kind.txt"
  "$print_ab" "$kind" json >"$tmp/$kind.json"
  "$print_ab" "$kind" junit >"$tmp/$kind.xml"
  [ -z "${KTAX_UPDATE:-}" ] || cp "$tmp/$kind.txt" "$expected/$kind.txt"
  check_eq "The table of '$kind' is as expected" "$(diff "$expected/$kind.txt" "$tmp/$kind.txt" || true)" ""
done
check_eq "No line is wider than 100 columns" "$(grep -hE '^.{101}' "$tmp"/*.txt || true)" ""
check_eq "No line ends with a blank" "$(grep -hE ' $' "$tmp"/*.txt || true)" ""
check_eq "What is no terminal gets no colours" "$(grep -lP '\x1b' "$tmp"/*.txt || true)" ""
COLOR=always "$print_ab" gain text >"$tmp/color"
check "A terminal gets colours" grep -qP '\x1b\[32m' "$tmp/color"
check_eq "Colours change nothing but colours" "$(sed 's/\x1b\[[0-9;]*m//g' "$tmp/color" | diff "$tmp/gain.txt" - || true)" ""
LC_ALL=C "$print_ab" gain text >"$tmp/ascii"
check_eq "Without UTF-8 all is ASCII" "$(LC_ALL=C grep -P '[^\x00-\x7f]' "$tmp/ascii" || true)" ""

# ---- JSON ----------------------------------------------------------------------------------------

# holds SENTENCE FILTER: true of the JSON of all kinds.
holds() {
  local kind failed=
  for kind in $kinds; do
    jq -e "$2" "$tmp/$kind.json" >/dev/null || failed+=" $kind"
  done
  check_eq "$1" "$failed" ""
}

cautions() {
  jq -c '[(.validity.cautions | length), .design.core_distance_ns.start]' "$tmp/$1.json"
}
check_eq "CPUs that the host has moved are a caution, others are none" \
  "$(cautions nothing) $(cautions gain)" "[1,95] [0,null]"

schema_errors() {
  python3 -W ignore - "$top/docs/ab.schema.json" "$@" <<'PYTHON'
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
  check_eq "JSON is as docs/ab.schema.json describes it" "$(schema_errors "$tmp"/*.json)" ""
else
  skip "JSON is as docs/ab.schema.json describes it" "needs python3-jsonschema"
fi
holds "Requests are what was received and what was lost, by place" \
  'all(.arms[]; .requests == .received + ([.lost[]] | add))'
holds "The interval holds the change" \
  'all(.comparisons[] | select(.ci and .change); (.ci[0] // -1e9) <= .change and .change <= (.ci[1] // 1e9))'
holds "Better and worse are beyond margin and floor" \
  '.aa as $aa | all(.comparisons[] | select(.metric != "loss" and .metric != "cpu");
    (.verdict != "better" or .ci[1] < -0.1) and
    (.verdict != "worse" or .ci[0] == null or (.ci[0] > 0.1 and .ci[0] > $aa[.metric].floor)))'
holds "A path without a link is not compared" \
  '[.arms[] | select(.enters_kernel | not).path] as $apart | all(.comparisons[]; .path as $p | $apart | index($p) | not)'
check_eq "The exit codes are those of the verdicts" \
  "$(for kind in $kinds; do json "$tmp/$kind.json" '"\(.verdict) \(.exit)"'; done | paste -sd ,)" \
  "better 0,equivalent 3,inconclusive 4,invalid 4"
check_eq "What was lost has no bound, and says so" \
  "$(json "$tmp/lossy.json" '.comparisons[] | select(.path == "kernel-spin" and .metric == "p99") | "\(.change) \(.verdict) \(.why)"')" \
  "null worse so much was lost that the latency has no bound"
check_eq "A path that cannot run here says why" \
  "$(json "$tmp/gain.json" '.arms[] | select(.skipped) | "\(.path): \(.why)"')" \
  "io_uring: io_uring is disabled on this host (kernel.io_uring_disabled)"

# ---- JUnit XML -----------------------------------------------------------------------------------

# junit FILE: "SUITE/CASE ELEMENT" per case, after checking the sums.
junit() {
  python3 - "$1" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
for suite in tree.parse(sys.argv[1]).getroot():
    cases = suite.findall("testcase")
    for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        if int(suite.get(name)) != sum(case.find(element) is not None for case in cases):
            print("wrong number of", name, "in", suite.get("name"))
    if int(suite.get("tests")) != len(cases):
        print("wrong number of tests in", suite.get("name"))
    for case in cases:
        print(f"{suite.get('name')}/{case.get('name')} {case[0].tag}")
PYTHON
}
junit "$tmp/gain.xml" >"$tmp/junit"
check_eq "JUnit XML has a suite per path that is compared, and the policy's" \
  "$(cut -d/ -f1 "$tmp/junit" | uniq | paste -sd ' ')" "policy kernel-spin af_xdp dpdk io_uring xdp"
check_eq "What is worse fails" "$(grep failure "$tmp/junit" | paste -sd ,)" "dpdk/p99 failure,dpdk/loss failure"
check_eq "A skipped path is skipped" "$(grep io_uring "$tmp/junit")" "io_uring/runs skipped"
check_eq "An approved policy passes" "$(grep policy "$tmp/junit")" "policy/approved system-out"
check_eq "A policy that is not met fails" "$(junit "$tmp/nothing.xml" | grep policy)" "policy/approved failure"
check_eq "An invalid run is an error" "$(junit "$tmp/invalid.xml" | grep -c error)" 2

# ---- interval logs -------------------------------------------------------------------------------

"$print_ab" gain hlog "$tmp/logs"
check_eq "There is an interval log per path that ran" "$(cd "$tmp/logs" && printf '%s ' *)" \
  "af_xdp.hlog dpdk-memif.hlog dpdk.hlog kernel-spin.hlog kernel.hlog xdp.hlog "
check_match "It has the interval's tag, length and maximum" "$(tail -1 "$tmp/logs/kernel.hlog")" \
  '^Tag=kernel,0\.000,63\.200,0\.05[01][0-9]*,HISTF'
