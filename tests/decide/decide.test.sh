#!/usr/bin/env bash
# ktax-test: timeout=600 parallel
# `ktax decide` on recordings and A/B results with known contents: every verdict, every refusal, what
# it writes. make_recording_of makes the recordings, make_ab.py the results.
# shellcheck disable=SC2016 # jq has variables of its own
. "$(dirname "$0")/decide_lib.sh"

make=$build/tests/make_recording_of
cd "$tmp"
mkdir ab

recording() {
  "$make" "$@"
}

ab() {
  local file=$1
  shift
  python3 "$top/tests/decide/make_ab.py" "$@" >"ab/$file"
}

# policy FILE LINE...
policy() {
  local file=$1
  shift
  printf '%s\n' "$@" >"$file"
}

# 36 us, of which 20 are asleep and 8 are the protocol stack.
kernel_bound="wakeup=20000 kernel_rx=3000 copy_rx=1000 kernel_tx=4000 app=4000"
# A thread that never sleeps: only bypass could help.
never_asleep="wakeup=300 kernel_rx=14000 copy_rx=5000 kernel_tx=14000 app=3000"
# shellcheck disable=SC2086
{
  recording kernel.ktax $kernel_bound
  recording busy.ktax $never_asleep
  recording app.ktax wakeup=10000 kernel_rx=3000 copy_rx=1000 kernel_tx=4000 app=1000000
  recording gc.ktax wakeup=5000 kernel_rx=3000 copy_rx=1000 kernel_tx=4000 app=30000 gc=900000@0.03
  recording few.ktax rate=40 $kernel_bound
  recording short.ktax seconds=3 $kernel_bound
  recording unbalanced.ktax unbalanced=5 $kernel_bound
  recording lost.ktax map_full=100 $kernel_bound
  recording incomplete.ktax incomplete=100 $kernel_bound
  recording old.ktax start=1700000000 $kernel_bound
  recording future.ktax start=4000000000 $kernel_bound
  recording nic.ktax nic_tx=500 nics="eth0 mlx5_core" $never_asleep
  recording nameless.ktax absent=nic_tx nics=- $never_asleep
  recording other.ktax hostname=elsewhere $never_asleep
  recording light.ktax absent=kernel_rx wakeup=10 app=500000
  recording queue.ktax app_queue=300000 kernel_rx=3000 copy_rx=1000 kernel_tx=4000 app=30000
}
ab slow-spin.json kernel-spin=36000 af_xdp=8000
ab fast-spin.json kernel-spin=9000 af_xdp=8000

# ---- With the recording alone ---------------------------------------------------------------------

decide alone kernel.ktax
check_eq "Without an A/B nothing is approved" "$verdict" "not-enough-evidence 4"
check_match "It says which A/B would settle it, with the recorded rate and size" \
  "$(json alone.json '.commands[0]')" '^sudo ktax ab .*--rate 2000 --size 64 '
check_eq "There is a ceiling with its interval" \
  "$(json alone.json '.ceiling.bypass | .ci_gain_p99[0] <= .gain_p99 and .gain_p99 <= .ci_gain_p99[1] and .gain_p99 > 0.5')" true
decide app app.ktax
check_eq "A ceiling below what is needed decides against bypass, without an A/B" "$verdict" "fix-application 3"
check_match "The first reason is the account to fix" "$(first_reason app)" '^fix app first .* bypass: [0-9.]+ % lower at most'
decide gc gc.ktax
check_eq "Pauses of a garbage collector are the application's" "$verdict" "fix-application 3"
check_match "The first reason is the pauses" "$(first_reason gc)" '^fix gc first'
decide light light.ktax
check_eq "A ceiling that misses an account decides nothing" "$verdict" "not-enough-evidence 4"
check_match "It says which account" "$(json light.json '[.cautions[].text] | join(" ")')" 'kernel_rx was not seen \(nothing saw it'
decide queue queue.ktax
check_eq "A ceiling decides nothing where requests queue for kernel time" "$verdict" "not-enough-evidence 4"
check_match "It says that the queue would shrink" "$(json queue.json '[.cautions[].text] | join(" ")')" 'would shorten the queue'

