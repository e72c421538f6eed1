#!/usr/bin/env bash
# ktax-test: parallel
# A folder's sources see only the headers of the folders they may use: the include path that the
# build gives them does not reach the others.
. "$(dirname "$0")/../lib.sh"

require_command jq
commands=$build/compile_commands.json
[ -s "$commands" ] || skip_all "needs compile_commands.json of the build"

# compiles FOLDER HEADER: does a source in FOLDER that includes HEADER compile? With the compiler
# and options of the folder's first source.
compiles() {
  local entry directory
  entry=$(jq -c --arg folder "$top/$1/" \
    '[.[] | select(.file | startswith($folder)) | select(.file[($folder | length):] | contains("/") | not)][0]' \
    "$commands")
  [ "$entry" != null ] || { echo "no source of $1 in $commands" >&2; return 2; }
  directory=$(json - .directory <<<"$entry")
  printf '#include "%s"\n' "$2" >"$tmp/source.c"
  (
    cd "$directory"
    # Without "-o OUTPUT -c SOURCE", which stand at its end.
    eval "$(json - '.command | sub(" -o [^ ]+ -c [^ ]+$"; "")' <<<"$entry") -fsyntax-only '$tmp/source.c'"
  ) 2>"$tmp/err"
}

allowed() {
  check "A source in $1/ may include $2" compiles "$1" "$2"
}

forbidden() {
  if compiles "$1" "$2"; then
    not_ok "A source in $1/ cannot include $2" "it compiles"
  elif grep -q "$2.*No such file\|'$2' file not found" "$tmp/err"; then
    ok "A source in $1/ cannot include $2"
  else
    not_ok "A source in $1/ cannot include $2" "another error: $(head -n 1 "$tmp/err")"
  fi
}

allowed analyze/ledger histogram.h
allowed analyze/ledger account.h
allowed analyze/ledger host_facts.h
forbidden analyze/ledger audit.h
forbidden analyze/ledger probes.h
forbidden analyze/ledger collector.h
forbidden analyze/ledger hooks.h
forbidden analyze/ledger commands.h
allowed collector probes.h
forbidden collector full_tracing.skel.h
forbidden collector commands.h
forbidden collector ledger.h
allowed ui collector.h
forbidden ui full_tracing.skel.h
allowed bypass-ab paired.h
allowed bypass-ab policy.h
forbidden bypass-ab counterfactual.h
forbidden bypass-ab probes.h
forbidden probes collector.h
forbidden probes recording.h
