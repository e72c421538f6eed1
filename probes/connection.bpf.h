/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which sockets and threads are followed: both hook sets find, reset and release connections here.
 */
#ifndef KTAX_CONNECTION_BPF_H
#define KTAX_CONNECTION_BPF_H

#include "store.bpf.h"

/* The kernel's TCP_ESTABLISHED, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LISTEN and IPPROTO_TCP. */
#define KTAX_TCP_ESTABLISHED 1
#define KTAX_TCP_CLOSE       7
#define KTAX_TCP_CLOSE_WAIT  8
#define KTAX_TCP_LISTEN      10
#define KTAX_PROTOCOL_TCP    6

static __always_inline void listener_key(struct sock *sk, struct ktax_listener *key)
{
	key->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key->port = READ(sk, __sk_common.skc_num);
	if (READ(sk, __sk_common.skc_family) == AF_INET) {
		__u32 address = READ(sk, __sk_common.skc_rcv_saddr);

		key->family = 4;
		__builtin_memcpy(key->address, &address, sizeof(address));
	} else {
		key->family = 6;
		BPF_CORE_READ_INTO(&key->address, sk, __sk_common.skc_v6_rcv_saddr);
	}
}

/* The listener that @sk was accepted from: exact address, wildcard, dual-stack wildcard. */
static __always_inline struct ktax_listening *listener_of(struct sock *sk)
{
	struct ktax_listening *listening;
	struct ktax_listener key = {};

	listener_key(sk, &key);
	listening = bpf_map_lookup_elem(&listeners, &key);
	if (listening)
		return listening;
	__builtin_memset(key.address, 0, sizeof(key.address));
	listening = bpf_map_lookup_elem(&listeners, &key);
	if (listening)
		return listening;
	key.family = 6;
	return bpf_map_lookup_elem(&listeners, &key);
}

static __always_inline void connection_reset(struct ktax_connection *connection)
{
	if (connection->state == KTAX_READABLE || connection->state == KTAX_OPEN ||
	    connection->state == KTAX_SENT)
		COUNT(reopened);
	connection->state = KTAX_IDLE;
	connection->epoch = control.epoch;
	connection->sent_seq_valid = 0;
	connection->request++;
}

/* Begins to follow @sk, if it belongs to a listener that is a target. */
static __always_inline struct ktax_connection *connection_follow(struct sock *sk)
{
	struct connection_reference *reference;
	struct ktax_connection *connection;
	struct ktax_listening *listening;
	__u32 slot;

	listening = listener_of(sk);
	if (!listening)
		return NULL;
	reference = reference_make(sk);
	if (!reference || bpf_map_pop_elem(&free_slots, &slot)) {
		COUNT(map_full);
		return NULL;
	}
	connection = connection_at(slot + 1);
	if (!connection)
		return NULL;
	reference->slot = slot + 1;
	reference->generation = connection->generation;
	connection->state = KTAX_IDLE;
	connection->endpoint = listening->endpoint;
	connection->epoch = control.epoch;
	connection->sent_seq_valid = 0;
	connection->protocol = 0;
	connection->posted_ns = 0;
	connection->sock = (__u64)sk;
	connection->locked = 0;
	connection->in_use = 1;
	connection->peer_port = bpf_ntohs(READ(sk, __sk_common.skc_dport));
	return connection;
}

static __always_inline void connection_release(struct ktax_connection *connection, __u32 slot)
{
	__u32 index = slot - 1;

	if (__sync_val_compare_and_swap(&connection->in_use, 1, 0) != 1)
		return;
	connection->generation++;
	connection->request++;
	connection->state = KTAX_IDLE;
	bpf_map_push_elem(&free_slots, &index, 0);
}

/* The followed connection of @sk in this epoch. */
static __always_inline struct ktax_connection *connection_get(struct sock *sk, __u32 *ret_slot)
{
	struct ktax_connection *connection = connection_of(sk, ret_slot);

	if (connection && connection->epoch != control.epoch)
		connection_reset(connection);
	return connection;
}

/* Is the current process one of the targets, or the owner of a target's endpoint? */
static __always_inline bool process_is_target(void)
{
	__u32 process = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&processes, &process);
}

static __always_inline bool thread_is_target(void)
{
	return !control.filter_tasks || process_is_target();
}

/* The next free index of aggregates; when none is left, the one for all other endpoints. */
static __always_inline __u32 endpoint_take(void)
{
	__u32 other = settings.max_endpoints - 1, endpoint = other;

	if (control.endpoints < other)
		endpoint = __sync_fetch_and_add(&control.endpoints, 1);
	return endpoint < other ? endpoint : other;
}

/*
 * The current process makes @sk listen, so that no request can have come yet: user space would find
 * a target's listener too, but later. A socket that is bound by listen itself has no port here.
 */
static __always_inline void listener_follow(struct sock *sk)
{
	__u32 port = READ(sk, __sk_common.skc_num);
	struct ktax_listening listening = {};
	struct ktax_listener key = {};

	if (!port || READ(sk, sk_protocol) != KTAX_PROTOCOL_TCP || !thread_is_target() ||
	    (control.filter_ports && !listening_ports[port & 0xffff]))
		return;
	listener_key(sk, &key);
	if (bpf_map_lookup_elem(&listeners, &key))
		return;
	listening.endpoint = endpoint_take();
	listening.process = bpf_get_current_pid_tgid() >> 32;
	if (bpf_map_update_elem(&listeners, &key, &listening, BPF_NOEXIST))
		return;
	listening_ports[port & 0xffff] = 1;
	__sync_fetch_and_add(&control.listens, 1);
}

/* Children of targets are targets. */
static __always_inline int process_fork(struct task_struct *parent, struct task_struct *child)
{
	__u32 from = READ(parent, tgid), to = READ(child, tgid), origin = 2;

	if (from != to && control.filter_tasks && bpf_map_lookup_elem(&processes, &from))
		bpf_map_update_elem(&processes, &to, &origin, BPF_NOEXIST);
	return 0;
}

#endif
