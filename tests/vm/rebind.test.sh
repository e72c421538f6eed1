#!/usr/bin/env bash
# `ktax ab --plan` takes an emulated NIC from the kernel for the blocks of `dpdk`, and gives it back:
# DPDK's own driver of it answers, the kernel's paths do after it, and the interface is as it was at the
# end, also after kill -9.
# ktax-test: timeout=900 slow
. "$(dirname "$0")/guest.sh"
. "$(dirname "$0")/guest-nics.sh"

check_kernel() {
  VM_QEMU=$(nics_for_qemu e1000e) in_guest 700 "$top/tests/vm/guest-rebind.sh" e1000e
}

require_command ktax jq ethtool
with_kernel "${guest_kernels[0]}" check_kernel
