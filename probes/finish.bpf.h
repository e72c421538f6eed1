/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request's end: the balance, the aggregates, the sampled row.
 *
 * A request is known to be over only when the next one begins on its connection, when the
 * connection closes, or when it has been idle for long (user space's sweep).
 */
#ifndef KTAX_FINISH_BPF_H
#define KTAX_FINISH_BPF_H

#include "store.bpf.h"

/* [set * max_endpoints + endpoint], a set per CPU and a spare one; max_entries set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ktax_aggregate);
} aggregates SEC(".maps");

/* Sampled requests; size set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} requests SEC(".maps");

/*
 * Whoever has taken a CPU's aggregate adds to it plainly. Who interrupts that (a softirq, a
 * preempting task) adds to the spare one, which all CPUs share (@shared), with atomic instructions.
 * So no count is lost, and the frequent case does without some thirty of them, each of which waits
 * until all memory before it has arrived.
 */
#define ADD(where, amount)                                                                         \
	do {                                                                                       \
		if (shared)                                                                        \
			__sync_fetch_and_add(&(where), (amount));                                  \
		else                                                                               \
			(where) += (amount);                                                       \
	} while (0)

static __always_inline struct ktax_aggregate *aggregate_at(__u32 set, __u32 endpoint)
{
	__u32 key = set * settings.max_endpoints + endpoint;

	return bpf_map_lookup_elem(&aggregates, &key);
}

static __always_inline void histogram_add(__u32 *buckets, __u64 value, bool shared)
{
	__u32 index = ktax_hist_index(value, KTAX_HIST_MAGNITUDE);

	if (index >= KTAX_HIST_BUCKETS)
		index = KTAX_HIST_BUCKETS - 1;
	ADD(buckets[index], 1);
}

static __always_inline void aggregate_add(struct ktax_aggregate *aggregate,
                                          struct ktax_connection *connection, __u64 total,
                                          bool shared)
{
	__u32 cell = ktax_hist_index(total, KTAX_JOINT_MAGNITUDE);
	__u64 tunable = 0, addressable = 0;
	struct ktax_joint_cell *joint;

	if (cell >= KTAX_JOINT_CELLS)
		cell = KTAX_JOINT_CELLS - 1;
	joint = &aggregate->joint[cell];
#pragma clang loop unroll(disable)
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		__u64 spent = connection->account_ns[i];

		if (!spent)
			continue;
		if (KTAX_TUNABLE_SET & KTAX_ACCOUNT_BIT(i))
			tunable += spent;
		if (KTAX_ADDRESSABLE_SET & KTAX_ACCOUNT_BIT(i))
			addressable += spent;
		ADD(joint->sum_ns[i], spent);
		histogram_add(aggregate->account[i], spent, shared);
	}
	ADD(joint->requests, 1);
	if (connection->samples_user)
		ADD(joint->cpu_samples_user, connection->samples_user);
	if (connection->samples_kernel)
		ADD(joint->cpu_samples_kernel, connection->samples_kernel);
	histogram_add(aggregate->total, total, shared);
	histogram_add(aggregate->floor_tuned, total > tunable ? total - tunable : 0, shared);
	histogram_add(aggregate->floor_bypass, total > addressable ? total - addressable : 0,
	              shared);
	ADD(aggregate->requests, 1);
	ADD(aggregate->bytes_in, connection->bytes_in);
	ADD(aggregate->bytes_out, connection->bytes_out);
	if (total > aggregate->max_ns)
		aggregate->max_ns = total;
}

static __always_inline void aggregate_count_flags(struct ktax_aggregate *aggregate,
                                                  struct ktax_connection *connection, bool shared)
{
	__u32 flags = connection->flags;

	if (!flags)
		return;
	if (flags & KTAX_REQUEST_BATCH) {
		ADD(aggregate->batches, 1);
		ADD(aggregate->batched, connection->batch);
	}
	if (flags & KTAX_REQUEST_INCOMPLETE)
		ADD(aggregate->incomplete, 1);
	if (flags & KTAX_REQUEST_HANDED_OVER)
		ADD(aggregate->handed_over, 1);
	if (flags & KTAX_REQUEST_RETRANSMITTED)
		ADD(aggregate->retransmitted, 1);
	if (flags & KTAX_REQUEST_LOOPBACK)
		ADD(aggregate->loopback, 1);
	if (flags & KTAX_REQUEST_UNBALANCED)
		ADD(aggregate->unbalanced, 1);
}

