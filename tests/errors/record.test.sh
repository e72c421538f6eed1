#!/usr/bin/env bash
# ktax-test: timeout=400
# What ktax record says about arguments, targets, commands and output files that are wrong: one
# sentence, and exit status 1 for the command line, 2 for what it met when it ran.
. "$(dirname "$0")/errors.sh"

cd "$tmp"
serve server
record=(ktax record --port "${port[server]}")

# ---- the command line ---------------------------------------------------------------------------

usage="see 'ktax help record'"
fails "A pid is a number" 1 "'--pid' needs a process id, not 'x'; $usage" ktax record -p x
fails "and above 0" 1 "'--pid' needs a process id, not '0'; $usage" ktax record -p 0
fails "A port is a number" 1 "'--port' needs a port, 1 to 65535, not 'http'" ktax record --port http
fails "up to 65535" 1 "'--port' needs a port, 1 to 65535, not '70000'" ktax record --port 70000
fails "A duration has a unit that is known" 1 "'--duration' needs a length of time, .*not '5 weeks'" \
  ktax record -d '5 weeks'
fails "is not negative" 1 "'--duration' needs .*not '-1'" ktax record -d -1
fails "and not zero" 1 "'--duration' needs .*not '0'" ktax record -d 0
fails "A family of hooks is one of those there are" 1 "'--hooks' needs any, tp_btf, .*not 'magic'" \
  ktax record --hooks magic
fails "A budget is a percentage" 1 "'--budget' needs a percentage, 0 to 100, not '101'" \
  ktax record --budget 101
fails "A span names library and symbol" 1 "'--span': \"encode\": expected LIBRARY:SYMBOL" \
  ktax record --span encode
fails "and an account that there is" 1 "\"nowhere\" is not an account" ktax record --span l:f=nowhere
fails "Output has a name" 1 "'--output' needs a file" ktax record -o ''
fails "A misspelt option is guessed" 1 "did you mean '--duration'" ktax record --durations 5

# ---- targets and catalogue ----------------------------------------------------------------------

gone=$(bash -c 'echo $$')
fails "A pid without a process is named" 2 "^ktax: process $gone: .*there is no such process; .*ps" \
  ktax record -p "$gone"
fails "A cgroup that is none is named" 2 "^ktax: /nowhere: .*not a readable cgroup directory; .*cgroup.procs" \
  ktax record --cgroup /nowhere
mkdir catalogue
printf '[json]\nlibrary = libx*\nbogus = 1\n' >catalogue/mine.ini
fails "A bad catalogue is named with its line" 2 "catalogue/mine.ini:3: \"bogus\"[^;]*; " \
  ktax record --catalogue catalogue -d 1
fails "A catalogue that is not there is named" 2 "/nowhere: No such file or directory; " \
  ktax record --catalogue /nowhere -d 1
warns "A span that finds nothing says so, and the run goes on" 0 \
  "^ktax: --span libnone.so:f: no target has mapped such a function" \
  ktax record --port "${port[server]}" --span libnone.so:f -d 200ms -o span.ktax

# ---- a command ----------------------------------------------------------------------------------

fails "A command that is not there is named" 2 "^ktax: nosuchcommand: .*no such command; check" \
  ktax record -o command.ktax -- nosuchcommand
fails "as is a path" 2 "^ktax: /nowhere/x: .*no such file" ktax record -o command.ktax -- /nowhere/x
fails "and a file that is no program" 2 "^ktax: /etc/passwd: .*not an executable file; " \
  ktax record -o command.ktax -- /etc/passwd
check "Nothing was recorded for them" test ! -e command.ktax
warns "A command that fails makes the run fail" 2 "^ktax: false: it ended with exit status 1; .*complete" \
  ktax record -o failed.ktax -- false
check_eq "What was recorded is complete" "$(complete failed.ktax)" 1
warns "A signal that killed it is named" 2 "killed by signal 11" \
  ktax record -f -o failed.ktax -- bash -c 'kill -SEGV $$'
run ktax record -f -o failed.ktax -- true
check_eq "A command that ends at once is no error" "$status $(messages err)" "0 "

# One that serves is probed before it starts: also its libraries, and its first request.
free=$(free_port)
start command ktax record --budget 0 --requests 1/1 -o served.ktax -- \
  ktax-sample-server --listen "127.0.0.1:$free"
wait_port "$free" 60
ktax-sample-load --url "http://127.0.0.1:$free/items?n=200" --rate 20 --connections 1 --duration 2 \
  --requests 40 >/dev/null
stop command INT
check_eq "A recording of a command ends well" "$status $(complete served.ktax)" "0 1"
check_num "It has all requests, but those of the moment before the listening socket is found" \
  "$(requests served.ktax) >= 36"
check_num "with the functions of its libraries, in the first second" \
  "$(value served.ktax 'SELECT count(*) FROM request WHERE serialize_ns > 0') >= 20"
check "and ends with the recorder" not listening "$free"

# ---- output -------------------------------------------------------------------------------------

fails "A directory that is not there is an error" 2 "^ktax: /nowhere/x.ktax: .*no such file or directory; " \
  "${record[@]}" -d 1 -o /nowhere/x.ktax
fails "A directory is no file" 2 "^ktax: $tmp: .*it is a directory; name a file" \
  "${record[@]}" -d 1 -o "$tmp"
fails "Nor is a device" 2 "^ktax: /dev/null: .*device.*; name a file" "${record[@]}" -d 1 -f -o /dev/null
echo precious >old.ktax
fails "A file that is there is not overwritten" 2 "^ktax: old.ktax: .*the file exists; .*-f" \
  "${record[@]}" -d 1 -o old.ktax
check_eq "not even touched" "$(cat old.ktax)" precious
run "${record[@]}" -d 200ms -f -o old.ktax
check_eq "unless -f says so" "$status $(complete old.ktax)" "0 1"

# small SIZE OPTIONS: a file system of that size at $tmp/small.
small() {
  mkdir -p "$tmp/small"
  mount -t tmpfs -o "size=$1,${2:-rw}" ktax-test "$tmp/small"
  defer umount "$tmp/small"
}
if small 64k ro 2>/dev/null; then
  fails "A read-only file system is named" 2 "^ktax: small/x.ktax: .*read-only; choose another place" \
    "${record[@]}" -d 1 -o small/x.ktax
  umount "$tmp/small"
  mount -t tmpfs -o size=400k ktax-test "$tmp/small"
  load load server --connections 1
  fails "A full disk ends the run with one sentence" 2 \
    "^ktax: small/x.ktax: cannot write the recording: no space left on the device; what was recorded" \
    "${record[@]}" --budget 0 --interval 100ms --requests 1/1 -d 30 -o small/x.ktax
  check_num "Finished intervals are readable" "$(intervals small/x.ktax) > 0"
  check "for ktax report too" ktax report small/x.ktax >/dev/null
  stop load
else
  skip "A full disk ends the run with one sentence" "cannot mount a tmpfs"
fi

chmod 755 "$tmp"
mkdir -m 755 unwritable
as_nobody "$needed"
fails "A directory without permission is an error of the run" 2 \
  "unwritable/x.ktax: cannot create the recording: .*not writable; choose another" \
  "${nobody[@]}" ktax record --budget 0 --port "${port[server]}" -d 1 -o unwritable/x.ktax

SUDO_UID=65534 SUDO_GID=65534 run ktax record --port "${port[server]}" -d 200ms -o sudo.ktax
check_eq "Through sudo, the recording belongs to who called it" \
  "$status $(stat -c %u:%g sudo.ktax)" "0 65534:65534"
