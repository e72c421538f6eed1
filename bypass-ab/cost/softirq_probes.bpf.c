// SPDX-License-Identifier: GPL-2.0
/* CPU time of network receive softirqs, per CPU and by whether they ran within one process. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "softirq_time.h"

char LICENSE[] SEC("license") = "GPL";

#define NET_RX_SOFTIRQ 3

__u32 process; /* tgid of the responder */

struct entered {
	__u64 at_ns; /* 0: not in one */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct entered);
} entered SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct softirq_time);
} times SEC(".maps");

SEC("tp_btf/softirq_entry") int BPF_PROG(enter, unsigned int vector)
{
	struct entered *since;
	__u32 zero = 0;

	if (vector != NET_RX_SOFTIRQ)
		return 0;
	since = bpf_map_lookup_elem(&entered, &zero);
	if (since)
		since->at_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit") int BPF_PROG(leave, unsigned int vector)
{
	struct softirq_time *time;
	struct entered *since;
	__u64 spent_ns;
	__u32 zero = 0;

	if (vector != NET_RX_SOFTIRQ)
		return 0;
	since = bpf_map_lookup_elem(&entered, &zero);
	time = bpf_map_lookup_elem(&times, &zero);
	if (!since || !time || !since->at_ns)
		return 0;
	spent_ns = bpf_ktime_get_ns() - since->at_ns;
	since->at_ns = 0;
	if (bpf_get_current_pid_tgid() >> 32 == process)
		time->within_ns += spent_ns;
	else
		time->outside_ns += spent_ns;
	return 0;
}
