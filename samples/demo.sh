#!/usr/bin/env bash
# demo.sh [--seconds N] - records a real server under load on this machine, and shows where its time
# went and whether kernel bypass would pay.
#
# Installs the packages that are missing, builds into build/, starts the sample server (HTTP and
# JSON, two threads) and its load on 127.0.0.1 at a free port, records N seconds (10) of it with
# `ktax record`, prints `ktax report` and what `ktax decide` says of it so far, and ends what it has
# started, also after an error or Ctrl-C.
# It may be run again at any time; the recording of the run before is replaced.
#
# Exit status: 0 fine, 1 usage, 2 a step failed, 5 not root.
set -euo pipefail

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
build=$top/build
dir=$build/demo
seconds=10
rate=2000
declare -A pid_of=()

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
}

say() {
  echo "demo: $*" >&2
}

# die STATUS SENTENCE
die() {
  local status=$1
  shift
  say "$*"
  exit "$status"
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds) seconds=${2:-}; shift ;;
      --seconds=*) seconds=${1#*=} ;;
      --help | -h) usage; exit 0 ;;
      *) usage >&2; exit 1 ;;
    esac
    shift || break
  done
  [[ $seconds =~ ^[1-9][0-9]{0,3}$ ]] || die 1 "--seconds needs a number from 1 to 9999."
}

# ---- what is started is ended -------------------------------------------------------------------

# start NAME CMD...: in the background, its output in $dir/NAME.out and $dir/NAME.err.
start() {
  local name=$1
  shift
  "$@" >"$dir/$name.out" 2>"$dir/$name.err" </dev/null &
  pid_of[$name]=$!
}

running() {
  kill -0 "${pid_of[$1]}" 2>/dev/null
}

# end NAME: asks it to end, waits 10 s, then insists. Nothing if it was not started or has ended.
end() {
  local pid=${pid_of[$1]:-} tries
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    running "$1" || break
    sleep 0.1
  done
  ! running "$1" || kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset "pid_of[$1]"
}

cleanup() {
  local status=$? name
  trap '' INT TERM
  trap - EXIT
  set +e
  for name in record load server; do
    end "$name"
  done
  give_back "$dir"
  exit "$status"
}

# Under sudo, what is written belongs to who called it, so that they can build on without sudo.
give_back() {
  [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$@" 2>/dev/null || true
}

# ---- steps --------------------------------------------------------------------------------------

install_packages() {
  "$top/.ci/install-packages" || die 2 "the packages that ktax needs could not be installed."
}

build_ktax() {
  local new=() log=$build/demo-build.log status=0
  # A fresh build leaves the tests out, which take more packages; an existing one stays as it is.
  [ -e "$build/CMakeCache.txt" ] || new=(-DKTAX_TESTS=OFF)
  mkdir -p "$build"
  say "building ktax in $build (some two minutes the first time)"
  {
    cmake -S "$top" -B "$build" "${new[@]}" && cmake --build "$build" -j "$(nproc)"
  } >"$log" 2>&1 || status=$?
  give_back "$build"
  [ "$status" = 0 ] || { tail -n 15 "$log" >&2; die 2 "the build failed; all of it is in $log."; }
}

start_server() {
  local tries
  start server "$build/ktax-sample-server" --listen 127.0.0.1:0 --port-file "$dir/port" --threads 2
  for ((tries = 0; tries < 100; tries++)); do
    [ -s "$dir/port" ] && break
    running server || die 2 "the sample server ended: $(cat "$dir/server.err")"
    sleep 0.1
  done
  [ -s "$dir/port" ] || die 2 "the sample server did not listen within 10 s."
  port=$(cat "$dir/port")
}

# It goes on for longer than the recording takes to start and end, and is ended after it.
start_load() {
  start load "$build/ktax-sample-load" --url "http://127.0.0.1:$port/" \
    --mix "$top/samples/demo.mix" --rate "$rate" --connections 16 --duration $((seconds + 60))
  sleep 0.5
  running load || die 2 "the load ended: $(cat "$dir/load.err")"
}

# In the background and waited for, because a trap runs only between commands.
record() {
  local status=0
  say "recording port $port for $seconds s at $rate requests/s"
  "$build/ktax" record --port "$port" -d "$seconds" -o "$recording" </dev/null &
  pid_of[record]=$!
  wait "${pid_of[record]}" || status=$?
  unset "pid_of[record]"
  [ "$status" = 0 ] || die 2 "ktax record failed with status $status."
}

report() {
  "$build/ktax" report "$recording" || die 2 "ktax report failed on $recording."
}

# The client's own figures, which the report's total should be close to.
client_view() {
  end load
  echo
  echo "For comparison, what the load has measured from outside:"
  sed 's/^/  /' "$dir/load.out"
}

# Its verdict, reasons and what would settle it: up to the tables. Exit codes 3 and 4 are answers too.
decide() {
  local status=0
  "$build/ktax" decide "$recording" >"$dir/decide.out" 2>"$dir/decide.err" || status=$?
  case $status in
    0 | 3 | 4) ;;
    *) die 2 "ktax decide failed with status $status: $(cat "$dir/decide.err")" ;;
  esac
  echo
  echo "Whether kernel bypass pays, as far as the recording alone can tell:"
  printf '%s\n' "$(sed '/^What would remain at best/,$d' "$dir/decide.out")"
}

# With paths as seen from where the demo was started.
next_steps() {
  local ktax file
  ktax=$(realpath --relative-base="$PWD" "$build/ktax")
  file=$(realpath --relative-base="$PWD" "$recording")
  echo
  echo "README.md says how to read them. Next:"
  echo "  $ktax report --json $file"
  echo "  sqlite3 -box $file 'SELECT account, share, mean_ns FROM accounts'"
  echo "  sudo $ktax record --port PORT -d 30 -o my.ktax    # your own server"
}

main() {
  parse_arguments "$@"
  [ "$(id -u)" = 0 ] || die 5 "recording needs root: run sudo $0."
  install_packages
  build_ktax
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  rm -rf "$dir"
  mkdir -p "$dir"
  recording=$dir/demo.ktax
  start_server
  start_load
  record
  report
  client_view
  decide
  next_steps
}

main "$@"
