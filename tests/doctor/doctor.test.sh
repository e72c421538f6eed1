#!/usr/bin/env bash
# ktax-test: timeout=120
# ktax doctor: on this host, on loopback, on a veth, without root, in namespaces; and what record keeps.
. "$(dirname "$0")/../lib.sh"

require_command ktax jq
export LC_ALL=C.UTF-8
unset NO_COLOR

# row FILE CHECK KEY: of one check.
row() {
  jq -r --arg check "$2" --arg key "$3" '.checks[] | select(.check == $check) | .[$key]' "$1"
}

schema_errors() {
  python3 -W ignore - "$top/docs/doctor.schema.json" "$@" <<'PYTHON'
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for path in sys.argv[2:]:
    for error in validator.iter_errors(json.load(open(path))):
        print(path, list(error.path), error.message[:100])
PYTHON
}

# ---- This host, and its loopback interface --------------------------------------------------------

run ktax doctor
check_eq "Whatever the doctor finds, its exit status is 0" "$status" 0
check_match "The first line names the host and its kernel" "$(head -n 1 "$tmp/out")" \
  "^$(hostname), Linux $(uname -r), "
route=$(awk '$2 == "00000000" && $8 == "00000000" { print $7, $1 }' /proc/net/route | sort -n | sed -n '1s/.* //p')
if [ -n "$route" ]; then
  check_match "Without --iface it takes the interface of the default route, and says so" "$(head -n 1 "$tmp/out")" \
    "interface $route.*default route"
else
  skip "Without --iface it takes the interface of the default route, and says so" "there is no default route"
fi

ktax doctor --json "$tmp/host.json" >"$tmp/host.txt"
ktax doctor --iface lo --json - >"$tmp/lo.json"
check_num "There are at least 25 checks" "$(jq '.checks | length' "$tmp/lo.json") >= 25"
check_eq "No check stands there twice" "$(jq -r '.checks[].check' "$tmp/lo.json" | sort | uniq -d)" ""
check "With --json FILE the text is printed, too" test -s "$tmp/host.txt"
check_eq "--json - prints nothing but JSON" "$(jq -r .schema "$tmp/lo.json")" ktax.doctor/1
check_eq "The loopback interface has no native XDP" "$(row "$tmp/lo.json" xdp_native status)" fail
check_eq "Nor has it rings" "$(row "$tmp/lo.json" ring_size status)" unknown

run ktax doctor --iface lo --path dpdk
check_eq "A path that cannot run here at all is exit status 5" "$status" 5
check_match "and the reason stands at the top" "$(head -n 3 "$tmp/out")" "DPDK +cannot run here +dpdk_pmd: "
run ktax doctor --iface lo --path kernel
check_eq "The kernel's own path runs everywhere" "$status" 0
check_eq "--path shows only what concerns it" "$(grep -cE '^  (warn|fail|unknown) +(hugepages|xdp_native) ' "$tmp/out")" 0
run ktax doctor --iface lo
check_eq "Nobody asked for a path: exit status 0" "$status" 0

# ---- Usage ----------------------------------------------------------------------------------------

run ktax doctor --path carrier-pigeon
check_eq "An unknown path is a usage error" "$status" 1
check_match "that names the known ones" "$(cat "$tmp/err")" "kernel, af_xdp, dpdk or record"
run ktax doctor eth0
check_eq "So is an operand" "$status" 1
run ktax doctor --iface nosuch0
check_eq "An interface that is not there is a failure" "$status" 2
check_match "that names those that are" "$(cat "$tmp/err")" "nosuch0: .*there are .*lo"
run ktax doctor --iface ../../etc
check_eq "A path is no interface" "$status" 2
run ktax doctor --iface lo --json /dev/full
check_eq "JSON that did not reach its file is a failure" "$status" 2
run sh -c 'ktax doctor --iface lo --json - >/dev/full'
check_eq "nor standard output" "$status" 2

# ---- Text -----------------------------------------------------------------------------------------

escape=$'\033'
not_colored() { ! grep -q "$escape" "$1"; }
ktax doctor --iface lo --color always >"$tmp/color"
ktax doctor --iface lo --all >"$tmp/all"
NO_COLOR=1 ktax doctor --iface lo >"$tmp/plain"
check "--color always colours" grep -q "$escape" "$tmp/color"
check "A file gets no colours" not_colored "$tmp/all"
check "NO_COLOR neither" not_colored "$tmp/plain"
check_eq "--all shows every check" "$(grep -cE '^  (ok|warn|fail|unknown) ' "$tmp/all")" "$(jq '.checks | length' "$tmp/lo.json")"
check_eq "Otherwise those that are fine are left out" "$(grep -cE '^  ok ' "$tmp/plain")" 0
fix=$(jq -r '[.checks[].fix | select(. != "")] | max_by(length)' "$tmp/lo.json")
check "A command stands on a line of its own, unbroken" grep -qxF "$(printf '%27s%s' '' "$fix")" "$tmp/plain"

# ---- Documents ------------------------------------------------------------------------------------

# What a table's row says of a check; docs/doctor.md calls the concerns by the names of --path.
table() {
  jq -r '.checks[] | "| `\(.check)` | \(.concerns | map({tuning: "kernel", af_xdp: "af_xdp", dpdk: "dpdk",
    attribution: "record"}[.]) | join(", ")) | \(.want) | \(.why) |"' "$1"
}
check_eq "The table of docs/doctor.md is what the code checks" \
  "$(table "$tmp/lo.json" | diff - <(sed -n '/^## Checks/,$p' "$top/docs/doctor.md" | grep '^| `') | head -n 4)" ""

# ---- Without root, and in containers --------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
  nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  # A copy that nobody can reach.
  install -m 755 "$(command -v ktax)" "$tmp/ktax"
  chmod 755 "$tmp"
