#!/usr/bin/env bash
# overhead.sh [OPTION...] - what does recording cost a server?
#
#   --pairs N                 pairs of windows, with and without, for each arm (20; 6 at least)
#   --seconds-per-window S    length of a window (0.3)
#   --json FILE               also write the figures there
#   --disturbed PERCENT       reject a window in which the server or its client waited longer than
#                             this for its CPU, or that the hypervisor took (5)
#   --load NAME               only this one: redis-50, redis-1, nginx, redis-50-default
#   --slow RATIO              reject 5 ms in which a fixed piece of arithmetic took longer than its
#                             best time by this (1.04); a neighbour on the same core causes 1.1 to
#                             1.8. Where it is never quiet: 9, and more pairs
#   --seed N                  of the random order (1)
#   --smoke                   only see whether it works, in some 15 seconds
#
# Needs root, two CPUs, redis-server and nginx, and takes under 6 minutes, more if windows are
# rejected. Servers run on CPU 1, their client on CPU 0, over loopback. docs/overhead.md says how to
# read the table.
#
# Environment: KTAX_BUILD, the build directory (default: build/).
set -euo pipefail

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
build=${KTAX_BUILD:-$top/build}
redis_pid='' nginx_pid=''

die() {
  echo "overhead: $2" >&2
  exit "$1"
}

stop_all() {
  trap - EXIT
  local pid
  for pid in $redis_pid $nginx_pid; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$dir"
}

# free_port: a TCP port nobody uses, below the range for outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    [ -n "$(ss -Htan "sport = :$port")" ] || break
  done
  echo "$port"
}

# wait_server PID PORT: until it listens there, or has ended (somebody else had taken the port).
wait_server() {
  local i
  for ((i = 0; i < 200; i++)); do
    kill -0 "$1" 2>/dev/null || die 2 "a server ended early: $(cat "$dir"/*.out "$dir"/*.err 2>/dev/null)"
    ! ss -Hltnp "sport = :$2" | grep -w "pid=$1" >/dev/null || return 0
    sleep 0.05
  done
  die 2 "nothing listens on port $2"
}

start_redis() {
  redis_port=$(free_port)
  taskset -c 1 redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no \
    --dir "$dir" --loglevel warning >"$dir/redis.out" 2>&1 &
  redis_pid=$!
  wait_server "$redis_pid" "$redis_port"
  redis-cli -p "$redis_port" set key "$(printf 'x%.0s' {1..64})" >/dev/null
}

# One process, so that its process is its worker.
start_nginx() {
  nginx_port=$(free_port)
  mkdir -p "$dir/html"
  head -c 1024 /dev/zero | tr '\0' x >"$dir/html/file"
  cat >"$dir/nginx.conf" <<END
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/nginx.err;
events { worker_connections 256; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=10;
  client_body_temp_path $dir/body;
  proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi;
  scgi_temp_path $dir/scgi;
  server { listen 127.0.0.1:$nginx_port; root $dir/html; }
}
END
  taskset -c 1 nginx -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.out" 2>&1 &
  nginx_pid=$!
  wait_server "$nginx_pid" "$nginx_port"
}

case " $* " in
  *" --help "* | *" -h "*) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'; exit 0 ;;
esac
[ "$(id -u)" = 0 ] || die 5 "needs root"
[ "$(nproc)" -ge 2 ] || die 5 "needs two CPUs"
for command in redis-server redis-cli nginx ss taskset; do
  command -v "$command" >/dev/null || die 5 "needs $command"
done
[ -x "$build/tests/overhead" ] || die 2 "$build/tests/overhead is not built"

dir=$(mktemp -d "${TMPDIR:-/tmp}/ktax-overhead.XXXXXX")
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
start_redis
start_nginx
"$build/tests/overhead" --redis "$redis_port:$redis_pid" --nginx "$nginx_port:$nginx_pid" \
  --ktax "$build/ktax" --recording "$dir/overhead.ktax" "$@"
