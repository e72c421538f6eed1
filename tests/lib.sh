# shellcheck shell=bash
# shellcheck disable=SC2034 # what a library sets, its scripts use
# lib.sh - what every tests/<kind>/*.test.sh sources first.
#
#   . "$(dirname "$0")/../lib.sh"
#
# A test script prints one line per thing it checked, on standard output:
#
#   ok - SENTENCE [# note]
#   not ok - SENTENCE [# what was found instead]
#   skip - SENTENCE # reason
#
# SENTENCE says what holds ("A sleep lands in wait"). Anything else it prints is shown only when it
# fails. Never assert a wall-clock bound: compare two figures of the same run (check_ratio).
#
# The runner reads one optional comment line of the script:
#
#   # ktax-test: timeout=300 parallel slow restless
#
#   timeout=S  time limit in seconds (default 300)
#   parallel   may run beside other tests (it measures no time)
#   slow       left out by tests/run.sh --quick
#   restless   compares verdicts about this host, which may be busy: if it fails it is run once more
#
# Whatever a script starts or makes, it hands to `defer` (start, netns_pair do so themselves); the
# exit trap undoes it in reverse order, also when the script fails or is stopped at its time limit.

set -euo pipefail

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
build=${KTAX_BUILD:-$top/build}
export PATH=$build:$PATH

test_name=$(basename "$0" .test.sh)
test_failures=0
deferred=()
declare -A pid_of=()

# ---- the end of a script ------------------------------------------------------------------------

# defer CMD [ARG...]: run this when the script ends; the last one deferred runs first.
defer() {
  deferred+=("$(printf '%q ' "$@")")
}