# ---- With an A/B ----------------------------------------------------------------------------------

decide bypass busy.ktax ab/slow-spin.json
check_eq "A path that gains enough is approved" "$verdict" "bypass-af_xdp 0"
check_match "The first reason is its gain, with an interval" "$(first_reason bypass)" \
  '^af_xdp: p99 would go from .* \(-[0-9]+ % \[-[0-9]+, -[0-9]+\]\); the policy needs 20 %'
check_eq "Every reason has a source with a file" \
  "$(json bypass.json 'all(.reasons[], .cautions[]; .source | test("^(busy.ktax|ab/slow-spin.json|default policy): "))')" true
decide tune kernel.ktax ab/fast-spin.json
check_eq "A tuned kernel that gets most of it goes first" "$verdict" "tune-kernel 3"
check_eq "It is the tuned path that is taken" "$(json tune.json .path)" kernel-spin
check_match "It says which part of the gain it gets" "$(reasons tune)" 'kernel-spin gains up to [0-9]+ % of what af_xdp does'
ab both.json kernel-spin=36000 af_xdp=18000 dpdk=6000
decide dpdk busy.ktax ab/both.json
check_eq "DPDK is approved where AF_XDP gains too little of it" "$verdict" "bypass-dpdk 0"
ab near.json kernel-spin=36000 af_xdp=8000 dpdk=7800
decide near busy.ktax ab/near.json
check_eq "AF_XDP goes before DPDK where it gains most of it" "$verdict" "bypass-af_xdp 0"
ab equal.json kernel-spin=40000 af_xdp=39900
decide equal busy.ktax ab/equal.json
check_eq "Where more might be gained than the A/B shows, a useless path still is refused" "$verdict" "fix-application 3"
ab unknown.json kernel-spin=9000 af_xdp=8000
jq '(.arms[] | select(.path == "af_xdp") | .blocks.valid) |= map(false)' ab/unknown.json >ab/few-valid.json
decide unknown kernel.ktax ab/few-valid.json
check_match "A tuned kernel is taken although no bypass was measured, which it says, with what would tell" \
  "$verdict $(json unknown.json '[.cautions[].text, .commands[0]] | join("; ")')" \
  '^tune-kernel 3 .*what a bypass would gain beyond that is not known.*sudo ktax ab '
ab untuned.json af_xdp=8000
decide untuned busy.ktax ab/untuned.json
check_eq "Without a tuned kernel in the A/B no bypass is approved" "$verdict" "not-enough-evidence 4"
check_match "It says so, and which A/B has one" "$(reasons untuned) $(json untuned.json '.commands[0]')" \
  'no tuned kernel.*--paths kernel-awake,kernel-spin'
ab stand-in.json kernel-spin=36000 dpdk-af_xdp=8000
decide stand-in busy.ktax ab/stand-in.json
check_eq "What is no true bypass is never approved" "$(json stand-in.json '.prediction[] | select(.path == "dpdk-af_xdp") | "\(.candidate) \(.meets_policy)"')" "false null"
check_eq "It decides nothing" "${verdict#bypass}" "$verdict"
ab noisy.json spread=0.9 kernel-spin=36000 af_xdp=22000
policy near-need.ini '[gain]' 'need = 30 %'
decide noisy busy.ktax ab/noisy.json --policy near-need.ini
check_eq "An interval on both sides of what is needed leaves it open" "$verdict" "not-enough-evidence 4"

# ---- The policy -----------------------------------------------------------------------------------

