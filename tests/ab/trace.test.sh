#!/usr/bin/env bash
# ktax-test: timeout=300 restless
# `ktax ab --trace` sends what was captured: a witness on the wire between the two ports of a plan
# sees the same bytes and gaps in every block of every path. `--work` of a recording takes as long
# as the recording's requests did.
# shellcheck disable=SC2016 # jq has variables of its own
. "$(dirname "$0")/../lib.sh"

require_command ktax jq ip python3 sqlite3
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
[ -x "$build/tests/print_trace" ] || skip_all "needs tests/print_trace of the build"
print_trace=$build/tests/print_trace
check_py=$top/tests/ab/trace_check.py
traffic=$top/tests/ab/capture_check.py
cd "$tmp"

# refused STATUS REGEX OPTION...: one line says why.
refused() {
  local wanted=$1 regex=$2
  shift 2
  run timeout -k 5 40 ktax ab "$@"
  sed -i '/fill both CPUs/d' err
  check_match "ktax ab $* is refused" "$status $(cat err)" "^$wanted ktax.*$regex"
  check_eq "in one line" "$(wc -l <err)" 1
}

refused 1 "--rate is for made-up traffic: a trace has its own .see --speed." --trace x.pcap --rate 5
refused 1 "--size is for made-up traffic" --size 64 --trace x.pcap
refused 1 "--part is for --trace" --part 2
refused 1 "'--speed' needs a factor" --trace x.pcap --speed 0
refused 1 "'--trace-port' needs a port" --trace x.pcap --trace-port 65536
refused 1 "'--work' needs a time, 1s at most, or a recording" --work 2s
require_root

# ---- a capture ----------------------------------------------------------------------------------

requests=1500
netns_pair
start server "${in_b[@]}" python3 "$traffic" server 7000
wait_for 20 eval "\"\${in_b[@]}\" ss -Hlun 'sport = :7000' | grep -q ."
start capture "${in_b[@]}" ktax capture -i b0 'udp port 7000' -o md.pcap
wait_for 20 test -s md.pcap
"${in_a[@]}" python3 "$traffic" client 10.77.0.2 7000 "$requests"
sleep 0.3
stop capture INT
stop server
"$print_trace" md.pcap 7000 >block 2>/dev/null
check_eq "There is a capture to send again" "$(wc -l <block)" "$requests"

refused 2 "md.pcap: cannot replay it: .*no UDP packets to port 9; most are to port 7000" \
  --trace md.pcap --trace-port 9
refused 2 "md.pcap: cannot replay it: .*there is no part 7" --trace md.pcap --part 7
refused 2 "md.pcap: cannot replay it: 500 requests .* a block takes 1000 at least" \
  --trace md.pcap --requests 1000 --part 1
refused 2 "none.pcap: cannot replay it: .*No such file" --trace none.pcap
head -c 5000 md.pcap >cut.pcap
refused 2 "cut.pcap: cannot replay it: .*damaged" --trace cut.pcap
refused 2 "nothing.ktax: cannot take the work from it: .*[Nn]o such file.*--work takes a time" --work nothing.ktax

# ---- the wire -----------------------------------------------------------------------------------

# A switch between the two ports, that a witness can listen in.
ns_g=ktax-test-$$-g ns_s=ktax-test-$$-s ns_r=ktax-test-$$-r
for ns in "$ns_g" "$ns_s" "$ns_r"; do
  netns_add "$ns"
done
ip link add pg0 netns "$ns_g" numtxqueues 1 numrxqueues 1 type veth \
  peer name sg0 netns "$ns_s" numtxqueues 1 numrxqueues 1
ip link add pr0 netns "$ns_r" numtxqueues 1 numrxqueues 1 type veth \
  peer name sr0 netns "$ns_s" numtxqueues 1 numrxqueues 1
ip -n "$ns_s" link add switch0 type bridge
for port in sg0 sr0; do
  ip -n "$ns_s" link set "$port" master switch0 up
