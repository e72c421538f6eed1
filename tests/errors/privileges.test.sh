#!/usr/bin/env bash
# ktax-test: timeout=400
# What ktax record needs of the host: capabilities, the kernel's BTF, and hooks. What lacks is named
# with exit status 5; what is there is given up once it is not needed any more.
. "$(dirname "$0")/errors.sh"

require_command cc
cd "$tmp"
chmod 755 "$tmp"
mkdir -m 777 theirs
serve server
load load server
record=(ktax record --port "${port[server]}" --budget 0)

# ---- capabilities -------------------------------------------------------------------------------

# capabilities PID: those that it could use, by name, as "bpf perfmon".
capabilities() {
  local bits
  bits=$(sed -n 's/^CapPrm:\t//p' "/proc/$1/status")
  capsh --decode="$bits" | sed 's/.*=//; s/cap_//g; s/,/ /g'
}

setpriv=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fails "Without rights, all capabilities that lack are named" 5 \
  "^ktax: cannot attach probes: it lacks CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH; run it as root" \
  "${setpriv[@]}" ktax record -o theirs/none.ktax
as_nobody "${needed/+net_admin,/}"
fails "One that lacks is named alone" 5 "it lacks CAP_NET_ADMIN; " "${nobody[@]}" "${record[@]}" -o theirs/none.ktax
check "Nothing was recorded" test ! -e theirs/none.ktax

as_nobody "$needed"
run "${nobody[@]}" "${record[@]}" -d 1 -o theirs/nobody.ktax
check_eq "With these five, anybody may record" "$status $(complete theirs/nobody.ktax)" "0 1"
check_num "and requests of other users' processes are seen" "$(requests theirs/nobody.ktax) > 50"
check_eq "with their names" "$(value theirs/nobody.ktax 'SELECT pid, comm FROM endpoint')" \
  "${pid_of[server]}|$(cat "/proc/${pid_of[server]}/comm")"
check_num "and the functions of their libraries" \
  "$(value theirs/nobody.ktax 'SELECT sum(serialize_ns) FROM joint') > 0"
check_eq "What the probes cost is unknown then, and not zero" \
  "$(ktax report --json theirs/nobody.ktax | jq -c '.self | [.ns_per_request, .cpu_share, .why]')" \
  '[null,null,"ns_per_request, cpu_share: not measured (it takes CAP_SYS_ADMIN, and a second); budget: none was set"]'
check_match "as the report for people says" "$(ktax report theirs/nobody.ktax)" \
  "own cost +unknown, not measured \(it takes CAP_SYS_ADMIN"
run "${nobody[@]}" "${record[@]}" --budget 1 -d 1 -o theirs/budget.ktax
check_match "That the budget cannot be kept without CAP_SYS_ADMIN is said" "$(cat err)" \
  "cannot be measured without CAP_SYS_ADMIN"

# ---- somebody's directory -------------------------------------------------------------------------

mkdir -m 755 home
chown 65534:65534 home
run env SUDO_UID=65534 SUDO_GID=65534 "${record[@]}" -d 1 -o home/sudo.ktax
check_eq "Through sudo, a recording is made in the home of who called it" \
  "$status $(complete home/sudo.ktax)" "0 1"
check_eq "belongs to them" "$(stat -c %u:%g home/sudo.ktax)" 65534:65534
run env -u SUDO_UID -u SUDO_GID "${record[@]}" -d 1 -o home/root.ktax
check_eq "Root may record there too" "$status $(complete home/root.ktax)" "0 1"
check_eq "and nothing is left beside them" "$(cd home && echo *)" "root.ktax sudo.ktax"

# ---- what is kept -------------------------------------------------------------------------------

record root --port "${port[server]}" --budget 0
if command -v capsh >/dev/null; then
  check_eq "While it records, root keeps only what is needed" "$(capabilities "${pid_of[root]}")" \
    "dac_read_search sys_ptrace perfmon bpf checkpoint_restore"
  children=$(pgrep -P "${pid_of[root]}" || true)
  check_eq "and its child, which switches the statistics, only that" \
    "$(for pid in $children; do capabilities "$pid"; done)" "sys_admin"
fi
check_eq "It cannot get others again" \
  "$(awk '$1 == "NoNewPrivs:" { print $2 }' "/proc/${pid_of[root]}/status")" 1
stop root INT
check_eq "and still ends well" "$status $(complete root.ktax)" "0 1"
check_num "What the probes cost is measured all the time" \
  "$(value root.ktax 'SELECT sum(probe_runs) FROM interval') > 0"
check_num "and told" "$(ktax report --json root.ktax | jq .self.ns_per_request) > 0"

# On overlayfs, as in containers, stat() and /proc/PID/maps give a file different devices.
overlay_server() {
  local library
  library=$(dirname "$(ldd "$(command -v ktax-sample-server)" | awk '/libjansson/ { print $3 }')")
  mkdir overlay
  # shellcheck disable=SC2016 # the inner shell expands them
  start overlay unshare -m bash -c 'mount -t tmpfs none "$0" && cd "$0" && mkdir up work files &&
    mount -t overlay -o "lowerdir=$1,upperdir=up,workdir=work" none files &&
    LD_LIBRARY_PATH=$0/files exec ktax-sample-server --listen 127.0.0.1:0 --port-file "$2"' \
    "$tmp/overlay" "$library" "$tmp/overlay.port"
  wait_for 20 started_or_ended overlay && running overlay
}

