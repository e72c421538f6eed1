# shellcheck shell=bash
# sample_lib.sh - what the tests of samples/ share: a server, requests to it, and its log.
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

log=$tmp/server.tsv

# start_server OPTION...: on a free port of 127.0.0.1 (another --listen wins); sets $port and $url.
start_server() {
  rm -f "$tmp/port"
  start server ktax-sample-server --listen 127.0.0.1:0 --port-file "$tmp/port" --log "$log" \
    --io-dir "$tmp" "$@"
  wait_file "$tmp/port"
  port=$(cat "$tmp/port")
  url=http://127.0.0.1:$port
}

# get TARGET [CURL OPTION...]: the body, on standard output.
get() {
  local target=$1
  shift
  curl -sS --max-time 60 "$@" "$url$target"
}

# http_status TARGET [CURL OPTION...]: its three digits.
http_status() {
  get "$@" -o /dev/null -w '%{http_code}'
}

# load TARGET OPTION...: the load against the server; sets $status, see $tmp/out.
load() {
  local target=$1
  shift
  run ktax-sample-load --url "$url$target" --log "$tmp/load.tsv" "$@"
}

# answered: how many requests the last load says were answered.
answered() {
  sed -n 's/^requests \([0-9]*\) .*/\1/p' "$tmp/out"
}

# where FILE CONDITION: how many records satisfy it; a column is $c["NAME"].
where() {
  awk -F'\t' "NR == 1 { for (i = 1; i <= NF; i++) c[\$i] = i; next }
    ${2//$'\n'/ } { n++ }
    END { print n + 0 }" "$1"
}

# column FILE NAME: that column of all records.
column() {
  awk -F'\t' -v name="$2" '
    NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
    { print $c[name] }' "$1"
}

# filler BYTES: the body of /work.
filler() {
  yes abcdefghijklmnopqrstuvwxyz 2>/dev/null | tr -d '\n' | head -c "$1" || true
}
