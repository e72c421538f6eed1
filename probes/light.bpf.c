// SPDX-License-Identifier: GPL-2.0
/*
 * The light hook set: what a hook costs is its dispatch, so it has two hooks per request, reads
 * what the kernel notes down anyway, and names what that leaves out.
 *
 *	TCP has the packet ──── read_begin ──── copied ──── send_begin ──── TCP writes the segment
 *	tcp_clock_cache         hook            tcp_clock_  hook            tcp_wstamp_ns, looked at
 *	                                        cache                       when the next request is
 *	                                                                    read, at close or when idle
 *	         wakeup, app_queue       copy_rx        app, wait, preempt   kernel_tx, cwnd
 *
 * Clocks. TCP's stamps are CLOCK_MONOTONIC, like ours. The scheduler's are another clock, of which
 * only differences are used. Between two events of a thread
 *
 *	off CPU  = growth of se.exec_start - se.sum_exec_runtime   (constant while it runs)
 *	runnable = growth of sched_info.run_delay
 *	blocked  = off CPU - runnable
 *
 * TCP's stamps hold the last event only. Whether one is still that of the event in question is told
 * by counters that moved with it (segs_in, segs_out, total_retrans); if not, the stamp is not used.
 *
 * Each connection's ledger is written under its socket's lock, by the hooks that run in it; what
 * another connection's hook has to say (the owner turned away) stands in fields of its own. So it
 * balances: sum(account_ns) == posted_ns - start_ns.
 */
#include "light_stamps.bpf.h"
#include "finish.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* ---- Which connection --------------------------------------------------------------------- */

/*
 * Socket storage is four cache lines away from the socket, which a server with many connections
 * finds cold each time. So the slot that was found last for a hash of addresses (skc_hash: a
 * pointer is nothing to calculate with) is kept here, and the slot says whose it is. One of another
 * epoch may be of a socket that was closed unseen.
 */
#define FOUND 4096
static __u32 found[FOUND];

/* As connection_get. */
static __always_inline struct ktax_connection *connection_find(struct sock *sk, __u32 *ret_slot)
{
	__u32 *entry = &found[READ(sk, __sk_common.skc_hash) & (FOUND - 1)];
	struct ktax_connection *connection;

	*ret_slot = *entry;
	connection = connection_at(*ret_slot);
	if (connection && connection->sock == (__u64)sk && connection->epoch == control.epoch &&
	    connection->in_use)
		return connection;
	connection = connection_get(sk, ret_slot);
	if (connection)
		*entry = *ret_slot;
	return connection;
}

/* ---- Threads and connections -------------------------------------------------------------- */

/* The unanswered request that @thread works on, if it is not the one in @slot. */
static __always_inline struct ktax_connection *thread_other_request(struct thread *thread,
                                                                    __u32 slot)
{
	struct ktax_connection *connection;

	if (!thread->slot || thread->slot == slot)
		return NULL;
	connection = connection_at(thread->slot);
	if (!connection || connection->generation != thread->generation ||
	    connection->request != thread->request || connection->owner != thread->tid ||
	    connection->state != KTAX_OPEN)
		return NULL;
	return connection;
}

/* The thread turns away from the unanswered request of @connection. */
static __always_inline void thread_leave(struct thread *thread, struct ktax_connection *connection,
                                         __u64 now)
{
	connection->light.left_blocked_ns = thread->blocked_ns;
	connection->light.left_runnable_ns = thread->runnable_ns;
	connection->light.left_ns = now;
}

/* Makes @thread the one whose time counts for @connection, from now on. */
static __always_inline void connection_own(struct ktax_connection *connection, __u32 slot,
                                           struct thread *thread)
{
	connection->owner = thread->tid;
	connection->pause_blocked_ns = thread->blocked_ns;
	connection->pause_runnable_ns = thread->runnable_ns;
	connection->light.left_ns = 0;
	thread->slot = slot;
	thread->generation = connection->generation;
	thread->request = connection->request;
}

