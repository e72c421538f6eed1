# shellcheck shell=bash
# spans.sh - truth.sh and what the tests of spans share: requests of a kind, one after the other, to
# tests/truth/spans/server.cc, and a table of them beside what was recorded.
#
#   connect           to ${port[server]}, on descriptor 3
#   request KIND      sends it and waits for the answer; adds it to the array `sent`
#   number_requests   $tmp/run.db: the recording run.ktax, and the table "joined"
. "$(dirname "${BASH_SOURCE[0]}")/truth.sh"

require_command ktax-truth-span-server

start_span_server() {
  start server taskset -c "$server_cpu" "${server_priority[@]}" ktax-truth-span-server "$tmp/port"
  wait_file "$tmp/port"
  port[server]=$(cat "$tmp/port")
}

sent=()

connect() {
  exec 3<>"/dev/tcp/127.0.0.1/${port[server]}"
}

# request KIND: sends it and waits for the answer.
request() {
  local answer=
  sent+=("$1")
  printf '%s\n' "$1" >&3
  IFS= read -r -t 10 answer <&3 || true
  [ "$answer" = "$1" ] || { not_ok "Each request is answered" "$1: '$answer'"; return 1; }
}

# Table "sent": the requests in order, with their kinds. The recording has them in this order.
number_requests() {
  local i
  cp "$tmp/run.ktax" "$tmp/run.db"
  for i in "${!sent[@]}"; do printf '%s\t%s\n' "$((i + 1))" "${sent[i]}"; done >"$tmp/sent.tsv"
  sqlite3 "$tmp/run.db" <<END
CREATE TABLE sent (number INTEGER PRIMARY KEY, kind TEXT);
.mode tabs
.import '$tmp/sent.tsv' sent
CREATE TABLE joined AS
  SELECT s.*, lag(s.kind) OVER (ORDER BY number) AS after, r.*
  FROM (SELECT *, row_number() OVER (ORDER BY start_ns) AS position FROM request) r
  JOIN sent s ON s.number = r.position;
END
}
