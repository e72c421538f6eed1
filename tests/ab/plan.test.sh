#!/usr/bin/env bash
# ktax-test: timeout=300
# `ktax ab --plan` on two ports: what it changes of them is as it was at any end; what must not be
# touched is not; what is wrong in the plan is told by file and line. A veth pair stands for ports
# that are cabled to each other.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/ports_lib.sh"

# refused SENTENCE STATUS REGEX [ARG...]: the run does not begin.
refused() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run ktax ab --plan "$plan" "$@"
  check_match "$sentence" "$status $(said "$tmp/err")" "^$wanted ktax: $regex"
  check_ports "$sentence, and the ports are as they were"
}

make_ports
write_plan
ports >"$tmp/before"

run ktax ab --plan "$plan" --json "$tmp/ab.json"
check_match "A planned run comes to a verdict" "$status" "^[034]$"
check_eq "All paths have answered" "$(answered "$tmp/ab.json")" "kernel kernel-spin af_xdp"
check_eq "It has lost nothing" "$(json "$tmp/ab.json" '[.arms[].lost[]?] | add')" 0
check_ports "The ports are as they were"

# ---- ends ----------------------------------------------------------------------------------------

start_slow_run kernel kernel-spin,af_xdp
ports >"$tmp/within"
check "The ports are changed while it runs" not cmp -s "$tmp/before" "$tmp/within"
stop run INT
check_eq "SIGINT ends it" "$status" 2
check_ports "The ports are as they were after SIGINT"

start_slow_run kernel kernel-spin,af_xdp
stop run KILL
ports >"$tmp/within"
check "kill -9 leaves the ports changed" not cmp -s "$tmp/before" "$tmp/within"
run ktax ab --cleanup
check_match "--cleanup restores them" "$status $(cat "$tmp/out")" "^0 restored what"
check_ports "The ports are as they were after --cleanup"

start_slow_run kernel kernel-spin,af_xdp
stop run KILL
run ktax ab --plan "$plan"
check_match "The next run restores them first" "$(cat "$tmp/err")" "restored what a run that was"
check_ports "The ports are as they were after the next run"

# ---- what must not be touched --------------------------------------------------------------------

ip -n "$ns_r" link add other0 type veth peer name other1
ip -n "$ns_r" link set other0 up
ip -n "$ns_r" link set other1 up
ip -n "$ns_r" link set pr0 up
ip -n "$ns_r" address add 10.5.0.2/24 dev pr0
ports >"$tmp/before"
refused "A port with an IP address is refused" 2 "pr0 has an IP address.*take it off"
ip -n "$ns_r" route add default via 10.5.0.1 dev pr0
ports >"$tmp/before"
refused "A port of the default route is refused" 5 "pr0 carries the default route.*--i-know"
refused "It is not with --i-know" 2 "pr0 has an IP address" --i-know
ip -n "$ns_r" address flush dev pr0
ip -n "$ns_r" address add 198.18.0.2/32 dev other0
ports >"$tmp/before"
refused "An address that is taken is refused" 2 "other0 has an address of the plan"
ip -n "$ns_r" link del other0
ip -n "$ns_r" link set pr0 down
ports >"$tmp/before"

# ---- plans ---------------------------------------------------------------------------------------

# wrong SENTENCE LINE REGEX: the plan with LINE at its end is refused, with exit code 1.
wrong() {
  write_plan
  echo "$2" >>"$plan"
  run ktax ab --plan "$plan"
  check_match "$1" "$status $(cat "$tmp/err")" "^1 ktax ab: $plan:16: $3"
}

wrong "An unknown key is refused" "round = 7" '\[design\] has no key "round"'
wrong "An unknown section is refused" "[desing]" 'unknown section'
wrong "A second value is refused" "rounds = 7" "rounds is given twice"
wrong "A path that there is not is refused" "paths = quic" 'paths needs paths'
wrong "CPUs are not part of the design" "cpus = 0,1" '\[design\] has no key "cpus"'
wrong "Output is not part of the design" "json = /etc/passwd" '\[design\] has no key "json"'
wrong "A flag is yes or no" "sweep = 1" 'sweep needs yes or no, not "1"'
for rate in 0 -5 nan inf 1e300 50000001 fast; do
  write_plan
  sed -i "s/^rate = .*/rate = $rate/" "$plan"
  run ktax ab --plan "$plan"
  check_match "A rate of $rate is refused" "$status $(cat "$tmp/err")" \
    "^1 ktax ab: $plan:9: rate needs a rate"
done
write_plan
sed -i '/^port = /a ip = fd00::2' "$plan"
run ktax ab --plan "$plan"
check_match "An IPv6 address is refused" "$status $(cat "$tmp/err")" \
  "^1 ktax ab: $plan:8: ip needs an IPv4 address \(a run on ports is over IPv4\), not \"fd00::2\""
write_plan
sed -i 's/^interface = pr0/interface = pr9/' "$plan"
run ktax ab --plan "$plan"
check_match "An interface that is not there is refused" "$status $(cat "$tmp/err")" \
  "^1 ktax ab: $plan:5: there is no interface \"pr9\""
run ktax ab --plan "$top/samples/ab.ini"
check_match "The sample is a plan, of ports that are not here" "$status $(cat "$tmp/err")" \
  "^1 ktax ab: .*ab.ini:[0-9]*: there is no interface"
check_ports "The ports are as they were after all of this"

# ---- a port that vanishes ------------------------------------------------------------------------

write_plan
start_slow_run kernel kernel-spin,af_xdp
ip -n "$ns_r" link del pr0
check "A run ends when a port vanishes" await run 30
check_match "It says so in one sentence" "$status $(said "$tmp/run.err")" \
  "^2 ktax: interface p[gr]0 has vanished$"
check_eq "And leaves no change to restore" "$(cat "$KTAX_RUN_DIR/ab.journal")" ""
