// SPDX-License-Identifier: GPL-2.0
/* Checks of the kernel's abilities, and of what this process may use of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "readiness_check.h"

#define BPF_USERS (READINESS_AF_XDP | READINESS_ATTRIBUTION)

/* linux/capability.h */
#define CAP_DAC_READ_SEARCH 2
#define CAP_NET_ADMIN       12
#define CAP_NET_RAW         13
#define CAP_SYS_PTRACE      19
#define CAP_SYS_ADMIN       21
#define CAP_PERFMON         38
#define CAP_BPF             39

static bool option_absent(const struct host_facts *facts, enum kernel_option option)
{
	return facts->kernel.option[option].known && !facts->kernel.option[option].value;
}

/* ---- BPF ------------------------------------------------------------------------------------- */

static void check_btf(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *btf = &facts->kernel.btf;

	if (!btf->known)
		return row_unread(row, btf->error, NULL);
	if (btf->value)
		return row_ok(row, "/sys/kernel/btf/vmlinux is there");
	row_fail(row, "/sys/kernel/btf/vmlinux is missing");
	row_fix(row, "use a kernel with CONFIG_DEBUG_INFO_BTF");
	row->blocks = READINESS_ATTRIBUTION;
}

/*
 * What a trial tells. Without root it fails whatever the kernel can; with root, for a reason of
 * the kernel's.
 */
static void check_trial(const struct host_facts *facts, const struct fact *trial, const char *what,
                        struct readiness_row *row)
{
	bool refused = trial->error == -EPERM || trial->error == -EACCES;

	if (trial->known)
		return row_ok(row, "%s", what);
	if (!trial->error || (refused && facts->superuser.known && !facts->superuser.value))
		return row_unread(row, trial->error, NULL);
	if (trial->error == -ENOENT)
		return row_warn(row, "the kernel's types (BTF) name nothing to try it on");
	row_warn(row, "the kernel refuses it, even to root: %s", strerror(-trial->error));
}

static void check_tp_btf(const struct host_facts *facts, struct readiness_row *row)
{
	if (!option_absent(facts, KERNEL_DEBUG_INFO_BTF))
		return check_trial(facts, &facts->kernel.tp_btf, "a program could be loaded", row);
	row_warn(row, "the kernel is built without BTF");
	row_fix(row, "use a kernel with CONFIG_DEBUG_INFO_BTF");
}

static void check_fentry(const struct host_facts *facts, struct readiness_row *row)
{
	if (!option_absent(facts, KERNEL_DIRECT_CALLS))
		return check_trial(facts, &facts->kernel.fentry, "a program could be attached",
		                   row);
	row_warn(row, "the kernel is built without it");
	row_fix(row, "use a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS");
}

static void check_kprobes(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *kprobe = &facts->kernel.kprobe;

	if (!kprobe->known)
		return row_unread(row, kprobe->error, NULL);
	if (kprobe->value)
		return row_ok(row, "the kernel has them");
	row_warn(row, "the kernel has none");
	row_fix(row, "use a kernel with CONFIG_KPROBES");
}

static void check_bpf_jit(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *jit = &facts->kernel.bpf_jit;

	if (!jit->known)
		return row_unread(row, jit->error, "no sysctl: this kernel has no choice of it");
	if (jit->value)
		return row_ok(row, "on");
	row_fail(row, "off: BPF programs are interpreted");
	row_fix(row, "sysctl -w net.core.bpf_jit_enable=1");
}

static void check_xdp_sockets(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *socket = &facts->kernel.xdp_socket;

	if (socket->known && socket->value)
		return row_ok(row, "one could be made");
	if ((socket->known && !socket->value) || option_absent(facts, KERNEL_XDP_SOCKETS)) {
		row_fail(row, "the kernel has none");
		row_fix(row, "use a kernel with CONFIG_XDP_SOCKETS");
		row->blocks = READINESS_AF_XDP;
		return;
	}
	if (facts->kernel.option[KERNEL_XDP_SOCKETS].known)
		return row_ok(row, "CONFIG_XDP_SOCKETS is set");
	row_unread(row, socket->error, NULL);
}

/* ---- What came with a version ---- */

static void check_since(const struct host_facts *facts, int since, struct readiness_row *row)
{
	const struct fact *version = &facts->kernel.version;

	if (!version->known)
		return row_unread(row, version->error, NULL);
	if (version->value >= since)
		return row_ok(row, "Linux %s has it", version_text((int)version->value).text);
	row_warn(row, "Linux %s has it not", version_text((int)version->value).text);
	row_fix(row, "use Linux %s or later", version_text(since).text);
}

static void check_need_wakeup(const struct host_facts *facts, struct readiness_row *row)
{
	check_since(facts, 5004, row);
}

