#!/usr/bin/env bash
# The sample server does what a request asks for, in every mode, and its log tells the truth.
# shellcheck source=sample_lib.sh
. "$(dirname "$0")/sample_lib.sh"

# $c[..] are awk's, not the shell's.
# shellcheck disable=SC2016
in_order='$c["read_start"] <= $c["read_end"] && $c["read_end"] <= $c["handler_start"] &&
  $c["handler_start"] <= $c["handler_end"] && $c["handler_end"] <= $c["write_start"] &&
  $c["write_start"] <= $c["write_end"]'
# shellcheck disable=SC2016
phases_fit='$c["spin"] + $c["json"] + $c["annotate"] + $c["syscall"] + $c["lock"] + $c["io"] +
  $c["sleep"] <= $c["handler_end"] - $c["handler_start"]'

check_log() {
  local records
  records=$(where "$log" 1)
  check_eq "$1: every stamp follows the one before it" "$(where "$log" "$in_order")" "$records"
  check_eq "$1: the phases fit into the handler's time" "$(where "$log" "$phases_fit")" "$records"
}

end_server() {
  stop server
  check_eq "$1: SIGTERM ends the server with status 0" "$status" 0
  check_log "$1"
}

test_endpoints() {
  start_server --json "$1"
  check_eq "$1: /items?n=7 lists 7 items" "$(get '/items?n=7' | grep -o '"id"' | wc -l)" 7
  check_eq "$1: /echo gives the document back" \
    "$(get /echo -d '{ "a": [1, 2, {"b": null}] }')" '{"a":[1,2,{"b":null}]}'
  check_eq "$1: /echo refuses what is not JSON" "$(http_status /echo -d '{"a": [1')" 400
  end_server "$1"
  check_eq "$1: the log names the endpoints" \
    "$(column "$log" endpoint | tr '\n' ' ')" "items echo error "
}

test_phases() {
  local phase us=700
  start_server
  for phase in spin json annotate syscall lock sleep; do
    get "/work?${phase}_us=$us" >/dev/null
    check_num "A phase that is asked for lasts as long: $phase" \
      "$(http_status "/work?${phase}_us=$us") == 200"
  done
  get '/work?io_kb=96' >/dev/null
  check_eq "All phases can be combined" "$(http_status \
    "/work?sleep_us=$us&io_kb=4&lock_us=$us&syscall_us=$us&annotate_us=$us&json_us=$us&spin_us=$us")" 200
  check_eq "Every account can be annotated" \
    "$(for phase in app serialize tls gc hop lock io wait; do
      http_status "/work?annotate_us=5&annotate=$phase"
    done)" 200200200200200200200200
  end_server phases
  for phase in spin json annotate syscall lock sleep; do
    # Two requests with this phase alone and the one with all of them.
    check_eq "The log has at least the time that was asked for: $phase" \
      "$(where "$log" "\$c[\"$phase\"] >= $us * 1000")" 3
  done
  # shellcheck disable=SC2016
  check_eq "The log has the time of the file's write" "$(where "$log" '$c["io"] > 0')" 2
}

# slow_body PORT: sends a body over the limit although the response is there already; its status.
slow_body() {
  /usr/bin/python3 - "$1" <<'EOF'
import socket, sys, time

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60) as client:
    client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1100000\r\n\r\n")
    response = client.recv(4096)
    for _ in range(11):
        client.sendall(bytes(100000))
        time.sleep(0.01)
    client.shutdown(socket.SHUT_WR)
    while more := client.recv(4096):
        response += more
    print(response.split()[1].decode())
EOF
}

test_refusals() {
  start_server
  check_eq "An unknown path is 404" "$(http_status /nowhere)" 404
  check_eq "An unknown parameter is 400" "$(http_status '/work?spin=1')" 400
  check_eq "A value out of range is 400" "$(http_status '/work?spin_us=99999999')" 400
  check_eq "A value that is no number is 400" "$(http_status '/work?bytes=1k')" 400
  check_eq "A head without end is 431" \
    "$(http_status / -H "X-Long: $(filler 20000)")" 431
  check_eq "A body over the limit is 413" \
    "$(filler 1100000 | http_status /echo --data-binary @- -H 'Expect:')" 413
  check_eq "Who sends that body to its end reads the response" "$(slow_body "$port")" 413
  check_eq "A transfer coding is 501" \
    "$(http_status /echo -d '{}' -H 'Transfer-Encoding: chunked')" 501
  check_eq "A request that is not HTTP/1.x is 400" "$(http_status / -X 'A B')" 400
  check_eq "Connection: close is obeyed" \
    "$(get /items -o /dev/null -H 'Connection: close' -w '%header{connection}')" close
  end_server refusals
}

# Larger than any socket buffer, in parts, to a reader whose window is small.
test_responses() {
  local how bytes=5000011
  start_server "$@"
  for how in write writev sendfile; do
    check "$how sends a large response in chunks" cmp -s <(filler $bytes) \
      <(get "/work?bytes=$bytes&how=$how&chunks=7&chunk_gap_us=50")
    load "/work?bytes=2000000&how=$how" --rate 0 --requests 4 --connections 2 --rcvbuf 4096
    check_eq "$how serves slow readers ($*)" "$status $(answered)" "0 4"
    # shellcheck disable=SC2016
    check_eq "$how: all responses have the right length" \
      "$(where "$tmp/load.tsv" '$c["bytes"] > 2000000 && $c["bytes"] < 2000200')" 4
  done
  check_eq "An empty body is a response" "$(http_status '/work?bytes=0&how=writev')" 200
  end_server "responses $*"
  # shellcheck disable=SC2016
  check_eq "The gaps between chunks are logged" "$(where "$log" '$c["gap"] >= 6 * 50000')" 3
}

