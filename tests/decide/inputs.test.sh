#!/usr/bin/env bash
# ktax-test: timeout=120 parallel
# What `ktax decide` takes besides a recording and an A/B: a capture, for how evenly packets arrive,
# and a sweep, for how much one core carries.
. "$(dirname "$0")/decide_lib.sh"

cd "$tmp"
mkdir sweeps

capture() {
  python3 "$top/tests/decide/make_capture.py" "$@"
}

sweep() {
  local file=$1
  shift
  python3 "$top/tests/decide/make_sweep.py" "$@" >"sweeps/$file"
}

"$build/tests/make_recording_of" busy.ktax wakeup=300 kernel_rx=14000 copy_rx=5000 kernel_tx=14000 app=3000
python3 "$top/tests/decide/make_ab.py" kernel-spin=36000 af_xdp=8000 >ab.json

# ---- Captures -------------------------------------------------------------------------------------

# window MS KEY: of the capture's windows of that length.
window() {
  json "$1.json" --argjson ns "${2}000000" ".capture_predictability.windows[] | select(.window_ns == \$ns) | .$3"
}

capture even.pcap
decide even busy.ktax --trace even.pcap
check_eq "Evenly spaced packets are steady at every length of window" \
  "$(json even.json '[.capture_predictability.windows[] | .kind] | unique | join(" ")')" steady
check_num "Their peak is their mean" "$(window even 10 peak_to_mean) == 1 && $(window even 10 dispersion) < 0.01"
check_num "It is the packets to the port that are counted, not the answers" "$(window even 1000 mean_per_second) == 2000"
check_eq "The source names file and port, which is the endpoint's" \
  "$(json even.json .capture_predictability.source)" "even.pcap: packets to port 6379"
check_match "So does the text" "$(cat even.txt)" 'packets  +steadier than independent .*even.pcap: packets to port 6379'
check_match "The time of day takes days" "$(json even.json .capture_predictability.diurnal.why)" '2 days'
capture bursts.pcap on_ms=50 of_ms=1000
decide bursts busy.ktax --trace bursts.pcap
check_num "2000 packets in 50 ms of every second: the peak is 20 times the mean" \
  "$(window bursts 10 peak_to_mean) > 19 && $(window bursts 10 peak_to_mean) < 21.5"
# A mean of 20 in 10 ms, 400 in 5 of 100 windows: variance 20^2 x 19.
check_num "The index of dispersion at 10 ms is 380" \
  "$(window bursts 10 dispersion) > 350 && $(window bursts 10 dispersion) < 410"
check_num "Within whole seconds it evens out" "$(window bursts 1000 dispersion) < 0.2"
capture late.pcap shuffled=500
decide late busy.ktax --trace late.pcap
check_eq "Packets out of order in the file are put in order" \
  "$(jq -s '.[0].capture_predictability.windows == .[1].capture_predictability.windows' even.json late.json)" true
capture udp.pcap protocol=udp port=7000
decide udp busy.ktax --trace udp.pcap --trace-port 7000
check_eq "UDP at another port" "$(json udp.json '.capture_predictability.source')" "udp.pcap: packets to port 7000"
check_num "Its packets are counted" "$(window udp 1000 mean_per_second) == 2000"
capture days.pcap seconds=200000 gap_us=20000000
decide days busy.ktax --trace days.pcap
check_eq "A capture of two days has a time of day" "$(json days.json '.capture_predictability.diurnal.peak_hour | type')" number
decide none busy.ktax
check_eq "Without a capture there is none, and it says why" \
  "$(json none.json '"\(.capture_predictability) \(.why | test("capture_predictability: no --trace"))"')" "null true"
mistake "A port that the capture lacks: it says which it has" 2 'no packets to port 80; most are to port 6379' busy.ktax --trace even.pcap --trace-port 80
mistake "What is no capture" 2 'busy.ktax: cannot count its packets: it is no pcap' busy.ktax --trace busy.ktax
mistake "A capture that is not there" 2 'nowhere.pcap' busy.ktax --trace nowhere.pcap
head -c 5000 even.pcap >cut.pcap
mistake "A capture that was cut off" 2 'cut.pcap: .*damaged' busy.ktax --trace cut.pcap
mistake "A port is one" 1 'a port, 1 to 65535' busy.ktax --trace even.pcap --trace-port 65536
mistake "A port without a capture" 1 'trace-port is for --trace' busy.ktax --trace-port 80

# ---- Sweeps ---------------------------------------------------------------------------------------

# economics FILE: of af_xdp.
economics() {
  json "$1.json" '.economics[] | select(.path == "af_xdp") | "\(.per_core_per_second) \(.per_core_source) \(.per_core_at_least) \(.cores_polling)"' |
    sed 's/\.0\b//g'
}

