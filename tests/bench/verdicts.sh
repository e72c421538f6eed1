#!/usr/bin/env bash
# verdicts.sh [OPTION...] - how often is a verdict of `ktax ab` wrong, and how often does it miss?
#
#   --runs N       runs (100)
#   --rounds N     pairs of blocks of each run (as many as take 150 s, as ktax ab does)
#   --requests N   of a block (1000)
#   --rate PPS     requests per second (20000)
#   --seed N       of the first run (1)
#   --path NAME    kernel, kernel-spin, or kernel-awake (default)
#   --waits T,M    in us, to begin with: of 2 % of the requests, and of all (chosen by short runs);
#                  "none": only the equal arms, for the rate of false verdicts alone
#
# Every run compares a path with itself, with itself delayed so that the p99 is 30 % up, and with
# itself delayed so that the p50 is 15 % up; each run's waits follow from what the one before has made
# of them. The last lines have the three rates: false verdicts (to be 5 % at most), and what was found
# (80 % at least), with what was injected. Needs root and two CPUs that nobody else uses.
#
# Environment: KTAX_BUILD, the build directory (default: build/).
set -euo pipefail

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
build=${KTAX_BUILD:-$top/build}
runs=100 rounds=0 requests=1000 rate=20000 seed=1 waits='' path=kernel-awake

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d'
}

while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2 ;;
    --rounds) rounds=$2 ;;
    --requests) requests=$2 ;;
    --rate) rate=$2 ;;
    --seed) seed=$2 ;;
    --waits) waits=$2 ;;
    --path) path=$2 ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 1 ;;
  esac
  shift 2
done
[ "$(id -u)" = 0 ] || { echo "verdicts: run it as root" >&2; exit 5; }
[ "$(nproc)" -ge 2 ] || { echo "verdicts: needs two CPUs" >&2; exit 5; }

exec "$build/tests/verdicts" "$runs" "$rounds" "$requests" "$rate" "$seed" "$waits" "$path"
