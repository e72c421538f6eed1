#!/usr/bin/env bash
# agreement.sh [ROUNDS] [GENERATOR_CPU RESPONDER_CPU] - does `ktax ab` measure what others measure?
#
# Round trips over a veth pair, one at a time, all in one run in turns: the kernel paths beside
# `sockperf ping-pong`, the DPDK paths beside dpdk-testpmd in 5tswap. The goal is a p50 within 10 %
# of theirs. sockperf's client is a kernel socket, so ktax's generator is driven through one too; the
# rows with a raw socket show what that makes of it. It reports and does not judge. A round takes 5 s.
#
# Needs root, two CPUs, sockperf and, for DPDK, dpdk-testpmd. Environment: KTAX_BUILD, the build
# directory (default: build/).
set -euo pipefail

case " $* " in
  *" --help "* | *" -h "*) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'; exit 0 ;;
esac
[ "$(id -u)" = 0 ] || { echo "agreement: needs root" >&2; exit 5; }
[ "$(nproc)" -ge 2 ] || { echo "agreement: needs two CPUs" >&2; exit 5; }
command -v sockperf >/dev/null || { echo "agreement: needs sockperf" >&2; exit 5; }
top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
exec "${KTAX_BUILD:-$top/build}/tests/agreement" "$@"
