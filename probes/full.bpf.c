// SPDX-License-Identifier: GPL-2.0
/*
 * The full hook set: one handler per boundary of the ledger, and for each handler the programs that
 * can call it. Which program is loaded is decided in hooks.c, by trying.
 *
 *	peer's driver / interrupt ── rx_stack ── readable ── read_begin ── read_end
 *	        nic_rx               kernel_rx     wakeup,      copy_rx
 *	                                           app_queue
 *	── (app, serialize, lock, io, wait, preempt: task_switch, interrupts, spans) ──
 *	   send_begin ── tx_qdisc ── tx_driver ── send_end
 *	      kernel_tx     qdisc    end of the request (so far)
 *	── tx_done, on a NIC
 *	      nic_tx
 */
#include "ledger.bpf.h"
#include "connection.bpf.h"
#include "finish.bpf.h"
#include "framing.bpf.h"
#include "nic_stamp.bpf.h"
#include "packet.bpf.h"
#include "segment.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Ends the request of @connection, if it is answered; @sk: its socket, or NULL. */
static __always_inline bool request_end(struct ktax_connection *connection, struct sock *sk)
{
	bool done = false;

	if (!connection_lock(connection))
		return false;
	if (request_claim(connection)) {
		response_end(connection, sk);
		done = request_close(connection);
	}
	connection_unlock(connection);
	return done;
}

static __always_inline bool request_finish(struct ktax_connection *connection)
{
	return request_end(connection, NULL);
}

/* ---- Packets on their way up -------------------------------------------------------------- */

/* Boundary: packet handed to the protocol stack. Ends nic_rx. */
static __always_inline int rx_stack(struct sk_buff *skb)
{
	__u64 head = number_of(READ(skb, head)), now = bpf_ktime_get_ns();
	struct packet *packet = packet_slot(head);
	struct net_device *device = READ(skb, dev);

	if (device && device_is_virtual(device)) {
		if (packet->head == head) {
			if (!packet->stack_ns) /* else: seen below a bridge already */
				packet->stack_ns = now;
			return 0;
		}
		packet->start_ns = 0;
		packet->source = KTAX_ARRIVAL_LINK;
	} else {
		packet->start_ns = nic_arrival(skb, device, head, now, &packet->source);
	}
	packet->stack_ns = now;
	packet->head = head;
	return 0;
}

/* ---- A request begins --------------------------------------------------------------------- */

static __always_inline void request_begin(struct ktax_connection *connection, struct sock *sk,
                                          struct packet *packet, __u64 now)
{
	__u64 stack = packet ? packet->stack_ns : 0, start = packet ? packet->start_ns : 0;

	connection->request++;
	connection->flags = 0;
	connection->arrival = KTAX_ARRIVAL_LINK;
	connection->batch = 1;
	connection->samples_user = connection->samples_kernel = 0;
	connection->bytes_in = connection->bytes_out = 0;
	connection->send_blocked = 0;
	connection->owner = connection->tid_read = connection->tid_write = 0;
	__builtin_memset(connection->account_ns, 0, sizeof(connection->account_ns));
	/* Too old: stamps of another packet, whose memory was reused. */
	if (stack > now || stack < control.attached_at_ns || now - stack > NSEC_PER_SEC) {
		COUNT(missed_stamps);
		connection->flags |= KTAX_REQUEST_INCOMPLETE;
		stack = now;
	}
	if (!start || connection->flags || start > stack || stack - start > NSEC_PER_SEC)
		start = stack;
	else if (packet)
		connection->arrival = packet->source;
	/* Merged into an ACK of the last response: when it came is not known, but after that. */
	if (start < connection->end_ns && connection->end_ns <= now && packet_was_ack(sk)) {
		start = connection->end_ns;
		connection->arrival = KTAX_ARRIVAL_LINK;
		stack = stack > start ? stack : start;
	}
	if (connection->arrival == KTAX_ARRIVAL_STAMP)
		connection->flags |= KTAX_REQUEST_NIC_STAMP;
	connection->start_ns = connection->posted_ns = start;
	connection_post(connection, stack, KTAX_NIC_RX);
	connection_post(connection, now, KTAX_KERNEL_RX);
	connection->readable_ns = now;
	connection->state = KTAX_READABLE;
	request_count_begin(connection, sk);
}

