#!/usr/bin/env bash
# On emulated NICs the raw paths of ktax ab answer each request once: AF_XDP and XDP where the driver
# has no hook of its own and where it has, and DPDK on a NIC that the kernel has given up.
# ktax-test: timeout=900 slow
. "$(dirname "$0")/guest.sh"
. "$(dirname "$0")/guest-nics.sh"

# check_kernel MODEL DRIVER [dpdk]: QEMU's name of the NIC, and the kernel's.
check_kernel() {
  VM_QEMU=$(nics_for_qemu "$1") in_guest 300 "$top/tests/vm/guest-paths.sh" "${@:2}"
}

require_command ktax python3 ethtool
with_kernel "${guest_kernels[0]}" check_kernel e1000e e1000e dpdk
with_kernel "${guest_kernels[1]}" check_kernel virtio-net-pci virtio_net