policy slo.ini '[gain]' 'need = none' '[slo]' 'p99 = 40 us'
decide slo busy.ktax ab/slow-spin.json --policy slo.ini
check_eq "A goal that a path meets approves it" "$verdict" "bypass-af_xdp 0"
policy hard.ini '[gain]' 'need = none' '[slo]' 'p99 = 1 us'
decide hard busy.ktax ab/slow-spin.json --policy hard.ini
check_eq "A goal that nothing meets is refused by the ceiling" "$verdict" "fix-application 3"
check_match "It says that no path meets it" "$(reasons hard)" 'the goal is 1.00 us: no path meets it'
policy met.ini '[gain]' 'need = none' '[slo]' 'p99 = 1 s'
decide met busy.ktax ab/slow-spin.json --policy met.ini
check_match "A goal that is met already needs nothing" "$verdict $(first_reason met)" '^fix-application 3 .*nothing has to change'
policy time.ini '[gain]' 'need_time = 10 ms'
decide time busy.ktax ab/slow-spin.json --policy time.ini
check_eq "A gain in time is needed besides the one in per cent" "$verdict" "fix-application 3"
ab lossy.json kernel-spin=36000 af_xdp=8000 lost=af_xdp
decide lossy busy.ktax ab/lossy.json
check_match "A path that loses too much is refused" "$verdict $(reasons lossy)" '^fix-application 3 .*af_xdp: its loss changes by'
ab unequal.json kernel-spin=36000 af_xdp=8000 unequal=af_xdp
decide unequal busy.ktax ab/unequal.json
check_match "A path that the gates rejected unequally is in doubt" "$verdict $(reasons unequal)" '^not-enough-evidence 4 .*unequally'
policy cpu.ini '[limit]' 'cpu = 10 %'
decide cpu busy.ktax ab/slow-spin.json --policy cpu.ini
check_match "A limit of CPU time is one" "$verdict $(reasons cpu)" '^fix-application 3 .*its cpu changes by'
policy cores.ini '[limit]' 'cores = 0'
decide cores busy.ktax ab/slow-spin.json --policy cores.ini
check_match "A limit of polling cores is one" "$verdict $(reasons cores)" '^fix-application 3 .*polls 1 cores'
policy one-core.ini '[limit]' 'cores = 1'
ab slower.json rate=1000 kernel-spin=36000 af_xdp=8000
decide one-core busy.ktax ab/slower.json --policy one-core.ini
check_match "More cores than the A/B polled are an upper bound, which refuses nothing" \
  "$verdict $(reasons one-core)" '^not-enough-evidence 4 .*it polls [2-9] cores of a host, the policy.s limit is 1; one core may carry more'
# shellcheck disable=SC2086
recording pauses.ktax ${never_asleep/app=3000/app=60000}
policy first.ini '[gain]' 'need = 11 %'
policy never.ini '[application]' 'first = none' '[gain]' 'need = 11 %'
decide pauses pauses.ktax ab/slow-spin.json --policy first.ini
check_match "An account whose halving gains more than any path goes first" "$verdict $(reasons pauses)" \
  '^fix-application 3 fix app first .* the policy puts the application first'
decide never pauses.ktax ab/slow-spin.json --policy never.ini
check_eq "Where the policy says so, it does not" "$verdict" "bypass-af_xdp 0"

# ---- Settings -------------------------------------------------------------------------------------

