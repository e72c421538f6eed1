#!/usr/bin/env bash
# ktax-test: timeout=600 slow
# Built where the kernel has no BTF, ktax takes probes/minimal/vmlinux.h instead of generating
# vmlinux.h. Such a ktax loads the same programs here as one that knows this kernel's types, and its
# ledgers balance: CO-RE has moved every access to where the member is.
. "$(dirname "$0")/../lib.sh"

require_command cmake clang bpftool ktax-sample-server ktax-sample-load sqlite3

minimal=$tmp/build

build_minimal() {
  cmake -S "$top" -B "$minimal" -DKTAX_WERROR=ON -DKTAX_TESTS=OFF \
    -DKTAX_VMLINUX_BTF=/nonexistent &&
    nice cmake --build "$minimal" -j "$(nproc)" --target ktax
}
if build_minimal >"$tmp/log" 2>&1; then
  ok "ktax is configured and built without the kernel's BTF"
else
  not_ok "ktax is configured and built without the kernel's BTF"
  grep -E 'error|Error' "$tmp/log" || tail -n 20 "$tmp/log"
  exit
fi
check "Its types are those of probes/minimal" \
  cmp -s "$minimal/probes/bpf/vmlinux.h" "$top/probes/minimal/vmlinux.h"
[ "$(id -u)" = 0 ] || { skip "Its programs load" "needs root"; exit; }

start server ktax-sample-server --listen 127.0.0.1:0 --port-file "$tmp/port"
wait_file "$tmp/port"
port=$(cat "$tmp/port")
start load ktax-sample-load --url "http://127.0.0.1:$port/items?n=5" --rate 300 --connections 4 \
  --duration 300

# record_both NAME OPTION...: with the ktax under test and with the one built from the minimal types.
record_both() {
  local name=$1
  shift
  ktax record --port "$port" --budget 0 -d 1 -o "$tmp/$name.ktax" "$@"
  "$minimal/ktax" record --port "$port" --budget 0 -d 1 -o "$tmp/$name-minimal.ktax" "$@"
}

value() {
  sqlite3 "$tmp/$1.ktax" "$2"
}

# check_set NAME OPTION...
check_set() {
  local name=$1 programs='SELECT boundary, account, program FROM hook ORDER BY 1, 2'
  if ! record_both "$@" 2>"$tmp/err"; then
    not_ok "With ${*:2}, its programs load" "$(tail -n 1 "$tmp/err")"
    return 0
  fi
  check_eq "With ${*:2}, it loads the same programs" \
    "$(value "$name-minimal" "$programs")" "$(value "$name" "$programs")"
  check_num "With ${*:2}, it follows requests" \
    "$(value "$name-minimal" 'SELECT coalesce(sum(requests), 0) FROM ledger') > 100"
  check_eq "With ${*:2}, every request balances" \
    "$(value "$name-minimal" 'SELECT sum(unbalanced) FROM ledger')" 0
  check_num "With ${*:2}, no account is lost" \
    "$(missing_accounts "$name") <= 0"
}

# missing_accounts NAME: how many of the main accounts only the other build has seen.
missing_accounts() {
  local account sums n=0
  for account in nic_rx kernel_rx wakeup copy_rx app serialize kernel_tx; do
    sums="SELECT coalesce(sum(${account}_ns), 0) FROM joint"
    if [ "$(value "$1" "$sums")" -gt 0 ] && [ "$(value "$1-minimal" "$sums")" = 0 ]; then
      n=$((n + 1))
    fi
  done
  echo "$n"
}

check_set any --hooks any
check_set fentry --hooks fentry
check_set kprobe --hooks kprobe
check_set raw_tp --hooks raw_tp
check_set light --detail light