static void check_prefer_busy_poll(const struct host_facts *facts, struct readiness_row *row)
{
	check_since(facts, 5011, row);
}

/* ---- Polling --------------------------------------------------------------------------------- */

static void check_polling(const struct host_facts *facts, const struct fact *us, const char *name,
                          struct readiness_row *row)
{
	if (option_absent(facts, KERNEL_BUSY_POLL)) {
		row_fail(row, "the kernel is built without CONFIG_NET_RX_BUSY_POLL");
		return row_fix(row, "use a kernel with CONFIG_NET_RX_BUSY_POLL");
	}
	if (!us->known)
		return row_unread(row, us->error, "this kernel has no busy polling");
	if (us->value > 0)
		return row_ok(row, "%lld us", (long long)us->value);
	row_warn(row, "0: a call that waits sleeps at once");
	row_fix(row, "sysctl -w net.core.%s=50", name);
}

static void check_busy_poll(const struct host_facts *facts, struct readiness_row *row)
{
	check_polling(facts, &facts->kernel.busy_poll_us, "busy_poll", row);
}

static void check_busy_read(const struct host_facts *facts, struct readiness_row *row)
{
	check_polling(facts, &facts->kernel.busy_read_us, "busy_read", row);
}

static void check_io_uring(const struct host_facts *facts, struct readiness_row *row)
{
	const struct kernel_facts *kernel = &facts->kernel;

	if (kernel->io_uring_disabled.known && kernel->io_uring_disabled.value > 0) {
		row_warn(row, "forbidden for %s by kernel.io_uring_disabled",
		         kernel->io_uring_disabled.value == 1 ? "all but one group" : "everybody");
		return row_fix(row, "sysctl -w kernel.io_uring_disabled=0");
	}
	if (kernel->io_uring.known && kernel->io_uring.value)
		return row_ok(row, "a ring could be made");
	if (kernel->io_uring.known || option_absent(facts, KERNEL_IO_URING))
		return row_warn(row, "the kernel has none");
	if (kernel->io_uring.error == -EPERM || kernel->io_uring.error == -EACCES)
		return row_warn(row, "forbidden to this process (seccomp, or a security module)");
	row_unread(row, kernel->io_uring.error, NULL);
}

/* ---- Permissions ----------------------------------------------------------------------------- */

static bool has(const struct fact *set, int capability)
{
	return set->value & 1LL << capability;
}

/*
 * What record (collector/privileges.c) and AF_XDP cannot do without, as names; "" where nothing is
 * missing. Returns whom it is missing to.
 */
static unsigned missing(const struct fact *set, char *names, size_t room)
{
	static const struct {
		int number;
		const char *name;
		unsigned who;
	} needed[] = {
		{ CAP_BPF, "CAP_BPF", BPF_USERS },
		{ CAP_PERFMON, "CAP_PERFMON", READINESS_ATTRIBUTION },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", READINESS_ATTRIBUTION },
		{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", READINESS_ATTRIBUTION },
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN", BPF_USERS },
		{ CAP_NET_RAW, "CAP_NET_RAW", READINESS_AF_XDP },
	};
	unsigned who = 0;
	size_t length = 0;

	names[0] = '\0';
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && length < room; i++) {
		unsigned lack = needed[i].who;

		if (has(set, needed[i].number))
			continue;
		if (needed[i].number == CAP_BPF && has(set, CAP_SYS_ADMIN))
			lack &= ~(unsigned)READINESS_AF_XDP; /* which includes it, to the kernel */
		who |= lack;
		length += (size_t)snprintf(names + length, room - length, "%s%s",
		                           length ? ", " : "", needed[i].name);
	}
	return who;
}

static void check_capabilities(const struct host_facts *facts, struct readiness_row *row)
{
	const struct process_facts *process = &facts->process;
	char names[128];

	if (!process->capabilities.known || !process->capability_bound.known)
		return row_unread(row, process->capabilities.error, NULL);
	row->blocks = missing(&process->capability_bound, names, sizeof(names));
	if (row->blocks) {
		row_fail(row, "not to be had here, not even by root: %s", names);
		return row_fix(row, "docker run --privileged, or --cap-add for each of them");
	}
	if (!missing(&process->capabilities, names, sizeof(names)))
		return row_ok(row, "all that are needed");
	row_warn(row, "this process lacks %s", names);
	row_fix(row, "run ktax as root: sudo ktax ...");
}

static void check_seccomp(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *seccomp = &facts->process.seccomp;

	if (!seccomp->known)
		return row_unread(row, seccomp->error, NULL);
	if (!seccomp->value)
		return row_ok(row, "none");
	row_warn(row, "a filter is on this process: bpf, perf_event_open or io_uring_setup may be "
	              "refused");
	row_fix(row, "docker run --security-opt seccomp=unconfined");
}

