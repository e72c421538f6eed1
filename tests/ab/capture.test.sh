#!/usr/bin/env bash
# ktax-test: timeout=200
# ktax capture: what it writes is what was on the wire, no payload in it, at any end; a replay of it
# has the same sizes and gaps. A second witness is a packet socket beside it.
. "$(dirname "$0")/../lib.sh"

require_root
require_command ktax python3 ip nsenter setpriv unshare
[ -x "$build/tests/print_trace" ] || skip_all "needs tests/print_trace of the build"
print_trace=$build/tests/print_trace
peer=$top/tests/ab/capture_check.py
requests=600

# fails SENTENCE STATUS REGEX CMD [ARG...]: CMD ends with STATUS and one line that matches.
fails() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run timeout -k 5 40 "$@"
  if [ "$status" = "$wanted" ] && [ "$(wc -l <"$tmp/err")" = 1 ] && [[ $(cat "$tmp/err") =~ $regex ]]; then
    ok "$sentence"
  else
    not_ok "$sentence" "status $status, want $wanted; no single line with /$regex/: $(head -c 300 "$tmp/err")"
  fi
}

cd "$tmp"
netns_pair
start server "${in_b[@]}" python3 "$peer" server 7000
wait_for 20 eval "\"\${in_b[@]}\" ss -Hlun 'sport = :7000' | grep -q ."

# capturing FILE: its header is there, so the interface is open.
capturing() {
  [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge 24 ]
}

# emptied FILE: there is nothing in it but its header.
emptied() {
  [ "$(stat -c %s "$1")" = 24 ]
}

talk() {
  "${in_a[@]}" python3 "$peer" client 10.77.0.2 7000 "${1:-$requests}"
}

# ---- what is in the file ------------------------------------------------------------------------

start witness "${in_b[@]}" python3 "$peer" watch b0 7000 "$requests"
wait_for 20 grep -q ready witness.err
start capture "${in_b[@]}" ktax capture -i b0 'udp port 7000' -o wire.pcap
wait_for 20 capturing wire.pcap
check_eq "Once it captures it has no capability left" \
  "$(sed -n 's/^Cap\(Eff\|Prm\):\t0*$/none/p' "/proc/${pid_of[capture]}/status" | xargs)" "none none"
talk
await witness 20
stop capture INT
check_eq "It ends well at SIGINT" "$status" 0
check_match "and says what is in the file" "$(cat capture.err)" \
  "^ktax: wire.pcap: 1,200 packets of [0-9,]+ bytes in [0-9.]+ s, none lost$"

run "$print_trace" wire.pcap 7000
cp out replayed
check_eq "Requests and responses are told apart, payloads were not captured" "$(cat err)" \
  "1200 packets, 600 responses, 600 truncated"
check_eq "A replay has the sizes that the witness saw" \
  "$(cut -d' ' -f2 replayed | sha256sum)" "$(cut -d' ' -f2 witness.out | sha256sum)"
# The same stamp reaches both sockets, unless the kernel has to take it for each of them.
check_eq "and the gaps, to 50 us for all but one in fifty" "$(paste -d' ' replayed witness.out | awk '
  NR == 1 { start = $4 }
  { d = $1 - ($4 - start); n += d > 50000 || d < -50000 }
  END { print n <= NR / 50 ? "yes" : n " of " NR " differ" }')" yes
check_eq "and the flows" "$(cut -d' ' -f3 replayed | sort | uniq -c | awk '{ print $1 }' | sort -u)" 120
check "No payload is in the file" not grep -q secret wire.pcap

# ---- ends ---------------------------------------------------------------------------------------

run "${in_b[@]}" ktax capture -i b0 'udp port 9' -d 300ms -o time.pcap
check_match "It ends after a time, and says that nothing came" "$status $(cat err)" \
  "^0 .*time.pcap: 0 packets .*nothing matched on b0"
start counted "${in_b[@]}" ktax capture -i b0 'udp dst port 7000' -c 50 --payload -o count.pcap
wait_for 20 capturing count.pcap
talk 100
check "It ends after a number of packets" await counted 20
check_eq "with as many in the file" "$("$print_trace" count.pcap 7000 2>/dev/null | wc -l)" 50
check "With --payload the payload is there" grep -q secret count.pcap
start terminated "${in_b[@]}" ktax capture -i b0 -f -o count.pcap 'udp port 7000'
wait_for 20 emptied count.pcap
talk 100
stop terminated TERM
run "$print_trace" count.pcap 7000
check_eq "It ends well at SIGTERM, with all packets" "$status $(wc -l <out) $(cat err)" \
  "0 100 200 packets, 100 responses, 100 truncated"

# A file system of 64 KiB, seen only by the capture.
mkdir small
cat >small.sh <<'SCRIPT'
mount -t tmpfs -o size=64k none small && ktax capture -i b0 'udp port 7000' --payload -o small/x.pcap
status=$?
cp small/x.pcap cut.pcap
exit $status
SCRIPT
start full "${in_b[@]}" unshare -m bash small.sh
sleep 1
talk 400
check "It ends when the disk is full" await full 20
check_match "and says so" "$status $(tail -n 1 full.err)" \
  "^2 ktax: small/x.pcap: cannot write it: No space left on device; free some space"
run "$print_trace" cut.pcap 7000
check_match "The file ends with a whole packet" "$status $(cat err)" "^0 [0-9]+ packets"
check_eq "and has as many as was said" "$(sed -n 's/.*x.pcap: \([0-9]*\) packets.*/\1/p' full.err)" \
  "$(cut -d' ' -f1 err)"

# ---- what is wrong ------------------------------------------------------------------------------

capture=("${in_b[@]}" ktax capture)
fails "An interface must be named" 1 "which interface\? .*-i; see 'ktax help capture'" "${capture[@]}"
fails "and be there" 2 "^ktax: nosuch0: cannot capture: there is no such interface; see ip link" \
  "${capture[@]}" -i nosuch0 -o bad.pcap
ip -n "$ns_b" link add down0 type veth peer name down1
fails "and be up" 2 "^ktax: down0: cannot capture: the interface is down" \
  "${capture[@]}" -i down0 -o bad.pcap
fails "A filter is checked" 1 "filter 'udp prt 7': .*; see 'ktax help capture'" \
  "${capture[@]}" -i b0 -o bad.pcap 'udp prt 7'
fails "and is one argument" 1 "one filter is expected, in quotes" "${capture[@]}" -i b0 udp port 7000
fails "A count is a number" 1 "'--count' needs a number of packets" "${capture[@]}" -i b0 -c 0
fails "Without rights it says which lacks" 5 "^ktax: b0: cannot capture: it lacks CAP_NET_RAW; run it as root" \
  "${in_b[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups ktax capture -i b0 -o bad.pcap
check "Nothing was written for them" test ! -e bad.pcap
fails "A file that is there is kept" 2 "wire.pcap: cannot write it: .*File exists.*; .*--force" \
  "${capture[@]}" -i b0 -o wire.pcap
fails "A device is not written to" 2 "/dev/null: cannot write it: it is no regular file" \
  "${capture[@]}" -i b0 -f -o /dev/null
fails "A place that is none is named" 2 "/nowhere/x: cannot write it: No such file" \
  "${capture[@]}" -i b0 -o /nowhere/x
