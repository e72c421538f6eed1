// SPDX-License-Identifier: GPL-2.0
/*
 * The table of boundaries and candidates, and the trial of a candidate.
 *
 * Facts in it: tracepoints sk_data_ready, sock_send_length, sock_recv_length came with 6.3,
 * tcp_sendmsg_locked with 6.16; tcp_sendpage went with 6.5; tp_btf needs 5.5, fentry 5.5 with a
 * BPF trampoline; a kprobe program loads on kernels that cannot attach it.
 */
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const hook_family_name[HOOK_NFAMILIES] = {
	[HOOK_ANY] = "any",       [HOOK_TP_BTF] = "tp_btf", [HOOK_FENTRY] = "fentry",
	[HOOK_KPROBE] = "kprobe", [HOOK_RAW_TP] = "raw_tp",
};

/* clang-format off */
const struct hook_boundary hook_boundaries[BOUNDARY_COUNT] = {
	[BOUNDARY_RX_STACK] = {
		"rx_stack", KTAX_NIC_RX, NEED_ALWAYS, false,
		"arrival not seen: nic_rx and kernel_rx are missing, requests start when readable",
		{ { HOOK_TP_BTF, "rx_stack__tp_btf", "netif_receive_skb", "5.5-", NULL },
		  { HOOK_RAW_TP, "rx_stack__raw_tp", "netif_receive_skb", "4.17-", NULL } },
	},
	[BOUNDARY_READABLE] = {
		"readable", KTAX_KERNEL_RX, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "readable__tp_btf", "sk_data_ready", "6.3-", NULL },
		  { HOOK_FENTRY, "readable__fentry", "sock_def_readable", "5.5-",
		    "not sockets with a data_ready callback of their own (kTLS, sockmap)" },
		  { HOOK_KPROBE, "readable__kprobe", "sock_def_readable", "4.17-",
		    "not sockets with a data_ready callback of their own (kTLS, sockmap)" },
		  { HOOK_RAW_TP, "readable__raw_tp", "sk_data_ready", "6.3-", NULL } },
	},
	[BOUNDARY_READ_BEGIN] = {
		"read_begin", KTAX_APP_QUEUE, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "read_begin__tp_btf", "skb_copy_datagram_iovec", "5.5-",
		    "entering the receive call counts as app_queue" },
		  { HOOK_FENTRY, "read_begin__fentry", "skb_copy_datagram_iter", "5.5-",
		    "entering the receive call counts as app_queue" },
		  { HOOK_KPROBE, "read_begin__kprobe", "skb_copy_datagram_iter", "4.17-",
		    "entering the receive call counts as app_queue" },
		  { HOOK_RAW_TP, "read_begin__raw_tp", "skb_copy_datagram_iovec", "4.17-",
		    "entering the receive call counts as app_queue" } },
		.light = true,
	},
	[BOUNDARY_READ_END] = {
		"read_end", KTAX_COPY_RX, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "read_end__tp_btf", "sock_recv_length", "6.3-", NULL },
		  { HOOK_FENTRY, "read_end__fentry", "tcp_recvmsg", "5.5-", NULL },
		  { HOOK_KPROBE, "read_end__kprobe", "tcp_recvmsg", "4.17-", NULL },
		  { HOOK_TP_BTF, "read_end__tp_btf_space", "tcp_rcv_space_adjust", "5.5-",
		    "releasing the socket counts as app; bytes read are not counted" },
		  { HOOK_RAW_TP, "read_end__raw_tp", "sock_recv_length", "6.3-", NULL } },
	},
	[BOUNDARY_SEND_BEGIN] = {
		"send_begin", KTAX_APP, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "send_begin__tp_btf", "tcp_sendmsg_locked", "6.16-",
		    "entering the send call counts as app" },
		  { HOOK_FENTRY, "send_begin__fentry", "tcp_sendmsg_locked", "5.5-",
		    "entering the send call counts as app" },
		  { HOOK_KPROBE, "send_begin__kprobe", "tcp_sendmsg_locked", "4.17-",
		    "entering the send call counts as app" },
		  { HOOK_RAW_TP, "send_begin__raw_tp", "tcp_sendmsg_locked", "6.16-",
		    "entering the send call counts as app" } },
		.light = true,
	},
	[BOUNDARY_SEND_END] = {
		"send_end", KTAX_KERNEL_TX, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "send_end__tp_btf", "sock_send_length", "6.3-", NULL },
		  { HOOK_FENTRY, "send_end__fentry", "tcp_sendmsg", "5.5-", NULL },
		  { HOOK_KPROBE, "send_end__kprobe", "tcp_sendmsg", "4.17-", NULL },
		  { HOOK_RAW_TP, "send_end__raw_tp", "sock_send_length", "6.3-", NULL } },
	},
	[BOUNDARY_SENDPAGE_BEGIN] = {
		"sendpage_begin", KTAX_APP, NEED_SENDPAGE, false,
		"sendfile is seen when its segments leave, not when it is called",
		{ { HOOK_FENTRY, "sendpage_begin__fentry", "tcp_sendpage", "5.5-6.4", NULL },
		  { HOOK_KPROBE, "sendpage_begin__kprobe", "tcp_sendpage", "4.17-6.4", NULL } },
		.light = true,
	},
	[BOUNDARY_SENDPAGE_END] = {
		"sendpage_end", KTAX_KERNEL_TX, NEED_SENDPAGE, false,
		"sendfile is seen when its segments leave, not when it is called",
		{ { HOOK_FENTRY, "sendpage_end__fentry", "tcp_sendpage", "5.5-6.4", NULL },
		  { HOOK_KPROBE, "sendpage_end__kprobe", "tcp_sendpage", "4.17-6.4", NULL } },
	},
	[BOUNDARY_TX_QDISC] = {
		"tx_qdisc", KTAX_QDISC, NEED_QDISC, false,
		"no link of the targets has a queueing discipline",
		{ { HOOK_TP_BTF, "tx_qdisc__tp_btf", "net_dev_queue", "5.5-", NULL },
		  { HOOK_RAW_TP, "tx_qdisc__raw_tp", "net_dev_queue", "4.17-", NULL } },
	},
	[BOUNDARY_TX_DRIVER] = {
		"tx_driver", KTAX_KERNEL_TX, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "tx_driver__tp_btf", "net_dev_start_xmit", "5.5-", NULL },
		  { HOOK_RAW_TP, "tx_driver__raw_tp", "net_dev_start_xmit", "4.17-", NULL } },
	},
	[BOUNDARY_TX_DONE] = {
		"tx_done", KTAX_NIC_TX, NEED_NIC, false,
		"transmit completions are seen on NICs only, and by fentry or kprobe (tcp_wfree)",
		{ { HOOK_FENTRY, "tx_done__fentry", "tcp_wfree", "5.5-",
		    "ends when the driver lets go of the packet, for some at once" },
		  { HOOK_KPROBE, "tx_done__kprobe", "tcp_wfree", "4.17-",
		    "ends when the driver lets go of the packet, for some at once" } },
	},
	[BOUNDARY_TASK_SWITCH] = {
		"task_switch", KTAX_WAKEUP, NEED_ALWAYS, true, NULL,
		{ { HOOK_TP_BTF, "task_switch__tp_btf", "sched_switch", "5.5-", NULL },
		  { HOOK_RAW_TP, "task_switch__raw_tp", "sched_switch", "4.17-", NULL } },
	},
	[BOUNDARY_SOFTIRQ_ENTER] = {
		"softirq_enter", KTAX_PREEMPT, NEED_INTERRUPTS, false,
		"no link of the targets is a NIC: softirqs of other traffic count for whoever they hit",
		{ { HOOK_TP_BTF, "softirq_enter__tp_btf", "softirq_entry", "5.5-", NULL },
		  { HOOK_RAW_TP, "softirq_enter__raw_tp", "softirq_entry", "4.17-", NULL } },
	},
	[BOUNDARY_SOFTIRQ_LEAVE] = {
		"softirq_leave", KTAX_PREEMPT, NEED_INTERRUPTS, false,
		"no link of the targets is a NIC: softirqs of other traffic count for whoever they hit",
		{ { HOOK_TP_BTF, "softirq_leave__tp_btf", "softirq_exit", "5.5-", NULL },
		  { HOOK_RAW_TP, "softirq_leave__raw_tp", "softirq_exit", "4.17-", NULL } },
	},
	[BOUNDARY_NIC_INTERRUPT] = {
		"nic_interrupt", KTAX_NIC_RX, NEED_NIC, false,
		"no link of the targets is a NIC",
		{ { HOOK_TP_BTF, "nic_interrupt__tp_btf", "irq_handler_entry", "5.5-", NULL },
		  { HOOK_RAW_TP, "nic_interrupt__raw_tp", "irq_handler_entry", "4.17-", NULL } },
	},
	[BOUNDARY_NIC_POLL] = {
		"nic_poll", KTAX_NIC_RX, NEED_NIC, false,
		"no link of the targets is a NIC",
		{ { HOOK_TP_BTF, "nic_poll__tp_btf", "napi_poll", "5.5-", NULL },
		  { HOOK_RAW_TP, "nic_poll__raw_tp", "napi_poll", "4.17-", NULL } },
	},
	[BOUNDARY_CONNECTION_STATE] = {
		"connection_state", KTAX_NACCOUNTS, NEED_ALWAYS, false,
		"the last request of a connection is counted when it has been idle, not at its close; "
		"who listens later is found by a scan",
		{ { HOOK_TP_BTF, "connection_state__tp_btf", "inet_sock_set_state", "5.5-", NULL },
		  { HOOK_FENTRY, "connection_state__fentry", "inet_sk_state_store", "5.5-", NULL },
		  { HOOK_KPROBE, "connection_state__kprobe", "inet_sk_state_store", "4.17-", NULL },
		  { HOOK_RAW_TP, "connection_state__raw_tp", "inet_sock_set_state", "4.17-", NULL } },
		.light = true,
	},
	[BOUNDARY_PROCESS_FORK] = {
		"process_fork", KTAX_NACCOUNTS, NEED_TASK_FILTER, false,
		"children of the targets are found by a scan every second",
		{ { HOOK_TP_BTF, "process_fork__tp_btf", "sched_process_fork", "5.5-", NULL },
		  { HOOK_RAW_TP, "process_fork__raw_tp", "sched_process_fork", "4.17-", NULL } },
		.light = true,
	},
};
/* clang-format on */