done
ip -n "$ns_s" link set switch0 up
cat >plan.ini <<END
[generator]
interface = pg0
namespace = $ns_g
[responder]
interface = pr0
namespace = $ns_r
port = 7777
[design]
paths = kernel-spin,af_xdp
rounds = 6
END

start witness nsenter "--net=/run/netns/$ns_s" python3 "$check_py" watch sg0 7777 seen
wait_for 20 grep -q ready witness.err
run timeout -k 5 200 ktax ab --plan plan.ini --trace md.pcap --requests "$requests" --speed 4 --seed 1 --json wire.json
stop witness
cat out err
check_match "A run with a trace ends with a verdict" "$status" "^[034]$"
check_eq "It has measured all paths, and lost nothing" \
  "$(json wire.json '[.arms[] | .path, ([.lost[]] | add)] | join(" ")')" "kernel 0 kernel-spin 0 af_xdp 0"
check_eq "The JSON has the trace's digest" "$(json wire.json .traffic.sha256)" \
  "$(sha256sum md.pcap | cut -d' ' -f1)"
check_eq "and what of it was sent" \
  "$(json wire.json '.traffic | "\(.source) \(.gaps) \(.requests) \(.trace.truncated)"')" \
  "trace recorded $requests $requests"
check_match "as the table says" "$(tr -s ' \n' ' ' <out)" \
  "trace 1,500 of its 1,500 requests in 3,000 packets, 1,500 without their payload"

awk '{ print int($1 / 4), $2, $3 }' block >due
verdict=$(python3 "$check_py" judge seen due)
echo "# on the wire: $verdict"
read -r blocks _ contents _ others _ _ _ late _ sent _ <<<"$verdict"
# A/A and A/B rounds, those of costs, and what settles them.
check_eq "The witness has missed no frame" "$(sed -n 's/^missed //p' witness.err)" "0 frames"
check_num "The witness has seen the blocks of all paths" "$blocks >= 6 * 2 + 6 * 3"
check_eq "The same bytes were on the wire in all of them" "$contents" 1
check_eq "of the sizes that were captured" "$others" 0
# Both CPUs poll, and the witness' clock is read in between.
check_num "with the gaps that were captured, to 50 us for 95 of 100" "$late <= 0.05 * $sent && $sent > 0"

# ---- work ---------------------------------------------------------------------------------------

"$build/tests/make_recording" full full.ktax
mean=$(sqlite3 full.ktax 'SELECT (sum(app_ns) + sum(app_kernel_ns) + sum(serialize_ns) + sum(tls_ns)) / sum(requests) FROM joint')
rate=$(awk -v mean="$mean" 'BEGIN { printf "%d", 0.2e9 / mean }')
for work in 0 full.ktax; do
  for _ in 1 2 3; do
    run timeout -k 5 100 ktax ab --paths kernel-spin --baseline kernel --rounds 6 --requests 1000 --rate "$rate" \
      --work "$work" --seed 1 --json "work-${work%.ktax}.json"
    [ "$(json "work-${work%.ktax}.json" '[.arms[] | .requests > 0] | all')" != true ] || break
  done
done
check_match "The JSON says which recording the work is of" "$(json work-full.json .traffic.work.recording)" \
  "^full.ktax, 10.0.0.1:8080/tcp$"
check_ratio "Its mean is the recording's" "$(json work-full.json .traffic.work.mean_ns)" "$mean" 0.98 1.02
check_match "and the table says so" "$(tr -s ' \n' ' ' <out)" "work [0-9.]+ .s each on average, as in full.ktax"
p50() {
  json "$1" '.arms[] | select(.path == "kernel-spin").p50_ns'
}
# The median of the work, as its histograms have it, is what each request takes longer.
check_num "Requests take longer by it on the wire" "$(p50 work-full.json) > $(p50 work-0.json) + 0.3 * $mean"