decide ab-only busy.ktax ab.json
check_eq "Without a sweep one core carries at least the A/B's rate" "$(economics ab-only)" "2000 ab true 1"
check_match "The text says so" "$(cat ab-only.txt)" 'one core carries +at least 2,000/s, the rate of the A/B'
sweep sweep.json kernel=90000 kernel-spin=100000 af_xdp=250
decide swept busy.ktax ab.json --sweep sweeps/sweep.json
check_eq "With a sweep it is the highest rate without loss: 8 cores for 2000/s by 250/s each" "$(economics swept)" "250 sweep false 8"
check_match "The text names the sweep" "$(cat swept.txt)" 'one core carries +250/s, the highest rate without loss \(sweeps/sweep.json\)'
sweep slow.json kernel=90000 kernel-spin=100000 af_xdp=900000+
decide slow busy.ktax ab.json --sweep sweeps/slow.json
check_eq "A generator that was too slow gives a lower bound" "$(economics slow)" "900000 sweep true 1"
sweep lossy.json kernel=90000 kernel-spin=100000 af_xdp=none
decide lossy busy.ktax ab.json --sweep sweeps/lossy.json
check_eq "A path without any such rate keeps the A/B's" "$(economics lossy)" "2000 ab true 1"
for unlike in hostname=elsewhere release=5.4.0 protocol=udp bytes=1400 driver=ixgbe run=no; do
  sweep unlike.json kernel=90000 af_xdp=250 "$unlike"
  decide unlike busy.ktax ab.json --sweep sweeps/unlike.json
  check_eq "A sweep that is not like the A/B is not used: $unlike" \
    "$(economics unlike) $(json unlike.json 'any(.cautions[]; .text | test("the sweep was not run as the A/B was"))')" "2000 ab true 1 true"
done
printf '[limit]\ncores = 1\n' >cores.ini
"$build/tests/make_recording_of" fast.ktax rate=9000 wakeup=300 kernel_rx=14000 copy_rx=5000 kernel_tx=14000 app=3000
decide doubt fast.ktax ab.json --policy cores.ini
check_match "More cores than the limit, by a lower bound of what one carries, is a doubt and no refusal" \
  "$verdict $(json doubt.json '[.reasons[].text] | join(" ")')" '^not-enough-evidence 4 .*polls 5 cores .* may carry more than it was shown to'
check_match "It says which sweep would tell" "$(json doubt.json '.commands | join(" ")')" \
  'sudo ktax ab --sweep --tcp --paths kernel-spin,af_xdp --size 64 --json sweep.json .*ktax decide .* --sweep sweep.json'
sweep enough.json kernel=90000 kernel-spin=100000 af_xdp=50000
decide enough fast.ktax ab.json --policy cores.ini --sweep sweeps/enough.json
check_eq "With it, the path is approved" "$verdict" "bypass-af_xdp 0"
decide refused fast.ktax ab.json --policy cores.ini --sweep sweeps/sweep.json
check_match "Or refused" "$verdict $(json refused.json '[.reasons[].text] | join(" ")')" '^fix-application 3 .*polls 36 cores'
mistake "A sweep takes an A/B" 1 'sweep goes with an A/B' busy.ktax --sweep sweeps/sweep.json
mistake "Another document is no sweep" 2 'its schema is ktax.ab/1, not ktax.sweep/1' busy.ktax ab.json --sweep ab.json
mistake "A sweep is no A/B" 2 'its schema is ktax.sweep/1, not ktax.ab/1' busy.ktax sweeps/sweep.json
jq '.arms[0].lossless_pps = -1' sweeps/sweep.json >sweeps/negative.json
mistake "A negative rate is refused" 2 'lossless_pps" is not a number' busy.ktax ab.json --sweep sweeps/negative.json
jq '.arms[1].path = "kernel"' sweeps/sweep.json >sweeps/twice.json
mistake "A path that is there twice is refused" 2 'path "kernel" is there twice' busy.ktax ab.json --sweep sweeps/twice.json

if python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
  check_eq "Sweeps made up here and decisions are as their schemas say" "$(python3 -W ignore - "$top/docs" <<'PYTHON'
import json, sys
from jsonschema import Draft202012Validator
for schema, names in (("sweep", ("sweeps/sweep", "sweeps/slow", "sweeps/lossy")), ("decision", ("even", "bursts", "udp", "days", "none", "swept", "slow", "unlike", "doubt"))):
    validator = Draft202012Validator(json.load(open(f"{sys.argv[1]}/{schema}.schema.json")))
    for name in names:
        document = json.load(open(f"{name}.json"))
        for error in validator.iter_errors(document):
            print(name, list(error.path), error.message[:100])
PYTHON
)" ""
fi
check_eq "No line of the text is wider than 100 columns, but commands" \
  "$(grep -hvE '^  (sudo )?ktax' ./*.txt | grep -E '^.{101}' || true)" ""
check_eq "No line ends with a blank" "$(grep -hE ' $' ./*.txt || true)" ""