else
  nobody=()
  ln -s "$(command -v ktax)" "$tmp/ktax"
fi
status=0
"${nobody[@]}" "$tmp/ktax" doctor --iface lo --json - >"$tmp/nobody.json" || status=$?
check_eq "It runs without root" "$status" 0
check_match "and says which checks it could not do, and why" "$(row "$tmp/nobody.json" fentry found)$(row "$tmp/nobody.json" bpf_jit found)" "root"
check_eq "What root may do is no failure of the host" "$(row "$tmp/nobody.json" capabilities status)" warn
check_eq "As many checks as with it" "$(jq '.checks | length' "$tmp/nobody.json")" "$(jq '.checks | length' "$tmp/lo.json")"

if [ "$(id -u)" != 0 ]; then
  skip "Capabilities that cannot be had, namespaces, veth, record" "needs root"
  exit
fi

run setpriv --bounding-set -net_raw ktax doctor --iface lo --path af_xdp
check_eq "A capability that not even root has here blocks AF_XDP" "$status" 5
check_match "by its name" "$(cat "$tmp/out")" "CAP_NET_RAW"
run setpriv --bounding-set -net_raw ktax doctor --iface lo --path record
check_eq "but not the recording" "$status" 0
if unshare -Ur true 2>/dev/null; then
  run unshare -Ur ktax doctor --iface lo --path record
  check_eq "Root of a user namespace cannot record" "$status" 5
else
  skip "Root of a user namespace cannot record" "no user namespaces here"
fi

# ---- A veth in a namespace of its own -------------------------------------------------------------

netns_pair
in_sys() { ip netns exec "$ns_b" "$@"; } # mounts /sys anew
in_sys ktax doctor --iface b0 --json - >"$tmp/veth.json"
"${in_b[@]}" ktax doctor --iface b0 --json - >"$tmp/elsewhere.json"
check_eq "A veth has a driver" "$(jq -r .interface.driver "$tmp/veth.json")" veth
check_eq "that DPDK has none for" "$(row "$tmp/veth.json" dpdk_pmd status)" fail
check_match "Native XDP of a veth is what the kernel says, or the table" "$(row "$tmp/veth.json" xdp_native status)" "^(ok|fail)$"
check_match "Where /sys is another namespace's, nothing is taken from there" \
  "$(row "$tmp/elsewhere.json" napi_defer status) $(row "$tmp/elsewhere.json" napi_defer found)" "^unknown .*namespace"
in_sys ktax doctor --json - >"$tmp/no-route.json"
check_eq "Without a default route no interface is guessed" "$(jq -r .interface.name "$tmp/no-route.json")" null
check_match "and that is said" "$(row "$tmp/no-route.json" link found)" "--iface"

# fixed WHAT CHECK BREAK...: after BREAK the check is not ok, after its own fix it is.
fixed() {
  local what=$1 check=$2 fix
  shift 2
  in_sys "$@"
  in_sys ktax doctor --iface b0 --json - >"$tmp/broken.json"
  check_match "The doctor sees $what" "$(row "$tmp/broken.json" "$check" status)" "^(warn|fail)$"
  fix=$(row "$tmp/broken.json" "$check" fix)
  in_sys sh -c "$fix" >"$tmp/fix.out" 2>&1 || true
  in_sys ktax doctor --iface b0 --json - >"$tmp/fixed.json"
  check_eq "and its command puts that right" "$(row "$tmp/fixed.json" "$check" status)" ok
}
fixed "frames too long for XDP" mtu ip link set dev b0 mtu 9000
fixed "deferred interrupts" napi_defer sh -c 'echo 2 >/sys/class/net/b0/napi_defer_hard_irqs'
fixed "receive packet steering" rps sh -c 'echo 1 >/sys/class/net/b0/queues/rx-0/rps_cpus'
if command -v ethtool >/dev/null; then
  fixed "GRO that is off" gro ethtool -K b0 gro off
fi
if [ -x "$build/tests/xdp_pass" ]; then
  start pass "${in_b[@]}" "$build/tests/xdp_pass" b0
  wait_file "$tmp/pass.out"
  in_sys ktax doctor --iface b0 --json - >"$tmp/program.json"
  stop pass
  check_eq "A foreign XDP program is seen" "$(row "$tmp/program.json" xdp_program status)" fail
  in_sys ktax doctor --iface b0 --json - >"$tmp/program.json"
  check_eq "and when it has gone" "$(row "$tmp/program.json" xdp_program status)" ok
fi
if command -v bpftool >/dev/null; then
  check_eq "Nothing that was tried is left" "$(bpftool prog list 2>/dev/null | grep -c ktax_trial)" 0
fi

# ---- What record keeps ----------------------------------------------------------------------------

if command -v sqlite3 >/dev/null; then
  run ktax record -d 1 -o "$tmp/x.ktax" --port 9
  if [ "$status" = 5 ]; then
    skip "A recording holds what the doctor finds" "ktax record cannot run here"
  else
    sqlite3 "$tmp/x.ktax" "SELECT value FROM meta WHERE key = 'readiness'" >"$tmp/recorded.json"
    # Of what other tests do not change meanwhile.
    kept='[.checks[] | [.check, if .group == "kernel" or .group == "interface" then .status else "" end]]'
    check_eq "A recording holds what the doctor finds" "$(jq -c "$kept" "$tmp/recorded.json")" \
      "$(jq -c "$kept" "$tmp/host.json")"
  fi
fi

if python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
  check_eq "JSON is as docs/doctor.schema.json describes it" "$(schema_errors "$tmp"/*.json)" ""
else
  skip "JSON is as docs/doctor.schema.json describes it" "needs python3-jsonschema"
fi