/*
 * The owner comes back to a request that it had left for others: until its last event (until now,
 * if it is at another unanswered request) it was busy with them.
 */
static __always_inline void connection_post_return(struct ktax_connection *connection,
                                                   struct thread *thread,
                                                   const struct stretch *stretch, bool busy,
                                                   __u64 now)
{
	struct ktax_light *light = &connection->light;
	__u64 blocked = thread->blocked_ns, runnable = thread->runnable_ns, until = now;

	connection_post_split(
		connection, light->left_ns, light->left_blocked_ns - connection->pause_blocked_ns,
		light->left_runnable_ns - connection->pause_runnable_ns, KTAX_APP, KTAX_WAIT);
	if (!busy) {
		until = stretch->since_ns;
		blocked -= stretch->blocked;
		runnable -= stretch->runnable;
	}
	connection_post_split(connection, until, blocked - light->left_blocked_ns,
	                      runnable - light->left_runnable_ns, KTAX_APP_QUEUE, KTAX_WAIT);
	connection_post_split(connection, now, stretch->blocked, stretch->runnable, KTAX_APP,
	                      KTAX_WAIT);
}

/*
 * Another thread takes the request up. What it did on CPU since its last event is taken for work on
 * the request; all else is the way from one thread to the other.
 */
static __always_inline void connection_post_hand_over(struct ktax_connection *connection,
                                                      const struct stretch *stretch, bool busy,
                                                      __u64 now)
{
	__u64 on = stretch->spent - stretch->blocked - stretch->runnable;
	__u64 runnable = stretch->runnable, spent;

	connection->flags |= KTAX_REQUEST_HANDED_OVER;
	if (!stretch->known)
		connection_post(connection, now, KTAX_UNKNOWN);
	connection_post(connection, busy ? now : stretch->since_ns, KTAX_LOCK);
	spent = now - connection->posted_ns;
	if (on > spent)
		on = spent;
	if (runnable > spent - on)
		runnable = spent - on;
	connection_post_split(connection, now, spent - on - runnable, runnable, KTAX_APP,
	                      KTAX_LOCK);
}

/* Posts what was done for the unanswered request up to @now, when @thread meets it again. */
static __always_inline void connection_post_work(struct ktax_connection *connection,
                                                 struct tcp_sock *tp, struct thread *thread,
                                                 const struct stretch *stretch, bool busy,
                                                 __u64 now)
{
	connection_post_copy(connection, tp, now);
	if (connection->owner != thread->tid)
		connection_post_hand_over(connection, stretch, busy, now);
	else if (connection->light.left_ns)
		connection_post_return(connection, thread, stretch, busy, now);
	else
		connection_post_owner(connection, thread, now, KTAX_APP, KTAX_WAIT);
}

/*
 * The TCP socket that the packet was received on, or NULL. From 6.4 on the verifier takes skb->sk
 * for a pointer that bpf_skc_to_tcp_sock does not accept; the way through struct socket gives one.
 */
static __always_inline struct tcp_sock *receiving_socket(struct sock *sk)
{
	struct socket *socket = sk->sk_socket;

	return socket ? bpf_skc_to_tcp_sock(socket->sk) : NULL;
}

/* ---- Boundaries --------------------------------------------------------------------------- */

/* Ends the request of @connection, if it is answered. */
static __always_inline bool request_end(struct ktax_connection *connection, struct tcp_sock *tp)
{
	struct sent sent;

	if (!request_claim(connection))
		return false;
	SENT_READ(&sent, tp, DIRECTLY);
	connection_note_sent(connection, &sent);
	if (!connection->light.stamped)
		COUNT(missed_stamps);
	return request_close(connection);
}

/*
 * Did the request that came at @arrival wake the thread that reads it? Nobody has seen it go to
 * sleep or wake up; but if the request was there before it slept, it slept for something else.
 */