int hook_family_by_name(const char *name)
{
	for (int i = 0; i < HOOK_NFAMILIES; i++)
		if (!strcmp(hook_family_name[i], name))
			return i;
	return -EINVAL;
}

/* "return 0" */
static const struct bpf_insn minimal_program[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static int load_minimal(enum bpf_prog_type type, enum bpf_attach_type attach, int btf_id)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach,
	            .attach_btf_id = btf_id);

	return bpf_prog_load(type, "ktax_try", "GPL", minimal_program, 2, &options);
}

static int attach_once(int program, const char *raw_tracepoint)
{
	int link;

	if (program < 0)
		return program;
	link = bpf_raw_tracepoint_open(raw_tracepoint, program);
	close(program);
	if (link < 0)
		return link;
	close(link);
	return 0;
}

static int try_tracing(const struct btf *btf, const char *name, enum bpf_attach_type attach,
                       __u32 kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	if (id < 0)
		return id;
	return attach_once(load_minimal(BPF_PROG_TYPE_TRACING, attach, id), NULL);
}

static int kprobe_event_type(void)
{
	FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	int type = -ENOENT;

	if (!file)
		return -ENOENT;
	if (fscanf(file, "%d", &type) != 1)
		type = -ENOENT;
	fclose(file);
	return type;
}