# found FILE [INTERFACE]: its readiness is that of a host where one setting of each concern is missing.
found() {
  local checks='[["busy_poll", "warn", ["tuning"], [], "sysctl -w net.core.busy_poll=50"],
                 ["governor", "ok", ["tuning"], [], ""],
                 ["c_states", "unknown", ["tuning"], [], ""],
                 ["hugepages", "fail", ["dpdk"], ["dpdk"], "sysctl -w vm.nr_hugepages=512"],
                 ["xdp_sockets", "fail", ["af_xdp"], ["af_xdp"], "use a kernel with CONFIG_XDP_SOCKETS"]]'
  jq -jc --arg interface "${2:-}" 'map({check: .[0], group: "CPU", status: .[1], concerns: .[2], blocks: .[3], found: "no", want: "yes",
              why: "", fix: .[4], source: ""}) |
         {schema: "ktax.doctor/1", ktax_version: "0.1.0", host: {}, interface: {name: $interface}, checks: .}' <<<"$checks" >readiness.json
  sqlite3 "$1" "INSERT OR REPLACE INTO meta VALUES ('readiness', readfile('readiness.json'))" &&
    sqlite3 "$1" "UPDATE meta SET value = CAST(value AS TEXT) WHERE key = 'readiness'"
}
cp kernel.ktax kernel-found.ktax
cp busy.ktax busy-found.ktax
found kernel-found.ktax
found busy-found.ktax
decide settings kernel-found.ktax ab/fast-spin.json
check_eq "tune-kernel lists the settings that are missing, and no others" \
  "$verdict $(json settings.json '[.settings[] | "\(.check): \(.fix)"] | join("; ")')" \
  "tune-kernel 3 busy_poll: sysctl -w net.core.busy_poll=50"
check_match "The text has the command that sets it" "$(cat settings.txt)" \
  'Settings of the host .*busy_poll +no; wanted: yes.*sysctl -w net.core.busy_poll=50'
decide blocked busy-found.ktax ab/slow-spin.json
check_match "A bypass that cannot run on this host yet is approved with that caution, without settings" \
  "$verdict $(json blocked.json '"\(.settings | length) \([.cautions[].text] | join("; "))"')" \
  '^bypass-af_xdp 0 0 .*xdp_sockets: found no, wanted yes; use a kernel with CONFIG_XDP_SOCKETS'
check_eq "What keeps only DPDK from running is not said of AF_XDP" "$(grep -c hugepages blocked.txt || true)" 0

# ---- Loopback -------------------------------------------------------------------------------------

# shellcheck disable=SC2086
recording loopback.ktax endpoint=127.0.0.1:6379/tcp $never_asleep
# shellcheck disable=SC2086
recording loopback-kernel.ktax endpoint=127.0.0.1:6379/tcp $kernel_bound
decide loopback loopback.ktax ab/slow-spin.json
check_match "No bypass is approved for requests over loopback" "$verdict $(reasons loopback)" \
  '^not-enough-evidence 4 .*af_xdp: .* 100 % of the recorded requests came over loopback, which no bypass can take'
check_eq "An A/B cannot settle that: it asks for another recording" "$(json loopback.json '.commands[0]')" \
  'sudo ktax record --port 6379 -d 30 -o remote.ktax    # with clients on other hosts'
# shellcheck disable=SC2086
recording wildcard.ktax endpoint=0.0.0.0:6379/tcp rate=2000 loopback=100 $never_asleep
decide wildcard wildcard.ktax ab/slow-spin.json
check_match "Nor if only some of the requests of a wildcard address came so" "$verdict $(reasons wildcard)" \
  '^not-enough-evidence 4 .*af_xdp: .* 5.0 % of the recorded requests came over loopback'
# shellcheck disable=SC2086
recording checked.ktax endpoint=0.0.0.0:6379/tcp rate=2000 loopback=1 $never_asleep
decide checked checked.ktax ab/slow-spin.json
check_eq "One in 2000, as of a health check, is no hindrance" "$verdict" "bypass-af_xdp 0"
decide loopback loopback-kernel.ktax ab/fast-spin.json
check_eq "A tuned kernel is" "$verdict" "tune-kernel 3"
decide loopback loopback-kernel.ktax
check_match "Without an A/B it says what one can tell, and what not" \
  "$(json loopback.json '[.cautions[].text, .commands[1]] | join("; ")')" 'what tuning gains; whether bypass pays .*ktax record'

# ---- Money ----------------------------------------------------------------------------------------

