#!/usr/bin/env bash
# Real servers: a recording of Redis and nginx has as many requests as they and their clients say.
# ktax-test: timeout=400
. "$(dirname "$0")/truth.sh"

# ---- Redis --------------------------------------------------------------------------------------

declare -A commands=()

# start_redis NAME
start_redis() {
  port[$1]=$(free_port)
  mkdir -p "$tmp/$1"
  start "$1" redis-server --port "${port[$1]}" --bind 127.0.0.1 --save '' --appendonly no --dir "$tmp/$1"
  wait_port "${port[$1]}"
}

# send_redis NAME OPTION...: sets ${commands[NAME]} to what the server has counted, and the INFO that
# asks for it, which is not in its own count.
send_redis() {
  local name=$1
  shift
  redis-benchmark -p "${port[$name]}" -t get,set -q "$@" >"$tmp/$name.benchmark" 2>&1
  commands[$name]=$(($(redis-cli -p "${port[$name]}" info stats | tr -d '\r' |
    sed -n 's/^total_commands_processed://p') + 1))
}

# check_redis NAME WHAT
check_redis() {
  local of="WHERE endpoint = (SELECT id FROM endpoint WHERE name LIKE '%:${port[$1]}/tcp')"
  check_eq "Redis, $2: all commands are in the recording" \
    "$(value run.ktax "SELECT sum(requests) - sum(batches) + sum(batched) FROM ledger $of")" "${commands[$1]}"
  check_num "Redis, $2: the bytes of all replies are" \
    "$(value run.ktax "SELECT sum(bytes_out) FROM ledger $of") >= 5 * ${commands[$1]}"
}

# ---- nginx --------------------------------------------------------------------------------------

write_nginx_configuration() {
  mkdir -p "$tmp/www"
  head -c 3000 /dev/zero | tr '\0' x >"$tmp/www/index.html"
  chmod 755 "$tmp" "$tmp/www"
  cat >"$tmp/nginx.conf" <<END
daemon off;
worker_processes 2;
pid $tmp/nginx.pid;
error_log $tmp/nginx.error;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path $tmp/body;
  proxy_temp_path $tmp/proxy;
  fastcgi_temp_path $tmp/fastcgi;
  uwsgi_temp_path $tmp/uwsgi;
  scgi_temp_path $tmp/scgi;
  server {
    listen 127.0.0.1:$nginx_port;
    root $tmp/www;
    keepalive_requests 1000000;
  }
}
END
}

start_nginx() {
  nginx_port=$(free_port)
  write_nginx_configuration
  start nginx nginx -e "$tmp/nginx.error" -c "$tmp/nginx.conf"
  wait_port "$nginx_port"
}

nginx_requests=4000

send_nginx() {
  h2load --h1 -n "$nginx_requests" -c 16 "http://127.0.0.1:$nginx_port/index.html" >"$tmp/h2load.out"
}

check_nginx() {
  local of="WHERE endpoint = (SELECT id FROM endpoint WHERE name LIKE '%:$nginx_port/tcp')"
  check_eq "nginx: all requests of h2load are answered" \
    "$(sed -n 's/.* \([0-9]*\) succeeded.*/\1/p' "$tmp/h2load.out")" "$nginx_requests"
  check_eq "nginx: all of them are in the recording" \
    "$(value run.ktax "SELECT sum(requests) FROM ledger $of")" "$nginx_requests"
  check_num "nginx: the bytes of all responses are" \
    "$(value run.ktax "SELECT sum(bytes_out) FROM ledger $of") >= 3000 * $nginx_requests"
}

require_command redis-server redis-cli redis-benchmark nginx h2load
for name in single many pipelined; do start_redis "$name"; done
start_nginx
record run --port "${port[single]}" --port "${port[many]}" --port "${port[pipelined]}" --port "$nginx_port"
send_redis single -c 1 -n 2000
send_redis many -c 50 -n 8000
send_redis pipelined -c 4 -P 16 -n 16000
send_nginx
end_record run
check_redis single "one client"
check_redis many "50 clients"
check_redis pipelined "pipelines of 16"
check_nginx
check_balance "Redis and nginx" run.ktax
