# shellcheck shell=bash
# shellcheck disable=SC2154 # of lib.sh
# ports_lib.sh - two ports for `ktax ab --plan`, after lib.sh: a veth pair that stands for ports that
# are cabled to each other.
require_root
require_command ip ethtool jq bpftool chrt
plan=$tmp/plan.ini

# The ports have four queues and are down; both namespaces have other interfaces too.
make_ports() {
  ns_g=ktax-test-$$-g
  ns_r=ktax-test-$$-r
  netns_add "$ns_g"
  netns_add "$ns_r"
  ip link add pg0 netns "$ns_g" numtxqueues 4 numrxqueues 4 type veth \
    peer name pr0 netns "$ns_r" numtxqueues 4 numrxqueues 4
  local ns
  for ns in "$ns_g pg0" "$ns_r pr0"; do
    # shellcheck disable=SC2086 # two words
    set_up_once $ns
  done
}

# Only then an interface has its queueing discipline. A link-local address comes at its own time.
set_up_once() {
  nsenter "--net=/run/netns/$1" sysctl -qw "net.ipv6.conf.$2.addr_gen_mode=1"
  ip -n "$1" link set "$2" up
  ip -n "$1" link set "$2" down
}

write_plan() {
  cat >"$plan" <<END
[generator]
interface = pg0
namespace = $ns_g
[responder]
interface = pr0
namespace = $ns_r
port = 7777
[traffic]
rate = 10000
flows = 4
[design]
baseline = kernel
paths = kernel-spin,af_xdp
requests = 1000
rounds = 6
END
}

ports() {
  describe "$ns_g" pg0
  describe "$ns_r" pr0
}

describe() {
  ip -n "$1" -o link show "$2"
  ip -n "$1" -o address show dev "$2"
  ip -n "$1" route show table all dev "$2"
  ip -n "$1" neighbour show dev "$2" nud permanent
  nsenter "--net=/run/netns/$1" ethtool -k "$2"
  nsenter "--net=/run/netns/$1" ethtool -l "$2"
  nsenter "--net=/run/netns/$1" cat "/proc/sys/net/ipv6/conf/$2/disable_ipv6" \
    "/proc/sys/net/ipv4/conf/$2/forwarding"
}

check_ports() {
  ports >"$tmp/after"
  check_eq "$1" "$(diff "$tmp/before" "$tmp/after")" ""
}

# answered FILE: the paths that have answered in any block, whether or not the gates let it through:
# what they reject is in no other figure.
answered() {
  # shellcheck disable=SC2016 # of jq
  json "$1" '.design.pairs as $all |
    [.validity.rejected_by | to_entries[] | select(.value.silent < $all).key] | join(" ")'
}

# said FILE: all but what it says of hosts with two CPUs.
said() {
  grep -v 'fill both CPUs' "$1"
}

measuring() {
  chrt -p "${pid_of[run]}" 2>/dev/null | grep -q SCHED_FIFO
}

# start_slow_run BASELINE PATHS: returns in a block of it.
start_slow_run() {
  start run ktax ab --plan "$plan" --rate 500 --baseline "$1" --paths "$2"
  wait_for 60 measuring || not_ok "A run begins" "$(cat "$tmp/run.err")"
}
