#!/usr/bin/env bash
# ktax-test: timeout=300 restless
# `ktax ab` from end to end: a run ends with a verdict and says why, accounts for every request, and
# leaves nothing behind, however it ends. What cannot be run is one sentence and an exit status.
# shellcheck disable=SC2016 # jq has variables of its own
. "$(dirname "$0")/../lib.sh"

require_command ktax jq ip tc nsenter bpftool script taskset
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
cd "$tmp"

# fails SENTENCE STATUS REGEX CMD [ARG...]: CMD ends soon with STATUS and one line on standard error.
fails() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run timeout -k 5 40 "$@"
  said "$sentence" "$status" "$wanted" "$regex" err
}

# said SENTENCE STATUS WANTED REGEX FILE: it ended as wanted, and FILE is one line that matches,
# besides the note that a host with two CPUs gets.
said() {
  local lines
  lines=$(without_note "$5")
  if [ "$2" = "$3" ] && [ "$(wc -l <<<"$lines")" = 1 ] && [[ $lines =~ $4 ]]; then
    ok "$1"
  else
    not_ok "$1" "status $2, want $3; no single line with /$4/: ${lines:0:300}"
  fi
}

without_note() {
  sed '/^ktax: generator and responder fill both CPUs: /d' "$1"
}

# ---- the command line ---------------------------------------------------------------------------

bad() {
  local regex=$1
  shift
  fails "ktax ab $* is refused" 1 "^ktax ab: .*$regex.*; see 'ktax help ab'" ktax ab "$@"
}
bad "rate" --rate 1e12
bad "rate" --rate 0
bad "rate" --rate -5
bad "rate" --rate nan
bad "path" --paths kernel-spin,warp
bad "path" --paths ''
bad "path" --baseline warp
bad "CPU" --cpus 1,1
bad "CPU" --cpus "0,$(getconf _NPROCESSORS_CONF)"
bad "CPU" --cpus 0
bad "6 to" --rounds 5
bad "1000 to" --requests 10
bad "16 to" --size 8
bad "16 to" --size 9000
bad "as in 64:7" --size 64:0
bad "as in 64:7" --size 64:7,
bad "as in 64:7" --size 64,:1
bad "8 at most" --size 64,65,66,67,68,69,70,71,72
bad "AF_XDP" --generator pigeon
bad "length of time" --lateness 0
bad "length of time" --lateness soon
bad "unexpected argument 'eth0'" eth0
bad "no-such-policy" --policy no-such-policy

bad "dpdk-pair takes no link" --baseline dpdk-pair

