#!/usr/bin/env bash
# The sample load keeps its schedule, counts from it, and ends by itself.
# shellcheck disable=SC2119 # the server's options are none here, not the script's
# shellcheck source=sample_lib.sh
. "$(dirname "$0")/sample_lib.sh"

percentile() {
  awk -v row="$1" -v field="$2" '$1 == row { print $field }' "$tmp/out"
}

# When requests are due depends on the rate alone.
test_schedule() {
  start_server
  load '/items?n=5' --rate 500 --duration 1 --connections 4
  check_eq "All requests of the schedule are sent" "$status $(answered)" "0 500"
  check_eq "They are due at equal distances" \
    "$(column "$tmp/load.tsv" intended | sort -n | awk 'NR > 1 { d = $1 - last; n += d < 1999998 || d > 2000002 }
      { last = $1 } END { print n + 0 }')" 0
  # shellcheck disable=SC2016
  check_eq "None is sent before it is due, or answered before it is sent" \
    "$(where "$tmp/load.tsv" '$c["intended"] <= $c["sent"] && $c["sent"] <= $c["sent_end"] &&
      $c["sent"] < $c["first_byte"] && $c["first_byte"] <= $c["last_byte"]')" 500
  stop server
  check_eq "Both sides agree about connection, number and order" "$(
    awk -F'\t' 'FNR == 1 { next }
      FILENAME == ARGV[1] { read_end[$1, $2] = $10; write_start[$1, $2] = $22; next }
      $5 <= read_end[$1, $2] && write_start[$1, $2] <= $8 { n++ }
      END { print n + 0 }' "$log" "$tmp/load.tsv")" 500
}

# A server that is too slow delays its requests, and each of them has to count its delay.
test_no_coordinated_omission() {
  start_server
  load '/work?sleep_us=10000' --rate 200 --duration 0.5 --connections 1
  check_ratio "A backlog shows in the latency, not in the round trip" \
    "$(percentile latency 4)" "$(percentile rtt 2)" 5 1000000
  stop server
}

test_mix() {
  start_server
  printf '# the default\n3 GET /items?n=2\n\n1 POST /echo {"a": "b c"}\n' >"$tmp/mix"
  load / --mix "$tmp/mix" --rate 0 --requests 400 --connections 3
  check_eq "A mix is answered" "$status $(answered)" "0 400"
  stop server
  check_ratio "A mix is sent by its weights" \
    "$(where "$log" '/\titems\t/')" "$(where "$log" '/\techo\t/')" 2 4.5
  echo '1 GET items' >"$tmp/mix"
  run ktax-sample-load --url "$url/" --mix "$tmp/mix"
  check_match "A bad line of a mix is named" "$(cat "$tmp/err")" "$tmp/mix:1: expected"
}

test_failures() {
  start_server
  load /nowhere --requests 5
  check_eq "A status that is not 2xx fails" "$status" 2
  check_match "and is counted" "$(cat "$tmp/out")" "failed   5 not 2xx"
  load '/work?sleep_us=3000000' --requests 2 --connections 1 --duration 0.2
  check_eq "A server that does not answer fails" "$status" 2
  check_match "and what is missing is counted" "$(cat "$tmp/out")" "2 unanswered"
  stop server
  run ktax-sample-load --url "$url/"
  check_eq "No server fails" "$status" 2
  check_match "and is said" "$(cat "$tmp/err")" "cannot connect to $url/: Connection refused"
  run ktax-sample-load --url ftp://nowhere/
  check_eq "A bad URL is a usage error" "$status" 1
  run ktax-sample-load
  check_eq "No URL is a usage error" "$status" 1
}

require_command ktax-sample-server ktax-sample-load
test_schedule
test_no_coordinated_omission
test_mix
test_failures
