#!/usr/bin/env bash
# The light hook set (ktax record --detail light) sees less than the full one, but what it sees is
# right: each request is in the recording once, balances, lies within what its client has measured,
# and what the server did lands in the accounts that the recording names.
# ktax-test: timeout=400
. "$(dirname "$0")/truth.sh"

require_command ktax-truth-sleep-cost

# A line: name | what | options of the server | path | options of the load.
shapes() {
  cat <<'END'
keep_alive|keep-alive|--threads 1|/items?n=20|--requests 1000
trickled|requests in four parts|--threads 1|/work?bytes=100&spin_us=50|--requests 150 --trickle
chunks|responses in chunks with gaps|--threads 1|/work?bytes=40000&chunks=5&chunk_gap_us=100|--requests 200
large|responses larger than a send|--threads 1|/work?bytes=1000000|--requests 100
files|responses by sendfile|--threads 1|/work?bytes=40000&how=sendfile|--requests 300
workers|workers that write|--workers 2|/work?bytes=100&spin_us=100|--requests 600 --connections 4
readers|workers, the reader writes|--workers 2 --pool-writes reader|/work?bytes=100&spin_us=100|--requests 600 --connections 4
interleaved|an event loop that sleeps|--threads 1|/work?bytes=100&sleep_us=100|--requests 600 --connections 8
processes|two processes|--processes 2|/work?bytes=100&lock_us=100|--requests 600 --connections 4
ipv6|IPv6|--listen [::1]:0|/items?n=20|--requests 400
dual|IPv4 on a socket of both|--listen [::]:0|/items?n=20|--requests 400
END
}

# of NAME FIELD
of() {
  shapes | awk -F'|' -v name="$1" -v field="$2" '$1 == name { print $field }'
}

start_servers() {
  local name options
  for name in "${names[@]}"; do
    read -ra options <<<"$(of "$name" 3)"
    serve "$name" "${options[@]}"
    ports+=(--port "${port[$name]}")
  done
}

send_all() {
  local name options host
  for name in "${names[@]}"; do
    read -ra options <<<"$(of "$name" 5)"
    host=127.0.0.1
    [ "$name" != ipv6 ] || host='[::1]'
    send_to "$name" "http://$host:${port[$name]}$(of "$name" 4)" "${options[@]}"
  done
}

check_shapes() {
  local name
  start_servers
  record run --detail light "${ports[@]}"
  send_all
  end_record run
  check_balance "all" run.ktax
  for name in "${names[@]}"; do
    stop "$name"
    join "$name" run "$name" "$name"
    check_complete "$(of "$name" 2)" "$name"
    check_contained "$(of "$name" 2)" "$name"
  done
  check_num "workers that write: the way to them is in lock" "$(median workers lock_ns) > 0"
  check_eq "workers that write: each request is handed over" \
    "$(value workers.db 'SELECT sum(handed_over) FROM ledger')" 600
}

# ---- where the time lands -----------------------------------------------------------------------

# growth NAME ACCOUNTS: what their sum has grown by over a request that only answers
growth() {
  calculate "$(median "$1" "$2") - $(median nothing "$2")"
}

# check_lands WHAT GROWTH TRUE: within 3 % + 5 us
check_lands() {
  check_num "$1" "$2 - $3 <= 0.03 * $3 + 5000 && $3 - $2 <= 0.03 * $3 + 5000"
}

# What going to sleep and coming back takes of the CPU is the kernel's work for the application,
# which is in app here.
measure() {
  local sleep_cost
  sleep_cost=$(taskset -c "$server_cpu" "${server_priority[@]}" ktax-truth-sleep-cost)
  serve work
  record measured --detail light --port "${port[work]}"
  send nothing work '/work?bytes=100' --requests 400
  send spin work '/work?bytes=100&spin_us=300' --requests 400
  send both work '/work?bytes=100&spin_us=300&sleep_us=2000' --requests 400
  end_record measured
  stop work
  join nothing measured work nothing
  join spin measured work spin
  join both measured work both
  check_eq "Of each request it is known that it came over loopback" \
    "$(value nothing.db 'SELECT sum(loopback) - sum(requests) FROM ledger')" 0
  check_lands "A spin of 300 us lands in app" "$(growth spin app_ns)" "$(median spin s_spin)"
  check_lands "So it does with a sleep" "$(growth both app_ns)" "$(median both "s_spin + $sleep_cost")"
  check_lands "A sleep of 2 ms lands in wait" "$(growth both wait_ns)" "$(median both s_sleep)"
  check_lands "All that the server did is in app, wait and preempt" \
    "$(growth both 'app_ns + wait_ns + preempt_ns')" "$(median both 's_spin + s_sleep')"
  check_num "The server slept when its requests came: that is in wakeup" \
    "$(median spin wakeup_ns) > $(median spin app_queue_ns)"
}

# ---- what is not seen ---------------------------------------------------------------------------

check_report() {
  local missing
  run ktax report --json "$tmp/measured.ktax"
  missing=$(json "$tmp/out" '.endpoints[0].accounts | to_entries[]
    | select(.value.mean_ns == null) | select((.value.why // "") == "") | .key')
  check_eq "The report gives a reason for each account that is absent" "$missing" ""
  check_eq "What the light set does not see is absent" "$(json "$tmp/out" \
    '[.endpoints[0].accounts | to_entries[] | select(.value.mean_ns == null) | .key] | sort | join(" ")')" \
    "app_kernel gc hop io kernel_rx nic_rx nic_tx qdisc serialize tls"
  run ktax record --detail light --span libc.so.6:qsort -o "$tmp/none.ktax"
  check_eq "Spans are refused" "$status" 1
}

names=() ports=()
mapfile -t names < <(shapes | cut -d'|' -f1)
check_shapes
at_most_thrice measure
check_report
