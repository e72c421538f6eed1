/* SPDX-License-Identifier: GPL-2.0 */
/* Segments on their way down, and what they tell of the response's end. */
#ifndef KTAX_SEGMENT_BPF_H
#define KTAX_SEGMENT_BPF_H

#include "ledger.bpf.h"
#include "connection.bpf.h"

/* A TCP segment with payload. */
struct segment {
	struct ktax_connection *connection;
	__u32 slot;
	__u32 end_seq;
	__u32 payload;
};

static __always_inline bool sock_is_full(struct sock *sk)
{
	__u32 state = READ(sk, __sk_common.skc_state);

	return state != 6 /* TCP_TIME_WAIT */ && state != 12 /* TCP_NEW_SYN_RECV: a mini socket */;
}

/* The data segment of a followed connection that @skb is; false for all else. */
static __always_inline bool segment_of(struct sk_buff *skb, struct segment *segment)
{
	struct sock *sk = READ(skb, sk);
	__u32 offset, header;
	struct tcphdr tcp;
	__u64 head;

	if (!sk || !sock_is_full(sk) || !listening_ports[READ(sk, __sk_common.skc_num)])
		return false;
	segment->connection = connection_of(sk, &segment->slot);
	if (!segment->connection)
		return false;
	head = number_of(READ(skb, head));
	header = READ(skb, transport_header);
	if (!head || bpf_probe_read_kernel(&tcp, sizeof(tcp), (void *)(head + header)))
		return false;
	offset = header - (__u32)(READ(skb, data) - READ(skb, head)) + tcp.doff * 4;
	if (offset >= READ(skb, len))
		return false;
	segment->payload = READ(skb, len) - offset;
	segment->end_seq = bpf_ntohl(tcp.seq) + segment->payload;
	return true;
}

static __always_inline bool seq_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

/*
 * Posts up to @now: what @thread did, if it is sending the segment (NULL: it is not), else to
 * @account.
 */
static __always_inline void segment_post(struct segment *segment, struct thread *thread,
                                         __u32 account, __u64 now)
{
	struct ktax_connection *connection = segment->connection;

	if (thread) {
		thread_post(thread, now);
		connection_commit(connection, thread, NULL);
		thread_clear(thread, now);
	} else {
		connection->flags |= KTAX_REQUEST_ASYNC;
		connection_post(connection, now, account);
	}
}

static __always_inline bool thread_is_sending(struct thread *thread)
{
	return thread->on == KTAX_KERNEL_TX || thread->on == KTAX_QDISC;
}

/*
 * The running thread, held, if it is what sends the segment; or NULL. What follows a first part of
 * the response while the thread is in no send call is sent by a softirq that has interrupted it.
 * Its ledger began anew when the call ended: to commit that would leave out the time before.
 */
static __always_inline struct thread *segment_sender(struct segment *segment)
{
	struct thread *thread = thread_known();

	if (!thread || thread->slot != segment->slot ||
	    thread_connection(thread) != segment->connection)
		return NULL;
	if (segment->connection->state == KTAX_SENT && !thread_is_sending(thread))
		return NULL;
	return thread_hold(thread) ? thread : NULL;
}

/* The segment enters the queueing discipline. */
static __always_inline void segment_queued(struct segment *segment)
{
	struct ktax_connection *connection = segment->connection;
	struct thread *thread;

	if (connection->sent_seq_valid && !seq_after(segment->end_seq, connection->sent_seq))
		return;
	if (!connection->sent_seq_valid) {
		connection->sent_seq_valid = 1;
		connection->sent_seq = segment->end_seq - segment->payload;
	}
	connection->queued_seq = segment->end_seq;
	if (connection->state != KTAX_OPEN && connection->state != KTAX_SENT)
		return;
	thread = segment_sender(segment);
	segment_post(segment, thread, KTAX_CWND, bpf_ktime_get_ns());
	if (!thread)
		return;
	if (thread->on == KTAX_KERNEL_TX)
		thread->on = KTAX_QDISC;
	thread_release(thread);
}

/* Has sent_seq moved on? Notes retransmissions, which never move a stamp. */
static __always_inline bool segment_is_new(struct segment *segment, bool *ret_queued)
{
	struct ktax_connection *connection = segment->connection;

	if (connection->sent_seq_valid && !seq_after(segment->end_seq, connection->sent_seq)) {
		connection->flags |= KTAX_REQUEST_RETRANSMITTED;
		return false;
	}
	*ret_queued = settings.qdisc_hooked && connection->sent_seq_valid &&
	              seq_after(connection->queued_seq, connection->sent_seq);
	/* The advance and not the payload: a segment lost on the way here is passed by the next. */
	if (connection->sent_seq_valid)
		segment->payload = segment->end_seq - connection->sent_seq;
	connection->sent_seq = segment->end_seq;
	connection->sent_seq_valid = 1;
	return true;
}

/* Posts up to when the segment is given to the driver, as part of what the running thread sends. */
static __always_inline void segment_post_given(struct segment *segment, bool queued, __u64 now)
{
	struct thread *thread = segment_sender(segment);
	bool sending = thread && (!queued || thread->on == KTAX_QDISC);

	segment_post(segment, sending ? thread : NULL, queued ? KTAX_QDISC : KTAX_CWND, now);
	if (sending && thread->on == KTAX_QDISC)
		thread->on = KTAX_KERNEL_TX;
	if (thread)
		thread_release(thread);
}

/* The segment is given to the driver; on a NIC, its completion is still to come. */
static __always_inline void segment_given(struct segment *segment, bool on_nic, __u64 now)
{
	struct ktax_connection *connection = segment->connection;
	bool queued = false;

	if (!segment_is_new(segment, &queued))
		return;
	if (connection->state != KTAX_OPEN && connection->state != KTAX_SENT)
		return;
	segment_post_given(segment, queued, now);
	connection->bytes_out += segment->payload;
	/* Another CPU may have queued the segment anew since @now. */
	connection->end_ns = now > connection->posted_ns ? now : connection->posted_ns;
	connection->on_nic = on_nic;
	connection->state = KTAX_SENT;
}

/*
 * Counts what the peer has acknowledged though nobody saw it leave; false if there is none. Once
 * the server has closed its side, sequence numbers count that too: then it is not looked at.
 */
static __always_inline bool response_count_unseen(struct ktax_connection *connection,
                                                  struct sock *sk)
{
	__u32 acked, state = READ(sk, __sk_common.skc_state);

	if (!connection->sent_seq_valid ||
	    (state != KTAX_TCP_ESTABLISHED && state != KTAX_TCP_CLOSE_WAIT))
		return false;
	acked = BPF_CORE_READ((struct tcp_sock *)sk, snd_una);
	if (!seq_after(acked, connection->sent_seq))
		return false;
	connection->bytes_out += acked - connection->sent_seq;
	connection->sent_seq = acked;
	return true;
}

/*
 * The response of @connection (of @sk; NULL: not known any more) is over. Not every segment has
 * been seen to leave: a kernel may not run a program in some context, or the lock was taken. What
 * was posted since the last one that was seen, as others were queued, is part of the request, and
 * it ends there: when the response's last segment left is not known, but not before that.
 */
static __always_inline void response_end(struct ktax_connection *connection, struct sock *sk)
{
	bool unseen = sk && response_count_unseen(connection, sk);

	if ((__s64)(connection->posted_ns - connection->end_ns) > 0) {
		connection->end_ns = connection->posted_ns;
		unseen = true;
	}
	if (!unseen)
		return;
	connection->flags |= KTAX_REQUEST_INCOMPLETE;
	COUNT(missed_stamps);
}

#endif
