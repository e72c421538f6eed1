#!/usr/bin/env bash
# ktax-test: timeout=420 restless
# A real recording joined with a real A/B: the sample server over a veth pair, the A/B that `ktax
# decide` itself proposes (with fewer rounds), and the verdict of both. Most of what a path gains over
# such a server it gains by not sleeping, which a tuned kernel does as well.
# shellcheck disable=SC2016 # jq has variables of its own
. "$(dirname "$0")/decide_lib.sh"

require_root
require_command ktax ktax-sample-server ktax-sample-load jq ip
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
cd "$tmp"

quietly=()
! chrt -f 5 true 2>/dev/null || quietly=(chrt -f 5)
last_cpu=$(($(nproc) - 1))
printf '%s\n' '[gain]' 'metric = p50' '[limit]' 'loss = 1 %' '[evidence]' 'lost = 20 %' >policy.ini
netns_pair

# record NAME QUERY LOAD_OPTIONS: NAME.ktax, of a server in one namespace and its load in the other.
record() {
  local name=$1 query=$2 load=$3
  start server "${in_b[@]}" "${quietly[@]}" taskset -c "$last_cpu" ktax-sample-server --listen 10.77.0.2:8080
  wait_port 8080 20 "${in_b[@]}"
  # shellcheck disable=SC2086
  start load "${in_a[@]}" "${quietly[@]}" taskset -c 0 ktax-sample-load --url "http://10.77.0.2:8080/work?$query" \
    --duration 120 $load
  ktax record --pid "${pid_of[server]}" --budget 100 -d 8 -f -o "$name.ktax" 2>record.err
  stop load
  stop server
}

# compare: runs the A/B that the recording's decision proposes, shortened; ab.json.
compare() {
  local command
  command=$(json alone.json '.commands[0]')
  command=${command#sudo }
  # shellcheck disable=SC2086
  ${command/--rounds 30/--rounds 14 --requests 1000} >ab.txt 2>ab.err || true
  head -1 ab.txt
}

record kernel "bytes=1" "--rate 6000 --connections 2"
record app "spin_us=1000" "--rate 200 --connections 1"
decide alone --policy policy.ini kernel.ktax
check_eq "Of the recording alone it cannot be told" "$verdict" "not-enough-evidence 4"
check_match "The A/B that is proposed is over TCP, at the recorded rate, judged by the same policy" \
  "$(json alone.json '.commands[0]')" '^sudo ktax ab --tcp .*--rate [0-9]{4} .*--policy policy.ini --json ab.json$'

# On a busy host the gates reject blocks, and intervals are wide: measured again then.
for attempt in 1 2 3; do
  compare
  decide joined --policy policy.ini kernel.ktax ab.json
  cat joined.txt
  [ "$verdict" = "not-enough-evidence 4" ] || break
  echo "# measured again: attempt $attempt"
done
if [ "$verdict" = "not-enough-evidence 4" ]; then
  skip "A kernel-bound server with its A/B: tune the kernel" "this host is too busy: $(first_reason joined)"
else
  check_eq "A kernel-bound server with its A/B: tune the kernel" "$verdict" "tune-kernel 3"
  check_match "The first reason is what the tuned kernel makes of the recorded p50" "$(first_reason joined)" \
    '^kernel-(awake|spin|busypoll): p50 would go from '
  check_eq "A prediction never gains more than the ceiling" \
    "$(json joined.json '.ceiling.bypass.gain_p50 as $most | all(.prediction[]; (.gain_p50 // 0) <= $most + 0.001)')" true
  check_num "There are checks of the host" "$(json joined.json '.readiness | length') > 20"
  check_eq "The settings are those that the doctor found missing when it was recorded" \
    "$(json joined.json -c '[.settings[].check]')" \
    "$(sqlite3 kernel.ktax "SELECT value FROM meta WHERE key = 'readiness'" |
      jq -c '[.checks[] | select((.concerns | index("tuning")) and (.status == "warn" or .status == "fail") and .fix != "") | .check]')"
fi

decide app --policy policy.ini app.ktax ab.json
check_eq "The same A/B with a handler of 1 ms: fix the application" "$verdict" "fix-application 3"
check_match "The first reason is its own code" "$(first_reason app)" '^fix app first'

jq '.host.hostname = "elsewhere"' ab.json >elsewhere.json
decide other --policy policy.ini kernel.ktax elsewhere.json
check_match "An A/B of another host settles nothing" \
  "$verdict $(json other.json '[.reasons[].text] | join("; ")')" \
  "^not-enough-evidence 4 .*the A/B ran on another host: elsewhere.*must run on $(hostname)"