# unnamed: paths that the help does not name.
unnamed() {
  local name
  ktax help ab | tr -s ' \n' ' ' >help.txt
  for name in $(grep -ohE '(\.name = |LWIP_PATH\([a-z_]+, )"[a-z_-]+"' "$top"/bypass-ab/path/*.c |
    grep -oE '"[a-z_-]+"' | tr -d '"' | sort -u); do
    grep -qE "[ (]${name}[ ,;.(]" help.txt || echo "$name"
  done
}
check_eq "The help names every path" "$(unnamed)" ""

chmod 755 "$tmp"
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$(command -v ktax)"; then
  fails "Without root it says what it needs" 5 "^ktax: .*(root|CAP_|permitted)" \
    setpriv --reuid=65534 --regid=65534 --clear-groups "$(command -v ktax)" ab --rounds 6
fi
require_root
fails "On one CPU it says that it needs two" 5 "^ktax: two CPUs are needed: " taskset -c 0 ktax ab

# ---- what is left -------------------------------------------------------------------------------

mark=ktax-ab-test-$$

# marked: the processes of this test that are ktax, found by their environment.
marked() {
  grep -lz "^KTAX_TEST_MARK=$mark$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true
}

ab() {
  KTAX_TEST_MARK=$mark ktax ab "$@"
}

# ab_start NAME [OPTION...]: in the background.
ab_start() {
  local name=$1
  shift
  start "$name" env "KTAX_TEST_MARK=$mark" ktax ab "$@"
}

# responders NAME: in the order of their paths.
responders() {
  ps --ppid "${pid_of[$1]}" --sort=start_time,pid -o pid=,comm= | awk '$2 == "ktax-responder" { print $1 }'
}

has_responders() {
  [ "$(responders "$1" | wc -l)" -ge "$2" ] || ! running "$1"
}

# Notes what a run has in the kernel: namespaces of its processes, BPF programs that they hold.
note_held() {
  local pid
  for pid in $(marked); do
    readlink "/proc/$pid/ns/net" || true # it may have ended
  done | sed "/$(readlink /proc/self/ns/net | tr -dc 0-9)/d; s/[^0-9]//g" | sort -u >namespaces
  for pid in $(marked); do
    awk '$1 == "prog_id:" { print $2 }' "/proc/$pid/fdinfo/"* 2>/dev/null || true
  done | sort -u >programs
}

nothing_left() {
  [ -z "$(marked)" ] &&
    ! lsns -n -t net -o NS | tr -d ' ' | grep -qxFf namespaces &&
    ! bpftool -j prog show | jq '.[].id' | grep -qxFf programs &&
    ! ip -o link | grep -q ": ktax[gr][0-9]"
}

check_nothing_left() {
  if wait_for 10 nothing_left; then
    ok "$1"
  else
    not_ok "$1" "processes: $(marked | tr '\n' ' ')"
  fi
}

# ---- a run --------------------------------------------------------------------------------------

# measured FILE: each path has a block that the gates have let through.
measured() {
  jq -e '[.arms[] | select(.skipped | not) | .p50_ns] | all' "$1" >/dev/null 2>&1
}

# On a busy host the gates may reject all blocks of a path: measured again then.
for attempt in 1 2 3; do
  run ab --rounds 6 --requests 1000 --rate 4000 --paths kernel-spin,af_xdp,xdp --seed 1 --json one.json
  measured one.json && break
  echo "# measured again: attempt $attempt"
done
cat out err
check_match "A run ends with a verdict" "$status" "^(0|3|4)$"
check_eq "which is also in the JSON" "$(json one.json .exit)" "$status"
check_match "and says why, first of all" "$(head -1 out)" "^[A-Z ]+ \(exit $status\): .{10}"
check_eq "It is silent where standard error is no terminal" "$(without_note err)" ""
check_eq "but that two CPUs are too few for quiet figures is said" "$(wc -l <err)" "$(($(nproc) == 2))"
check_eq "beside the table too, and in the JSON" \
  "$(tr -s ' \n' ' ' <out | grep -c 'caution generator and responder fill both CPUs') $(json one.json '.validity.cautions | map(select(startswith("generator and responder fill"))) | length')" \
  "$(($(nproc) == 2)) $(($(nproc) == 2))"
check_match "The distance of the two CPUs is measured at both ends" \
  "$(json one.json '.design.core_distance_ns | "\(.start) \(.end)"')" "^[1-9][0-9]+ [1-9][0-9]+$"
lost_sum='[.arms[] | select(.requests != .received + ([.lost[]] | add)) | .path] | join(" ")'
check_eq "Each request is received or lost at a place" "$(json one.json "$lost_sum")" ""

p50() {
  json "$1" --arg path "$2" '.arms[] | select(.path == $path).p50_ns'
}
# How fast the others are depends on the host; who sleeps is slower than who spins, and a process
# slower than the driver's hook.
check_ratio "kernel-spin answers sooner than kernel" "$(p50 one.json kernel-spin)" "$(p50 one.json kernel)" 0.02 0.95
check_ratio "xdp answers sooner than kernel-spin" "$(p50 one.json xdp)" "$(p50 one.json kernel-spin)" 0.02 0.95
note_held
check_nothing_left "It leaves no process and no interface"

# What a terminal gets tells the order of the blocks.
order() {
  KTAX_TEST_MARK=$mark script -qec "ktax ab --rounds 6 --requests 1000 --rate 50000 --paths kernel-spin --seed $1 --json $2" /dev/null </dev/null |
    grep -oE '[0-9]+ of [0-9]+ blocks, [a-z_-]+'
}
order 7 seven.json >order.7 || true
order 7 again.json >order.again || true
order 8 eight.json >order.8 || true
check_num "In a terminal it tells each block" "$(wc -l <order.7) >= 50"
check "The same seed gives the same order" cmp -s order.7 order.again
check "Another one gives another" not cmp -s order.7 order.8
check_eq "The same seed gives the same traffic" "$(json seven.json -c .traffic)" "$(json again.json -c .traffic)"
check "Another one gives another" test "$(json seven.json -c .traffic)" != "$(json eight.json -c .traffic)"

for attempt in 1 2 3; do
  run ab --rounds 6 --requests 1000 --rate 4000 --size 64:7,512:4,1400:1 --generator AF_PACKET \
    --paths xdp,dpdk --json packet.json
  measured packet.json && break
  echo "# measured again: attempt $attempt"
done
check_num "The xdp path answers the AF_PACKET generator too" \
  "$(json packet.json '.arms[] | select(.path == "xdp").received') >= 1000"
# A frame has 42 bytes of headers. The mean of 1000 draws is within 50 of 366 bytes (4 of its errors).
check_eq "Sizes are mixed as they are asked for" \
  "$(json packet.json '.traffic.sizes | "\(.min_bytes) \(.max_bytes) \(.mean_bytes > 316 and .mean_bytes < 416)"')" \
  "106 1442 true"
check_match "A path that cannot run here is skipped and says why" \
  "$(json packet.json '.arms[] | select(.path == "dpdk") | "\(.skipped) \(.why)"')" "^true .{20}"
check "so the table does" grep -qE "dpdk.*(NIC|DPDK)" out

# shellcheck disable=SC2054 # a comma within a word
long=(--rounds 1000 --requests 1000 --paths kernel-spin,af_xdp,xdp --seed 3)

# ---- DPDK as the generator's socket -------------------------------------------------------------

# What is forked from a process that has DPDK cannot start one: the responders come from another one.
run ab --generator DPDK --rounds 6 --requests 1000 --rate 4000 --paths xdp,dpdk-af_xdp,dpdk-pair --json dpdk.json
if grep -q 'without DPDK' err; then
  skip "The generator can send by DPDK" "built without DPDK"
else
  check_match "The generator can send by DPDK" "$status $(json dpdk.json .design.generator)" "^[034] DPDK$"
  check_eq "and all paths have answered it, those of DPDK too" \
    "$(json dpdk.json '.design.pairs as $all | [.validity.rejected_by | to_entries[] | select(.value.silent < $all).key] | join(" ")')" \
    "kernel xdp dpdk-af_xdp dpdk-pair"
  check_nothing_left "It leaves nothing"
  ab_start dpdk --generator DPDK "${long[@]}"
  wait_for 30 has_responders dpdk 4
  note_held
  check "Its responders come from a process that has no DPDK" pgrep -x --parent "${pid_of[dpdk]}" ktax-nursery
  stop dpdk KILL
  check_nothing_left "kill -9 leaves nothing of it"
fi

# ---- lateness -----------------------------------------------------------------------------------

run ab --rounds 6 --requests 1000 --rate 10000 --paths kernel-spin --lateness 1ns --json late.json
check_eq "A generator that is later than is allowed makes a run invalid" \
  "$status $(json late.json .verdict)" "4 invalid"
check_eq "as every block of every path was rejected for it" \
  "$(json late.json '[.validity.rejected_by[].lateness] | @csv')" "6,6"
check_eq "and the limit is told" "$(json late.json .design.lateness_limit_ns)" 1
run ab --rounds 6 --requests 1000 --rate 10000 --paths kernel-spin --json few.json
check_eq "Too few blocks do not show that it has a core of its own" \
  "$(json few.json '"\(.design.lateness_limit_ns) \(.validity.cautions | map(select(test("core of its own takes more rounds: .*--lateness 1us"))) | length)"')" "50000 1"
run ab --rounds 20 --requests 1000 --rate 10000 --paths kernel-spin --json paced.json
check_match "With more the A/A blocks choose the limit, and the looser one is told" \
  "$(json paced.json '"\(.design.lateness_limit_ns) \(.validity.cautions | map(select(test("no core of its own"))) | length)"')" \
  "^(1000 0|50000 1)$"

# ---- idle states --------------------------------------------------------------------------------

# idle_latency: what the kernel is asked for, in us.
idle_latency() {
  od -An -tu4 -N4 /dev/cpu_dma_latency | tr -d ' '
}
is_awake() {
  [ "$(idle_latency)" = 0 ]
}
if [ -e /dev/cpu_dma_latency ] && ! is_awake; then
  before=$(idle_latency)
  ab_start awake --rounds 6 --requests 1000 --rate 500 --baseline kernel-awake --paths kernel
  check "The CPUs are kept awake while kernel-awake is measured" wait_for 30 is_awake
  stop awake KILL
  check_eq "After kill -9 no longer" "$(idle_latency)" "$before"
else
  skip "The CPUs are kept awake while kernel-awake is measured" "no /dev/cpu_dma_latency, or held by somebody"
fi

# ---- loss ---------------------------------------------------------------------------------------

# lossy PID: of what comes in at the process' end of its link, 1 of 50 is dropped, at random.
lossy() {
  nsenter -t "$1" -n tc qdisc add dev ktaxr0 clsact &&
    nsenter -t "$1" -n tc filter add dev ktaxr0 ingress bpf direct-action \
      bytecode '5,32 0 0 4294963256,148 0 0 50,21 0 1 0,6 0 0 2,6 0 0 4294967295'
}

ab_start lossy --rounds 20 --requests 1000 --rate 10000 --paths kernel-spin --seed 2 --json lossy.json
wait_for 30 has_responders lossy 2
lossy_pid=$(responders lossy | sed -n 2p)
if lossy "$lossy_pid" 2>tc.err; then
  await lossy 120 || stop lossy
  arm='.arms[] | select(.path == "kernel-spin")'
  check_match "With a lossy link a run ends well" "$status" "^(3|4)$"
  check_num "What a link loses is found at the link" "$(json lossy.json "$arm | .lost.nic") > 20"
  check_eq "and nowhere else" \
    "$(json lossy.json "$arm | .lost | del(.nic) | [.[]] | add")" 0
  check_eq "All requests are accounted for" "$(json lossy.json "$lost_sum")" ""
  check_eq "The path with the good link has lost none" \
    "$(json lossy.json '.arms[] | select(.path == "kernel") | .requests - .received')" 0
  check_eq "What loses requests is never better" \
    "$(json lossy.json "$arm | .verdict == \"better\"")" false
else
  stop lossy
  skip "What a link loses is found at the link" "tc has no classifier here: $(head -1 tc.err)"
fi

# ---- ends ---------------------------------------------------------------------------------------

for signal in INT TERM; do
  ab_start "$signal" "${long[@]}"
  wait_for 30 has_responders "$signal" 4
  note_held
  begin=$SECONDS
  stop "$signal" "$signal"
  said "SIG$signal ends it" "$status" 2 "^ktax: interrupted: there is no result$" "$signal.err"
  check_num "soon" "$((SECONDS - begin)) <= 15"
  check_num "It had links and programs" "$(wc -l <namespaces) >= 4 && $(wc -l <programs) >= 1"
  check_nothing_left "SIG$signal leaves nothing"
done

ab_start block --rounds 6 --requests 1000000 --rate 1000 --paths kernel-spin --seed 3
wait_for 30 has_responders block 2
sleep 1
begin=$SECONDS
stop block INT
seconds=$((SECONDS - begin))
check_match "A run that takes hours says so before" "$(without_note block.err | head -1)" \
  "^ktax: this run takes [0-9]+ min or more: a block of this traffic takes 1000 s$"
sed -i '/this run takes/d' block.err
said "A block that takes minutes is ended too" "$status $((seconds < 15))" "2 1" "^ktax: interrupted: there is no result$" block.err

ab_start killed "${long[@]}"
wait_for 30 has_responders killed 4
note_held
stop killed KILL
check_nothing_left "kill -9 leaves nothing"

for n in 1 3; do
  ab_start "orphan$n" "${long[@]}"
  wait_for 30 has_responders "orphan$n" 4
  sleep 1
  note_held
  victim=$(responders "orphan$n" | sed -n "${n}p")
  check_match "A responder is there to be killed" "$victim" "^[0-9]+$"
  kill -KILL "$victim" || true
  await "orphan$n" 30 || stop "orphan$n" KILL
  said "A responder that is killed ends the run" "$status" 2 "^ktax: path (kernel|af_xdp) failed while it was measured: its responder has ended$" "orphan$n.err"
  check_nothing_left "and nothing is left"
done
