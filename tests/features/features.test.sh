#!/usr/bin/env bash
# ktax-test: timeout=240 parallel
# What of the kernel acts on an endpoint is found when a recording begins, and told with its endpoint:
# in two namespaces joined by a veth pair, first bare, then with a service of each kind.
. "$(dirname "$0")/../lib.sh"

require_root
require_command ip tc nft iptables-legacy sqlite3 jq python3 ktax ktax-sample-server ktax-sample-load
export PATH=$build/tests:$PATH
here=$(realpath "$(dirname "$0")")

netns_pair
port=6379
start server "${in_b[@]}" ktax-sample-server --listen "10.77.0.2:$port"
start options "${in_b[@]}" python3 "$here/options_server.py" 10.77.0.2 7000 tls
wait_port "$port" 20 "${in_b[@]}"
wait_port 7000 20 "${in_b[@]}"
endpoint="10.77.0.2:$port/tcp@$(stat -L -c %i "/run/netns/$ns_b")"
other="10.77.0.2:7000/tcp@$(stat -L -c %i "/run/netns/$ns_b")"

# record NAME [ARG...]: its features, in $tmp/NAME.json.
record() {
  local name=$1
  shift
  run ktax record -f -d 0.2 -p "${pid_of[server]}" -p "${pid_of[options]}" "$@" -o "$tmp/$name.ktax"
  [ "$status" = 0 ] || not_ok "The recording $name ends well" "$(tail -n 1 "$tmp/err")"
  sqlite3 "$tmp/$name.ktax" "SELECT value FROM meta WHERE key = 'features'" >"$tmp/$name.json"
}

# features NAME ENDPOINT [STATE...]: the names of those of an endpoint in these states, sorted.
features() {
  local name=$1 of=$2
  shift 2
  jq -r --arg of "$of" '[.features[] | select(.endpoint == $of or .endpoint == null) |
    select(.state | IN($ARGS.positional[])) | .feature] | unique | join(" ")' \
    "$tmp/$name.json" --args "$@"
}

# found FEATURE [ENDPOINT]: "WHERE: FOUND" of all that are found, in the recording "full".
found() {
  jq -r --arg feature "$1" --arg of "${2:-$endpoint}" '.features[] |
    select(.feature == $feature and .state == "found" and .endpoint == $of) |
    "\(.where): \(.found)"' "$tmp/full.json"
}

# attached NAME: whether the attach_bpf.py that was started so has its program attached.
attached() {
  wait_for 20 ready_or_ended "$1" && grep -q ready "$tmp/$1.out"
}

ready_or_ended() {
  [ -s "$tmp/$1.out" ] || ! running "$1"
}

# lacks SENTENCE NAME: skips it with what the one started as NAME has said.
lacks() {
  skip "$1" "this kernel lacks it: $(tail -n 1 "$tmp/$2.err")"
}

# ---- nothing there ------------------------------------------------------------------------------

record bare
check_eq "A recording tells of features in its first version" "$(json "$tmp/bare.json" .schema)" ktax.features/1
check_eq "Reading them was complete" "$(json "$tmp/bare.json" .why)" null
check_num "and what it took is told" "$(json "$tmp/bare.json" .took_ns) > 0"
check_eq "Both endpoints were looked at" \
  "$(jq -c '.endpoints | sort' "$tmp/bare.json")" "[\"$endpoint\",\"$other\"]"
check_eq "Nothing is found in a bare namespace, but that it is one" \
  "$(features bare "$endpoint" found may-apply)" container
check_eq "and nothing is unknown there" "$(features bare "$endpoint" unknown)" ""
check_eq "What every endpoint has is told apart" "$(features bare "$endpoint" inherent)" "tcp visibility"
check_eq "All that was looked for is listed" "$(jq -r '.looked_for | sort | join(" ")' "$tmp/bare.json")" \
  "cgroup-bpf conntrack container ipsec iptables ktls netns-bpf nftables offloads packet-sockets qdisc rdma socket-bpf socket-options tc-bpf tc-filter tcp visibility xdp"
