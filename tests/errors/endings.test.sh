#!/usr/bin/env bash
# ktax-test: timeout=400
# However ktax record ends, what it has recorded is there and nothing of it stays in the kernel; and
# while it runs, it says what the user should know, once, and in one line of a terminal.
. "$(dirname "$0")/errors.sh"

require_command bpftool script jq
cd "$tmp"
serve server
load load server
target=(--port "${port[server]}")

# ---- signals ------------------------------------------------------------------------------------

for signal in INT TERM HUP; do
  record "$signal" "${target[@]}"
  stop "$signal" "$signal"
  check_eq "SIG$signal ends it with a complete recording" \
    "$status $(complete "$signal.ktax") $(messages "$signal.err")" "0 1 "
  check_match "and one sentence, where standard error is no terminal too" "$(cat "$signal.err")" \
    "^ktax: recorded $(requests "$signal.ktax") requests in [0-9.]+ m?s to $tmp/$signal.ktax\$"
  check_num "that has the requests" "$(requests "$signal.ktax") > 0"
done

# The reader of its messages is gone before it has said anything.
mkfifo words
start reader sleep 0.5
start pipe bash -c 'exec ktax record --interval 200ms -o pipe.ktax --port 1 2>words'
exec 3<words 3<&-
wait_for 30 recording pipe 30
stop pipe INT
check_eq "Nobody to read its messages does not cut the recording short" \
  "$status $(complete pipe.ktax)" "0 1"
check_num "though it had something to say" "$(intervals pipe.ktax) >= 30"

# held prog|link PID: the ids of the BPF programs or links that the process holds.
held() {
  cat "/proc/$2/fdinfo/"* 2>/dev/null | awk -v key="$1_id:" '$1 == key { print $2 }' | sort -u
}

uprobes() {
  { cat /sys/kernel/tracing/uprobe_events /sys/kernel/debug/tracing/uprobe_events 2>/dev/null || true; } | wc -l
}

before=$(uprobes)
record killed "${target[@]}" --budget 0
pid=${pid_of[killed]}
children=$(pgrep -P "$pid" || true)
programs=$(held prog "$pid")
links=$(held link "$pid")
check_num "While it records, its programs and links are there" \
  "$(wc -w <<<"$programs") > 10 && $(wc -w <<<"$links") > 10"
wait_for 30 recording killed 3
stop killed KILL
check_eq "kill -9 leaves finished intervals" "$status $(complete killed.ktax)" "137 0"
check_num "that are readable" "$(requests killed.ktax) > 0"
check "by ktax report as well" ktax report killed.ktax >/dev/null
# gone prog|link IDS: the kernel has none of them.
gone() {
  ! comm -12 <(sort <<<"$2") <(bpftool -j "$1" show | jq -r '.[].id' | sort) | grep -q .
}
check "None of its programs stays in the kernel" wait_for 20 gone prog "$programs"
check "None of its links does" wait_for 20 gone link "$links"
check_eq "no uprobe either" "$(uprobes)" "$before"
check_eq "and nothing is pinned" "$({ find /sys/fs/bpf -name "*ktax*" 2>/dev/null || true; } | wc -l)" 0
no_children() {
  local child
  for child in $children; do ! kill -0 "$child" 2>/dev/null || return 1; done
}
check "Its child has ended with it" wait_for 10 no_children

# ---- targets ------------------------------------------------------------------------------------

serve short
record target -p "${pid_of[short]}"
stop short
await target 30 || stop target
check_eq "When its target has ended, so does the recording, complete" \
  "$status $(complete target.ktax)" "0 1"
check_match "and says so" "$(messages target.err)" "^ktax: the target has ended, and so does the recording$"

start quiet sleep 60
run ktax record -p "${pid_of[quiet]}" -d 8 -o none.ktax
check_eq "Where nothing listens, it says so once, and goes on" \
  "$status $(complete none.ktax) $(messages err | wc -l)" "0 1 1"
check_match "with what to look at" "$(cat err)" "nothing matches yet: no listening TCP socket.*; see ss -ltnp"
serve idle
run ktax record --port "${port[idle]}" -d 8 -o idle.ktax
check_eq "So it does where no request comes" "$status $(complete idle.ktax) $(messages err | wc -l)" "0 1 1"
check_match "and asks about traffic" "$(cat err)" "no request seen yet on any of the 1 listening"

# ---- the progress line --------------------------------------------------------------------------

run ktax record "${target[@]}" -d 2 -o silent.ktax
check_eq "There is none where standard error is no terminal, only the sentence at the end" \
  "$status $(messages err) $(cat out)$(wc -l <err)" "0  1"

# typescript COLUMNS: what a terminal of that width gets, without the newlines that script adds.
typescript() {
  script -qec "stty cols $1; ktax record ${target[*]} -d 3 -f -o terminal.ktax" /dev/null </dev/null |
    tr -d '\r' | sed 's/\x1b\[K/\n/g'
}
lines=$(LC_ALL=C.UTF-8 typescript 120)
check_match "In a terminal, a line tells time, requests, rate, percentiles, losses and cost" "$lines" \
  "[23] s  [0-9]+ requests  [0-9]+/s  p50 [0-9.]+ .s  p99 [0-9.]+ .s  lost [0-9]+  cost [0-9.]+ %"
check_num "It is updated every second" "$(grep -c requests <<<"$lines") >= 2"
check_eq "A narrow terminal gets what fits" \
  "$(LC_ALL=C.UTF-8 typescript 62 | LC_ALL=C.UTF-8 grep -cE '^.{62,}' || true)" 0