static __always_inline void request_sample(struct ktax_connection *connection, __u64 total)
{
	struct ktax_request *row;
	bool wanted = total >= control.slow_ns;

	if (control.sample_every && !(bpf_get_prandom_u32() % control.sample_every))
		wanted = true;
	if (!wanted)
		return;
	row = bpf_ringbuf_reserve(&requests, sizeof(*row), 0);
	if (!row) {
		COUNT(ring_full);
		return;
	}
	row->start_ns = connection->start_ns;
	row->total_ns = total;
	__builtin_memcpy(row->account_ns, connection->account_ns, sizeof(row->account_ns));
	row->bytes_in = connection->bytes_in;
	row->bytes_out = connection->bytes_out;
	row->endpoint = connection->endpoint;
	row->tid_read = connection->tid_read;
	row->tid_write = connection->tid_write;
	row->batch = connection->batch;
	row->flags = connection->flags;
	row->peer_port = connection->peer_port;
	row->pad = 0;
	bpf_ringbuf_submit(row, BPF_RB_NO_WAKEUP);
}

/* By what the request's nic_rx begins at, where NICs stamp packets. */
static __always_inline void request_count_arrival(struct ktax_connection *connection)
{
	if (connection->arrival == KTAX_ARRIVAL_STAMP)
		COUNT(nic_stamped);
	else if (connection->arrival == KTAX_ARRIVAL_REFUSED)
		COUNT(nic_refused);
	else if (connection->arrival == KTAX_ARRIVAL_UNSTAMPED)
		COUNT(nic_unstamped);
}

/*
 * Compares the accounts with the total, which comes from two stamps alone. What the accounts lack
 * is unknown; a difference of either sign is counted as unbalanced.
 */
static __always_inline void request_balance(struct ktax_connection *connection, __u64 total)
{
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		sum += connection->account_ns[i];
	if (sum == total)
		return;
	connection->flags |= KTAX_REQUEST_UNBALANCED;
	if (sum < total)
		connection->account_ns[KTAX_UNKNOWN] += total - sum;
}

/* Is the request of @connection answered? Only one caller gets to end it, with request_close. */
static __always_inline bool request_claim(struct ktax_connection *connection)
{
	return __sync_val_compare_and_swap(&connection->state, KTAX_SENT, KTAX_FINISHING) ==
	       KTAX_SENT;
}

/* Adds the request to its endpoint's aggregate. */
static __always_inline void request_aggregate(struct ktax_connection *connection, __u64 total)
{
	__u32 endpoint = connection->endpoint;
	struct ktax_aggregate *aggregate;

	if (endpoint >= settings.max_endpoints)
		return;
	aggregate = aggregate_at(bpf_get_smp_processor_id(), endpoint);
	if (!aggregate)
		return;
	if (!__sync_val_compare_and_swap(&aggregate->taken, 0, 1)) {
		aggregate_add(aggregate, connection, total, false);
		aggregate_count_flags(aggregate, connection, false);
		barrier();
		*(volatile __u64 *)&aggregate->taken = 0;
		return;
	}
	aggregate = aggregate_at(settings.n_cpus, endpoint);
	if (!aggregate)
		return;
	aggregate_add(aggregate, connection, total, true);
	aggregate_count_flags(aggregate, connection, true);
}

/*
 * Do @sk's packets come over the loopback link? Also those to another address of this host do. It is
 * number 1 in every network namespace (LOOPBACK_IFINDEX). TCP keeps the last packet's link since
 * Linux 5.16; before, nothing is known.
 */
static __always_inline bool came_by_loopback(struct sock *sk)
{
	return bpf_core_field_exists(struct sock, sk_rx_dst_ifindex) &&
	       READ(sk, sk_rx_dst_ifindex) == LOOPBACK_IFINDEX;
}

/* Notes by which link the request that has just begun came, and counts its arrival. */
static __always_inline void request_count_begin(struct ktax_connection *connection, struct sock *sk)
{
	__u64 slot = connection->start_ns / KTAX_ARRIVAL_SLOT_NS % KTAX_ARRIVAL_SLOTS;
	__u32 endpoint = connection->endpoint;
	struct ktax_aggregate *aggregate;

	if (came_by_loopback(sk))
		connection->flags |= KTAX_REQUEST_LOOPBACK;
	if (endpoint >= settings.max_endpoints)
		return;
	aggregate = aggregate_at(bpf_get_smp_processor_id(), endpoint);
	if (!aggregate)
		return;
	__sync_fetch_and_add(&aggregate->arrivals[slot], 1);
	if (!aggregate->arrived)
		aggregate->arrived = 1;
}

/* Ends the request at end_ns; false if that lies before its start. */
static __always_inline bool request_close(struct ktax_connection *connection)
{
	__u64 total = connection->end_ns - connection->start_ns;

	if ((__s64)total < 0) {
		COUNT(clock_errors);
		connection->state = KTAX_IDLE;
		return false;
	}
	request_balance(connection, total);
	request_aggregate(connection, total);
	if (settings.nic_stamps)
		request_count_arrival(connection);
	request_sample(connection, total);
	connection->state = KTAX_IDLE;
	return true;
}

#endif
