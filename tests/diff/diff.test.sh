#!/usr/bin/env bash
# ktax diff: recordings with known contents, as text, JSON and HTML, and as a gate. What its
# intervals are worth is tested in tests/unit/test_diff.c.
# ktax-test: timeout=300 parallel
. "$(dirname "$0")/../lib.sh"

make=$build/tests/make_recording
require_command ktax jq "$make"
export LC_ALL=C.UTF-8
unset NO_COLOR
cd "$tmp"

for kind in full again slower two few light quiet hostile; do
  "$make" "$kind" "$kind.ktax"
done

# ---- What it finds ------------------------------------------------------------------------------

ktax diff --json again.ktax slower.ktax >slower.json
ktax diff --json full.ktax again.ktax >again.json
ktax diff --json full.ktax two.ktax >two.json
ktax diff --json full.ktax light.ktax >light.json
ktax diff --json full.ktax few.ktax >few.json
ktax diff --json --fail-above 10 hostile.ktax again.ktax >hostile.json || true

wakeup='.endpoints[0].accounts.wakeup'
check_num "A wakeup that takes three times as long is found" "$(json slower.json "$wakeup.mean.ci[0]") > 1.9"
check_num "Its interval holds the truth" "$(json slower.json "$wakeup.mean.ci[1]") >= 2"
check_eq "It is higher at every percentile" \
  "$(json slower.json "[${wakeup}[].verdict] | unique | join(\",\")")" higher
check_eq "So is the total's median, and no other account" \
  "$(json slower.json '.endpoints[0] | [.total.p50.verdict] +
    [.accounts | to_entries[] | select([.value[]? | objects | .verdict] | index("higher")) | .key] | join(" ")')" \
  "higher wakeup"
check_eq "A tuned kernel would take it away again" \
  "$(json slower.json '.endpoints[0].floor.tuned.p50.verdict')" undecided
check_eq "Equal recordings do not differ in their total" \
  "$(json again.json '[.endpoints[0].total[].verdict] | unique | join(",")')" undecided
check_match "What one hook set cannot see is not compared" \
  "$(json light.json '.endpoints[0].accounts.gc | "\(.mean) \(.why)"')" "null not seen after"
check_match "Different hook sets are a caution" "$(json light.json .caution)" "different hook sets"
check_match "So is a different load" "$(json few.json .caution)" "different load"
check_eq "A recording of one second has no interval" \
  "$(json few.json '.endpoints[0].total.p50 | "\(.verdict) \(.ci)"')" "unknown null"
check_eq "Endpoints in one recording only are counted" "$(json two.json '.only_before, .only_after' | xargs)" "0 1"
check_match "An unfinished recording is a caution" "$(json two.json .caution)" "after is not finished"
check_eq "A server on another port is compared, if it is the only one" \
  "$(json hostile.json '.endpoints[0].after.endpoint')" "10.0.0.1:8080/tcp"
check_eq "Without a common endpoint the gate cannot tell" \
  "$(ktax diff --fail-above 5 full.ktax quiet.ktax >out; echo $?)" 4

