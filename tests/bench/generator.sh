#!/usr/bin/env bash
# generator.sh [ROUNDS] [GENERATOR_CPU RESPONDER_CPU] - how late is the generator of `ktax ab`?
#
# Prints its lateness per request, in ns, for every kind of socket at 10,000, 50,000 and 100,000
# requests per second with constant gaps, to a sink and with all of them answered, and what is left
# of it without the time that the sends before took (own); and how far its clock is from
# CLOCK_MONOTONIC. The goal is a p99 below 1000 ns where it has a CPU of its own: the rows without a
# socket ("none") say whether the host lets any program have that. It reports and does not judge.
# 11 rounds take half a minute.
#
# Needs root and two CPUs. Environment: KTAX_BUILD, the build directory (default: build/).
set -euo pipefail

case " $* " in
  *" --help "* | *" -h "*) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'; exit 0 ;;
esac
[ "$(id -u)" = 0 ] || { echo "generator: needs root" >&2; exit 5; }
[ "$(nproc)" -ge 2 ] || { echo "generator: needs two CPUs" >&2; exit 5; }
top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
exec "${KTAX_BUILD:-$top/build}/tests/generator" "$@"
