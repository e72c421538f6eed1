#!/usr/bin/env bash
# ktax report --html: the page of recordings with known contents, opened in headless Chromium. What
# a reader sees is compared with tests/html/expected; after a change that is meant:
#
#     KTAX_UPDATE=1 tests/html/html.test.sh
#
# KTAX_PICTURES=DIR keeps the screenshots and the printed pages.
# ktax-test: timeout=600 parallel
. "$(dirname "$0")/../lib.sh"

make=$build/tests/make_recording
print_ab=$build/tests/print_ab
browse=$top/tests/html/browse.py
expected=$top/tests/html/expected
require_command ktax jq python3 sqlite3 "$make" "$print_ab"
export LC_ALL=C.UTF-8
cd "$tmp"

kinds="full two windows few light quiet sampled hostile many"
for kind in $kinds; do
  "$make" "$kind" "$kind.ktax"
  ktax report --html "$kind.html" "$kind.ktax"
done
for kind in gain lossy invalid; do
  "$print_ab" "$kind" json | jq '.host.hostname = "bench" | .host.kernel = "6.12.9"' >"ab-$kind.json"
done
cp "$top/tests/html/decision.json" decision.json
ktax report --html all.html --ab ab-gain.json --decision decision.json sampled.ktax

# What the doctor finds on this host, and one fix that is markup.
cp light.ktax ready.ktax
ktax doctor --json doctor.json >/dev/null 2>&1 || true
jq -c '.checks[0].fix = "<script>fix()</script>"' doctor.json | tr -d '\n' >readiness.json
sqlite3 ready.ktax "INSERT OR REPLACE INTO meta VALUES ('readiness', CAST(readfile('readiness.json') AS TEXT))"
ktax report --html ready.html ready.ktax

# ---- The file -----------------------------------------------------------------------------------

check_eq "A page names no address to load anything from" \
  "$(grep -liE '(src|href)="(https?:)?//|url\(|@import|<link|<iframe' ./*.html || true)" ""
check_eq "The only script of a page is its own" "$(grep -c '<script' ./*.html | grep -v ':1$' || true)" ""
check_num "A page of 10 million requests is below 2 MB" "$(stat -c %s many.html) < 2000000"
check_num "That recording holds 10 million requests" \
  "$(ktax report --json many.ktax | jq '[.endpoints[].requests] | add') >= 10000000"
TIMEFORMAT='%U + %S'
cpu_s=$({ time ktax report --html again.html many.ktax; } 2>&1)
check_num "It takes less than a second of CPU time to write" "$cpu_s < 1"
check "The same recording gives the same bytes" cmp -s many.html again.html
LC_ALL=C ktax report --html again.html many.ktax
check "So it does in another locale" cmp -s many.html again.html

# ---- Refusals -----------------------------------------------------------------------------------

run ktax report --html no/such/page.html full.ktax
check_eq "A page that cannot be written is an error" "$status" 2
run ktax report --html x.html --ab full.ktax full.ktax
check_match "A file that is no A/B result is refused" "$(cat err)" "not a document ktax.ab/1"
check_eq "Then no page is written" "$(ls x.html 2>/dev/null)" ""
run ktax report --html x.html --decision ab-gain.json full.ktax
check_match "Nor is another document taken for a decision" "$(cat err)" "not a document ktax.decision/1"
run ktax report --ab ab-gain.json full.ktax
check_eq "--ab without --html is a usage error" "$status" 1

# ---- In a browser -------------------------------------------------------------------------------

if ! command -v chromium >/dev/null; then
  skip "Pages open in a browser" "needs chromium"
  exit
fi

# looks_right NAME: what holds of every page.
looks_right() {
  local found=$1/found.json
  mkdir -p "$1"
  if ! python3 "$browse" "$1.html" "$1" >"$found"; then
    not_ok "The page '$1' opens" "see above"
    return
  fi
  check_eq "No message in the console: $1" "$(json "$found" '.console | join("; ")')" ""
  check_eq "No request leaves the file: $1" "$(json "$found" '.requests | join("; ")')" ""
  check_eq "Every plot has marks, and figures to point at: $1" \
    "$(json "$found" '[.plots[] | select(.marks == 0 or .hits == 0) | .label] | join("; ")')" ""
  check_eq "Every plot's caption names its n: $1" \
    "$(json "$found" '[.plots[] | select(.caption | test("n = [0-9]|n: see|requests") | not) | .caption] | join("; ")')" ""
  check_num "Text has a contrast of 4.5, light and dark: $1" \
    "$(json "$found" '[.contrast[].text.ratio] | min') >= 4.5"
  check_num "Marks have a contrast of 3, light and dark: $1" \
    "$(json "$found" '[.contrast[].mark.ratio // 21] | min') >= 3"
  check_num "Nothing sticks out of the window, wide or narrow: $1" \
    "$(json "$found" '[.overflow[]] | max') <= 0"
  for picture in light dark narrow; do
    check_eq "There is a picture: $1, $picture" "$(head -c 4 "$1/$picture.png" | tail -c 3)" PNG
  done
  check_eq "It prints: $1" "$(head -c 4 "$1/page.pdf")" "%PDF"
  [ -z "${KTAX_PICTURES:-}" ] || cp -r "$1" "$KTAX_PICTURES/"
}

reads_as_expected() {
  sed -E 's/^(created\s).*/\1TIME/' "$1/text.txt" >"$1.txt"
  [ -z "${KTAX_UPDATE:-}" ] || cp "$1.txt" "$expected/$1.txt"
  check_eq "What a reader sees is as expected: $1" \
    "$(diff "$expected/$1.txt" "$1.txt" | head -20 || true)" ""
}

for page in all hostile two quiet few light many ready; do
  looks_right "$page"
done
for page in all hostile quiet; do
  reads_as_expected "$page"
done

json doctor.json '.checks[].check' | sort >checks.txt
cut -f 1 ready/text.txt | sort -u >cells.txt
check_eq "What the doctor found is a table of all its checks" "$(comm -23 checks.txt cells.txt)" ""
check_match "A fix that is markup stays text" "$(cat ready/text.txt)" "<script>fix\(\)</script>"
check_eq "A process called <script> stays text, and so does all markup in names" \
  "$(json hostile/found.json .title)" \
  "ktax report: </title></style><script>document.title='owned'</script><img src=x onerror=alert(1)>"
check_match "It is shown as it is called" "$(cat hostile/text.txt)" "<script>x\(\)"
check_match "Pointing at a mark tells its figure" "$(json all/found.json .hover)" "^kernel stack: [0-9.]+.%"
check_match "So do the arrow keys" "$(json all/found.json '.keys[1]')" "^application: [0-9.]+.%"
check_eq "Escape ends it" "$(json all/found.json '.keys[-1]')" null
