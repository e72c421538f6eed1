#!/usr/bin/env bash
# ktax-test: timeout=900
# `ktax ab --plan` with a responder on another host: all paths answer, what each host changes it restores
# itself at any end of either, and whatever is not a ktax of the same version is refused in one sentence. The
# other host is a process that has a name, a network namespace and a journal of its own.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/ports_lib.sh"

other_run=$tmp/other-run

# The command of the plan's remote, as ssh would be.
cat >"$tmp/other-host" <<END
#!/bin/bash
echo \$\$ >$tmp/other.pid
export KTAX_RUN_DIR=$other_run
exec unshare --uts bash -c 'hostname server-b && exec "\$@"' bash "\$@"
END
chmod +x "$tmp/other-host"

# write_remote_plan COMMAND
write_remote_plan() {
  write_plan
  sed -i -e "s|^port = 7777|&\ncpu = 1\nremote = $1|" -e "s|^interface = pg0|&\ncpu = 0|" "$plan"
}

# changes DIRECTORY: how many stand in its journal.
changes() {
  grep -vc '^ktax-ab' "$1/ab.journal" || true
}

# refused SENTENCE STATUS REGEX [ARG...]: the run does not begin.
refused() {
  local sentence=$1 wanted=$2 regex=$3
  shift 3
  run ktax ab --plan "$plan" "$@"
  check_match "$sentence" "$status $(said "$tmp/err")" "^$wanted $regex"
  check_ports "$sentence, and the ports are as they were"
}

make_ports
ports >"$tmp/before"
write_remote_plan "$tmp/other-host ktax"

# ---- ends ----------------------------------------------------------------------------------------

# A veth's end gets its queues back only when there is no XDP program at the other: none by the generator.
sed -i 's/^rounds = .*/&\ngenerator = AF_PACKET/' "$plan"

start_slow_run kernel kernel-spin,af_xdp
check_num "This host has journalled changes" "$(changes "$KTAX_RUN_DIR") > 2"
check_num "So has the other" "$(changes "$other_run") > 2"
stop run INT
check_eq "SIGINT ends it" "$status $(said "$tmp/run.err")" "2 ktax: interrupted: there is no result"
check_ports "The ports are as they were after SIGINT"

start_slow_run kernel kernel-spin,af_xdp
stop run KILL
check "The other host restores itself when the run is killed" wait_for 20 test ! -s "$other_run/ab.journal"
run ktax ab --cleanup
check_match "This one does at --cleanup" "$status $(cat "$tmp/out")" "^0 restored what"
check_ports "The ports are as they were after kill -9"

start_slow_run kernel kernel-spin
kill -TERM "$(cat "$tmp/other.pid")"
check "A run ends when a signal ends the other host" await run 60
check_match "It says so" "$status $(said "$tmp/run.err")" "^2 ktax: the responder's host server-b does not answer"
check_eq "That host has restored its own" "$(cat "$other_run/ab.journal")" ""
check_ports "The ports are as they were after SIGTERM there"

start_slow_run kernel kernel-spin
kill -KILL "$(cat "$tmp/other.pid")"
check "A run ends when the other host is gone" await run 60
check_match "It says so, and what to do" "$status $(said "$tmp/run.err")" \
  "^2 ktax: the responder's host server-b does not answer any more \($tmp/other-host ktax\); .*ktax ab --cleanup"
check_eq "It has restored its own" "$(cat "$KTAX_RUN_DIR/ab.journal")" ""
run env KTAX_RUN_DIR="$other_run" ktax ab --cleanup
check_match "And --cleanup there the other's" "$status $(cat "$tmp/out")" "^0 restored what"
check_ports "The ports are as they were after it"