policy money.ini '[economics]' 'currency = EUR' 'hosts = 10' 'core_hour = 0.1' 'engineering = 1000' 'latency = 2000' 'running = 100'
decide money busy.ktax ab/slow-spin.json --policy money.ini
check_eq "Cores are those polled and those freed: 2000/s x 20 us" \
  "$(json money.json '.economics[] | select(.path == "af_xdp") | "\(.cores_taken) \(.cores_freed)"' | sed 's/\.0\b//g')" "1 0.04"
check_eq "The saving is that of the cores, what latency is worth, less what it costs to run" \
  "$(json money.json '.economics[] | select(.path == "af_xdp") |
     ((.core_saving_per_year + .latency_worth_per_year - 100 - .saving_per_year) | fabs < 0.001) and
     ((.core_saving_per_year - (0.04 - 1) * 10 * 0.1 * 8760) | fabs < 0.001)')" true
check_eq "Payback is what it costs over what it saves" \
  "$(json money.json '.economics[] | select(.path == "af_xdp") | (.payback_months - 12 * 1000 / .saving_per_year) | fabs < 0.001')" true
check_eq "Without inputs there are no figures" \
  "$(json bypass.json '.economics[] | select(.path == "af_xdp") | "\(.saving_per_year) \(.payback_months) \(.why | test("hosts, core_hour"))"')" \
  "null null true"
policy payback.ini '[economics]' 'hosts = 10' 'core_hour = 0.1' 'engineering = 1000000' 'payback = 12'
decide payback busy.ktax ab/slow-spin.json --policy payback.ini
check_match "A path that never pays for itself is refused" "$verdict $(reasons payback)" '^fix-application 3 .*never pays for itself'

# ---- What is no evidence --------------------------------------------------------------------------

# refused SENTENCE PATTERN ARG...
refused() {
  local sentence=$1 pattern=$2
  shift 2
  decide refused "$@"
  check_match "$sentence" "$verdict: $(reasons refused)" "^not-enough-evidence 4: .*$pattern"
}
refused "Too few requests for the percentile: it says how many it takes" '480 requests are too few for p99: it takes 1000' few.ktax
check_match "It says how long to record" "$(json refused.json '.commands[0]')" 'ktax record .* -d 2[0-9] .*--port 6379'
refused "A recording of a few seconds has no intervals" 'too short' short.ktax
refused "Requests that do not balance" 'do not balance' unbalanced.ktax ab/slow-spin.json
refused "Connections that were not followed" 'were not seen' lost.ktax ab/slow-spin.json
refused "Requests seen in part" 'arrival or end was not seen' incomplete.ktax ab/slow-spin.json
refused "An old recording" 'the recording is [0-9]+ days old, the policy allows 90 days' old.ktax ab/slow-spin.json
refused "A recording from the future" 'in the future' future.ktax ab/slow-spin.json
policy any.ini '[evidence]' 'max_age = none' 'unbalanced = 1 %' 'lost = 10 %'
for kind in old unbalanced lost incomplete; do
  decide allowed "$kind.ktax" ab/fast-spin.json --policy any.ini
  check_eq "The policy can allow it: $kind" "$verdict" "tune-kernel 3"
done
refused "An A/B on links within the host says nothing of a NIC" 'ran on links within the host \(veth\), .* a NIC \(eth0 mlx5_core\)' nic.ktax ab/slow-spin.json
check_match "It says which A/B would" "$(json refused.json '.commands[0]')" '^sudo ktax ab --plan plan.ini .*dpdk'
ab nic-ab.json driver=mlx5_core kernel-spin=36000 af_xdp=8000
decide same-nic nic.ktax ab/nic-ab.json
check_eq "One on the same kind of NIC does" "$verdict" "bypass-af_xdp 0"
cp nic.ktax nic-found.ktax
found nic-found.ktax eth0
decide same nic-found.ktax ab/nic-ab.json
check_eq "Nothing is said where the host's NIC was that of the requests" \
  "$verdict $(json same.json '[.cautions[].text] | map(select(test("NIC is of"))) | length')" "bypass-af_xdp 0 0"
