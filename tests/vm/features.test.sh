#!/usr/bin/env bash
# The kinds of BPF hooks that ktax may use work on the stock kernels that the tests here boot.
# ktax-test: timeout=600 slow
. "$(dirname "$0")/guest.sh"

# compile SECTION: features.bpf.c for that hook. Here, since it would be slow in the guest.
compile() {
  clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" "-DHOOK=\"$1\"" \
    -c "$top/tests/vm/features.bpf.c" -o "$tmp/hooks/${1//\//:}"
}

require_command clang cc
cc -Wall -Wextra -o "$tmp/features" "$top/tests/vm/features.c" -lbpf
mkdir "$tmp/hooks"
for section in fentry/tcp_sendmsg fexit/tcp_sendmsg kprobe/tcp_sendmsg kretprobe/tcp_sendmsg \
  tp_btf/netif_receive_skb raw_tp/net_dev_queue; do
  compile "$section"
done

for_each_kernel in_guest 120 "$tmp/features" "$tmp"/hooks/*