static int try_kprobe(const char *function)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .config1 = (uintptr_t)function };
	int type = kprobe_event_type(), event;

	if (type < 0)
		return type;
	attr.type = type;
	event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	close(event);
	return 0;
}

int hook_try(const struct btf *kernel_btf, const struct hook_candidate *candidate)
{
	char name[96];

	switch (candidate->family) {
	case HOOK_TP_BTF:
		snprintf(name, sizeof(name), "btf_trace_%s", candidate->target);
		return try_tracing(kernel_btf, name, BPF_TRACE_RAW_TP, BTF_KIND_TYPEDEF);
	case HOOK_FENTRY:
		return try_tracing(kernel_btf, candidate->target, BPF_TRACE_FENTRY, BTF_KIND_FUNC);
	case HOOK_KPROBE:
		return try_kprobe(candidate->target);
	case HOOK_RAW_TP:
		return attach_once(load_minimal(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0),
		                   candidate->target);
	default:
		return -EINVAL;
	}
}

static bool storage_allows(enum hook_family family, bool storage_hash)
{
	return storage_hash || family == HOOK_TP_BTF || family == HOOK_FENTRY;
}

const struct hook_candidate *hook_choose(const struct btf *kernel_btf,
                                         const struct hook_boundary *boundary,
                                         enum hook_family preferred, bool storage_hash)
{
	const size_t n = sizeof(boundary->candidate) / sizeof(boundary->candidate[0]);

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n && boundary->candidate[i].program; i++) {
			const struct hook_candidate *candidate = &boundary->candidate[i];

			if (!storage_allows(candidate->family, storage_hash))
				continue;
			if (pass == 0 && preferred != HOOK_ANY && candidate->family != preferred)
				continue;
			if (!hook_try(kernel_btf, candidate))
				return candidate;
		}
	}
	return NULL;
}