found nic-found.ktax eth1
decide other nic-found.ktax ab/nic-ab.json
check_match "If another NIC was looked at, that is said" "$(json other.json '[.cautions[].text] | join("; ")')" \
  'a NIC is of eth1, but the requests came by eth0 mlx5_core'
ab other-nic.json driver=ixgbe kernel-spin=36000 af_xdp=8000
refused "One on another kind of NIC does not" 'a NIC \(ixgbe\)' nic.ktax ab/other-nic.json
refused "One on a NIC says nothing of links within the host" 'came by a link within the host' busy.ktax ab/nic-ab.json
refused "A recording that does not say what its requests came by" 'does not say which NIC' nameless.ktax ab/slow-spin.json
refused "An A/B on another host" 'ran on another host: box, .* it must run on elsewhere' other.ktax ab/slow-spin.json
ab kernel.json kernel=6.9.9 kernel-spin=36000 af_xdp=8000
refused "An A/B on another kernel of the same host" 'ran on another host: box, kernel 6.9.9' busy.ktax ab/kernel.json
ab invalid.json verdict=invalid kernel-spin=36000 af_xdp=8000
refused "An A/B that is not valid" 'the A/B is not valid: made up' busy.ktax ab/invalid.json
ab old.json created=2020-01-01T00:00:00Z kernel-spin=36000 af_xdp=8000
refused "An old A/B" 'the A/B is [0-9]+ days old' busy.ktax ab/old.json
ab undated.json created= kernel-spin=36000 af_xdp=8000
refused "An A/B without a date" 'when the A/B was made is not known' busy.ktax ab/undated.json
ab far.json rate=200000 kernel-spin=36000 af_xdp=8000
refused "An A/B at a hundred times the rate" 'rate per second is 200000, .* 2000: too far apart' busy.ktax ab/far.json
ab wide.json rate=8000 kernel-spin=36000 af_xdp=8000
decide wide busy.ktax ab/wide.json
check_eq "At four times the rate the interval is wider, and it says so" \
  "$(jq -s '[.[] | .prediction[] | select(.path == "af_xdp") | .ci_gain_p99[1] - .ci_gain_p99[0]] | .[1] > .[0]' bypass.json wide.json) $(
    json wide.json 'any(.cautions[]; .text | test("intervals are wider"))')" "true true"
ab big.json bytes=1442 kernel-spin=36000 af_xdp=8000
refused "An A/B with twenty times the size" 'mean frame or message in bytes is 1442, .* 64: too far apart' busy.ktax ab/big.json
jq 'del(.arms[].blocks)' ab/slow-spin.json >ab/blockless.json
refused "An A/B of an older ktax" 'no figures of single blocks' busy.ktax ab/blockless.json

# ---- Monotone -------------------------------------------------------------------------------------

previous=-9
for ns in 44000 40000 36000 30000 20000 12000 8000 4000 1000; do
  ab monotone.json spread=0 kernel-spin=30000 "af_xdp=$ns"
  decide monotone busy.ktax ab/monotone.json
  gain=$(json monotone.json '.prediction[] | select(.path == "af_xdp") | .gain_p99')
  check_num "A faster path never gains less: $ns ns" "$gain >= $previous"
  previous=$gain
done
check_num "The fastest path gains most" "$previous > 0.3"

# ---- Output ---------------------------------------------------------------------------------------

