#!/usr/bin/env bash
# `ktax ab --plan` with a responder that really is on another host: a virtual machine with a kernel, a clock
# and CPUs of its own. Its NIC's cable ends in a tap interface of this host, which is the generator's port;
# the plan's remote speaks over a port of the machine, as it would over ssh.
# ktax-test: timeout=900 slow
. "$(dirname "$0")/guest.sh"

# The command of the plan's remote: what ktax says goes to the machine, what it answers comes back.
write_command() {
  cat >"$tmp/to-guest" <<END
#!/bin/bash
exec 5<&0
cat <&5 >$tmp/remote.in &
writer=\$!
cat <$tmp/remote.out &
reader=\$!
wait \$writer
kill \$reader
END
  chmod +x "$tmp/to-guest"
}

write_plan() {
  cat >"$tmp/plan.ini" <<END
[generator]
interface = tap0
namespace = $ns
[responder]
interface = eth0
remote = $tmp/to-guest
[traffic]
rate = 800
gaps = constant
[design]
baseline = kernel
paths = af_xdp
requests = 1000
rounds = 6
lateness = 10s
generator = AF_PACKET
END
}

# QEMU runs where the tap interface is.
start_guest() {
  mkfifo "$tmp/remote.in" "$tmp/remote.out"
  printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s qemu-system-x86_64 "$@"\n' "$ns" >"$tmp/qemu"
  chmod +x "$tmp/qemu"
  export VM_BIN=$tmp/qemu
  export VM_QEMU="-netdev tap,id=net,ifname=tap0,script=no,downscript=no \
-device virtio-net-pci,netdev=net -chardev pipe,id=remote,path=$tmp/remote \
-device virtserialport,chardev=remote,name=remote"
  start vm in_guest 700 "$top/tests/vm/guest-remote.sh"
}

check_two_hosts() {
  ns=ktax-test-$$
  netns_add "$ns"
  ip -n "$ns" tuntap add tap0 mode tap
  write_command
  write_plan
  start_guest
  run ktax ab --plan "$tmp/plan.ini" --json "$tmp/ab.json"
  check_match "A run with a machine of its own comes to a verdict" "$status $(cat "$tmp/err")" "^[034] "
  check_eq "Its kernel is another one" \
    "$(json "$tmp/ab.json" '.link.responder_host.hostname, .link.responder_host.kernel')" \
    "$(printf 'ktax-guest\n%s' "$(basename "$kernel"/lib/modules/*)")"
  check_eq "So is the driver" "$(json "$tmp/ab.json" .link.driver)" virtio_net
  # An emulated machine stands still now and then, for longer than its NIC's ring lasts.
  check_eq "Both paths have answered most requests" \
    "$(json "$tmp/ab.json" '.arms[] | "\(.path) \(.p50_ns > 0) \((.lost | add) < 1500)"')" \
    "$(printf 'kernel true true\naf_xdp true true')"
  check "The machine has done what it was to" await vm 120
  cat "$tmp/vm.out"
  check_match "And has found its port as it was" "$(cat "$tmp/vm.out")" "^ok - .*as it was"
}

require_root
require_command ktax jq ip
[ -c /dev/net/tun ] || skip_all "there is no /dev/net/tun"
with_kernel "${guest_kernels[1]}" check_two_hosts