check_match "Options of a listening socket are read from its process" \
  "$(jq -r --arg of "$other" '.features[] | select(.feature == "socket-options" and .endpoint == $of) | .found' "$tmp/bare.json")" \
  "^SO_MARK 42, TCP_CONGESTION reno$"
check_eq "as is its filter" \
  "$(jq -r --arg of "$other" '.features[] | select(.feature == "socket-bpf" and .endpoint == $of) | .found' "$tmp/bare.json")" \
  "a filter of 1 instructions (SO_ATTACH_FILTER)"

# ---- one of each --------------------------------------------------------------------------------

"${in_b[@]}" nft -f - <<END
table inet guard {
  set ports { type inet_service; flags interval; elements = { 6000-7000, 80 }; }
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related counter
    tcp dport $port counter accept
    tcp dport @ports counter
    tcp dport { 80, 443 } counter drop
    udp dport $port drop
    ip saddr 10.0.0.0/8 counter
    tcp dport $port jump behind
  }
  chain behind { counter drop; }
  chain unreached { counter drop; }
}
END
"${in_b[@]}" iptables-legacy -A INPUT -i b0 -p tcp --dport "$port" -m comment --comment test -j ACCEPT
"${in_b[@]}" iptables-legacy -A INPUT -p tcp -m multiport --dports 22,80 -j DROP
"${in_b[@]}" tc qdisc add dev b0 root tbf rate 1gbit burst 100k latency 10ms
"${in_b[@]}" tc qdisc add dev b0 clsact
"${in_b[@]}" tc filter add dev b0 ingress protocol ip u32 match ip dport "$port" 0xffff
"${in_b[@]}" tc filter add dev b0 ingress protocol ip u32 match ip dport 80 0xffff
start xdp "${in_b[@]}" xdp_pass b0
start tap "${in_b[@]}" python3 -c 'import socket, time
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
print("ready", flush=True)
time.sleep(600)'
start tcx "${in_b[@]}" python3 "$here/attach_bpf.py" tcx b0
start sk_lookup "${in_b[@]}" python3 "$here/attach_bpf.py" sk_lookup

# A cgroup of its own for the server, below wherever cgroup2 is.
cgroup=
for root in /sys/fs/cgroup/unified /sys/fs/cgroup; do
  if [ -z "$cgroup" ] && [ -e "$root/cgroup.procs" ] && [ -e "$root/cgroup.controllers" ] &&
    mkdir "$root/ktax-test-$$" 2>/dev/null; then
    cgroup=$root/ktax-test-$$
    defer rmdir "$cgroup"
    defer sh -c "echo ${pid_of[server]} >'$root/cgroup.procs'"
    echo "${pid_of[server]}" >"$cgroup/cgroup.procs"
    start cgroup python3 "$here/attach_bpf.py" cgroup "$cgroup"
  fi
done

start load "${in_a[@]}" ktax-sample-load --url "http://10.77.0.2:$port/" --duration 60 --rate 500 --connections 4
start echo "${in_a[@]}" python3 -c 'import socket, time
connection = socket.create_connection(("10.77.0.2", 7000))
connection.sendall(b"x")
time.sleep(600)'
for ready in xdp tap; do
  wait_file "$tmp/$ready.out"
done
for program in tcx sk_lookup ${cgroup:+cgroup}; do
  attached "$program" || true
done
wait_for 20 grep -q tls "$tmp/options.out"
wait_for 20 sh -c "${in_b[*]} nft list chain inet guard input | grep -q 'dport $port counter packets [1-9]'"

record full
check_match "Rules of nftables that meet the port are counted, and their packets" "$(found nftables)" \
  "inet guard input: 7 rules: 4 meet its packets, 1 may \(.*\); they counted [1-9][0-9]* packets"
check_eq "A chain that nothing leads to is left out" "$(found nftables | grep -c unreached)" 0
check_match "A rule behind one that takes all packets is not sure to act: its counter is 0" \
  "$(jq -r '.features[] | select(.where == "inet guard behind") | "\(.state): \(.why)"' "$tmp/full.json")" \
  "^may-apply: no packet has got to these rules"