if python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
  check_eq "JSON is as docs/diff.schema.json describes it" "$(
    python3 -W ignore - "$top/docs/diff.schema.json" ./*.json <<'PYTHON'
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for path in sys.argv[2:]:
    for error in validator.iter_errors(json.load(open(path))):
        print(path, list(error.path), error.message[:100])
PYTHON
  )" ""
else
  skip "JSON is as docs/diff.schema.json describes it" "needs python3-jsonschema"
fi

# ---- Text ---------------------------------------------------------------------------------------

ktax diff again.ktax slower.ktax >slower.txt
ktax diff --all again.ktax slower.ktax >all.txt
ktax diff --color always full.ktax again.ktax >equal.txt
ktax diff --color always --all again.ktax slower.ktax >colour.txt
check_match "It opens with the endpoint and its p99" "$(head -1 slower.txt)" "^10.0.0.1:8080/tcp: p99 "
check_match "The account that changed is shown" "$(cat slower.txt)" "wakeup +mean +[0-9.]+ µs +[0-9.]+ µs +\+[0-9.]+ µs"
check_match "Those that did not are named" "$(cat slower.txt)" "no change that can be told: .*kernel_rx"
check_num "--all shows them" "$(grep -c '' all.txt) > $(grep -c '' slower.txt) + 30"
check_eq "It fits into 100 columns" "$(cat slower.txt all.txt | grep -cE '^.{101,}' || true)" 0
check_eq "No line ends in blanks" "$(cat slower.txt all.txt | grep -c ' $' || true)" 0
check_eq "Without UTF-8 all is ASCII" \
  "$(LC_ALL=C ktax diff --all again.ktax slower.ktax | LC_ALL=C grep -c '[^ -~]' || true)" 0
# Red is 31, green 32; only lines that end in a verdict have them.
coloured=$(grep -E $'\033\[(0;)?3[12]' colour.txt | sed 's/\x1b\[[0-9;]*m//g')
check_eq "Only what the interval tells from 0 is coloured" \
  "$(grep -vE '(higher|lower)$|: p99 is ' <<<"$coloured" || true)" ""
check_num "There is something coloured" "$(grep -c . <<<"$coloured") > 5"

# ---- The gate -----------------------------------------------------------------------------------

# gate SENTENCE STATUS LIMIT BEFORE AFTER
gate() {
  run ktax diff --fail-above "$3" "$4" "$5"
  check_eq "$1" "$status" "$2"
}
gate "A regression beyond the limit is exit 3" 3 2 again.ktax slower.ktax
gate "One that is allowed is exit 0" 0 60 again.ktax slower.ktax
gate "An improvement is none" 0 20 slower.ktax again.ktax
gate "A recording is no regression of itself" 0 20 again.ktax again.ktax
gate "Recordings too noisy for the limit are exit 4" 4 1 full.ktax again.ktax
gate "So are those too short for any" 4 1000 full.ktax few.ktax
run ktax diff again.ktax slower.ktax
check_eq "Without a limit it is no gate" "$status" 0
check_eq "JSON has the same exit code" \
  "$(ktax diff --json --fail-above 2 again.ktax slower.ktax | jq '.exit, .gate.verdict' | xargs)" "3 regressed"

# ---- HTML ---------------------------------------------------------------------------------------

run ktax diff --fail-above 2 --html page.html again.ktax slower.ktax
check_eq "A page has the gate's exit code" "$status" 3
ktax diff --html hostile.html hostile.ktax again.ktax >out
check_eq "Markup in names is text" "$(grep -c '<script' hostile.html)" 1
if command -v chromium >/dev/null; then
  for page in page hostile; do
    mkdir -p "$page"
    python3 "$top/tests/html/browse.py" "$page.html" "$page" >"$page.json"
    check_eq "No message in the console, no request: $page" \
      "$(json "$page.json" '.console + .requests | join("; ")')" ""
    check_eq "Every plot has marks, and figures to point at: $page" \
      "$(json "$page.json" '[.plots[] | select(.marks == 0 or .hits == 0) | .label] | join("; ")')" ""
    check_num "Contrast is 4.5 for text, light and dark: $page" \
      "$(json "$page.json" '[.contrast[].text.ratio] | min') >= 4.5"
    [ -z "${KTAX_PICTURES:-}" ] || cp -r "$page" "$KTAX_PICTURES/diff-$page"
  done
  check_match "The page says what is wrong" "$(cat page/text.txt)" "Regression"
else
  skip "The page opens in a browser" "needs chromium"
fi

# ---- Refusals -----------------------------------------------------------------------------------

run ktax diff full.ktax
check_eq "One recording is a usage error" "$status" 1
run ktax diff full.ktax "$top/README.md"
check_match "A foreign file is named" "$(cat err)" "README.md: not a ktax recording"
run ktax diff --fail-above much full.ktax again.ktax
check_match "A limit is a number" "$(cat err)" "a number of per cent"
