#!/usr/bin/env bash
# ktax-test: timeout=200
# `ktax ab` leaves the host as it found it, however it ends: no process, namespace, interface, XDP
# program, pinned object or huge page. A second run at the same time says so.
# It stands in namespaces of its own, where whatever is left is ktax's.
if [ "$(id -u)" = 0 ] && [ -z "${KTAX_TEST_APART-}" ]; then
  KTAX_TEST_APART=1 exec unshare --net --mount --propagation private "$0"
fi
. "$(dirname "$0")/../lib.sh"

require_root
mount -t tmpfs none /run
mount -t tmpfs none /dev/shm
mount -t sysfs none /sys
mount -t bpf none /sys/fs/bpf
require_command ip bpftool ethtool jq
paths=kernel-spin,af_xdp,xdp,dpdk-af_packet,dpdk-af_xdp,dpdk-pair
journal=$KTAX_RUN_DIR/ab.journal

# What a run could leave in places of the host that it shares with others.
host() {
  ip -o link show | sed 's/@.*//'
  ip netns list
  { find /sys/fs/bpf /dev/hugepages /dev/shm /run/dpdk 2>/dev/null || true; } | sort
  cat /proc/sys/vm/nr_hugepages
}

children() {
  local pid
  for pid in $(pgrep -P "${pid_of[run]}" || true); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != ktax-responder ] || echo "$pid"
  done
}

running_responders() {
  [ "$(children | wc -l)" -ge "$1" ]
}

# A run whose blocks take long, so that it is stopped within one of them.
start_run() {
  start run ktax ab --paths "$paths" --rate 500 --requests 1000
  wait_for 60 measuring || {
    not_ok "A run begins" "$(cat "$tmp/run.err")"
    exit 1
  }
}

# All arms are open once the generator's thread runs at a real-time priority.
measuring() {
  chrt -p "${pid_of[run]}" 2>/dev/null | grep -q SCHED_FIFO
}

alive() {
  local state
  state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 1
  [ -n "$state" ] && [ "$state" != Z ]
}

none_alive() {
  local pid
  for pid; do
    ! alive "$pid" || return 1
  done
}

# Namespaces of the run that somebody is in still.
namespaces_left() {
  local left
  left=$(readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u | grep -Fx -f "$tmp/namespaces" || true)
  [ -n "$left" ]
}

# programs PID...: ids of the XDP programs on interfaces of these processes' namespaces.
programs() {
  local pid
  for pid; do
    nsenter "--net=/proc/$pid/ns/net" ip -details -json link show |
      jq '.[].xdp | select(.) | (.prog.id // empty), (.attached[]?.prog.id // empty)'
  done | sort -u
}

programs_left() {
  local id
  for id in $(<"$tmp/programs"); do
    ! bpftool prog show id "$id" >/dev/null 2>&1 || return 0
  done
  return 1
}

end_run() {
  local signal=$1 what=$2 pids
  start_run
  pids=$(children)
  # shellcheck disable=SC2086 # words
  programs $pids >"$tmp/programs"
  for pid in $pids; do readlink "/proc/$pid/ns/net" || true; done | sort -u |
    grep -Fxv "$(readlink /proc/self/ns/net)" >"$tmp/namespaces"
  check_num "$what: it was stopped with its arms open" "$(wc -w <<<"$pids") >= 4"
  check_num "$what: and with XDP programs attached" "$(wc -l <"$tmp/programs") >= 2"
  kill "-$signal" "${pid_of[run]}"
  check "$what: it ends" await run 20
  # shellcheck disable=SC2086 # words
  check "$what: no process is left" wait_for 5 none_alive $pids
  check "$what: no namespace is left" wait_for 5 not namespaces_left
  check "$what: no XDP program is left" wait_for 10 not programs_left
  [ "$signal" != KILL ] || run ktax ab --cleanup
  host >"$tmp/after"
  check_eq "$what: nothing else is left" "$(diff "$tmp/before" "$tmp/after")" ""
}

host >"$tmp/before"
run ktax ab --cleanup
check_eq "Where nothing was run there is nothing to clean up" "$status $(cat "$tmp/out")" \
  "0 nothing to do: no run has left anything"

end_run INT "After SIGINT"
check_eq "After SIGINT: it says that there is no result" "$status $(tail -1 "$tmp/run.err")" \
  "2 ktax: interrupted: there is no result"
check_eq "After SIGINT: the journal is empty" "$(cat "$journal")" ""
end_run TERM "After SIGTERM"
check_eq "After SIGTERM: it says that it failed" "$status" 2
end_run HUP "After SIGHUP"
end_run KILL "After kill -9"
check_eq "After kill -9: it can be cleaned up" "$status" 0
run ktax ab --cleanup
check_eq "After kill -9: and then there is nothing to clean up" "$status $(cat "$tmp/out")" \
  "0 nothing to do: no run has left anything"

start_run
run ktax ab --rounds 6
check_eq "A second run fails" "$status" 2
check_match "A second run is told of the first" "$(cat "$tmp/err")" \
  "^ktax: another run is under way \(process ${pid_of[run]}\), and two"
run ktax ab --cleanup
check_eq "A run under way is not cleaned up" "$status" 2
check "The first one goes on" running run
stop run INT

run env KTAX_RUN_DIR=/proc/none ktax ab --rounds 6
check_match "A journal that cannot be made ends the run before it begins" "$status $(cat "$tmp/err")" \
  "cannot make /proc/none"

if run setpriv --reuid=65534 --clear-groups ktax ab --rounds 6 && [ "$status" = 127 ]; then
  skip "Who is not root is told so" "no setpriv"
else
  check_match "Who is not root is told so" "$status $(cat "$tmp/err")" \
    "^5 ktax: .*(run it as root|needs root)"
fi