static __always_inline bool thread_was_woken(const struct thread *thread,
                                             const struct stretch *stretch, __u64 arrival,
                                             __u64 now)
{
	return stretch->blocked && arrival >= stretch->since_ns &&
	       now - arrival <= stretch->blocked + stretch->runnable + thread->least_on_ns;
}

/* Notes the sleep that ended by the request of @arrival: it has run for so long as is known. */
static __always_inline void thread_note_wakeup(struct thread *thread, const struct stretch *stretch,
                                               __u64 arrival, __u64 now)
{
	__u64 off = stretch->blocked + stretch->runnable, queued = now - arrival;
	__u64 running = stretch->running;

	if (queued > off && queued - off > running)
		running = queued - off;
	if (running > stretch->spent - off)
		running = stretch->spent - off;
	thread->idle_in_ns = now - running;
	thread->idle_out_ns = thread->idle_in_ns - off;
	thread->idle_runnable_ns = thread->runnable_ns;
}

/* Splits [arrival, now) of a request that @thread begins to read: woken for it, or busy before. */
static __always_inline void connection_post_queue(struct ktax_connection *connection,
                                                  struct thread *thread,
                                                  const struct stretch *stretch, __u64 now)
{
	__u64 arrival = connection->posted_ns, runnable = stretch->runnable;

	if (!stretch->known)
		connection_post(connection, now, KTAX_UNKNOWN);
	if (thread_was_woken(thread, stretch, arrival, now))
		thread_note_wakeup(thread, stretch, arrival, now);
	if (arrival < thread->idle_in_ns) {
		bool before = arrival + thread->least_on_ns < thread->idle_out_ns;

		if (before)
			connection_post(connection, thread->idle_out_ns, KTAX_APP_QUEUE);
		connection_post(connection, thread->idle_in_ns, before ? KTAX_WAIT : KTAX_WAKEUP);
		runnable = thread->runnable_ns - thread->idle_runnable_ns;
	}
	connection_post_split(connection, now, 0, runnable, KTAX_APP_QUEUE, KTAX_WAIT);
}

static __always_inline void request_begin(struct ktax_connection *connection, struct tcp_sock *tp,
                                          struct thread *thread, const struct stretch *stretch,
                                          __u64 now)
{
	struct ktax_light *light = &connection->light;
	__u64 arrival = arrival_stamp(tp, now);

	if (arrival < connection->end_ns) /* came before the last response had left */
		arrival = connection->end_ns;
	connection->request++;
	connection->flags = 0;
	connection->batch = 1;
	connection->bytes_out = 0;
	connection->tid_read = thread->tid;
	__builtin_memset(connection->account_ns, 0, sizeof(connection->account_ns));
	connection->start_ns = connection->posted_ns = connection->readable_ns = arrival;
	light->copied_seq = tp->copied_seq;
	light->stamped = 0;
	connection_post_queue(connection, thread, stretch, now);
	connection->state = KTAX_OPEN;
	request_count_begin(connection, (struct sock *)tp);
}

