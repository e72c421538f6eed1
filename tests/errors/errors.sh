# shellcheck shell=bash
# shellcheck disable=SC2034 # what a library sets, its scripts use
# errors.sh - what the tests of errors share: the sample server, recordings in the background, and
# the check that a failure is one sentence with the right exit status.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

require_root
require_command ktax ktax-sample-server ktax-sample-load sqlite3 setpriv unshare
unset SUDO_UID SUDO_GID

# fails SENTENCE STATUS REGEX CMD [ARG...]: CMD ends soon with STATUS, and what it prints on
# standard error is one line that matches.
fails() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run timeout -k 5 40 "$@"
  if [ "$status" = "$wanted" ] && [ "$(wc -l <"$tmp/err")" = 1 ] && [[ $(cat "$tmp/err") =~ $regex ]]; then
    ok "$sentence"
  else
    not_ok "$sentence" "status $status, want $wanted; no single line with /$regex/: $(head -c 300 "$tmp/err")"
  fi
}

# What ktax record says at its end, and where it said it.
at_end='^ktax: recorded [0-9]+ requests? in [0-9.]+ [a-zµ]+ to '

# messages FILE: what else it said.
messages() {
  grep -vE "$at_end" "$1" || true
}

# warns SENTENCE STATUS REGEX CMD [ARG...]: the same of a run that records: it says one thing more.
warns() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run timeout -k 5 40 "$@"
  if [ "$status" = "$wanted" ] && [ "$(grep -cE "$at_end" "$tmp/err")" = 1 ] &&
    [ "$(messages "$tmp/err" | wc -l)" = 1 ] && [[ $(messages "$tmp/err") =~ $regex ]]; then
    ok "$sentence"
  else
    not_ok "$sentence" "status $status, want $wanted; no single line with /$regex/: $(head -c 300 "$tmp/err")"
  fi
}

# serve NAME [OPTION...]: a sample server at a free port of 127.0.0.1, which is in ${port[NAME]}.
declare -A port=()
serve() {
  local name=$1
  shift
  start "$name" ktax-sample-server --listen 127.0.0.1:0 --port-file "$tmp/$name.port" "$@"
  wait_file "$tmp/$name.port"
  port[$name]=$(cat "$tmp/$name.port")
}

# load NAME SERVER [OPTION...]: in the background, until it is stopped.
load() {
  local name=$1 server=$2
  shift 2
  start "$name" ktax-sample-load --url "http://127.0.0.1:${port[$server]}/items?n=5" --rate 200 \
    --connections 4 --duration 300 "$@"
}

# value FILE SQL
value() {
  sqlite3 -cmd '.timeout 5000' "file:$1?mode=ro" "$2"
}

complete() {
  value "$1" "SELECT value FROM meta WHERE key = 'complete'"
}

requests() {
  value "$1" 'SELECT coalesce(sum(requests), 0) FROM ledger'
}

intervals() {
  value "$1" 'SELECT count(*) FROM interval' 2>/dev/null || echo 0
}

# recording NAME [N]: NAME.ktax has N intervals (1), or the recorder has ended.
recording() {
  ! running "$1" || [ "$(intervals "$tmp/$1.ktax")" -ge "${2:-1}" ]
}

# record NAME [OPTION...]: in the background; returns when the first interval is there.
record() {
  local name=$1
  shift
  rm -f "$tmp/$name.ktax"
  start "$name" ktax record --interval 200ms -o "$tmp/$name.ktax" "$@"
  wait_for 60 recording "$name" || true
}

# What ktax record needs, and no more.
needed=+bpf,+perfmon,+net_admin,+sys_ptrace,+dac_read_search

# as_nobody CAPABILITIES: sets $nobody, the prefix that runs a command as a user without any rights
# but these.
as_nobody() {
  nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups
    "--inh-caps=$1" "--ambient-caps=$1")
}
