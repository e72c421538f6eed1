#!/usr/bin/env bash
# ktax-test: parallel
# ktax report: what it prints of recordings with known contents (make_recording.c).
. "$(dirname "$0")/../lib.sh"

make=$build/tests/make_recording
require_command ktax jq sqlite3 "$make"
export LC_ALL=C.UTF-8
unset NO_COLOR

for kind in full two windows few light quiet; do
  "$make" "$kind" "$tmp/$kind.ktax"
  ktax report --json "$tmp/$kind.ktax" >"$tmp/$kind.json"
  ktax report "$tmp/$kind.ktax" >"$tmp/$kind.txt"
done

# ---- JSON ---------------------------------------------------------------------------------------

# holds SENTENCE FILTER: the jq filter is true in every report.
holds() {
  local kind failed=
  for kind in full two windows few light quiet; do
    jq -e "$2" "$tmp/$kind.json" >/dev/null || failed="$failed $kind"
  done
  check_eq "$1" "$failed" ""
}

holds "Every report names its schema" '.schema == "ktax.report/1"'
holds "The means of the accounts add up to the mean of the total" \
  'all(.endpoints[]; ([.accounts[].mean_ns // 0] | add) == .total.mean_ns)'
holds "The means of the four groups add up to the mean of the total" \
  'all(.endpoints[]; ([.summary[].mean_ns // 0] | add) == .total.mean_ns)'
holds "The means of a band add up to the mean of its total" \
  'all(.endpoints[].bands[]; ([.accounts[] // 0] | add) == (.total_mean_ns // 0))'
holds "The requests of the bands add up to all requests" \
  'all(.endpoints[]; ([.bands[].requests] | add) == .requests)'
holds "Percentiles do not decrease" \
  'all(.endpoints[].total; .p50_ns <= .p90_ns and .p90_ns <= .p99_ns and .p99_ns <= .p999_ns and
   .p999_ns <= .max_ns)'
holds "A tuned kernel leaves no less than bypass" \
  'all(.endpoints[].floor; .tuned.p50_ns >= .bypass.p50_ns and .tuned.p99_ns >= .bypass.p99_ns)'
holds "Whatever is null says why beside it" \
  'all(.. | objects | select(has("share") or has("cpu_share") or has("per_second") or
   has("total_mean_ns")); ([.[] | select(. == null)] | length) == 0 or has("why"))'

schema_errors() {
  python3 -W ignore - "$top/docs/report.schema.json" "$@" <<'PYTHON'
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
  check_eq "Reports are as docs/report.schema.json describes them" \
    "$(schema_errors "$tmp"/*.json)" ""
else
  skip "Reports are as docs/report.schema.json describes them" "needs python3-jsonschema"
fi

ktax report --json "$tmp/full.ktax" >"$tmp/again.json"
check "The same recording gives the same bytes" cmp -s "$tmp/full.json" "$tmp/again.json"

check_eq "An account that no hook fed is null and says why" \
  "$(json "$tmp/full.json" '.endpoints[0].accounts.nic_rx | "\(.share) \(.why)"')" \
  "null lo has no interrupt and no driver"
check_eq "An account in which nothing was spent is 0" \
  "$(json "$tmp/full.json" '.endpoints[0].accounts.io | "\(.share) \(.p99_ns)"')" "0 0"
check_ratio "A share is the mean over the mean of the total" \
  "$(json "$tmp/full.json" '.endpoints[0] | .accounts.kernel_tx.mean_ns / .total.mean_ns')" \
  "$(json "$tmp/full.json" '.endpoints[0].accounts.kernel_tx.share')" 0.999 1.001
check_num "gc explains the slowest 1 %, though little of the mean" \
  "$(json "$tmp/full.json" '.endpoints[0].accounts.gc.p99_band_share') > 0.8"
check_eq "Too few CPU samples leave app_kernel out" \
  "$(json "$tmp/few.json" '.endpoints[0].accounts.app_kernel.why' | sed 's/[0-9]*)/N)/')" \
  "too few CPU samples (N)"
check_eq "A rate out of windows has an interval around it" \
  "$(json "$tmp/windows.json" \
    '.endpoints[0].rate | .windows == 9 and .ci[0] < .per_second and .per_second < .ci[1]')" true
check_eq "Batches tell their mean size" "$(json "$tmp/two.json" '.endpoints[0].mean_batch')" 16
check_eq "--endpoint keeps what contains the name" \
  "$(ktax report --json -e :6379 "$tmp/two.ktax" | jq -r '.endpoints[].endpoint')" \
  "[::]:6379/tcp"
check_eq "Merged recordings add up" \
  "$(ktax report --json "$tmp/full.ktax" "$tmp/full.ktax" | jq '.endpoints[0].requests')" \
  "$(json "$tmp/full.json" '2 * .endpoints[0].requests')"

# ---- Text ---------------------------------------------------------------------------------------

check_eq "The report fits into 100 columns" "$(cat "$tmp"/*.txt | grep -cE '^.{101,}' || true)" 0
check_eq "No line ends in blanks" "$(cat "$tmp"/*.txt | grep -c ' $' || true)" 0
check_match "It opens with the headline" "$(head -1 "$tmp/full.txt")" \
  "^application [0-9]+ % of the mean, .*kernel stack"
check_match "Imbalance is said right below" "$(sed '/^──/,$d' "$tmp/two.txt")" \
  "! 10 of [0-9]+ requests do not balance"
check_match "Few requests do not pretend to a p99.9" "$(cat "$tmp/few.txt")" \
  "! p99 and p99.9 not resolved \(n = [0-9]+\)"
check_match "An unfinished recording says so" "$(cat "$tmp/two.txt")" "! not finished"
check_eq "A recording without requests says so" "$(head -1 "$tmp/quiet.txt")" \
  "no request was recorded"
check_eq "A pipe gets no colours" "$(grep -c $'\033' "$tmp/full.txt" || true)" 0
check_num "--color always colours a pipe" \
  "$(ktax report --color always "$tmp/full.ktax" | grep -c $'\033') > 10"
check_eq "In an ASCII locale it prints ASCII" \
  "$(LC_ALL=C ktax report "$tmp/full.ktax" | LC_ALL=C grep -c '[^ -~]' || true)" 0

# ---- Other outputs ------------------------------------------------------------------------------

run ktax report --hlog "$tmp/logs" "$tmp/two.ktax"
check_eq "--hlog writes a file per endpoint" "$(cd "$tmp/logs" && echo *)" \
  "10.0.0.1_8080_tcp.hlog _____6379_tcp.hlog"
check_eq "A log has the total, the floors and every account that was seen, per interval" \
  "$(grep -o '^Tag=[a-z_]*' "$tmp/logs/10.0.0.1_8080_tcp.hlog" | sort | uniq -c |
    awk '{ print $1 }' | uniq -c | xargs)" "19 10"