test_pipelining() {
  start_server "$@"
  load '/items?n=3' --rate 0 --pipeline 16 --requests 320 --connections 2
  check_eq "Each pipelined request has its response ($*)" "$status $(answered)" "0 320"
  load '/work?bytes=300000' --rate 0 --pipeline 8 --requests 32 --connections 1
  check_eq "So have those whose responses fill the socket ($*)" "$status $(answered)" "0 32"
  end_server "pipelining $*"
  # shellcheck disable=SC2016
  check_num "The log shows requests that needed no read of their own ($*)" \
    "$(where "$log" '$c["reads"] == 0') > 0"
  check_eq "The log numbers the requests of a connection from 1 without a gap ($*)" "$(
    awk -F'\t' 'NR > 1 { n[$1]++; if ($2 > max[$1]) max[$1] = $2 }
      END { for (port in n) gaps += max[port] - n[port]; print gaps + 0 }' "$log")" 0
}

test_partial_requests() {
  start_server "$@"
  load '/items?n=3' --rate 0 --trickle=20000 --requests 6 --connections 2
  check_eq "Requests that arrive in parts are answered ($*)" "$status $(answered)" "0 6"
  end_server "partial $*"
  # shellcheck disable=SC2016
  check_num "The log counts the reads of a request ($*)" \
    "$(where "$log" '$c["reads"] > 1') > 0"
}

# test_mode CONDITION OPTION...: what the three threads of each record have in common.
test_mode() {
  local condition=$1
  shift
  start_server "$@"
  load '/work?json_us=20&sleep_us=100&bytes=3000' --rate 0 --requests 300 --connections 6
  check_eq "All is answered with $*" "$status $(answered)" "0 300"
  end_server "$*"
  check_eq "The log is complete with $*" "$(where "$log" 1)" 300
  check_eq "The log says who did what with $*" "$(where "$log" "$condition")" 300
}

test_modes() {
  # shellcheck disable=SC2016
  local one='$c["reader_tid"] == $c["handler_tid"] && $c["handler_tid"] == $c["writer_tid"]' \
    worker='$c["reader_tid"] != $c["handler_tid"] && $c["handler_tid"] == $c["writer_tid"]' \
    reader='$c["reader_tid"] != $c["handler_tid"] && $c["reader_tid"] == $c["writer_tid"]'
  test_mode "$one" --threads 2
  test_mode "$worker" --workers 3
  test_mode "$reader" --workers 3 --threads 2 --pool-writes reader
  test_mode "$one" --processes 2
  test_mode "$worker" --processes 2 --threads 2 --workers 2 --json jansson
}

test_ipv6() {
  grep -q . /proc/net/if_inet6 2>/dev/null || { skip "The server takes IPv6" "no IPv6 here"; return; }
  start_server --listen '[::]:0'
  check_eq "A dual-stack server takes IPv4" "$(http_status /items)" 200
  url="http://[::1]:$port"
  check_eq "A dual-stack server takes IPv6" "$(http_status /items)" 200
  load /items --requests 10 --connections 2
  check_eq "The load speaks IPv6" "$status $(answered)" "0 10"
  end_server IPv6
}

connected() {
  ss -Htn state established "sport = :$port" | grep -q .
}

# Whatever a client has got is in the log, also where the server ends under load.
test_end_under_load() {
  start_server "$@"
  start load ktax-sample-load --url "$url/items?n=5" --rate 0 --duration 30 --log "$tmp/load.tsv"
  wait_for 20 connected
  sleep 0.3
  end_server "under load $*"
  check "The load ends when the server is gone ($*)" await load 20
  check_eq "A load that lost its server fails ($*)" "$status" 2
  check_num "There was a load ($*)" "$(where "$tmp/load.tsv" 1) > 0"
  check_eq "The log has every request that a client saw answered ($*)" "$(
    awk -F'\t' 'FNR == 1 { next } FILENAME == ARGV[1] { seen[$1, $2] = 1; next }
      !(($1, $2) in seen) { n++ } END { print n + 0 }' "$log" "$tmp/load.tsv")" 0
}

test_errors() {
  run ktax-sample-server --listen nonsense
  check_eq "A bad address fails" "$status" 2
  check_match "A bad address is named" "$(cat "$tmp/err")" 'cannot listen on nonsense'
  run ktax-sample-server --json yajl
  check_eq "An unknown library is a usage error" "$status" 1
  run ktax-sample-server --log /nonexistent/log
  check_match "A log that cannot be written is named" "$(cat "$tmp/err")" '/nonexistent/log: No such'
}

require_command ktax-sample-server ktax-sample-load curl
test_endpoints json-c
test_endpoints jansson
test_phases
test_refusals
test_responses
test_responses --workers 2
test_responses --workers 2 --pool-writes reader
test_pipelining
test_pipelining --workers 2
test_partial_requests
test_partial_requests --workers 2
test_modes
test_ipv6
test_end_under_load
test_end_under_load --workers 2 --threads 2
test_errors