/* Boundary: the receive call begins to copy. Ends the request before, and wakeup and app_queue. */
static __always_inline int read_begin(const struct sk_buff *skb)
{
	struct ktax_connection *connection, *other;
	struct stretch stretch = {};
	struct sock *sk = skb->sk;
	struct thread *thread;
	struct tcp_sock *tp;
	__u64 now;
	__u32 slot;

	if (!sk || !listening_ports[sk->__sk_common.skc_num])
		return 0;
	tp = receiving_socket(sk);
	if (!tp)
		return 0;
	connection = connection_find(sk, &slot);
	if (!connection) {
		if (!connection_follow(sk))
			return 0;
		connection = connection_of(sk, &slot);
		if (!connection)
			return 0;
		connection->end_ns = 0;
	}
	if (connection->state == KTAX_SENT)
		request_end(connection, tp);
	if (connection->state != KTAX_OPEN && (connection->state != KTAX_IDLE || !control.admit))
		return 0;
	thread = thread_get();
	if (!thread || !thread_counts(thread))
		return 0;
	now = bpf_ktime_get_ns();
	thread_advance(thread, now, &stretch);
	other = thread_other_request(thread, slot);
	if (connection->state == KTAX_IDLE) {
		request_begin(connection, tp, thread, &stretch, now);
	} else {
		connection->flags |= KTAX_REQUEST_PARTIAL_READ;
		connection_post_work(connection, tp, thread, &stretch, other != NULL, now);
	}
	if (other)
		thread_leave(thread, other, now);
	connection_own(connection, slot, thread);
	connection->light.copying = 1;
	connection->light.segs_in = tp->segs_in;
	connection->light.acks_out = tp->segs_out;
	return 0;
}

/*
 * Another piece of the response: a call went on (its hook fires per buffer that it fills, and a
 * call that could not write all is repeated with the rest), or a new one.
 */
static __always_inline void connection_post_piece(struct ktax_connection *connection,
                                                  struct tcp_sock *tp, struct thread *thread,
                                                  const struct stretch *stretch, __u64 left,
                                                  bool busy, __u64 now)
{
	struct ktax_light *light = &connection->light;
	struct sent sent;

	if (left && light->left - left == tp->write_seq - light->write_seq) {
		connection_post_owner(connection, thread, now, KTAX_KERNEL_TX, KTAX_CWND);
		return;
	}
	SENT_READ(&sent, tp, DIRECTLY);
	connection_note_sent(connection, &sent);
	connection_post_work(connection, tp, thread, stretch, busy, now);
}

/* Notes the socket's counters at a send call that begins at @now. */
static __always_inline void light_note_send(struct ktax_light *light, struct tcp_sock *tp,
                                            __u64 left, __u64 now)
{
	__u32 in_flight = tp->packets_out, window = tp->snd_cwnd;
	bool delayed = in_flight && !(BPF_CORE_READ_BITFIELD(tp, nonagle) & 1 /* TCP_NAGLE_OFF */);

	light->sent_ns = now;
	light->segs_out = tp->segs_out;
	light->data_segs_out = tp->data_segs_out;
	light->retransmits = tp->total_retrans;
	light->room = delayed || in_flight > window ? 0 : window - in_flight;
	light->write_seq = tp->write_seq;
	light->left = left;
}

/* Boundary: a send call begins, with @left bytes to write (0: unknown). Ends app. */
static __always_inline int send_begin(struct sock *sk, __u64 left)
{
	struct ktax_connection *connection, *other;
	struct stretch stretch = {};
	struct thread *thread;
	struct tcp_sock *tp;
	__u32 slot;
	__u64 now;
	bool first;

	if (!listening_ports[sk->__sk_common.skc_num])
		return 0;
	connection = connection_find(sk, &slot);
	if (!connection)
		return 0;
	first = connection->state == KTAX_OPEN;
	if (!first &&
	    __sync_val_compare_and_swap(&connection->state, KTAX_SENT, KTAX_OPEN) != KTAX_SENT) {
		/* Its begin was not seen; but in a window that closes none is looked for. */
		if (connection->state == KTAX_IDLE && connection->posted_ns && control.admit)
			COUNT(missed_stamps);
		return 0;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	thread = thread_get();
	if (!tp || !thread)
		return 0;
	now = bpf_ktime_get_ns();
	thread_advance(thread, now, &stretch);
	other = thread_other_request(thread, slot);
	if (first) {
		connection->light.payload = tp->bytes_sent - tp->bytes_retrans;
		connection_post_work(connection, tp, thread, &stretch, other != NULL, now);
	} else {
		connection_post_piece(connection, tp, thread, &stretch, left, other != NULL, now);
	}
	if (other)
		thread_leave(thread, other, now);
	connection_own(connection, slot, thread);
	light_note_send(&connection->light, tp, left, now);
	connection->bytes_in = tp->copied_seq - connection->light.copied_seq;
	connection->tid_write = thread->tid;
	connection->end_ns = now;
	connection->state = KTAX_SENT;
	return 0;
}

/*
 * Boundary: the socket changes state. Before a FIN moves TCP's stamps they are looked at; at
 * the end, the last request is finished.
 */
static __always_inline int connection_state(struct sock *sk, int state)
{
	struct ktax_connection *connection;
	struct tcp_sock *tp;
	struct sent sent;
	__u32 slot;

	if (state == KTAX_TCP_LISTEN) {
		listener_follow(sk);
		return 0;
	}
	connection = connection_get(sk, &slot);
	if (!connection)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp && state == KTAX_TCP_CLOSE) {
		request_end(connection, tp);
	} else if (tp && connection->state == KTAX_SENT) {
		SENT_READ(&sent, tp, DIRECTLY);
		connection_note_sent(connection, &sent);
	}
	if (state == KTAX_TCP_CLOSE) {
		connection_release(connection, slot);
		reference_drop(sk);
	}
	return 0;
}

