#!/usr/bin/env bash
# samples/ci/gate.sh does what the exit codes of `ktax ab` say. ktax is played by a script.
# ktax-test: parallel
. "$(dirname "$0")/../lib.sh"

# Ends with the codes in $tmp/codes, one after the other; the last one again and again.
cat >"$tmp/ktax" <<'END'
#!/usr/bin/env bash
dir=$(dirname "$0")
read -r code rest <"$dir/codes"
[ -z "$rest" ] || echo "$rest" >"$dir/codes"
echo "$@" >>"$dir/calls"
exit "$code"
END
chmod +x "$tmp/ktax"
export KTAX=$tmp/ktax RESULTS=$tmp/results

# gate SENTENCE CODES STATUS CALLS
gate() {
  echo "$2" >"$tmp/codes"
  : >"$tmp/calls"
  run "$top/samples/ci/gate.sh" --paths af_xdp
  check_eq "$1" "$status after $(wc -l <"$tmp/calls")" "$3 after $4"
}

gate "An approved path passes" "0" 0 1
gate "One that is not approved fails at once" "3" 3 1
gate "An undecided run is tried again" "4 4 0" 0 3
gate "What stays undecided fails" "4" 4 3
gate "What cannot run fails at once" "5" 5 1
export INCONCLUSIVE=pass
gate "What stays undecided passes where that is wanted" "4" 0 3
gate "What is not approved fails there too" "4 3" 3 2
check_match "Results are asked for" "$(cat "$tmp/calls")" "ab --paths af_xdp --json .*ab.json --junit .*ab.xml --hlog"