check_match "A rule for one port is not one for another" "$(found nftables "$other")" \
  "inet guard input: 7 rules: 2 meet its packets, 1 may"
check_match "Rules of iptables are found in the table of the kernel" "$(found iptables)" \
  "ip filter INPUT \(legacy\): 2 rules: 1 meets its packets, 0 may \(accept\); they counted [1-9]"
check_eq "and none where none meets the port" "$(found iptables "$other")" ""
check_match "Tracked connections are those of the port" "$(found conntrack)" \
  "connections are tracked, of these 4 to it, 0 with NAT"
check_match "A queueing discipline is found with its interface" "$(found qdisc)" "^b0: tbf, [1-9][0-9]* packets"
check_match "A filter at clsact is found where it meets the port" "$(found tc-filter)" \
  "b0 ingress: 1 filters that meet it, 0 that may \(u32"
check_eq "and not for another port" "$(found tc-filter "$other")" ""
check_match "An XDP program is found with its name and mode" "$(found xdp)" \
  "^b0: [a-z_]+ \(id [0-9]+\), in the driver \(native\)"
check_match "A packet socket is found with who holds it" "$(found packet-sockets)" \
  "^all interfaces: packets of all protocols are shown to python3 \(pid ${pid_of[tap]}\)"
check_match "The namespace of a container is found, and its link" "$(found container)" "reached through b0 \(veth\)"
check_eq "Nothing is unknown" "$(features full "$endpoint" unknown)" ""

if attached tcx; then
  check_match "A tcx program is found" "$(found tc-bpf)" "^b0 ingress: 1 tcx programs: ktax_test"
else
  lacks "A tcx program is found" tcx
fi
if attached sk_lookup; then
  check_match "A program of the network namespace is found" \
    "$(jq -r '.features[] | select(.feature == "netns-bpf") | .found' "$tmp/full.json")" "^sk_lookup: ktax_test"
else
  lacks "A program of the network namespace is found" sk_lookup
fi
if [ -n "$cgroup" ] && attached cgroup; then
  check_match "A program of the process's cgroup is found" "$(found cgroup-bpf)" \
    "^cgroup .*/ktax-test-$$: ingress: .*ktax_test"
  check_eq "and not for a process outside of it" "$(found cgroup-bpf "$other")" ""
else
  skip "A program of the process's cgroup is found" "no cgroup2 that may be written to: $(cat "$tmp/cgroup.err" 2>&1)"
fi
if grep -q '^tls' "$tmp/options.out"; then
  check_match "kTLS is found on the connections that have it" "$(found ktls "$other")" \
    "1 of 1 connections have kTLS"
  check_eq "and not on others" "$(found ktls)" ""
else
  skip "kTLS is found on the connections that have it" "$(cat "$tmp/options.out")"
fi

check_eq "What is found has a consequence, and what AF_XDP and DPDK keep of it" \
  "$(jq '[.features[] | select(.state != "lacking") | select((.consequence | length) < 20 or
    (.af_xdp | IN("kept", "partly", "lost") | not) or (.dpdk | IN("kept", "partly", "lost") | not))] |
    length' "$tmp/full.json")" 0

# ---- without rights -----------------------------------------------------------------------------

# What recording needs, and no more: other namespaces may then not be entered.
needed=+bpf,+perfmon,+net_admin,+sys_ptrace,+dac_read_search
record few # the file is made by root, so that anybody may overwrite it
chmod 666 "$tmp/few.ktax"
chmod 777 "$tmp"
few() {
  setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps="$needed" --ambient-caps="$needed" \
    ktax record -f -d 0.2 -p "${pid_of[server]}" -o "$tmp/few.ktax"
}
run few
sqlite3 "$tmp/few.ktax" "SELECT value FROM meta WHERE key = 'features'" >"$tmp/few.json"
check_eq "Without the right to enter the namespace it records all the same" "$status" 0
check_eq "and nothing is taken as missing: all is unknown, with the reason" \
  "$(jq -r '[.features[] | "\(.state): \(.why)"] | unique | join("; ")' "$tmp/few.json")" \
  "unknown: not permitted"
