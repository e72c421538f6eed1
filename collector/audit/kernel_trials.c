// SPDX-License-Identifier: GPL-2.0
/*
 * What no file tells, because policies (lockdown, seccomp, a hypervisor's restrictions) stand
 * between a kernel's configuration and what it does: a trial. The programs do nothing, and are gone
 * with their file descriptors.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

/* A tracepoint that is no network event, and a function that is there for such tests. */
#define TRACEPOINT "btf_trace_sched_process_exit"
#define FUNCTION   "bpf_fentry_test1"

static struct fact try_xdp_socket(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EAFNOSUPPORT ? fact_known(0) : fact_error(-errno);
	close(fd);
	return fact_known(1);
}

/* A ring without entries is refused for that by a kernel that would make one with some. */
static struct fact try_io_uring(void)
{
	int fd = (int)syscall(SYS_io_uring_setup, 0, NULL);

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno == EINVAL || errno == EFAULT)
		return fact_known(1);
	return errno == ENOSYS ? fact_known(0) : fact_error(-errno);
}

static int load_tracing(const struct btf *btf, const char *name, unsigned kind,
                        enum bpf_attach_type type)
{
	/* r0 = 0; exit */
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = type);
	int id = btf__find_by_name_kind(btf, name, kind);

	if (id < 0)
		return -ENOENT;
	options.attach_btf_id = (__u32)id;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "ktax_trial", "GPL", nothing,
	                     sizeof(nothing) / sizeof(nothing[0]), &options);
}

/* @attach: to load it says less, as the kernel patches the function only then. */
static struct fact try_tracing(const struct btf *btf, const char *name, unsigned kind,
                               enum bpf_attach_type type, bool attach)
{
	int program = load_tracing(btf, name, kind, type), link = 0;

	if (program < 0)
		return fact_error(program);
	if (attach)
		link = bpf_raw_tracepoint_open(NULL, program);
	if (attach && link >= 0)
		close(link);
	close(program);
	return link < 0 ? fact_error(link) : fact_known(1);
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

void audit_kernel_trials(struct kernel_facts *kernel)
{
	libbpf_print_fn_t before = libbpf_set_print(be_silent);
	struct btf *btf = btf__load_vmlinux_btf();

	kernel->xdp_socket = try_xdp_socket();
	kernel->io_uring = try_io_uring();
	if (!btf) {
		kernel->tp_btf = kernel->fentry = fact_error(-ENOENT);
	} else {
		kernel->tp_btf =
			try_tracing(btf, TRACEPOINT, BTF_KIND_TYPEDEF, BPF_TRACE_RAW_TP, false);
		kernel->fentry = try_tracing(btf, FUNCTION, BTF_KIND_FUNC, BPF_TRACE_FENTRY, true);
	}
	btf__free(btf);
	libbpf_set_print(before);
}
