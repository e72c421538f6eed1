#!/usr/bin/env bash
# The ledger is right on stock kernels, with each family of hooks that they have.
# ktax-test: timeout=1500 slow
. "$(dirname "$0")/guest.sh"

require_command ktax ktax-sample-server ktax-sample-load jq sqlite3
for_each_kernel in_guest 600 "$top/tests/vm/guest-attribution.sh" any fentry kprobe
