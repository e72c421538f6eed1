#!/usr/bin/env bash
# ktax doctor on stock kernels and emulated NICs, of which it is known what they can do.
# ktax-test: timeout=1200 slow
. "$(dirname "$0")/guest.sh"

# The NICs are not connected to anything.
export VM_QEMU="-netdev hubport,hubid=1,id=h1 -netdev hubport,hubid=2,id=h2 \
-device e1000e,netdev=h1,addr=10.0 -device virtio-net-pci,netdev=h2,addr=11.0"
for_each_kernel in_guest 280 "$top/tests/vm/guest-doctor.sh"
