#!/usr/bin/env bash
# Targets that fork, exit, restart or are started by the recorder itself are recorded whole, and
# however it ends the recording is complete.
# ktax-test: timeout=400
. "$(dirname "$0")/truth.sh"

requests=400

# load_to NAME: of this server.
load_to() {
  send "$1" "$1" '/items?n=10' --requests "$requests" --connections 4
}

# check_whole WHAT RECORDING SERVER
check_whole() {
  join "$3" "$2" "$3" "$3"
  check_all "$1" "$3"
}

# The recorder ends by itself, within so many seconds.
ends() {
  await "$1" 20 || { not_ok "$2" "it still runs"; return; }
  if complete "$1"; then ok "$2"; fi
}

# ---- targets by process -------------------------------------------------------------------------

by_pid() {
  serve forked --processes 2
  record forked_run -p "${pid_of[forked]}"
  load_to forked
  stop forked
  ends forked_run "-p: the recording ends well when its target exits"
  check_whole "-p, workers that were forked before" forked_run forked
}

by_name() {
  serve named
  record named_run --comm ktax-sample-server
  load_to named
  end_record named_run
  stop named
  check_whole "--comm" named_run named
}

by_cgroup() {
  local mount cgroup
  mount=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
  cgroup=$mount/ktax-test-$$
  if [ -z "$mount" ] || ! mkdir "$cgroup" 2>/dev/null; then
    skip "--cgroup: each request has its row" "no cgroup2 where a group can be made"
    return
  fi
  defer rmdir "$cgroup"
  serve inside
  serve outside
  echo "${pid_of[inside]}" >"$cgroup/cgroup.procs"
  record cgroup_run --cgroup "$cgroup"
  load_to inside
  load_to outside
  end_record cgroup_run
  stop inside
  stop outside
  check_whole "--cgroup" cgroup_run inside
  check_eq "--cgroup: a server outside of it is not recorded" "$(value cgroup_run.ktax 'SELECT count(*) FROM endpoint')" 1
}

# ---- targets that come and go -------------------------------------------------------------------

# started WHAT NAME RECORD_OPTION...: the recorder starts the server, which forks, once its probes are
# attached.
started() {
  local what=$1 name=$2
  shift 2
  start "${name}_run" ktax record --budget 0 --requests 1/1 --interval 200ms -o "$tmp/${name}_run.ktax" "$@" -- \
    ktax-sample-server --listen "127.0.0.1:${port[$name]}" --processes 2 --log "$tmp/$name.tsv"
  wait_port "${port[$name]}" 30
  load_to "$name"
  end_record "${name}_run"
  check_whole "$what" "${name}_run" "$name"
}

# ask_at_once PORT REPLY: tries to connect without a pause, so that it is there as soon as somebody
# listens; the reply's first line is left in the file REPLY.
ask_at_once() {
  local line
  until { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; do :; done
  printf 'GET /work?bytes=100 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n' >&3
  IFS= read -r line <&3
  echo "$line" >"$2"
}

# first_request WHAT RECORD_OPTION...: of a server that the recorder starts; the client is there first.
first_request() {
  local what=$1 port
  shift
  port=$(free_port)
  rm -f "$tmp/reply"
  start asking ask_at_once "$port" "$tmp/reply"
  start first_run ktax record --budget 0 --requests 1/1 -o "$tmp/first_run.ktax" -f "$@" -- \
    ktax-sample-server --listen "127.0.0.1:$port" --log "$tmp/first_run.tsv"
  await asking 60 || true
  check_match "$what: the first request is answered" "$(cat "$tmp/reply")" "^HTTP/1.1 200"
  end_record first_run
  check_eq "$what: the first request is recorded" \
    "$(value first_run.ktax 'SELECT count(*), group_concat(DISTINCT comm) FROM request r JOIN endpoint e ON e.id = r.endpoint')" \
    "1|ktax-sample-ser"
}

# The second server has the same port and another process.
restarted() {
  serve first
  record restart_run --port "${port[first]}"
  load_to first
  stop first
  serve second --listen "127.0.0.1:${port[first]}"
  load_to second
  end_record restart_run
  stop second
  { cat "$tmp/first.tsv"; tail -n +2 "$tmp/second.tsv"; } >"$tmp/both.tsv"
  { cat "$tmp/first.log"; tail -n +2 "$tmp/second.log"; } >"$tmp/both.log"
  port[both]=${port[first]}
  check_whole "restarted under --port" restart_run both
}

# windows DETAIL BUDGET: while a window closes no request is begun, so its response is no loss. Under way when
# one opens are a few. The load goes on from before the recording until after it.
windows() {
  local name=windows_$1 share missed
  serve "$name" --threads 2
  start "${name}_load" ktax-sample-load --url "http://127.0.0.1:${port[$name]}/items?n=20" \
    --rate 2000 --connections 16 --duration 60
  run ktax record --detail "$1" --budget "$2" --port "${port[$name]}" -d 4 -o "$tmp/$name.ktax"
  stop "${name}_load"
  stop "$name"
  share=$(sqlite3 "$tmp/$name.ktax" 'SELECT 1.0 * sum(attached_ns) / sum(length_ns) FROM interval')
  missed=$(sqlite3 "$tmp/$name.ktax" \
    'SELECT 1.0 * sum(missed_stamps) / (SELECT sum(requests) FROM ledger) FROM interval')
  check_num "$1: the budget opens windows" "$share < 0.95"
  check_num "$1: nothing is missed while they close" "$missed < 0.01"
}

# A server that has its name from its 2nd second on, and a library of the catalogue from its 4th: neither
# comes with another process or listener. Found are both while nothing else happens.
changed() {
  local port
  port=$(free_port)
  cat >"$tmp/changing.py" <<'EOF'
import ctypes, socket, sys, time

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.settimeout(0.2)
ready = time.time()
names = [(2, lambda: ctypes.CDLL(None).prctl(15, b"ktax-renamed", 0, 0, 0)),
         (4, lambda: ctypes.CDLL("libssl.so.3"))]
while True:
    while names and time.time() > ready + names[0][0]:
        names.pop(0)[1]()
    try:
        connection = listener.accept()[0]
    except TimeoutError:
        continue
    while connection.recv(4096):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
EOF
  start changing /usr/bin/python3 "$tmp/changing.py" "$port"
  start changed_run ktax record --budget 0 --comm ktax-renamed -d 20 -o "$tmp/changed_run.ktax"
  sleep 16
  for _ in 1 2 3; do curl -s -o "$tmp/reply" "http://127.0.0.1:$port/"; done
  await changed_run 20 || true
  stop changing
  check_eq "A process that takes another name is found" \
    "$(value changed_run.ktax 'SELECT sum(l.requests) FROM ledger l JOIN endpoint e ON e.id = l.endpoint WHERE e.comm = "ktax-renamed"')" 3
  check_num "So are functions of a library that is loaded later" \
    "$(value changed_run.ktax "SELECT count(*) FROM hook WHERE account = 'tls' AND program != ''") > 0"
}

by_pid
by_name
by_cgroup
port[child]=$(free_port)
started "ktax record -- COMMAND" child
port[ported]=$(free_port)
started "ktax record --port PORT -- COMMAND" ported --port "${port[ported]}"
first_request "full hook set"
first_request "full hook set in hash maps" --hooks raw_tp
first_request "light hook set" --detail light
restarted
windows full 0.5
windows light 0.05
changed