schema_errors() {
  python3 -W ignore - "$top/docs/decision.schema.json" "$@" <<'PYTHON'
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
named=(settings blocked loopback unknown alone app gc light queue bypass tune dpdk near equal untuned stand-in noisy slo hard met time lossy unequal money wide same-nic)
if python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
  check_eq "JSON is as docs/decision.schema.json describes it" "$(schema_errors "${named[@]/%/.json}")" ""
else
  skip "JSON is as docs/decision.schema.json describes it" "needs python3-jsonschema"
fi
check_match "The text opens with the verdict and its exit code" "$(head -1 bypass.txt)" '^bypass-af_xdp \(exit 0\): '
check_eq "No line of the text is wider than 100 columns, but commands" \
  "$(grep -hvE '^  (sudo )?ktax' "${named[@]/%/.txt}" | grep -E '^.{101}' || true)" ""
check_eq "No line ends with a blank" "$(grep -hE ' $' "${named[@]/%/.txt}" || true)" ""
check_eq "What is no terminal gets no colours" "$(grep -lP '\x1b' "${named[@]/%/.txt}" || true)" ""
check_eq "Without UTF-8 all is ASCII" "$( (LC_ALL=C ktax decide busy.ktax ab/slow-spin.json || true) | LC_ALL=C grep -P '[^\x00-\x7f]' || true)" ""
check_eq "A terminal gets colours, but not with NO_COLOR" \
  "$(for no in "" 1; do (NO_COLOR=$no script -qec "ktax decide busy.ktax ab/slow-spin.json" /dev/null </dev/null || true) | grep -cP '\x1b\[' || true; done | sed 's/[1-9][0-9]*/some/' | tr '\n' ' ')" "some 0 "
run ktax decide busy.ktax ab/slow-spin.json --html page.html
check_eq "--html writes a page beside the text, and the exit code stays" "$status $(head -1 out)" "0 $(head -1 bypass.txt)"
check_match "The page opens with the verdict, goes on to the endpoint, and has the A/B" "$(tr -d '\n' <page.html)" \
  '<h2 id="verdict">Bypass the kernel with AF_XDP</h2>.*10\.0\.0\.1:6379/tcp.*id="ab"'
run ktax decide kernel.ktax --html page.html
check_match "Without an A/B the page has none, and says that it cannot be told yet" \
  "$status $(grep -c 'id="ab"' page.html || true) $(tr -d '\n' <page.html)" '^4 0 .*Not enough evidence to decide'
run ktax decide kernel.ktax --html no/such/page.html
check_match "A page that cannot be written is an error" "$status $(cat err)" '^2 .*page.html'
check_eq "--json - prints JSON alone" "$( (ktax decide --json - busy.ktax ab/slow-spin.json || true) | jq -r .schema)" ktax.decision/1

# ---- Mistakes -------------------------------------------------------------------------------------

mistake "A recording must be named" 1 "name a recording"
policy nonsense.ini '[slo]' 'p95 = 1 ms'
mistake "An unknown key names the nearest" 1 'nonsense.ini:2: \[slo\] has no key "p95", did you mean "p99"' kernel.ktax --policy nonsense.ini
policy none.ini '[gain]' 'need = none'
mistake "A policy that needs nothing is refused" 1 'does not say what is worth it' kernel.ktax --policy none.ini
policy p90.ini '[gain]' 'metric = p90'
mistake "p90 is not what recordings tell" 1 'metric is p90' kernel.ktax --policy p90.ini
printf '{"schema": "ktax.report/1"}' >ab/report.json
mistake "Another document is refused by its schema" 2 'report.json: its schema is ktax.report/1' kernel.ktax ab/report.json
printf '{"schema": ' >ab/cut.json
mistake "What is no JSON is refused" 2 'cut.json: not JSON' kernel.ktax ab/cut.json
jq '.arms[0].p50_ns = "fast"' ab/slow-spin.json >ab/typed.json
mistake "A value of the wrong kind is named" 2 'typed.json: "p50_ns" is not a number' kernel.ktax ab/typed.json
mistake "An A/B that is not there" 2 'nowhere.json: No such file' kernel.ktax ab/nowhere.json
mistake "What is no recording" 2 'not a ktax recording' ab/slow-spin.json ab/slow-spin.json
mistake "An endpoint that is not there" 2 'it holds 10.0.0.1:6379/tcp' -e :80 kernel.ktax
