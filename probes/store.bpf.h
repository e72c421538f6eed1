/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the state of connections and threads lives, in two flavours of the same source.
 *
 * tracing (tp_btf, fentry): sk_storage and task_storage, kernel pointers read directly through BTF.
 * hash (KTAX_STORE_HASH: kprobe, raw_tp, where no trusted pointer exists): bounded hash maps keyed
 * by socket address and thread id, kernel memory read by bpf_probe_read_kernel.
 *
 * The connection itself is a slot of a preallocated array in both, so that a thread can refer to
 * its connection by number (thread -> slot) and memory is bounded; sk_storage or the hash only
 * hold {slot, generation}. A slot that was released has another generation: stale references, e.g.
 * of a socket that was closed while no probe was attached, are recognised and never followed.
 *
 * What is kept of a thread differs between the hook sets: who includes this has defined struct
 * thread.
 */
#ifndef KTAX_STORE_BPF_H
#define KTAX_STORE_BPF_H

#include "types.bpf.h"

#define KTAX_MAX_THREADS 8192
#define AF_INET          2
#define AF_INET6         10
#define LOOPBACK_IFINDEX 1
#define NSEC_PER_SEC     1000000000ULL

struct connection_reference {
	__u32 slot; /* + 1 */
	__u32 generation;
};

/*
 * @value, in one register. Before 6.3 the verifier does not carry the bounds of a register over to
 * a 32-bit copy of it (w3 = w2), so an index must be checked and used as one 64-bit value.
 */
static __always_inline __u64 one_copy(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value;
}

const volatile struct ktax_settings settings;
struct ktax_control control;
__u8 listening_ports[65536]; /* somebody listens there, or is awaited to */

/* Connection slots; max_entries is set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ktax_connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, __u32);
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ktax_listener);
	__type(value, struct ktax_listening);
} listeners SEC(".maps");

/* Processes whose threads are targets (tgid). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u32);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ktax_counters);
} counters SEC(".maps");

#define COUNT_BY(member, amount)                                                                   \
	do {                                                                                       \
		__u32 __zero = 0;                                                                  \
		struct ktax_counters *__c = bpf_map_lookup_elem(&counters, &__zero);               \
		if (__c)                                                                           \
			__sync_fetch_and_add(&__c->member, (amount));                              \
	} while (0)
#define COUNT(member) COUNT_BY(member, 1)

#ifdef KTAX_STORE_HASH

#define READ(pointer, member)          BPF_CORE_READ(pointer, member)
#define READ_BITFIELD(pointer, member) BPF_CORE_READ_BITFIELD_PROBED(pointer, member)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct connection_reference);
} references SEC(".maps");

/* Evicting a thread is safe: it starts a new ledger, and the gap is posted as such. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KTAX_MAX_THREADS);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct thread);
} new_thread SEC(".maps");

static __always_inline struct connection_reference *reference_of(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&references, &key);
}

static __always_inline struct connection_reference *reference_make(struct sock *sk)
{
	struct connection_reference none = {};
	__u64 key = (__u64)sk;

	bpf_map_update_elem(&references, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&references, &key);
}

static __always_inline void reference_drop(struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&references, &key);
}

static __always_inline struct thread *thread_of(struct task_struct *task)
{
	__u32 tid = READ(task, pid);

	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline struct thread *thread_current(void)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline struct thread *thread_make(void)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid(), zero = 0;
	struct thread *blank = bpf_map_lookup_elem(&new_thread, &zero);

	if (!blank)
		return NULL;
	bpf_map_update_elem(&threads, &tid, blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

#else

#define READ(pointer, member)          ((pointer)->member)
#define READ_BITFIELD(pointer, member) BPF_CORE_READ_BITFIELD(pointer, member)

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection_reference);
} references SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

static __always_inline struct connection_reference *reference_of(struct sock *sk)
{
	return bpf_sk_storage_get(&references, sk, 0, 0);
}

static __always_inline struct connection_reference *reference_make(struct sock *sk)
{
	return bpf_sk_storage_get(&references, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void reference_drop(struct sock *sk)
{
	bpf_sk_storage_delete(&references, sk);
}

static __always_inline struct thread *thread_of(struct task_struct *task)
{
	return bpf_task_storage_get(&threads, task, 0, 0);
}

static __always_inline struct thread *thread_current(void)
{
	return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
}

static __always_inline struct thread *thread_make(void)
{
	return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0,
	                            BPF_LOCAL_STORAGE_GET_F_CREATE);
}

#endif /* KTAX_STORE_HASH */

/* The slot with index @slot - 1, or NULL. */
static __always_inline struct ktax_connection *connection_at(__u32 slot)
{
	__u32 index = slot - 1;

	return bpf_map_lookup_elem(&connections, &index);
}

/* The followed connection of @sk, or NULL; *ret_slot is its slot + 1. */
static __always_inline struct ktax_connection *connection_of(struct sock *sk, __u32 *ret_slot)
{
	struct connection_reference *reference = reference_of(sk);
	struct ktax_connection *connection;

	if (!reference)
		return NULL;
	*ret_slot = reference->slot;
	connection = connection_at(reference->slot);
	if (!connection || connection->generation != reference->generation)
		return NULL;
	return connection;
}

/*
 * Two CPUs can be at one connection: a thread that posts what it did, and a softirq that gives the
 * queueing discipline's segments to the driver, without the socket's lock. A lock of the kernel's
 * own (bpf_spin_lock) is not for all kinds of programs. Nobody holds this one for long, so one that
 * is still taken is held by whom the caller has interrupted: then its event is not
 * posted, and counts as a missed stamp.
 */
#define LOCK_TRIES 64

static __always_inline bool connection_lock(struct ktax_connection *connection)
{
	for (int i = 0; i < LOCK_TRIES; i++)
		if (!__sync_val_compare_and_swap(&connection->locked, 0, 1))
			return true;
	COUNT(missed_stamps);
	return false;
}

static __always_inline void connection_unlock(struct ktax_connection *connection)
{
	barrier();
	*(volatile __u32 *)&connection->locked = 0;
}

#endif
