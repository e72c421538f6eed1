#!/usr/bin/env bash
# ktax-test: timeout=300 restless
# A real server made kernel-bound, application-bound, and paused as by a garbage collector: recorded,
# and decided on. Each gets its own answer, with the right first reason.
. "$(dirname "$0")/decide_lib.sh"

require_root
require_command ktax ktax-sample-server ktax-sample-load jq

# What else the host does is no part of the question: real-time priority where that is allowed. Then
# ksoftirqd waits for the server, and some packets are seen late, which is no part of it either.
quietly=()
! chrt -f 5 true 2>/dev/null || quietly=(chrt -f 5)
printf '[evidence]\nlost = 20 %%\n' >"$tmp/policy.ini"
last_cpu=$(($(nproc) - 1))

# record_and_decide NAME QUERY LOAD_OPTIONS SERVER_OPTION...: NAME.json, and $verdict ("VERDICT EXIT").
record_and_decide() {
  local name=$1 query=$2 load=$3 port
  shift 3
  port=$(free_port)
  start server "${quietly[@]}" taskset -c "$last_cpu" \
    ktax-sample-server --listen "127.0.0.1:$port" "$@"
  wait_port "$port"
  # shellcheck disable=SC2086
  start load "${quietly[@]}" taskset -c 0 ktax-sample-load --url "http://127.0.0.1:$port/work?$query" \
    --duration 120 $load
  ktax record --pid "${pid_of[server]}" --budget 100 -d 9 -o "$tmp/$name.ktax" 2>"$tmp/record.err"
  stop load
  stop server
  decide "$name" --policy "$tmp/policy.ini" "$tmp/$name.ktax"
  cat "$tmp/$name.txt"
}

# The same for what can be decided: a busy host may leave it open, which is no wrong answer. Again then.
decide_firmly() {
  local attempt
  for attempt in 1 2 3 4 5; do
    record_and_decide "$@"
    rm "$tmp/$1.ktax"
    [ "$verdict" = "not-enough-evidence 4" ] || return 0
    echo "attempt $attempt left it open"
  done
  return 1
}

ceiling() {
  json "$tmp/$1.json" ".ceiling.bypass.gain_$2"
}

# gain NAME ACCOUNT QUANTILE: if the account vanished.
gain() {
  json "$tmp/$1.json" --arg account "$2" "[.ranking[] | select(.account == \$account).gain_$3] | add // 0"
}

record_and_decide kernel "bytes=1" "--rate 0 --connections 1"
check_eq "A tiny handler: what the kernel costs may pay, an A/B must tell" "$verdict" \
  "not-enough-evidence 4"
check_match "The first reason is that there is no A/B" "$(first_reason kernel)" 'A/B'
# Where waking the client takes the hypervisor long, its next request is there before the server has
# done with sending: it queues, for a thread that is in the kernel.
check_num "Most of its median is what bypass could remove, or waits for that" \
  "$(ceiling kernel p50) + $(gain kernel app_queue p50) > 0.4"
check_num "Little of it is its own code" "$(gain kernel app p50) < 0.5"
check_num "And of its p99 more than the policy needs" "$(ceiling kernel p99) > 0.2"

if decide_firmly app "spin_us=1000" "--rate 500 --connections 1"; then
  check_eq "A handler of 1 ms: the kernel is not what to change" "$verdict" "fix-application 3"
  check_match "The first reason is its own code" "$(first_reason app)" '^fix app first'
  check_num "Bypass could not gain what the policy needs" "$(ceiling app p99) < 0.2"
else
  skip "A handler of 1 ms: the kernel is not what to change" \
    "this host is too busy: without the kernel p99 of 1 ms of work would be $(ceiling app p99) lower"
fi

decide_firmly gc "spin_us=20" "--rate 0 --connections 1" --gc-every 20 --gc-us 20000 || true
check_eq "Pauses in 5 % of the requests: the kernel is not what to change" "$verdict" \
  "fix-application 3"
check_match "The first reason is the pauses" "$(first_reason gc)" '^fix gc first'
check_num "Though bypass would gain much of the median" "$(ceiling gc p50) > 0.2"