/* ---- Sweep -------------------------------------------------------------------------------- */

/* Reads the stamps of the connection's socket from outside of it; false if it was closed. */
static __always_inline bool connection_read_sent(struct ktax_connection *connection,
                                                 struct sent *sent)
{
	struct tcp_sock *tp = (struct tcp_sock *)connection->sock;
	__u32 generation = *(volatile __u32 *)&connection->generation;

	SENT_READ(sent, tp, BY_PROBE);
	/* A slot is released before its socket is. */
	return *(volatile __u32 *)&connection->generation == generation;
}

/* Was everything sent before @before_ns? */
static __always_inline bool request_is_idle(struct ktax_connection *connection, __u64 before_ns)
{
	struct sent sent;
	__u64 stamp;

	if (connection->light.sent_ns >= before_ns || !connection_read_sent(connection, &sent))
		return false;
	stamp = sent_stamp(&connection->light, &sent);
	return !sent.unsent && stamp < before_ns;
}

/* Ends the request of a connection that is idle. */
static __always_inline bool request_finish(struct ktax_connection *connection)
{
	struct sent sent;

	if (!connection_read_sent(connection, &sent) || !request_claim(connection))
		return false;
	connection_note_sent(connection, &sent);
	if (!connection->light.stamped)
		COUNT(missed_stamps);
	return request_close(connection);
}

#include "sweep.bpf.h"

/* ---- Programs, named as in programs.bpf.h ------------------------------------------------- */

SEC("tp_btf/skb_copy_datagram_iovec") int BPF_PROG(read_begin__tp_btf, struct sk_buff *skb)
{
	return read_begin(skb);
}

SEC("fentry/skb_copy_datagram_iter") int BPF_PROG(read_begin__fentry, struct sk_buff *skb)
{
	return read_begin(skb);
}

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(send_begin__tp_btf, struct sock *sk, struct msghdr *message)
{
	return send_begin(sk, message->msg_iter.count);
}

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(send_begin__fentry, struct sock *sk, struct msghdr *message)
{
	return send_begin(sk, message->msg_iter.count);
}

SEC("fentry/tcp_sendpage") int BPF_PROG(sendpage_begin__fentry, struct sock *sk)
{
	return send_begin(sk, 0);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(connection_state__tp_btf, struct sock *sk, int old_state, int new_state)
{
	return connection_state(sk, new_state);
}

SEC("fentry/inet_sk_state_store")
int BPF_PROG(connection_state__fentry, struct sock *sk, int state)
{
	return connection_state(sk, state);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork__tp_btf, struct task_struct *parent, struct task_struct *child)
{
	return process_fork(parent, child);
}
