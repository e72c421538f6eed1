#!/usr/bin/env bash
# guest-features.sh - inside the guest: what a recording tells of the kernel's services, before their
# modules are loaded, and after.
. "$(dirname "$0")/../lib.sh"

on=$(uname -r)

# modules: those that looking could load, of those that are loaded.
modules() {
  awk '$1 ~ /^(nf|nft|ip|ip6|xt?|xfrm|tls|cls|act|sch)_|^af_key|^tls/ { print $1 }' /proc/modules | sort | tr '\n' ' '
}

# record NAME: its features, in $tmp/NAME.json.
record() {
  run ktax record -d 0.2 -p "${pid_of[server]}" -o "$tmp/$1.ktax"
  sqlite3 "$tmp/$1.ktax" "SELECT value FROM meta WHERE key = 'features'" >"$tmp/$1.json"
}

# found FEATURE: what is found of it.
found() {
  jq -r --arg feature "$1" '.features[] | select(.feature == $feature and .state == "found") | .found' "$tmp/full.json"
}

modprobe -a tcp_diag inet_diag
modprobe -r tls 2>/dev/null || true
ip link set lo up
start server python3 "$top/tests/features/options_server.py" 127.0.0.1 7000 tls
wait_port 7000 60
before=$(modules)
record bare
check_eq "$on: To look for features loads no module" "$status: $(modules)" "0: $before"
check_eq "$on: and what is not loaded is absent, not unknown" \
  "$(jq -r '[.features[] | select(.state != "inherent") | .feature] | sort | join(" ")' "$tmp/bare.json")" \
  "socket-bpf socket-options"

modprobe -a tls nf_tables nft_ct nf_conntrack nf_conntrack_netlink
nft -f - <<'END'
table inet guard {
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related counter
    tcp dport 7000 counter accept
    tcp dport 80 counter drop
  }
}
END
start client python3 -c 'import socket, time
connection = socket.create_connection(("127.0.0.1", 7000))
time.sleep(600)'
wait_for 60 grep -q '^tls' "$tmp/server.out"
record full
check_match "$on: Rules in a module's tables are found" "$(found nftables)" "^3 rules: 2 meet its packets, 0 may .*they counted [1-9]"
check_match "$on: Tracked connections are found" "$(found conntrack)" "of these 1 to it"
check_match "$on: kTLS is found on the connection that has it" "$(found ktls)" "^1 of 1 connections have kTLS"
