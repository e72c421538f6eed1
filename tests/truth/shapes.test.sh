#!/usr/bin/env bash
# However a server reads and writes, each request is in the recording once, balances, and lies
# within what its client has measured.
# ktax-test: timeout=400
. "$(dirname "$0")/truth.sh"

# A line: name | what | options of the server | path | options of the load. Each has a server of its
# own; all are in one recording, or the recorder's endpoints would not do.
shapes() {
  cat <<'END'
keep_alive|keep-alive|--threads 1|/items?n=20|--requests 1000
trickled|requests in four parts|--threads 1|/work?bytes=100&spin_us=50|--requests 150 --trickle
chunks|responses in chunks with gaps|--threads 1|/work?bytes=40000&chunks=5&chunk_gap_us=100|--requests 200
vectors|responses by writev|--threads 1|/work?bytes=40000&chunks=4&how=writev|--requests 300
files|responses by sendfile|--threads 1|/work?bytes=40000&how=sendfile|--requests 300
file_chunks|sendfile in chunks with gaps|--threads 1|/work?bytes=40000&chunks=4&chunk_gap_us=100&how=sendfile|--requests 200
workers|workers that write|--workers 2|/work?bytes=100&spin_us=100|--requests 600 --connections 4
readers|workers, the reader writes|--workers 2 --pool-writes reader|/work?bytes=100&spin_us=100|--requests 600 --connections 4
threads|two event loops|--threads 2|/work?bytes=100&sleep_us=100|--requests 600 --connections 4
processes|two processes|--processes 2|/work?bytes=100&lock_us=100|--requests 600 --connections 4
both|two event loops with workers|--threads 2 --workers 2|/items?n=20|--requests 600 --connections 4
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

# median_share NAME EXPRESSION OF: of the two medians
median_share() {
  calculate "$(median "$1" "$2") / $(median "$1" "$3")"
}

# ---- pipelining ---------------------------------------------------------------------------------

# Requests that are read at once are one row, a batch of so many.
pipelined() {
  serve pipelined
  record pipelining --port "${port[pipelined]}"
  send pipelined pipelined '/work?bytes=100' --pipeline 8 --connections 4 --requests 4000
  end_record pipelining
  stop pipelined
  join pipelined pipelining pipelined pipelined
  check_balance pipelining pipelined.db
  check_bytes pipelining pipelined
  check_eq "pipelining: batches are counted with what is in them" \
    "$(value pipelined.db 'SELECT sum(requests) - sum(batches) + sum(batched) FROM ledger')" 4000
  check_eq "pipelining: each batch of eight is a row" \
    "$(value pipelined.db 'SELECT count(*), sum(batch), sum(flags & 1) FROM request')" '500|4000|500'
}

# ---- connections that were there before, or stay --------------------------------------------------

# Connections are open and busy when the probes come.
before_attach() {
  serve early
  start early_load taskset -c "$load_cpu" ktax-sample-load --url "http://127.0.0.1:${port[early]}/items?n=20" \
    --rate 1000 --connections 4 --duration 5 --log "$tmp/early.log"
  sleep 1
  record early_run --port "${port[early]}"
  await early_load 20
  end_record early_run
  stop early
  join_by_time
  check_balance "connections from before" early_run.ktax
  check_num "connections from before: they are recorded" "$(value early_run.ktax 'SELECT count(*) FROM request') > 1000"
  check_eq "connections from before: of the requests since the first that was seen, none is missing" \
    "$(value early.db 'SELECT count(*) FROM late')" "$(value early_run.ktax 'SELECT count(*) FROM request')"
  check_eq "connections from before: each lies around its handler's time" \
    "$(value early.db 'SELECT count(*) FROM pairs')" "$(value early_run.ktax 'SELECT count(*) FROM request')"
}

# late: the log's requests that were read after the first recorded one began (a request in flight at
# the attach is not followed). pairs: with the recorded one of the same connection around it.
join_by_time() {
  cp "$tmp/early_run.ktax" "$tmp/early.db"
  sqlite3 "$tmp/early.db" <<END
CREATE TABLE server ($(log_columns "$tmp/early.tsv"));
.mode tabs
.import --skip 1 '$tmp/early.tsv' server
CREATE TABLE late AS SELECT s.* FROM server s
  WHERE s.read_start > (SELECT min(r.start_ns) FROM request r WHERE r.peer_port = s.peer_port);
CREATE INDEX late_key ON late (peer_port, handler_start);
CREATE TABLE pairs AS SELECT r.id FROM request r JOIN late s ON s.peer_port = r.peer_port
  AND s.handler_start BETWEEN r.start_ns AND r.start_ns + r.total_ns
  AND s.handler_end <= r.start_ns + r.total_ns;
END
}

# The client keeps its connection open after the last response; the sweep counts it, with its row.
left_open() {
  serve open
  record open_run --port "${port[open]}"
  exec 7<>"/dev/tcp/127.0.0.1/${port[open]}"
  printf 'GET /work?bytes=10 HTTP/1.1\r\nHost: test\r\n\r\n' >&7
  wait_for 10 swept || true
  check_eq "left open: the last request is counted while its connection is idle" "$(ledger_sum open_run.ktax requests)" 1
  sleep 0.5
  end_record open_run
  exec 7>&-
  check_eq "left open: it has its row" "$(value open_run.ktax 'SELECT count(*) FROM request')" 1
  stop open
}

swept() {
  [ "$(ledger_sum open_run.ktax requests)" -gt 0 ]
}

# ---- the whole ----------------------------------------------------------------------------------

ports=()
mapfile -t names < <(shapes | cut -d'|' -f1)
start_servers
record run "${ports[@]}"
send_all
end_record run
for name in "${names[@]}"; do
  stop "$name"
  join "$name" run "$name" "$name"
  check_all "$(of "$name" 2)" "$name"
done
check_num "requests in four parts: the pauses are in wait" \
  "$(median_share trickled wait_ns total_ns) > 0.6"
check_eq "requests in four parts: those that were read in parts are marked" \
  "$(value trickled.db 'SELECT count(*) FROM joined WHERE (flags & 64 != 0) != (s_reads > 1)')" 0
check_eq "workers that write: all requests are marked as handed over" \
  "$(value workers.db 'SELECT count(*) FROM request WHERE flags & 4 = 0')" 0
check_ratio "workers that write: what they spin is in app" \
  "$(median workers app_ns)" "$(median workers s_spin)" 0.95 1.4
check_ratio "responses in chunks with gaps: the gaps are in app" \
  "$(median chunks app_ns)" "$(median chunks s_gap)" 0.95 1.25
pipelined
before_attach
left_open
