# shellcheck shell=bash
# decide_lib.sh - what the tests of `ktax decide` share.
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

export LC_ALL=C.UTF-8

# decide NAME ARG...: NAME.json, NAME.txt and NAME.err in $tmp, and $verdict ("VERDICT EXIT"), are what
# came of it.
decide() {
  local name=$tmp/$1 status=0
  shift
  rm -f "$name.json"
  ktax decide --json "$name.json" "$@" >"$name.txt" 2>"$name.err" || status=$?
  verdict="none $status"
  # shellcheck disable=SC2034 # callers read it
  [ ! -s "$name.json" ] || verdict="$(json "$name.json" .verdict) $status"
}

first_reason() {
  json "$tmp/$1.json" '.reasons[0].text'
}

reasons() {
  json "$tmp/$1.json" '[.reasons[].text] | join("; ")'
}

# mistake SENTENCE EXIT PATTERN ARG...: it ends so, with one line that says why.
mistake() {
  local sentence=$1 code=$2 pattern=$3 status=0
  shift 3
  ktax decide "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
  check_match "$sentence" "$status $(wc -l <"$tmp/err") $(cat "$tmp/err")" "^$code 1 .*$pattern"
}
