#!/usr/bin/env bash
# However a span is left, by longjmp, exception, the end of its thread or a skipped end, the process
# lives on, the time in the span is found, and the next request's accounts are right again.
# ktax-test: timeout=400
#
# Each request of a kind is followed by a plain one, which only spins: of that, nothing may be in an
# account of spans. The kinds are in tests/truth/spans/requests.cc.
. "$(dirname "$0")/spans.sh"

rounds=30

# A line: kind | us in serialize | us in gc | us in tls | us in app, or unknown where no event tells
# when a span was left; - where the rest of the request may count as the span, as its user is told
kinds() {
  cat <<'END_KINDS'
nested_functions|200|0|0|300
recursion|240|0|0|300
last_call|200|0|0|300
long_jump|0|0|0|400
deep_long_jump|0|0|0|460
repeated_long_jump|100|0|0|500
exception|0|0|0|400
nested_annotations|150|100|0|300
deep_annotations|240|0|0|300
annotation_in_function|200|100|0|300
function_in_annotation|100|200|0|300
skipped_end|-|0|0|-
repeated_skipped_end|10|0|0|410
skipped_inner_end|0|0|0|400
inlined_skipped_end|100|0|0|-
same_one|0|0|100|300
same_other|0|0|100|300
END_KINDS
}

# ---- the client -----------------------------------------------------------------------------------

# The libraries are loaded by the first of these requests, and must be probed within seconds.
load_libraries() {
  local i
  for ((i = 0; i < 50; i++)); do
    request same_one
    request same_other
    sleep 0.1
  done
}

all_kinds() {
  local kind i
  for ((i = 0; i < rounds; i++)); do
    for kind in $(kinds | cut -d '|' -f 1); do
      request "$kind"
      request plain
    done
  done
}

threads_that_end() {
  local i
  for ((i = 0; i < 20; i++)); do
    connect
    request plain
    request exit
  done
  connect
  request plain
}

# ---- the recording --------------------------------------------------------------------------------

measure() {
  sent=()
  start_span_server
  record run --port "${port[server]}" \
    --span 'libktax-truth-spans.so:span_*' --span 'libktax-truth-same.so:same_work=tls' \
    --span 'ktax-truth-span-server:*codec*decode*'
  connect
  load_libraries
  loading=${#sent[@]}
  all_kinds
  threads_that_end
  check "The process that was probed lives on" running server
  exec 3<&-
  end_record run
  stop server
  rm "$tmp/port"
  number_requests
}

# ---- what holds -----------------------------------------------------------------------------------

# within SENTENCE EXPRESSION KIND US: its median is that long, give or take 5 %, 10 us and what a
# dozen probes cost. US may be -, for any.
within() {
  local found
  [ "$4" != - ] || return 0
  found=$(median run "$2" "kind = '$3' AND number > $loading")
  if numbers_hold "$found >= $4 * 950 - 10000 && $found <= $4 * 1050 + 60000 * ($4 > 0) + 10000"; then
    ok "$1" "$found ns"
  else
    not_ok "$1" "$found ns, want $4 us"
  fi
}

check_kind() {
  local kind=$1 spoken=${1//_/ }
  within "$spoken: serialize" serialize_ns "$kind" "$2"
  within "$spoken: gc" gc_ns "$kind" "$3"
  within "$spoken: tls" tls_ns "$kind" "$4"
  within "$spoken: the rest is in app or unknown" "app_ns + app_kernel_ns + unknown_ns" "$kind" "$5"
  printf '# %s: median of app %s ns, of unknown %s ns\n' "$spoken" \
    "$(median run 'app_ns + app_kernel_ns' "kind = '$kind' AND number > $loading")" \
    "$(median run unknown_ns "kind = '$kind' AND number > $loading")"
  check_eq "$spoken: of the next request, nothing is in a span" "$(value run.db "SELECT count(*)
    FROM joined WHERE kind = 'plain' AND after = '$kind'
      AND serialize_ns + gc_ns + tls_ns + hop_ns > 5000")" 0
}

check_kinds() {
  local kind serialize gc tls rest
  while IFS='|' read -r kind serialize gc tls rest; do
    check_kind "$kind" "$serialize" "$gc" "$tls" "$rest"
  done < <(kinds)
}

check_whole() {
  check_eq "Each request is in the recording" "$(value run.db 'SELECT count(*) FROM request')" "${#sent[@]}"
  check_balance "spans" run.db
  check_eq "No plain request has time in a span" "$(value run.db "SELECT count(*) FROM joined
    WHERE kind = 'plain' AND serialize_ns + gc_ns + tls_ns + hop_ns + unknown_ns > 5000")" 0
  check_eq "What ends well leaves nothing unknown" "$(value run.db "SELECT count(*) FROM joined
    WHERE number > $loading AND unknown_ns > 5000 AND kind IN ('nested_functions', 'recursion',
      'last_call', 'nested_annotations', 'deep_annotations')")" 0
  check_eq "but for what single-stepping span_work costs" "$(value run.db "SELECT count(*) FROM joined
    WHERE number > $loading AND kind IN ('annotation_in_function', 'function_in_annotation')
      AND unknown_ns > 1.05 * (SELECT value FROM meta WHERE key = 'step_high_ns')")" 0
  within "A thread that ends within a span: serialize" serialize_ns exit 100
}

check_loading() {
  local kind late
  for kind in same_one same_other; do
    late=$(value run.db "SELECT coalesce((min(CASE WHEN tls_ns > 90000 THEN start_ns END)
      - min(start_ns)) / 1e9, -1) FROM joined WHERE kind = '$kind'")
    check_num "${kind//_/ }: what is loaded while recording is probed within seconds" \
      "$late >= 0 && $late <= 4"
    echo "# probed $late s after its first use"
  done
}

spans() {
  measure
  check_whole
  check_loading
  check_kinds
}

at_most_thrice spans
