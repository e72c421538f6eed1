#!/usr/bin/env bash
# What bypass would lose is found on stock kernels too, where it is in modules, and to look for it loads
# none of them. kTLS is looked for here, since many kernels that tests run on have none.
# ktax-test: timeout=900 slow
. "$(dirname "$0")/guest.sh"

require_command nft python3
for_each_kernel in_guest 280 "$top/tests/vm/guest-features.sh"
