#!/usr/bin/env bash
# `ktax ab --plan` takes an emulated NIC from the kernel for the blocks of `dpdk`, and gives it back:
# DPDK's own driver of it answers, the kernel's paths do after it, and the interface is as it was at the
# end, also after kill -9.
# ktax-test: timeout=1300 slow
. "$(dirname "$0")/guest.sh"
. "$(dirname "$0")/guest-nics.sh"

check_kernel() {
  VM_QEMU=$(nics_for_qemu "$1") in_guest 1100 "$top/tests/vm/guest-rebind.sh" "${@:2}"
}

require_command ktax jq ethtool
# Linux 6.1 leaves interrupts' work to a thread that never runs beside a generator that spins.
with_kernel "${guest_kernels[1]}" check_kernel virtio-net-pci virtio_net
