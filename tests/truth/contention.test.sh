#!/usr/bin/env bash
# A busy process on the server's CPU makes preempt grow, by as much as the scheduler says that the
# server waited, and not app.
# ktax-test: timeout=400
#
# So it is for requests that queue for a busy thread: what it waited for its CPU meanwhile is their
# preempt, and what it ran for the others is their app_queue. The work of a request is fixed: it builds a list and dumps it (a spin would end by the clock,
# however little of it was run). The truth is /proc/PID/task/TID/schedstat: time on the CPU, time
# on a runqueue. Alone, contended and alone again in one recording.
. "$(dirname "$0")/truth.sh"

server_priority=() # an equal of the competitor
load_priority=(nice -n -10)
path='/items?n=4000'
per_load=40

# Two columns: CPU time and time on a runqueue of the server's threads so far, in ns.
schedstat() {
  cat /proc/"${pid_of[server]}"/task/*/schedstat | awk '{ cpu += $1; delay += $2 } END { printf "%.0f %.0f", cpu, delay }'
}

compete() {
  start competitor taskset -c "$server_cpu" sh -c 'while :; do :; done'
}

# One log of the three loads; item 1 is the contended one.
merge_logs() {
  awk -F'\t' -v OFS='\t' 'FNR == 1 { if (NR == 1) print; file++; next } { $3 = file == 2; print }' \
    "$tmp/alone.log" "$tmp/contended.log" "$tmp/again.log" >"$tmp/load.log"
}

# spend NAME [OPTION...]: a load; sets $cpu and $delay to what it took.
spend() {
  local cpu_before delay_before
  read -r cpu_before delay_before <<<"$(schedstat)"
  send "$1" server "$path" --requests "$per_load" "${@:2}"
  read -r cpu delay <<<"$(schedstat)"
  cpu=$((cpu - cpu_before)) delay=$((delay - delay_before))
}

measure() {
  serve server
  record run --port "${port[server]}"
  spend alone
  cpu_alone=$cpu
  compete
  spend contended
  cpu_contended=$cpu delay_contended=$delay
  stop competitor KILL
  spend again
  cpu_alone=$((cpu_alone + cpu))
  end_record run
  stop server
  merge_logs
  join run run server load
}

# sum EXPRESSION ITEM
sum() {
  value run.db "SELECT sum($1) FROM joined WHERE l_item = $2"
}

# mean EXPRESSION ITEM
mean() {
  value run.db "SELECT avg($1) FROM joined WHERE l_item = $2"
}

# share_of_cpu ITEM CPU_NS: what app and serialize have of it.
share_of_cpu() {
  calculate "$(sum 'app_ns + serialize_ns' "$1") / $2"
}

# growth EXPRESSION: of its mean, by the contention.
growth() {
  calculate "$(mean "$1" 1) - $(mean "$1" 0)"
}

contention() {
  local on_cpu='app_ns + serialize_ns + copy_rx_ns + kernel_tx_ns' on_runqueue='preempt_ns + wakeup_ns + app_queue_ns'
  measure
  check_num "The server was made to wait for its CPU" "$delay_contended > 0.5 * $cpu_contended"
  check_ratio "The time on the runqueue is in preempt, wakeup and app_queue" \
    "$(sum "$on_runqueue" 1)" "$delay_contended" 0.93 1.07
  check_ratio "app_queue has little of it" "$(sum app_queue_ns 1)" "$delay_contended" 0 0.07
  check_ratio "The time on the CPU is what the scheduler says, contended" "$(sum "$on_cpu" 1)" "$cpu_contended" 0.85 1.1
  check_ratio "The time on the CPU is what the scheduler says, alone" "$(sum "$on_cpu" 0)" "$cpu_alone" 0.85 1.1
  check_ratio "app is not more of it for being contended" "$(share_of_cpu 1 "$cpu_contended")" \
    "$(share_of_cpu 0 "$cpu_alone")" 0.93 1.07
  check_ratio "The total grows as the client's measure of it" \
    "$(growth total_ns)" "$(growth 'l_last_byte - l_sent')" 0.9 1.1
  check_ratio "What grows beside the time on the CPU is the time on the runqueue" \
    "$(growth "$on_runqueue")" "$(growth "total_ns - ($on_cpu)")" 0.95 1.05
  check_eq "A preempted call of a library is not taken for a left one" "$(sum unknown_ns 1)" 0
}

# A closed loop of so many connections: at any time all of them have a request in the server, so that
# each stretch of the server's thread is in the accounts of all of them.
queued=8

queueing() {
  serve server
  record run --port "${port[server]}"
  compete
  spend load --connections "$queued" --requests $((per_load * 6))
  stop competitor KILL
  end_record run
  stop server
  join run run server load
  check_num "A queue: the server was made to wait for its CPU" "$delay > 0.5 * $cpu"
  check_ratio "A queue: the time on the runqueue is in preempt and wakeup of each request in it" \
    "$(sum 'preempt_ns + wakeup_ns' 0)" $((delay * queued)) 0.93 1.07
  check_ratio "A queue: the time on the CPU is in app_queue of each request but one" \
    "$(sum app_queue_ns 0)" $((cpu * (queued - 1))) 0.93 1.07
}

at_most_thrice contention
check_all contention run
at_most_thrice queueing
check_all queueing run
