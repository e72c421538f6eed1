#!/usr/bin/env bash
# paths.sh [--rounds N] [--requests N] [--runs N] - round trips of the paths, against their goals
#
# One ping-pong run of `ktax ab` per line: every path's p50, all in the same rounds, as a ratio to
# another's. Before and after it the distance of the two CPUs is measured (core_distance): in a
# virtual machine it changes by itself, and the figures with it. It reports and does not judge.
#
#   af_xdp        at most 0.7 x kernel-spin
#   dpdk-af_xdp   at most 1.1 x af_xdp
#   dpdk-pair     at most 0.1 x kernel-spin; it never enters the kernel
#
# Needs root and two CPUs. Environment: KTAX_BUILD, the build directory (default: build/).
set -euo pipefail

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
build=${KTAX_BUILD:-$top/build}
rounds=10 requests=1000 runs=5
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --requests) requests=$2 ;;
    --runs) runs=$2 ;;
    *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 1 ;;
  esac
  shift 2
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/ktax-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# Exit codes say what the verdict was, which does not matter here.
run_ab() {
  "$build/ktax" ab --ping-pong --rounds "$rounds" --requests "$requests" --baseline kernel-spin \
    --paths af_xdp,dpdk-af_packet,dpdk-af_xdp,xdp,dpdk-pair --json "$dir/ab.json" >/dev/null 2>"$dir/err" ||
    [ -s "$dir/ab.json" ] || { cat "$dir/err" >&2; exit 1; }
}

p50() {
  jq --arg path "$1" '.arms[] | select(.path == $path) | .p50_ns // 0' "$dir/ab.json"
}

distance() {
  "$build/tests/core_distance" 0 1
}

print_header() {
  printf '%12s %12s %8s %12s %6s %10s   %8s %10s %9s\n' 'CPU-CPU, ns' kernel-spin af_xdp \
    dpdk-af_xdp xdp dpdk-pair 'af_xdp/' 'dpdk-a_x/' 'pair/'
  printf '%12s %53s us   %8s %10s %9s\n' 'before-after' p50 spin af_xdp spin
}

# print_run BEFORE AFTER: distances
print_run() {
  awk -v distance="$1-$2" -v spin="$(p50 kernel-spin)" -v xsk="$(p50 af_xdp)" \
    -v dpdk="$(p50 dpdk-af_xdp)" -v xdp="$(p50 xdp)" -v pair="$(p50 dpdk-pair)" '
    function ratio(a, b) { return b ? a / b : "nan" }
    BEGIN {
      printf "%12s %12.2f %8.2f %12.2f %6.2f %10.2f", distance, spin / 1e3, xsk / 1e3, dpdk / 1e3,
        xdp / 1e3, pair / 1e3
      printf "   %8.2f %10.2f %9.3f\n", ratio(xsk, spin), ratio(dpdk, xsk), ratio(pair, spin)
    }'
}

print_header
for ((run = 0; run < runs; run++)); do
  before=$(distance)
  run_ab
  print_run "$before" "$(distance)"
done
