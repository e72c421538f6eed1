#!/usr/bin/env bash
# gate.sh [OPTION OF ktax ab...] - `ktax ab` as a gate of a build, by its exit code.
#
# Fails if the policy is not met. An inconclusive or invalid run is tried again up to TRIES times (3),
# and fails after that unless INCONCLUSIVE=pass: a busy CI host is no reason to stop a release.
# Results are left in RESULTS (./ab-results).
#
#     sudo samples/ci/gate.sh --paths kernel-spin --policy samples/ci/regression.ini
set -euo pipefail

ktax=${KTAX:-ktax}
results=${RESULTS:-ab-results}
tries=${TRIES:-3}

mkdir -p "$results"
for ((try = 1; try <= tries; try++)); do
  status=0
  "$ktax" ab "$@" --json "$results/ab.json" --junit "$results/ab.xml" --hlog "$results/hlog" \
    >"$results/ab.txt" || status=$?
  cat "$results/ab.txt"
  case $status in
    0) echo "gate: approved"; exit 0 ;;
    3) echo "gate: the policy is not met" >&2; exit 3 ;;
    4) echo "gate: try $try of $tries did not decide" >&2 ;;
    *) exit "$status" ;; # 1 usage, 2 failed, 5 not permitted or not supported here
  esac
done
[ "${INCONCLUSIVE:-fail}" = pass ] || exit 4
echo "gate: not decided, and let pass"