static void check_user_namespace(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *inside = &facts->process.user_namespace;

	if (!inside->known)
		return row_unread(row, inside->error, NULL);
	if (!inside->value)
		return row_ok(row, "the host's own");
	row_fail(row, "another than the host's: root here has no rights over the kernel");
	row_fix(row, "run ktax on the host, or in a container without user namespace (docker run "
	             "--userns=host --privileged)");
	row->blocks = BPF_USERS | READINESS_DPDK;
}

static void check_container(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact_text *container = &facts->process.container;

	if (!container->known)
		return row_unread(row, container->error, NULL);
	if (!container->text[0])
		return row_ok(row, "none was found");
	row_warn(row, "this runs in %s: it sees its own network, processes and limits",
	         container->text);
	row_fix(row, "docker run --net=host --pid=host --privileged");
}

#define BPF_GROUP  "kernel"
#define PERMISSION "permissions"

const struct readiness_check readiness_kernel_checks[] = {
	{ "btf", BPF_GROUP, BPF_USERS, check_btf, "the kernel's types",
	  "the probes of ktax read kernel structures by them", "Linux, Documentation/bpf/btf.rst" },
	{ "tp_btf", BPF_GROUP, READINESS_ATTRIBUTION, check_tp_btf, "programs on typed tracepoints",
	  "the cheapest way to follow a request (docs/hooks.md)",
	  "Linux, Documentation/bpf/libbpf/program_types.rst" },
	{ "fentry", BPF_GROUP, READINESS_ATTRIBUTION, check_fentry, "programs on kernel functions",
	  "on kernels before 6.16 some boundaries have no tracepoint, and are hooked so",
	  "Linux, Documentation/bpf/libbpf/program_types.rst" },
	{ "kprobes", BPF_GROUP, READINESS_ATTRIBUTION, check_kprobes, "kprobes",
	  "the way to hook a function where fentry does not work",
	  "Linux, Documentation/trace/kprobes.rst" },
	{ "bpf_jit", BPF_GROUP, BPF_USERS, check_bpf_jit, "on",
	  "interpreted programs cost several times as much, for every packet",
	  "Linux, Documentation/admin-guide/sysctl/net.rst" },
	{ "xdp_sockets", BPF_GROUP, READINESS_AF_XDP, check_xdp_sockets, "AF_XDP sockets",
	  "what the path is made of", "Linux, Documentation/networking/af_xdp.rst" },
	{ "need_wakeup", BPF_GROUP, READINESS_AF_XDP, check_need_wakeup,
	  "need_wakeup of AF_XDP rings",
	  "without it a sender calls into the kernel for every batch, needed or not",
	  "Linux 5.4, Documentation/networking/af_xdp.rst, XDP_USE_NEED_WAKEUP" },
	{ "prefer_busy_poll", BPF_GROUP, READINESS_TUNING | READINESS_AF_XDP,
	  check_prefer_busy_poll, "SO_PREFER_BUSY_POLL",
	  "with it a poller keeps the NIC's interrupts off while it polls",
	  "Linux 5.11, Documentation/networking/napi.rst" },
	{ "busy_poll", BPF_GROUP, READINESS_TUNING, check_busy_poll, "50 us, or SO_BUSY_POLL",
	  "poll, select and epoll then look at the NIC themselves before they sleep: no interrupt, "
	  "no wakeup, at the price of CPU time",
	  "Linux, Documentation/admin-guide/sysctl/net.rst" },
	{ "busy_read", BPF_GROUP, READINESS_TUNING, check_busy_read, "50 us, or SO_BUSY_POLL",
	  "the same for blocking reads", "Linux, Documentation/admin-guide/sysctl/net.rst" },
	{ "io_uring", BPF_GROUP, READINESS_TUNING, check_io_uring, "allowed",
	  "the io_uring paths are rungs below bypass",
	  "Linux, Documentation/admin-guide/sysctl/kernel.rst" },
	{ 0 },
};

const struct readiness_check readiness_permission_checks[] = {
	{ "capabilities", PERMISSION, BPF_USERS, check_capabilities,
	  "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_NET_RAW",
	  "loading programs, following servers, opening AF_XDP sockets", "capabilities(7)" },
	{ "seccomp", PERMISSION, BPF_USERS | READINESS_TUNING, check_seccomp, "no filter",
	  "container runtimes forbid the system calls that ktax and io_uring need", "seccomp(2)" },
	{ "user_namespace", PERMISSION, BPF_USERS | READINESS_DPDK, check_user_namespace,
	  "the host's", "the kernel asks for capabilities in the first user namespace",
	  "user_namespaces(7)" },
	{ "container", PERMISSION, READINESS_ALL, check_container, "none",
	  "another network namespace has another NIC, and servers of the host are not seen",
	  "namespaces(7)" },
	{ 0 },
};
