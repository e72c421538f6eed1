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

# ---- a run ---------------------------------------------------------------------------------------

run ktax ab --plan "$plan" --json "$tmp/ab.json" \
  --paths kernel-spin,io_uring,af_xdp,xdp,dpdk-pair
check_match "A run on two hosts comes to a verdict" "$status" "^[034]$"
check_eq "All paths have answered, but for the one in memory" "$(answered "$tmp/ab.json")" \
  "kernel kernel-spin io_uring af_xdp xdp"
check_match "That one says why" \
  "$(json "$tmp/ab.json" '.arms[] | select(.path == "dpdk-pair").why')" "memory of one host"
check_eq "Nothing was lost" "$(json "$tmp/ab.json" '[.arms[].lost[]?] | add')" 0
check_eq "The result names the other host and its kernel" \
  "$(json "$tmp/ab.json" '.link | .kind, .driver, (.responder_host | .hostname, .kernel, .cpus, .responder_cpu)')" \
  "$(printf 'ports\nveth\nserver-b\n%s\n%s\n1' "$(uname -r)" "$(nproc --all)")"
check_eq "Nothing is said of CPUs that it shares with nobody" \
  "$(cat "$tmp/err")$(grep -c 'fill both CPUs' "$tmp/out")" 0
check_match "The table names it" "$(cat "$tmp/out")" "responder +on server-b, CPU 1 of $(nproc --all),"
check_ports "The ports are as they were"
check_eq "Both journals are empty" "$(cat "$KTAX_RUN_DIR/ab.journal" "$other_run/ab.journal")" ""
check "The other host's process has ended" [ ! -e "/proc/$(cat "$tmp/other.pid")" ]

# A path that spins takes its CPU for as long as a request takes to come: 100 us at 10,000/s.
cost() {
  json "$tmp/ab.json" ".arms[] | select(.path == \"kernel-spin\").cpu_ns_per_request.$1"
}
check_num "A path that spins costs its CPU there" "$(cost responder) > 60000"
check_num "And its kernel's work is counted there" "$(cost kernel) > 100"

run ktax ab --plan "$plan" --paths af_xdp --work 300us --rate 2000 --gaps constant --lateness 1s \
  --json "$tmp/ab.json"
p50=$(json "$tmp/ab.json" '.arms[] | select(.path == "af_xdp").blocks.p50_ns - [null] | min')
check_num "The work of the requests is done there" "$p50 > 3e5"

run ktax ab --plan "$plan" --tcp --paths kernel-spin --json "$tmp/ab.json"
check_eq "Over TCP too" "$(answered "$tmp/ab.json")" "kernel kernel-spin"

run timeout 200 ktax ab --plan "$plan" --sweep --baseline kernel-spin --paths af_xdp --json "$tmp/sweep.json"
check_eq "A sweep finds the rate of each path" "$status $(json "$tmp/sweep.json" \
  '[.arms[] | select(.lossless_pps >= 1000).path] | join(" ")')" "0 kernel-spin af_xdp"
check_eq "And names the host" "$(json "$tmp/sweep.json" .link.responder_host.hostname)" server-b
check_ports "The ports are as they were after all of these"

# ---- by ssh --------------------------------------------------------------------------------------

# An sshd of the test's own, on loopback, that takes the test's key.
start_sshd() {
  ssh-keygen -q -t ed25519 -N '' -f "$tmp/key"
  cp "$tmp/key.pub" "$tmp/authorized"
  [ -d /run/sshd ] || { mkdir /run/sshd && defer rmdir /run/sshd; }
  ssh_port=$(free_port)
  start sshd "$(command -v sshd)" -D -e -f /dev/null -h "$tmp/key" -p "$ssh_port" \
    -o ListenAddress=127.0.0.1 -o AuthorizedKeysFile="$tmp/authorized" -o StrictModes=no \
    -o PidFile=none -o UsePAM=no -o PermitRootLogin=prohibit-password
  wait_port "$ssh_port"
}