run ktax report --requests "$tmp/two.ktax"
check_eq "--requests prints a line per sampled request below the names" "$(wc -l <"$tmp/out")" 21
check_eq "The accounts of a request add up to its total" \
  "$(awk -F'\t' '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "total_ns") total = i; else if ($i ~ /_ns$/ && total) last = i }
    NR > 1 { s = 0; for (i = total + 1; i <= last; i++) s += $i; if (s != $total) print NR }' "$tmp/out")" ""

# ---- Refusals -----------------------------------------------------------------------------------

# refuses SENTENCE STATUS REGEX ARG...: one line on stderr, nothing on stdout.
refuses() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run ktax "$@"
  if [ "$status" = "$wanted" ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" = 1 ]; then
    check_match "$sentence" "$(cat "$tmp/err")" "$regex"
  else
    not_ok "$sentence" "status $status, $(wc -l <"$tmp/err") lines: $(head -1 "$tmp/err")"
  fi
}

head -c 20000 "$tmp/full.ktax" >"$tmp/short.ktax"
cp "$tmp/full.ktax" "$tmp/newer.ktax"
printf '\000\000\000\003' | dd of="$tmp/newer.ktax" bs=1 seek=60 conv=notrunc status=none
refuses "A missing file is named" 2 "nope.ktax: no such file" report nope.ktax
refuses "A foreign file is refused" 2 "not a ktax recording" report "$0"
refuses "A truncated recording is refused" 2 "truncated or damaged" report "$tmp/short.ktax"
refuses "A newer recording asks for an upgrade" 2 \
  "newer.ktax: written by a newer ktax \(schema 3, this one reads up to 1\); upgrade ktax" \
  report "$tmp/newer.ktax"
cp "$tmp/full.ktax" "$tmp/other.ktax"
sqlite3 "$tmp/other.ktax" 'DROP VIEW intervals; ALTER TABLE interval RENAME COLUMN lost_ring TO lost'
refuses "One that lacks a column is not called damaged" 2 \
  "other.ktax: has another schema than this ktax reads; read it with the ktax that wrote it" \
  report "$tmp/other.ktax"
refuses "An unknown endpoint lists those there are" 2 "it holds 10.0.0.1:8080/tcp" \
  report -e 99 "$tmp/full.ktax"
refuses "A report needs a recording" 1 "name a recording" report
refuses "An unknown option suggests the nearest" 1 "did you mean '--json'" report --jsom x
refuses "An unknown command suggests the nearest" 1 "did you mean 'report'" reprot
refuses "Outputs exclude each other" 1 "choose one" report --json --requests "$tmp/full.ktax"

{ ktax report --json "$tmp/full.ktax" 2>"$tmp/err" || true; } | head -1 >/dev/null
check_eq "A reader that leaves early is no error worth a word" "$(cat "$tmp/err")" ""
if [ -w /dev/full ]; then
  status=0
  ktax report "$tmp/full.ktax" >/dev/full 2>"$tmp/err" || status=$?
  check_eq "A full disk is an error" "$status" 2
fi

# ---- Help ---------------------------------------------------------------------------------------

ktax help | awk '/^  [a-z]/ { print $1 }' >"$tmp/commands"
while read -r command; do
  run ktax help "$command"
  check_match "ktax help $command shows its usage" "$(head -1 "$tmp/out")" "^Usage: ktax $command"
  ktax "$command" --help >"$tmp/same"
  check "ktax $command --help prints the same" cmp -s "$tmp/out" "$tmp/same"
  ktax help --man "$command" >"$tmp/page"
  check_match "ktax-$command has a man page" "$(head -1 "$tmp/page")" "^\.TH KTAX-"
done <"$tmp/commands"
ktax help --completion >"$tmp/completion"
check "The completion script is valid bash" bash -n "$tmp/completion"
completed() {
  bash -c ". '$tmp/completion'; COMP_WORDS=($1); COMP_CWORD=$2; _ktax; echo \${COMPREPLY[*]}"
}
check_eq "Completion knows the commands" "$(completed "ktax rep" 1)" report
check_eq "Completion knows the options" "$(completed "ktax report --js" 2)" --json
check_eq "Completion knows an option's words" "$(completed "ktax report --color al" 3)" always