started_or_ended() {
  [ -s "$tmp/$1.port" ] || ! running "$1"
}

spans_on_overlayfs() {
  port[overlay]=$(cat overlay.port)
  load overlay_load overlay
  record overlay_run --port "${port[overlay]}" --budget 0
  wait_for 60 recording overlay_run 8 || true
  stop overlay_run INT
  check_num "Functions in files on overlayfs stay probed when privileges were given up" \
    "$(value overlay_run.ktax 'SELECT coalesce(sum(serialize_ns), 0) FROM joint WHERE interval > 5') > 0"
}

if overlay_server; then
  spans_on_overlayfs
else
  skip "Functions in files on overlayfs stay probed" "no overlayfs: $(head -c 200 overlay.err)"
fi

# ---- the kernel's types -------------------------------------------------------------------------

# In a mount namespace of its own, so that nobody else misses them.
fails "A kernel without BTF is not supported, and why is said" 5 \
  "^ktax: /sys/kernel/btf/vmlinux: .*the kernel has no BTF; .*CONFIG_DEBUG_INFO_BTF" \
  unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - "${record[@]}" -o btf.ktax

# ---- hooks --------------------------------------------------------------------------------------

# deny.so makes the kernel look as if it had no tracepoint or function whose name is in $DENY.
cat >deny.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <stdarg.h>
struct btf;
static int denied(const char *name)
{
	const char *list = getenv("DENY");
	char word[128] = " ";
	strncat(strncat(word, name, 100), " ", 2);
	return list && strstr(list, word);
}
int btf__find_by_name_kind(const struct btf *btf, const char *name, unsigned int kind)
{
	int (*next)(const struct btf *, const char *, unsigned int) =
		(int (*)(const struct btf *, const char *, unsigned int))dlsym(RTLD_NEXT, __func__);
	return denied(strncmp(name, "btf_trace_", 10) ? name : name + 10) ? -ENOENT :
									     next(btf, name, kind);
}
int bpf_raw_tracepoint_open(const char *name, int program)
{
	int (*next)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, __func__);
	if (!name || !denied(name))
		return next(name, program);
	errno = ENOENT;
	return -ENOENT;
}
int open(const char *path, int flags, ...)
{
	int (*next)(const char *, int, int) = (int (*)(const char *, int, int))dlsym(RTLD_NEXT, __func__);
	va_list mode;
	va_start(mode, flags);
	flags = denied("/net/tcp") && strstr(path, "/net/tcp") ? (errno = EACCES, -1) :
								   next(path, flags, va_arg(mode, int));
	va_end(mode);
	return flags;
}
END
cc -shared -fPIC -o deny.so deny.c -ldl
# without NAME...: runs "${record[@]}" as if the kernel had none of these.
without() {
  denied=(env "LD_PRELOAD=$tmp/deny.so" "DENY= $* " "${record[@]}")
}

without sched_switch
fails "A hook that must be there is named, with what it is for" 5 \
  "^ktax: kernel: .*no way to hook \"task_switch\" works on this kernel \(account [a-z_]+\); " \
  "${denied[@]}" -o missing.ktax
check "Nothing was recorded then" test ! -e missing.ktax

without netif_receive_skb
run "${denied[@]}" -d 1 -o optional.ktax
check_eq "Without one that need not be there, it records" "$status $(complete optional.ktax)" "0 1"
check_eq "and the account says why it is absent" \
  "$(ktax report --json optional.ktax | jq -r '.endpoints[0].accounts.nic_rx |
    "\(.share) \(.why | length > 10)"')" "null true"
check_eq "Requests balance without it" "$(value optional.ktax 'SELECT sum(unbalanced) FROM ledger')" 0

without sock_recv_length
run "${denied[@]}" -d 1 -o fallback.ktax
check_match "Where a tracepoint lacks, another hook takes its place" \
  "$status $(value fallback.ktax "SELECT DISTINCT program FROM hook WHERE boundary = 'read_end'")" \
  "^0 [a-z_]+/tcp_"

# ---- network namespaces -------------------------------------------------------------------------

denied=(env "LD_PRELOAD=$tmp/deny.so" "DENY= /net/tcp ")
start unseen "${denied[@]}" ktax record -p $$ --budget 0 --interval 200ms -o unseen.ktax
wait_for 60 recording unseen
netns_add "ktax-test-$$-c"
start hidden nsenter "--net=/run/netns/ktax-test-$$-c" ktax-sample-server --listen 127.0.0.1:8080
since=$(intervals unseen.ktax)
wait_for 30 recording unseen $((since + 4))
stop unseen INT
check_match "A namespace that can neither be entered nor read from outside is said, once" \
  "$status $(messages unseen.err)" \
  "^0 ktax: the network namespaces of [0-9]+ processes cannot be looked into: servers there are not followed$"
check_match "and in the report" "$(ktax report --json unseen.ktax | jq -r .caution)" \
  "1 processes in network namespaces that could not be looked into"