finish() {
  local exit_status=$? i
  trap - EXIT
  set +e
  [ "$exit_status" = 0 ] || [ "$exit_status" = 143 ] ||
    echo "not ok - $test_name runs to its end # it stopped with status $exit_status"
  for ((i = ${#deferred[@]} - 1; i >= 0; i--)); do
    eval "${deferred[i]}"
  done
  exit $((exit_status != 0 || test_failures > 0))
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ktax-test.XXXXXX")
defer rm -rf "$tmp"
# A journal of its own: one run of `ktax ab` at a time is for figures, and for ports that are shared.
export KTAX_RUN_DIR=$tmp/run

# ---- what was found -----------------------------------------------------------------------------

ok() {
  echo "ok - $1${2:+ # $2}"
}

not_ok() {
  test_failures=$((test_failures + 1))
  echo "not ok - $1${2:+ # $2}"
}

skip() {
  echo "skip - $1 # $2"
}

# skip_all REASON: nothing of this script can run here.
skip_all() {
  skip "$test_name" "$1"
  exit 0
}

# check SENTENCE CMD [ARG...]: CMD succeeds.
check() {
  local sentence=$1 command
  shift
  command=$*
  if "$@"; then ok "$sentence"; else not_ok "$sentence" "failed: ${command:0:100}"; fi
}

# check_eq SENTENCE FOUND WANTED
check_eq() {
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "found '$2', want '$3'"; fi
}

# check_match SENTENCE TEXT REGEX (extended)
check_match() {
  if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "no match of /$3/ in: ${2:0:200}"; fi
}

# check_num SENTENCE EXPRESSION: an arithmetic comparison ("3 * 1.5 <= 7") holds. A figure that is
# missing ("null", "") makes it fail, unlike in awk, where it would be 0.
check_num() {
  if numbers_hold "$2"; then ok "$1"; else not_ok "$1" "not true: $2"; fi
}

# check_ratio SENTENCE FIGURE REFERENCE LOW HIGH: LOW <= FIGURE / REFERENCE <= HIGH
check_ratio() {
  local value
  value=$(ratio "$2" "$3")
  if numbers_hold "$value >= $4 && $value <= $5"; then
    ok "$1" "ratio $value"
  else
    not_ok "$1" "ratio $value ($2 / $3), want $4 to $5"
  fi
}

# ---- figures ------------------------------------------------------------------------------------

numbers_hold() {
  [[ $1 =~ ^[-+*/%\ ().0-9eE\<\>=\!\&\|]+$ ]] && awk "BEGIN { exit !($1) }" 2>/dev/null
}

# calculate EXPRESSION: its value, printed with 6 digits.
calculate() {
  awk "BEGIN { printf \"%.6g\", $1 }"
}

# ratio A B: A / B, or "nan" if that is no number.
ratio() {
  awk -v a="$1" -v b="$2" 'BEGIN {
    number = "^-?[0-9.]+([eE][-+]?[0-9]+)?$"
    if (a !~ number || b !~ number || b == 0) print "nan"; else printf "%.4g\n", a / b
  }'
}

# json FILE FILTER [ARG...]: one value out of a JSON document, as plain text.
json() {
  local file=$1
  shift
  jq -r "$@" "$file"
}

# ---- running things -----------------------------------------------------------------------------

# run CMD [ARG...]: runs it; sets $status and leaves its output in $tmp/out and $tmp/err.
run() {
  status=0
  "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# start NAME CMD [ARG...]: in the background until `stop NAME` or the end of the script.
# Its output is in $tmp/NAME.out and $tmp/NAME.err, its process id in ${pid_of[NAME]}.
start() {
  local name=$1
  shift
  "$@" >"$tmp/$name.out" 2>"$tmp/$name.err" </dev/null &
  pid_of[$name]=$!
  defer stop "$name"
}

running() {
  kill -0 "${pid_of[$1]}" 2>/dev/null
}

# stop NAME [SIGNAL]: signals it (TERM), after 30 s KILL; sets $status to how it ended.
stop() {
  local pid=${pid_of[$1]:-}
  [ -n "$pid" ] || return 0
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  wait_for 30 not kill -0 "$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
  status=0
  wait "$pid" 2>/dev/null || status=$?
  pid_of[$1]=
}

# await NAME SECONDS: waits for it to end by itself; sets $status. Fails if it does not.
await() {
  local pid=${pid_of[$1]}
  wait_for "$2" not kill -0 "$pid" 2>/dev/null || return 1
  status=0
  wait "$pid" || status=$?
  pid_of[$1]=
}

not() {
  ! "$@"
}

# wait_for SECONDS CMD [ARG...]: until CMD succeeds; fails after SECONDS.
wait_for() {
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# wait_file FILE [SECONDS]: until it is there and not empty.
wait_file() {
  wait_for "${2:-20}" test -s "$1"
}

# wait_port PORT [SECONDS [PREFIX...]]: until something listens there (TCP), without connecting to
# it. PREFIX: where to look, as in `wait_port 80 20 "${in_b[@]}"`.
wait_port() {
  local port=$1 seconds=${2:-20}
  shift $(($# < 2 ? $# : 2))
  wait_for "$seconds" listening "$port" "$@"
}

listening() {
  local port=$1
  shift
  "$@" ss -Hltn "sport = :$port" | grep -q .
}

# free_port: a TCP port nobody uses, below the range for outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    [ -n "$(ss -Htan "sport = :$port")" ] || break
  done
  echo "$port"
}

# ---- what must be there -------------------------------------------------------------------------

require_root() {
  [ "$(id -u)" = 0 ] || skip_all "needs root"
}

# require_command NAME...: programs on the host, or built (on PATH through $build).
require_command() {
  local name
  for name; do
    command -v "$name" >/dev/null || skip_all "needs $name"
  done
}

# ---- two network namespaces ---------------------------------------------------------------------

# netns_pair: makes two namespaces joined by a veth pair: a0 (10.77.0.1) in $ns_a, b0 (10.77.0.2)
# in $ns_b. No interface or address of the host is touched. Each end has one queue, so that XDP can
# be attached to it. To run something in one of them: "${in_a[@]}" CMD, also with `start`.
netns_pair() {
  ns_a=ktax-test-$$-a
  ns_b=ktax-test-$$-b
  netns_add "$ns_a"
  netns_add "$ns_b"
  ip link add a0 netns "$ns_a" numtxqueues 1 numrxqueues 1 type veth \
    peer name b0 netns "$ns_b" numtxqueues 1 numrxqueues 1
  netns_link_up "$ns_a" a0 10.77.0.1/24
  netns_link_up "$ns_b" b0 10.77.0.2/24
  # nsenter changes the network only (`ip netns exec` would hide the mounts below /sys), and it
  # execs, so that the process id of a started command is the command's.
  in_a=(nsenter "--net=/run/netns/$ns_a")
  in_b=(nsenter "--net=/run/netns/$ns_b")
}

netns_add() {
  ip netns add "$1"
  defer ip netns del "$1"
  ip -n "$1" link set lo up
}

# netns_link_up NETNS LINK ADDRESS/BITS
netns_link_up() {
  ip -n "$1" addr add "$3" dev "$2"
  ip -n "$1" link set "$2" up
}