/* Boundary: the socket has become readable. Ends kernel_rx. */
static __always_inline int readable(struct sock *sk)
{
	struct ktax_connection *connection;
	__u32 slot;

	if (!listening_ports[READ(sk, __sk_common.skc_num)])
		return 0;
	connection = connection_get(sk, &slot);
	if (!connection)
		connection = connection_follow(sk);
	if (!connection)
		return 0;
	if (connection->state == KTAX_SENT)
		request_end(connection, sk);
	if (connection->state == KTAX_IDLE && control.admit)
		request_begin(connection, sk, packet_at(sk), bpf_ktime_get_ns());
	return 0;
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* The thread turns to @connection, whose request nobody has read yet. */
static __always_inline void thread_take(struct thread *thread, struct ktax_connection *connection,
                                        __u32 slot, __u64 now)
{
	thread_expire_annotations(thread);
	connection_post_queue(connection, thread, now);
	connection->tid_read = thread->tid;
	connection->state = KTAX_OPEN;
	connection_own(connection, slot, thread, now);
}

/* The thread returns to a request that was read in part before. */
static __always_inline void thread_resume(struct thread *thread, struct ktax_connection *connection,
                                          __u32 slot, __u64 now)
{
	connection->flags |= KTAX_REQUEST_PARTIAL_READ;
	if (connection->owner != thread->tid)
		connection->flags |= KTAX_REQUEST_HANDED_OVER;
	connection_post_gap(connection, thread, now, thread->blocked_ns, thread->runnable_ns, true);
	connection_own(connection, slot, thread, now);
}

/* @thread begins to copy what has come for @connection. */
static __always_inline void thread_read(struct thread *thread, struct ktax_connection *connection,
                                        __u32 slot, __u64 now)
{
	struct ktax_connection *at_hand = thread_connection(thread);

	if (at_hand && at_hand != connection && at_hand->state == KTAX_OPEN)
		thread_leave(thread, at_hand);
	if (connection->state == KTAX_READABLE)
		thread_take(thread, connection, slot, now);
	else if (at_hand != connection)
		thread_resume(thread, connection, slot, now);
	else if (thread->on != KTAX_COPY_RX)
		connection->flags |= KTAX_REQUEST_PARTIAL_READ;
	thread->on = KTAX_COPY_RX;
}

/* Boundary: the receive call begins to copy. Ends wakeup and app_queue. */
static __always_inline int read_begin(struct sk_buff *skb)
{
	struct ktax_connection *connection;
	struct sock *sk = READ(skb, sk);
	struct thread *thread;
	__u32 slot;
	__u64 now;

	if (!sk)
		return 0;
	connection = connection_get(sk, &slot);
	if (!connection || (connection->state != KTAX_READABLE && connection->state != KTAX_OPEN))
		return 0;
	thread = thread_get();
	if (!thread)
		return 0;
	if (!thread_is_target()) {
		connection->state = KTAX_IGNORED;
		return 0;
	}
	if (!thread_hold(thread))
		return 0;
	now = bpf_ktime_get_ns();
	thread_post_current(thread, now);
	if (connection_lock(connection)) {
		thread_read(thread, connection, slot, now);
		connection_unlock(connection);
	}
	thread_release(thread);
	return 0;
}

/* @thread has copied what came: posts it, and returns the connection, or NULL. */
static __always_inline struct ktax_connection *thread_end_read(struct thread *thread)
{
	struct ktax_connection *connection;
	__u64 now = bpf_ktime_get_ns();

	thread_post_current(thread, now);
	thread->on = thread->user;
	connection = thread_connection(thread);
	if (!connection || !connection_lock(connection))
		return NULL;
	/* From here on the request may be handed to another thread. */
	connection_commit_read(connection, thread, now);
	connection_unlock(connection);
	return connection;
}

/* Boundary: the receive call ends. Ends copy_rx. */
static __always_inline int read_end(int ret)
{
	struct thread *thread = thread_known();
	struct ktax_connection *connection;

	if (!thread || thread->on != KTAX_COPY_RX || !thread_hold(thread))
		return 0;
	connection = thread_end_read(thread);
	thread_release(thread);
	if (!connection || ret <= 0)
		return 0;
	connection->bytes_in += ret;
	if (settings.framing)
		framing_count(connection, ret);
	return 0;
}

/* ---- Sending ------------------------------------------------------------------------------ */

/* @thread begins to send on @connection. */
static __always_inline void thread_send(struct thread *thread, struct ktax_connection *connection,
                                        __u32 slot, __u64 now)
{
	if (thread_connection(thread) != connection) {
		thread_adopt(thread, connection, slot, now);
		if (connection->state == KTAX_READABLE)
			connection->state = KTAX_OPEN;
	} else if (connection->state == KTAX_SENT) {
		/* Another piece of the response: since the last one left, the call went on. */
		connection_post(connection, thread->since_ns,
		                connection->send_blocked ? KTAX_CWND : KTAX_KERNEL_TX);
		connection_commit(connection, thread, NULL);
		thread_clear(thread, now);
	}
	connection->tid_write = thread->tid;
	thread->turn++;
	thread->on = KTAX_KERNEL_TX;
}

/* Boundary: a send call begins on the socket. Ends app, begins kernel_tx. */
static __always_inline int send_begin(struct sock *sk)
{
	struct ktax_connection *connection;
	struct thread *thread;
	__u32 slot;
	__u64 now;

	connection = connection_get(sk, &slot);
	if (!connection)
		return 0;
	/* Its begin was not seen; but in a window that closes none is looked for. */
	if (connection->state == KTAX_IDLE && connection->posted_ns && control.admit)
		COUNT(missed_stamps);
	if (connection->state < KTAX_READABLE || connection->state > KTAX_SENT)
		return 0;
	thread = thread_get();
	if (!thread || !thread_hold(thread))
		return 0;
	now = bpf_ktime_get_ns();
	thread_post_current(thread, now);
	if (connection_lock(connection)) {
		thread_send(thread, connection, slot, now);
		connection_unlock(connection);
	}
	thread_release(thread);
	return 0;
}

/* Boundary: the send call ends. */
static __always_inline int send_end(int ret)
{
	struct thread *thread = thread_known();
	struct ktax_connection *connection;
	__u64 now;

	if (!thread || (thread->on != KTAX_KERNEL_TX && thread->on != KTAX_QDISC) ||
	    !thread_hold(thread))
		return 0;
	now = bpf_ktime_get_ns();
	thread_post_current(thread, now);
	thread->on = thread->user;
	connection = thread_connection(thread);
	if (connection) {
		connection->send_blocked = ret < 0;
		if (connection->state == KTAX_SENT)
			thread_clear(thread, now);
	}
	thread_release(thread);
	return 0;
}

/* Boundary: a segment enters the queueing discipline. Ends kernel_tx, begins qdisc. */
static __always_inline int tx_qdisc(struct sk_buff *skb)
{
	struct segment segment = {};

	if (!segment_of(skb, &segment) || segment.connection->epoch != control.epoch ||
	    !connection_lock(segment.connection))
		return 0;
	segment_queued(&segment);
	connection_unlock(segment.connection);
	return 0;
}

/* Boundary: a segment is given to the driver. Ends the request, so far. */
static __always_inline int tx_driver(struct sk_buff *skb, struct net_device *device)
{
	bool on_nic = device && !device_is_virtual(device);
	struct segment segment = {};
	__u64 now = 0;

	if (device && !on_nic) {
		now = bpf_ktime_get_ns();
		packet_sent(skb, now);
	}
	if (!segment_of(skb, &segment) || segment.connection->epoch != control.epoch ||
	    !connection_lock(segment.connection))
		return 0;
	segment_given(&segment, on_nic, now ? now : bpf_ktime_get_ns());
	connection_unlock(segment.connection);
	return 0;
}

/*
 * Boundary: the driver has let go of a segment. Ends nic_tx, and with the response's last segment
 * the request. Links within the host let go at once: nothing to be seen there.
 */
static __always_inline int tx_done(struct sk_buff *skb)
{
	struct ktax_connection *connection;
	struct segment segment = {};
	__u64 now;

	if (!segment_of(skb, &segment))
		return 0;
	connection = segment.connection;
	if (connection->state != KTAX_SENT || !connection->on_nic ||
	    connection->epoch != control.epoch || segment.end_seq != connection->sent_seq ||
	    !connection_lock(connection))
		return 0;
	now = bpf_ktime_get_ns();
	connection_post(connection, now, KTAX_NIC_TX);
	connection->end_ns = now;
	connection->on_nic = 0; /* a copy for a tap is freed later */
	connection_unlock(connection);
	return 0;
}

/* ---- Scheduler and interrupts ------------------------------------------------------------- */

/* Why the running task is about to sleep. */
static __always_inline void thread_note_sleep(struct thread *thread, struct task_struct *task)
{
	__u64 number = syscall_number();

	thread->off_network = syscall_is_network_wait(number);
	if (thread->on == KTAX_KERNEL_TX || thread->on == KTAX_QDISC)
		thread->off = KTAX_CWND; /* the send buffer is full */
	else if (READ_BITFIELD(task, in_iowait))
		thread->off = KTAX_IO;
	else if (syscall_is_lock(number))
		thread->off = KTAX_LOCK;
	else
		thread->off = KTAX_WAIT;
}

static __always_inline void switch_out(struct thread *thread, struct task_struct *task,
                                       bool runnable, __u64 now)
{
	thread_post_current(thread, now);
	thread->off_ns = now;
	thread->run_delay_ns = READ(task, sched_info.run_delay);
	if (runnable) {
		thread->off = KTAX_PREEMPT;
		thread->off_network = 0;
	} else {
		thread_note_sleep(thread, task);
	}
}

/* The clock of the runqueue that @task is on (CONFIG_FAIR_GROUP_SCHED). */
static __always_inline __u64 rq_clock(struct task_struct *task)
{
#ifdef KTAX_STORE_HASH
	return BPF_CORE_READ(task, se.cfs_rq, rq, clock);
#else
	struct cfs_rq *cfs_rq = task->se.cfs_rq;

	return cfs_rq->rq->clock;
#endif
}

/*
 * How long the task that is about to run has waited for a CPU since it was woken. The scheduler's
 * own statistics are in its clock, so only durations within that clock are used.
 */
static __always_inline __u64 run_delay(struct thread *thread, struct task_struct *task)
{
	__u64 delay = READ(task, sched_info.run_delay) - thread->run_delay_ns;
	__u64 queued = READ(task, sched_info.last_queued);

	if (queued && bpf_core_field_exists(struct cfs_rq, rq)) {
		__s64 waiting = rq_clock(task) - queued;

		if (waiting > 0)
			delay += waiting;
	}
	return delay;
}

static __always_inline void checkpoint_push(struct thread *thread, __u64 now, __u64 blocked,
                                            __u64 runnable)
{
	struct checkpoint *checkpoint = thread_checkpoint(thread, thread->checkpoints);

	thread->checkpoints++;
	checkpoint->out_ns = thread->off_ns;
	checkpoint->in_ns = now;
	checkpoint->blocked_before_ns = thread->blocked_ns - blocked;
	checkpoint->runnable_before_ns = thread->runnable_ns - runnable;
	checkpoint->blocked_ns = blocked;
	checkpoint->runnable_ns = runnable;
	checkpoint->off = thread->off;
	checkpoint->network = thread->off_network;
	__builtin_memcpy(checkpoint->account_ns, thread->account_ns,
	                 sizeof(checkpoint->account_ns));
}

static __always_inline void switch_in(struct thread *thread, struct task_struct *task, __u64 now)
{
	__u64 off = now - thread->off_ns, runnable = off, blocked, account;

	if (!thread->off_ns || thread->off_ns != thread->last_ns || (__s64)off < 0) {
		thread->last_ns = now; /* never seen to be switched out */
		thread_clear(thread, now);
		off = runnable = 0;
	} else if (thread->off != KTAX_PREEMPT) {
		runnable = run_delay(thread, task);
		if (runnable > off)
			runnable = off;
	}
	blocked = off - runnable;
	account = one_copy(thread->off);
	if (account < KTAX_NACCOUNTS)
		thread->account_ns[account] += blocked;
	thread->account_ns[KTAX_PREEMPT] += runnable;
	thread->blocked_ns += blocked;
	thread->runnable_ns += runnable;
	thread_note_delay(thread, now);
	thread->last_ns = now;
	thread->stolen_ns = stolen_clock(now);
	if (thread->off_network) {
		thread->idle_out_ns = thread->off_ns;
		thread->idle_in_ns = now;
		thread->idle_runnable_ns = thread->runnable_ns;
	}
	if (thread->off != KTAX_PREEMPT)
		checkpoint_push(thread, now, blocked, runnable);
	thread->off_ns = 0;
}

/* Boundary: the CPU goes from one thread to another. */
static __always_inline int task_switch(bool preempted, struct task_struct *from,
                                       struct task_struct *to, long from_state)
{
	struct thread *thread;
	__u64 now = 0;

	if (READ(from, pid)) {
		thread = thread_of(from);
		if (thread && thread->epoch == control.epoch) {
			now = bpf_ktime_get_ns();
			if (!thread->held) /* preempted in a program of ours otherwise */
				switch_out(thread, from, preempted || !from_state, now);
		}
	}
	if (READ(to, pid)) {
		thread = thread_of(to);
		if (thread && thread->epoch == control.epoch && !thread->held)
			switch_in(thread, to, now ? now : bpf_ktime_get_ns());
	}
	return 0;
}

/* Boundaries: a softirq or a device's interrupt takes the CPU, and gives it back. */
static __always_inline int interrupt_enter(void)
{
	struct cpu_state *cpu = cpu_state();

	if (!cpu)
		return 0;
	if (cpu->epoch != control.epoch) { /* detached within an interrupt */
		cpu->epoch = control.epoch;
		cpu->interrupt_depth = 0;
	}
	if (!cpu->interrupt_depth++)
		cpu->interrupt_since_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int interrupt_leave(void)
{
	struct cpu_state *cpu = cpu_state();

	if (!cpu || cpu->epoch != control.epoch || !cpu->interrupt_depth || --cpu->interrupt_depth)
		return 0;
	cpu->interrupt_ns += bpf_ktime_get_ns() - cpu->interrupt_since_ns;
	cpu->interrupt_since_ns = 0;
	return 0;
}

/* Boundary: interrupt of a device. Begins nic_rx for what its NAPI poll brings up. */
static __always_inline int nic_interrupt(void)
{
	struct cpu_state *cpu = cpu_state();

	if (cpu)
		cpu->nic_interrupt_ns = bpf_ktime_get_ns();
	return 0;
}

/* Boundary: end of a NAPI poll: what the next poll brings up has arrived since. */
static __always_inline int nic_poll(void)
{
	struct cpu_state *cpu = cpu_state();

	if (cpu)
		cpu->poll_ns = bpf_ktime_get_ns();
	return 0;
}

/* ---- Connections and processes end -------------------------------------------------------- */

/* Boundary: the socket changes state. At a connection's end, its last request is finished. */
static __always_inline int connection_state(struct sock *sk, int state)
{
	struct ktax_connection *connection;
	__u32 slot;

	if (state == KTAX_TCP_LISTEN)
		listener_follow(sk);
	if (state != KTAX_TCP_CLOSE /* the port has been given back already, so it is 0 here */)
		return 0;
	connection = connection_get(sk, &slot);
	if (!connection)
		return 0;
	request_finish(connection);
	connection_release(connection, slot);
	reference_drop(sk);
	return 0;
}

#include "programs.bpf.h"
#include "span.bpf.h"

/* ---- Sampling of user and kernel mode ----------------------------------------------------- */

/*
 * Splits app from app_kernel: no syscall is traced, so at which share of its CPU time outside of
 * the socket calls a request is in the kernel is sampled by a timer of each CPU.
 */
SEC("perf_event") int cpu_sample(struct bpf_perf_event_data *ctx)
{
	struct thread *thread = thread_known();
	struct ktax_connection *connection;
	struct cpu_state *cpu = cpu_state();

	if (!thread || thread->on != KTAX_APP ||
	    (cpu && cpu->interrupt_since_ns && cpu->epoch == control.epoch))
		return 0;
	connection = thread_connection(thread);
	if (!connection || connection->state != KTAX_OPEN)
		return 0;
	if (registers_are_user(ctx))
		connection->samples_user++;
	else
		connection->samples_kernel++;
	return 0;
}

/* ---- Sweep -------------------------------------------------------------------------------- */

/* Has the last byte of the response left before @before_ns, as far as was seen? */
static __always_inline bool request_is_idle(struct ktax_connection *connection, __u64 before_ns)
{
	return connection->end_ns < before_ns;
}

#include "sweep.bpf.h"
