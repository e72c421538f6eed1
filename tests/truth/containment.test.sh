#!/usr/bin/env bash
# No total is longer than what its client has measured, none is shorter than the handler took, and
# every request of the load is in the recording, once.
# ktax-test: timeout=400
. "$(dirname "$0")/truth.sh"

# add_case NAME WHAT SERVER_OPTIONS LOAD_OPTIONS: all are in one recording, each has its own server.
declare -A what=() load_options=()

add_case() {
  what[$1]=$2 load_options[$1]=$4
  # shellcheck disable=SC2086 # options
  serve "$1" $3
}

add_case closed "closed loop" "" "--requests 1500"
add_case open "open loop, 8 connections" "" "--rate 1500 --connections 8 --duration 1.5"
add_case threads "two threads, 8 connections" "--threads 2" "--rate 2000 --connections 8 --duration 1.5"
add_case overload "overload, 32 connections" "" "--rate 30000 --connections 32 --requests 6000 --duration 4"
cases=(closed open threads overload)

ports=()
for name in "${cases[@]}"; do ports+=(--port "${port[$name]}"); done
record run "${ports[@]}"
for name in "${cases[@]}"; do
  read -ra options <<<"${load_options[$name]}"
  send "$name" "$name" / --mix "$top/samples/demo.mix" "${options[@]}"
done
end_record run
for name in "${cases[@]}"; do
  stop "$name"
  join "$name" run "$name" "$name"
  check_all "${what[$name]}" "$name"
done
