/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the light hook set posts to a connection's ledger, and the stamps of TCP's own that it posts
 * by: when a packet came, when it was copied, when the last segment left.
 */
#ifndef KTAX_LIGHT_STAMPS_BPF_H
#define KTAX_LIGHT_STAMPS_BPF_H

#include "light_thread.bpf.h"

/* ---- Posting ------------------------------------------------------------------------------ */

static __always_inline void connection_post(struct ktax_connection *connection, __u64 until,
                                            __u32 account)
{
	__u64 spent = until - connection->posted_ns;

	if ((__s64)spent <= 0)
		return;
	connection->account_ns[account] += spent;
	connection->posted_ns = until;
}

/* Posts up to @until: @blocked to @off, @runnable to preempt, what remains to @on. */
static __always_inline void connection_post_split(struct ktax_connection *connection, __u64 until,
                                                  __u64 blocked, __u64 runnable, __u32 on,
                                                  __u32 off)
{
	__u64 spent = until - connection->posted_ns;

	if ((__s64)spent <= 0)
		return;
	if (blocked | runnable) {
		if (blocked > spent)
			blocked = spent;
		if (runnable > spent - blocked)
			runnable = spent - blocked;
		connection->account_ns[off] += blocked;
		connection->account_ns[KTAX_PREEMPT] += runnable;
		spent -= blocked + runnable;
	}
	connection->account_ns[on] += spent;
	connection->posted_ns = until;
}

/* What the owner did since the connection's last event, as one stretch. */
static __always_inline void connection_post_owner(struct ktax_connection *connection,
                                                  struct thread *thread, __u64 until, __u32 on,
                                                  __u32 off)
{
	connection_post_split(connection, until, thread->blocked_ns - connection->pause_blocked_ns,
	                      thread->runnable_ns - connection->pause_runnable_ns, on, off);
}

/* ---- TCP's own stamps --------------------------------------------------------------------- */

/* The counters and stamps of a socket that tell when it last sent. */
struct sent {
	__u64 wstamp_ns;
	__u64 acked_us; /* transmit time of the last segment that was acknowledged */
	__u64 payload;  /* bytes, without those sent again */
	__u32 segs_out;
	__u32 data_segs_out;
	__u32 retransmits;
	__u32 unacked; /* bytes sent */
	__u32 unsent;  /* bytes not sent */
	__u32 pacing;
};

/* GET reads a member through the pointer: directly, or by bpf_probe_read_kernel. */
#define SENT_READ(sent, tp, GET)                                                                   \
	do {                                                                                       \
		(sent)->wstamp_ns = GET(tp, tcp_wstamp_ns);                                        \
		(sent)->acked_us = GET(tp, first_tx_mstamp);                                       \
		(sent)->payload = GET(tp, bytes_sent) - GET(tp, bytes_retrans);                    \
		(sent)->segs_out = GET(tp, segs_out);                                              \
		(sent)->data_segs_out = GET(tp, data_segs_out);                                    \
		(sent)->retransmits = GET(tp, total_retrans);                                      \
		(sent)->unacked = GET(tp, snd_nxt) - GET(tp, snd_una);                             \
		(sent)->unsent = GET(tp, write_seq) - GET(tp, snd_nxt);                            \
		(sent)->pacing = GET(tp, inet_conn.icsk_inet.sk.sk_pacing_status);                 \
	} while (0)

#define DIRECTLY(pointer, member) ((pointer)->member)
#define BY_PROBE(pointer, member) BPF_CORE_READ(pointer, member)

/*
 * When TCP wrote the last segment since the send call at sent_ns; 0 if no stamp tells.
 * tcp_wstamp_ns is moved by pure ACKs and retransmissions too, and runs ahead where TCP paces: then
 * the transmit time of what was acknowledged last serves, which is in whole microseconds: their
 * middle is taken.
 */
static __always_inline __u64 sent_stamp(const struct ktax_light *light, const struct sent *sent)
{
	__u32 data = sent->data_segs_out - light->data_segs_out;
	__u64 stamp = sent->wstamp_ns;

	if (!data || sent->retransmits != light->retransmits)
		return 0;
	if (sent->segs_out - light->segs_out != data || sent->pacing) {
		if (sent->unacked || sent->acked_us < light->sent_ns / 1000)
			return 0;
		stamp = sent->acked_us * 1000 + 500;
		if (stamp < light->sent_ns)
			stamp = light->sent_ns;
	}
	return stamp >= light->sent_ns ? stamp : 0;
}

/* Could the window or Nagle's algorithm have held back what was sent since sent_ns? */
static __always_inline bool sent_was_limited(const struct ktax_light *light,
                                             const struct sent *sent)
{
	return sent->data_segs_out - light->data_segs_out > light->room;
}

/* Posts the time up to the last segment that has left, which ends the request so far. */
static __always_inline void connection_note_sent(struct ktax_connection *connection,
                                                 const struct sent *sent)
{
	struct ktax_light *light = &connection->light;
	__u64 stamp = sent_stamp(light, sent);

	if (sent->retransmits != light->retransmits)
		connection->flags |= KTAX_REQUEST_RETRANSMITTED;
	if (!stamp)
		return;
	connection_post(connection, stamp,
	                sent_was_limited(light, sent) ? KTAX_CWND : KTAX_KERNEL_TX);
	connection->end_ns = connection->posted_ns;
	connection->bytes_out = sent->payload - light->payload;
	light->sent_ns = connection->posted_ns;
	light->segs_out = sent->segs_out;
	light->data_segs_out = sent->data_segs_out;
	light->stamped = 1;
}

/*
 * When TCP got the packet that the reader found: its clock at the last packet. A delayed ACK that
 * was sent before the read has moved that clock; then the time of arrival is known in ticks only,
 * and the latest that it can have been is taken.
 */
static __always_inline __u64 arrival_stamp(struct tcp_sock *tp, __u64 now)
{
	__u64 stamp = tp->tcp_clock_cache, ticks;

	if (stamp > now || !stamp) {
		COUNT(clock_errors);
		return now;
	}
	if (tp->rcv_wup != tp->rcv_nxt || !settings.tick_ns)
		return stamp;
	ticks = (__u32)bpf_jiffies64() - tp->inet_conn.icsk_ack.lrcvtime;
	if (ticks > 1 && (ticks - 1) * settings.tick_ns > now - stamp) {
		COUNT(missed_stamps);
		stamp = now - (ticks - 1) * settings.tick_ns;
	}
	return stamp;
}

/*
 * Posts the copy to user space that began at posted_ns, if its end can still be told: TCP's clock
 * was read at it, and since then neither for a packet nor for a delayed ACK.
 */
static __always_inline void connection_post_copy(struct ktax_connection *connection,
                                                 struct tcp_sock *tp, __u64 now)
{
	__u64 end = tp->tcp_clock_cache;

	const struct ktax_light *light = &connection->light;

	if (light->copying && tp->segs_in == light->segs_in && tp->segs_out == light->acks_out &&
	    end < now)
		connection_post(connection, end, KTAX_COPY_RX);
	connection->light.copying = 0;
}

#endif
