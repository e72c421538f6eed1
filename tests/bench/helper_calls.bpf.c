// SPDX-License-Identifier: GPL-2.0
/* What the operations that probes are made of cost here (helper_calls.c prints it). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "helper_calls.h"

char LICENSE[] SEC("license") = "GPL";

__u32 tid;     /* only in this thread */
__u64 address; /* of a kernel variable, to be read */
__u64 least_ns[N_OPERATIONS];
__u64 sink;

struct counters {
	__u64 words[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct counters);
} of_task SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct counters);
} array SEC(".maps");

/* As request_count_begin in probes/finish.bpf.h does. */
struct ring {
	__u32 slots[4096];
	__u64 arrived;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct ring);
} rings SEC(".maps");

static __always_inline void count_arrival(__u64 now)
{
	__u64 slot = now / 1000000 % 4096;
	__u32 key = bpf_get_smp_processor_id() & 3;
	struct ring *ring = bpf_map_lookup_elem(&rings, &key);

	if (!ring)
		return;
	__sync_fetch_and_add(&ring->slots[slot], 1);
	if (!ring->arrived)
		ring->arrived = 1;
}

#define MEASURE(operation, statement)                                                              \
	do {                                                                                       \
		__u64 start_ns = bpf_ktime_get_ns();                                               \
                                                                                                   \
		for (int i = 0; i < REPEATS; i++) {                                                \
			statement;                                                                 \
			asm volatile("" ::: "memory");                                             \
		}                                                                                  \
		__u64 spent_ns = bpf_ktime_get_ns() - start_ns;                                    \
		if (!least_ns[operation] || spent_ns < least_ns[operation])                        \
			least_ns[operation] = spent_ns;                                            \
	} while (0)

SEC("tp_btf/task_rename") int BPF_PROG(measure, struct task_struct *task, const char *comm)
{
	__u64 value = 0;

	if ((__u32)bpf_get_current_pid_tgid() != tid)
		return 0;
	bpf_task_storage_get(&of_task, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	MEASURE(NOTHING, );
	MEASURE(CLOCK, sink += bpf_ktime_get_ns());
	MEASURE(CURRENT_TASK, sink += bpf_get_current_task_btf() != NULL);
	MEASURE(TASK_STORAGE, sink += bpf_task_storage_get(&of_task, task, NULL, 0) != NULL);
	MEASURE(ARRAY, {
		__u32 key = i & 511;
		struct counters *counters = bpf_map_lookup_elem(&array, &key);

		if (counters)
			counters->words[3]++;
	});
	MEASURE(PROBE_READ, {
		bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
		sink += value;
	});
	MEASURE(ATOMIC_ADD, __sync_fetch_and_add(&sink, 1));
	value = bpf_ktime_get_ns();
	MEASURE(ARRIVAL, count_arrival(value + i * 1000));
	return 0;
}