if command -v sshd >/dev/null && command -v ssh >/dev/null; then
  start_sshd
  cat >"$tmp/ssh" <<END
#!/bin/bash
exec ssh -q -F none -i $tmp/key -p $ssh_port -o BatchMode=yes -o StrictHostKeyChecking=no \
  -o UserKnownHostsFile=/dev/null root@127.0.0.1 "\$@"
END
  chmod +x "$tmp/ssh"
  write_remote_plan "$tmp/ssh KTAX_RUN_DIR=$other_run $build/ktax"
  run ktax ab --plan "$plan" --json "$tmp/ab.json"
  check_eq "A run through ssh has its answers" "$(said "$tmp/err")$(answered "$tmp/ab.json")" \
    "kernel kernel-spin af_xdp"
  check_ports "The ports are as they were"

  start_slow_run kernel kernel-spin,af_xdp
  stop run KILL
  check "When the generator is killed, the host behind ssh restores itself" \
    wait_for 20 test ! -s "$other_run/ab.journal"
  run ktax ab --cleanup
  check_ports "The ports are as they were after it"
  stop sshd
  write_remote_plan "$tmp/other-host ktax"
else
  skip "A run through ssh" "no sshd"
fi

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

# ---- what is no responder ------------------------------------------------------------------------

write_remote_plan "$tmp/other-host ktax"
sed -i "s/^interface = pr0/interface = pr9/" "$plan"
refused "An interface that is not there is told by its host" 2 "ktax: server-b: .*pr9"
write_remote_plan "$tmp/other-host ktax"
sed -i "s/^namespace = $ns_r/namespace = nowhere/" "$plan"
refused "So is a namespace" 2 "ktax: server-b: .*\"?nowhere\"?"
write_remote_plan "$tmp/other-host ktax"
sed -i "s/^cpu = 1/cpu = 8000/" "$plan"
refused "A CPU that is not there is told by its host" 2 "ktax: the other host: there is no CPU 8000"
write_remote_plan "$tmp/other-host ktax"
refused "CPUs on the command line are refused" 1 "ktax ab: --cpus is of this host" --cpus 0,1
write_remote_plan "$tmp/nowhere"
refused "A command that is not there is refused" 2 "ktax: cannot start \"$tmp/nowhere\": No such file"
write_remote_plan false
refused "One that fails is refused" 2 \
  "ktax: there is no responder: the command of \"remote\" has ended with status 1 \(false\)$"
write_remote_plan "echo Welcome to"
refused "One that is no ktax is refused" 2 \
  "ktax: what the command of \"remote\" runs is no ktax: it says \"Welcome to ab --responder\" \(echo Welcome to\)$"
printf '#!/bin/sh\nprintf "ktax responder\\n"\n' >"$tmp/cut"
chmod +x "$tmp/cut"
write_remote_plan "$tmp/cut"
refused "One whose greeting is cut off is refused" 2 \
  "ktax: there is no responder: the command of \"remote\" has ended with status 0 \($tmp/cut\)$"
printf 'printf "\\0000.0.1"; head -c 2000 /dev/zero\n' >>"$tmp/cut"
write_remote_plan "$tmp/cut"
refused "Another version of it is refused" 2 \
  "ktax: the other host has ktax 0.0.1 for .*: install the same on both \($tmp/cut\)$"

start other env KTAX_RUN_DIR="$other_run" ktax ab --time 60s
wait_for 30 test -s "$other_run/ab.journal"
write_remote_plan "$tmp/other-host ktax"
refused "A host that measures already is refused" 2 \
  "ktax: another .*ktax: there is no responder: the command of .* has ended with status 2"
stop other INT

run ktax ab --responder </dev/null
check_eq "A responder whose input ends at once ends" "$status $(cat "$tmp/err")" "0 "
head -c 5000 /dev/urandom >"$tmp/noise"
run bash -c "ktax ab --responder <'$tmp/noise'"
check_match "One that is told nonsense says so" "$status $(cat "$tmp/err")" "^2 ktax: what comes is no request of ktax: [^;]*$"
