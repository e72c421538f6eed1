/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger: how time gets from events to accounts.
 *
 * There is one posting primitive. A thread has a current account and the time of its last posting;
 * every event posts "now - last" to that account and switches it (thread_post). What a thread has
 * posted since its last network event is not yet anybody's: the next network event tells for which
 * connection it was, and commits it (connection_commit). So
 *
 *	thread:      sum(account_ns) == last_ns - since_ns
 *	connection:  sum(account_ns) == posted_ns - start_ns
 *
 * hold at any time, by construction, and a request's accounts sum to its total.
 *
 * Three things make that more than a stopwatch per thread:
 *
 * - Event loops interleave. A thread that turns to connection B while A is unanswered commits what
 *   it did so far to A and leaves it paused. When it returns to A, the pause is split by the
 *   thread's off-CPU clocks: it was blocked (wait), not scheduled (preempt) or busy with others
 *   (app_queue).
 * - Work is handed over. If another thread answers than the one that read, the time from the
 *   reader's last posting to the answering thread's pick-up goes to lock. The pick-up is the first
 *   end of a sleep of that thread after the reader's posting; threads remember their last sleeps
 *   (checkpoints) for this.
 * - Sleep in epoll is a turning point. What comes before it belonged to the connection at hand,
 *   what comes after belongs to the connection that the next network event names.
 */
#ifndef KTAX_LEDGER_BPF_H
#define KTAX_LEDGER_BPF_H

#include "thread.bpf.h"
#include "store.bpf.h"
#include "arch.bpf.h"

#define NSEC_DELAY_NOTED 10000ULL /* waits for a CPU shorter than that are noted together */

/* ---- Clocks ------------------------------------------------------------------------------- */

struct cpu_state {
	__u64 interrupt_ns;       /* spent in softirqs and interrupts, as hooked */
	__u64 interrupt_since_ns; /* in one since, 0: not in one */
	__u32 interrupt_depth;
	__u32 epoch;            /* of the two above */
	__u64 nic_interrupt_ns; /* last interrupt of a device */
	__u64 poll_ns;          /* end of the last NAPI poll */
	__u64 scratch;          /* see number_of */
	__u64 steal_address;    /* of this CPU's steal_time.steal and cpu_irqtime.total, */
	__u64 irqtime_address;  /* found at first use */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} cpu_states SEC(".maps");

static __always_inline struct cpu_state *cpu_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpu_states, &zero);
}

/*
 * A kernel pointer as a plain number. Since 6.17 the verifier takes skb->head for memory and
 * refuses to hash it; what went through a map is a number in any version. 0 if an interrupt came
 * between.
 */
static __always_inline __u64 number_of(const void *pointer)
{
	struct cpu_state *cpu = cpu_state();
	__u64 number;

	if (!cpu)
		return 0;
	*(const void *volatile *)&cpu->scratch = pointer;
	number = *(volatile __u64 *)&cpu->scratch;
	return number == (__u64)pointer ? number : 0;
}

/* The value of a per-CPU counter of the kernel, whose address is looked up once. */
static __always_inline __u64 per_cpu_counter(__u64 *address, __u64 offset)
{
	__u64 base = 0, value = 0;

	if (!*address) {
		bpf_probe_read_kernel(&base, sizeof(base),
		                      (void *)(settings.per_cpu_offsets +
		                               bpf_get_smp_processor_id() * sizeof(base)));
		*address = base + offset;
	}
	bpf_probe_read_kernel(&value, sizeof(value), (void *)*address);
	return value;
}

/*
 * A clock, per CPU, of the time that was taken from whoever runs there: by the hypervisor, and by
 * interrupts and softirqs (from the kernel's own clock where it has one, else from our hooks).
 * Reading the kernel's per-CPU variables by address and not as ksyms: a ksym that is in BTF but not
 * in kallsyms (no CONFIG_KALLSYMS_ALL) would fail the load.
 */
static __always_inline __u64 stolen_clock(__u64 now)
{
	struct cpu_state *cpu;
	__u64 stolen = 0;

	if (!settings.steal_offset && !settings.irqtime_offset && !settings.softirq_hooked)
		return 0;
	cpu = cpu_state();
	if (!cpu)
		return 0;
	if (settings.steal_offset)
		stolen += per_cpu_counter(&cpu->steal_address, settings.steal_offset);
	if (settings.irqtime_offset)
		stolen += per_cpu_counter(&cpu->irqtime_address, settings.irqtime_offset);
	if (settings.softirq_hooked) {
		stolen += cpu->interrupt_ns;
		if (cpu->interrupt_since_ns && cpu->epoch == control.epoch)
			stolen += now - cpu->interrupt_since_ns;
	}
	return stolen;
}

/* ---- The thread's ledger ------------------------------------------------------------------ */

/* Starts an empty ledger at @now; what was posted and not committed is given up. */
static __always_inline void thread_clear(struct thread *thread, __u64 now)
{
	thread->since_ns = now;
	thread->last_ns = now;
	thread->since_blocked_ns = thread->blocked_ns;
	thread->since_runnable_ns = thread->runnable_ns;
	thread->checkpoints = 0;
	__builtin_memset(thread->account_ns, 0, sizeof(thread->account_ns));
}

/* The @ago-th last, from 1, of the @n entries that ring @delay has got so far. */
static __always_inline struct delay *delay_at(struct delay *delay, __u32 n, __u32 ago)
{
	return &delay[(n - ago) & (KTAX_DELAYS - 1)];
}

/* How many entries, but for the oldest, end after @from. They are in order. */
static __always_inline __u32 delays_after(struct delay *delay, __u32 n, __u64 from)
{
	__u32 newer = 0;

	for (__u32 step = KTAX_DELAYS / 2; step; step /= 2)
		if (newer + step < n && delay_at(delay, n, newer + step)->in_ns > from)
			newer += step;
	return newer;
}

/*
 * Notes that a wait for a CPU has ended. Very short ones (each wakeup has one) go with the next, so
 * that they do not push out those that matter.
 */
static __always_inline void thread_note_delay(struct thread *thread, __u64 now)
{
	struct delay delay = { now, thread->runnable_ns };

	if (delay.runnable_ns - thread->noted_runnable_ns < NSEC_DELAY_NOTED)
		return;
	thread->noted_runnable_ns = delay.runnable_ns;
	if (!(thread->delays & (KTAX_DELAYS_STEP - 1)))
		*delay_at(thread->old_delay, thread->delays / KTAX_DELAYS_STEP, 0) = delay;
	*delay_at(thread->delay, thread->delays++, 0) = delay;
}

/*
 * How long the thread has waited for a CPU since @from. The wait that was on at @from counts from
 * there; among the old ones, of which not all are remembered, time is in proportion. What is older
 * than the history is left out.
 */
static __always_inline __u64 thread_delay_since(struct thread *thread, __u64 from)
{
	__u32 n = thread->delays, newer = delays_after(thread->delay, n, from);
	struct delay *next = delay_at(thread->delay, n, newer);
	struct delay *before = delay_at(thread->delay, n, newer + 1);
	__u64 waited, after;

	if (!newer)
		return 0;
	if (before->in_ns > from) {
		n = (n + KTAX_DELAYS_STEP - 1) / KTAX_DELAYS_STEP;
		newer = delays_after(thread->old_delay, n, from);
		next = delay_at(thread->old_delay, n, newer);
		before = delay_at(thread->old_delay, n, newer + 1);
	}
	waited = next->runnable_ns - before->runnable_ns;
	after = next->in_ns - from;
	if (before->in_ns <= from && n != thread->delays)
		waited = waited * (after >> 10) / (((next->in_ns - before->in_ns) >> 10) + 1);
	return thread->noted_runnable_ns - next->runnable_ns + (waited < after ? waited : after);
}

static __always_inline void thread_start(struct thread *thread, __u64 now)
{
	thread->stolen_ns = stolen_clock(now);
	thread->tid = (__u32)bpf_get_current_pid_tgid();
	thread->slot = 0;
	thread->on = thread->user = KTAX_APP;
	thread->off_ns = thread->step_ns = 0;
	thread->idle_out_ns = thread->idle_in_ns = 0;
	thread->spans = 0;
	thread->delays = 1;
	thread->delay[0].in_ns = thread->old_delay[0].in_ns = now;
	thread->delay[0].runnable_ns = thread->old_delay[0].runnable_ns = thread->runnable_ns;
	thread->noted_runnable_ns = thread->runnable_ns;
	thread->held = 0;
	thread_clear(thread, now);
	barrier();
	thread->epoch = control.epoch;
}

/* The current thread's state, made where it has none; NULL only when out of memory. */
static __always_inline struct thread *thread_get(void)
{
	struct thread *thread = thread_current();

	if (!thread)
		thread = thread_make();
	if (thread && thread->epoch != control.epoch)
		thread_start(thread, bpf_ktime_get_ns());
	return thread;
}

/* The current thread's state where it has one of this epoch. */
static __always_inline struct thread *thread_known(void)
{
	struct thread *thread = thread_current();

	return thread && thread->epoch == control.epoch ? thread : NULL;
}

/* Of @spent, just posted to @on, what single-stepping took is unknown (span.bpf.h). */
static __always_inline void thread_post_step(struct thread *thread, __u64 on, __u64 spent)
{
	__u64 step = thread->step_ns;

	if (step > spent)
		step = spent;
	thread->account_ns[on] -= step;
	thread->account_ns[KTAX_UNKNOWN] += step;
	thread->step_ns = 0;
	COUNT_BY(stepped_ns, step);
}

/*
 * A softirq can interrupt a program of ours that is at the ledger of the running thread, whose
 * segments it may give to the driver. What it did there would be done twice or undone: who finds the
 * thread held leaves it alone. The time is to be read after that.
 */
static __always_inline bool thread_hold(struct thread *thread)
{
	if (*(volatile __u32 *)&thread->held)
		return false;
	*(volatile __u32 *)&thread->held = 1;
	barrier();
	return true;
}

static __always_inline void thread_release(struct thread *thread)
{
	barrier();
	*(volatile __u32 *)&thread->held = 0;
}

/* The posting primitive. */
static __always_inline void thread_post(struct thread *thread, __u64 now)
{
	__u64 stolen = stolen_clock(now);
	__u64 spent = now - thread->last_ns, taken = stolen - thread->stolen_ns;
	__u64 on = one_copy(thread->on);

	thread->stolen_ns = stolen;
	if ((__s64)spent < 0) {
		COUNT(clock_errors);
		return;
	}
	if ((__s64)taken < 0)
		taken = 0;
	if (taken > spent)
		taken = spent;
	if (on >= KTAX_NACCOUNTS)
		on = KTAX_UNKNOWN;
	thread->account_ns[on] += spent - taken;
	thread->account_ns[KTAX_PREEMPT] += taken;
	thread->last_ns = now;
	if (thread->step_ns)
		thread_post_step(thread, on, spent - taken);
}

/* The innermost open span; only to be called if there is one. */
static __always_inline struct span *span_top(struct thread *thread)
{
	return &thread->span[(thread->spans - 1) & (KTAX_SPANS - 1)];
}

static __always_inline __u32 span_account(struct thread *thread)
{
	return thread->spans ? span_top(thread)->account : KTAX_APP;
}

/* Where the return address of a function with a uretprobe points to, in the current process. */
static __always_inline __u64 uretprobe_trampoline(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!bpf_core_field_exists(struct xol_area, vaddr))
		return 0;
	return BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
}

/* Code and data of the uretprobe trampoline, which is at the start of its page. */
#define UPROBE_SLOT_BYTES 128

/*
 * Has the innermost span been left without its end being seen (longjmp, exception)? Its frame is
 * gone if the stack is shorter, or if something else was pushed where a function's return address
 * was (which is the original one, or the uretprobe's trampoline).
 */
static __always_inline bool span_left(struct thread *thread)
{
	struct span *span = span_top(thread);
	__u64 sp = user_stack_pointer(), trampoline, word = 0;

	if (sp > span->limit || span->kind == SPAN_ANNOTATION)
		return sp > span->limit;
	if (sp < span->limit) {
		const void *slot = (void *)(span->limit - sizeof(word));

		if (!span->return_address || bpf_probe_read_user(&word, sizeof(word), slot) ||
		    word == span->return_address)
			return false;
	}
	/* In the trampoline, which pushes registers, the end is about to be seen. */
	trampoline = uretprobe_trampoline();
	if (user_instruction_pointer() - trampoline < UPROBE_SLOT_BYTES)
		return false;
	return sp == span->limit || word != trampoline;
}

/* thread_post for the running thread: spans that were left unseen end, their time is unknown. */
static __always_inline void thread_post_current(struct thread *thread, __u64 now)
{
	bool in_user_code = thread->on == thread->user, left = false;

	for (int i = 0; i < KTAX_SPANS && thread->spans && span_left(thread); i++) {
		thread->spans--;
		left = true;
	}
	if (!left) {
		thread_post(thread, now);
		return;
	}
	if (in_user_code)
		thread->on = KTAX_UNKNOWN;
	thread_post(thread, now);
	thread->user = span_account(thread);
	if (in_user_code)
		thread->on = thread->user;
}

/* Was the annotation @span begun before the last send, and so for an earlier request? */
static __always_inline bool span_expired(struct thread *thread, struct span *span)
{
	return span->kind == SPAN_ANNOTATION && span->turn != thread->turn;
}

/*
 * The thread turns to a new request. An annotation that is still open from an earlier one has had
 * its end skipped by a return that the compiler has inlined, so that no frame tells. It is dropped,
 * or counts as app from here on where a function is open within it.
 */
static __always_inline void thread_expire_annotations(struct thread *thread)
{
	if (!thread->spans)
		return;
	for (int i = 0; i < KTAX_SPANS && thread->spans && span_expired(thread, span_top(thread));
	     i++)
		thread->spans--;
	for (int i = 0; i < KTAX_SPANS; i++)
		if (span_expired(thread, &thread->span[i]))
			thread->span[i].account = KTAX_APP;
	thread->user = span_account(thread);
}

static __always_inline struct checkpoint *thread_checkpoint(struct thread *thread, __u32 number)
{
	return &thread->checkpoint[number & (KTAX_CHECKPOINTS - 1)];
}

/* The connection that @thread works on, if it is still at the same request. */
static __always_inline struct ktax_connection *thread_connection(struct thread *thread)
{
	struct ktax_connection *connection;

	if (!thread->slot)
		return NULL;
	connection = connection_at(thread->slot);
	if (!connection || connection->generation != thread->generation ||
	    connection->request != thread->request || connection->owner != thread->tid)
		return NULL;
	return connection;
}

/* ---- The connection's ledger -------------------------------------------------------------- */

static __always_inline void connection_post(struct ktax_connection *connection, __u64 until,
                                            __u32 account)
{
	__u64 spent = until - connection->posted_ns;

	if ((__s64)spent <= 0)
		return;
	connection->account_ns[account] += spent;
	connection->posted_ns = until;
}

/*
 * Posts a pause up to @until by what the owner did meanwhile; @blocked and @runnable are its
 * off-CPU clocks at @until.
 */
static __always_inline void connection_post_pause(struct ktax_connection *connection, __u64 until,
                                                  __u64 blocked, __u64 runnable)
{
	__u64 spent = until - connection->posted_ns;

	if ((__s64)spent <= 0)
		return;
	blocked -= connection->pause_blocked_ns;
	runnable -= connection->pause_runnable_ns;
	if (blocked > spent)
		blocked = spent;
	if (runnable > spent - blocked)
		runnable = spent - blocked;
	connection->account_ns[KTAX_WAIT] += blocked;
	connection->account_ns[KTAX_PREEMPT] += runnable;
	connection->account_ns[KTAX_APP_QUEUE] += spent - blocked - runnable;
	connection->posted_ns = until;
}

/*
 * Commits the thread's ledger from checkpoint @from (NULL: from since_ns) to now. Of the time in
 * it, what lies before posted_ns was posted already (segments that left by ACKs while the thread
 * waited): so much is left out, first from what it waited.
 */
static __always_inline void connection_commit(struct ktax_connection *connection,
                                              struct thread *thread, struct checkpoint *from)
{
	__u64 start = from ? from->in_ns : thread->since_ns;
	__u64 overlap = connection->posted_ns > start ? connection->posted_ns - start : 0;
	__u64 wait, left_out;

	if (thread->last_ns <= connection->posted_ns)
		return;
	wait = thread->account_ns[KTAX_WAIT] - (from ? from->account_ns[KTAX_WAIT] : 0);
	left_out = overlap < wait ? overlap : wait;
	overlap -= left_out;
	connection->account_ns[KTAX_WAIT] -= left_out;
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		__u64 spent = thread->account_ns[i] - (from ? from->account_ns[i] : 0);

		if (i != KTAX_WAIT) {
			left_out = overlap < spent ? overlap : spent;
			overlap -= left_out;
			spent -= left_out;
		}
		connection->account_ns[i] += spent;
	}
	connection->posted_ns = thread->last_ns;
}

/* Commits what the thread did since it began to read; mostly that is copying and nothing else. */
static __always_inline void connection_commit_read(struct ktax_connection *connection,
                                                   struct thread *thread, __u64 now)
{
	__u64 copied = thread->account_ns[KTAX_COPY_RX];

	if (copied == now - thread->since_ns && connection->posted_ns == thread->since_ns) {
		connection->account_ns[KTAX_COPY_RX] += copied;
		connection->posted_ns = thread->since_ns = now;
		thread->account_ns[KTAX_COPY_RX] = 0;
		return;
	}
	connection_commit(connection, thread, NULL);
	thread_clear(thread, now);
}

/* The first sleep in epoll and the like since the last network event, among those remembered. */
static __always_inline struct checkpoint *thread_first_network_sleep(struct thread *thread)
{
	__u32 n = thread->checkpoints;

	for (int i = KTAX_CHECKPOINTS; i > 0; i--) {
		struct checkpoint *checkpoint;

		if (n < (__u32)i)
			continue;
		checkpoint = thread_checkpoint(thread, n - i);
		if (checkpoint->network)
			return checkpoint;
	}
	return NULL;
}

static __always_inline struct checkpoint *thread_last_network_sleep(struct thread *thread)
{
	__u32 n = thread->checkpoints;

	for (int i = 1; i <= KTAX_CHECKPOINTS; i++) {
		struct checkpoint *checkpoint;

		if (n < (__u32)i)
			break;
		checkpoint = thread_checkpoint(thread, n - i);
		if (checkpoint->network)
			return checkpoint;
	}
	return NULL;
}

/*
 * The thread turns away from the unanswered request it worked on: commits its ledger up to its
 * first sleep in epoll since, or up to now, and leaves the request paused.
 */
static __always_inline void connection_pause(struct ktax_connection *connection,
                                             struct thread *thread)
{
	struct checkpoint *sleep = thread_first_network_sleep(thread);
	__u64 off;

	if (!sleep) {
		connection_commit(connection, thread, NULL);
		connection->pause_blocked_ns = thread->blocked_ns;
		connection->pause_runnable_ns = thread->runnable_ns;
		return;
	}
	connection->pause_blocked_ns = sleep->blocked_before_ns;
	connection->pause_runnable_ns = sleep->runnable_before_ns;
	if (connection->posted_ns != thread->since_ns || sleep->out_ns < thread->since_ns)
		return;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		connection->account_ns[i] += sleep->account_ns[i];
	off = one_copy(sleep->off);
	if (off < KTAX_NACCOUNTS)
		connection->account_ns[off] -= sleep->blocked_ns;
	connection->account_ns[KTAX_PREEMPT] -= sleep->runnable_ns;
	connection->posted_ns = sleep->out_ns;
}

/* The thread turns away from @connection, which is not the one whose lock the caller holds. */
static __always_inline void thread_leave(struct thread *thread, struct ktax_connection *connection)
{
	if (!connection_lock(connection))
		return;
	connection_pause(connection, thread);
	connection_unlock(connection);
}

/* Where the thread picked the connection up: its first end of a sleep after posted_ns. */
static __always_inline struct checkpoint *thread_pick_up(struct thread *thread, __u64 posted_ns)
{
	struct checkpoint *last = NULL;
	__u32 n = thread->checkpoints;

	for (int i = KTAX_CHECKPOINTS; i > 0; i--) {
		if (n < (__u32)i)
			continue;
		last = thread_checkpoint(thread, n - i);
		if (last->in_ns >= posted_ns)
			break;
	}
	return last;
}

/* Makes @thread the one whose time counts for @connection, from now on. */
static __always_inline void connection_own(struct ktax_connection *connection, __u32 slot,
                                           struct thread *thread, __u64 now)
{
	connection->owner = thread->tid;
	thread->slot = slot;
	thread->generation = connection->generation;
	thread->request = connection->request;
	thread_clear(thread, now);
}

/*
 * Posts the time from posted_ns to @start, when @thread takes up a connection that it was not
 * working on; @blocked and @runnable are its off-CPU clocks at @start.
 */
static __always_inline void connection_post_gap(struct ktax_connection *connection,
                                                struct thread *thread, __u64 start, __u64 blocked,
                                                __u64 runnable, bool known)
{
	if (connection->state == KTAX_SENT && connection->send_blocked)
		connection_post(connection, start, KTAX_CWND);
	else if (connection->state == KTAX_READABLE || !known)
		connection_post(connection, start, KTAX_UNKNOWN);
	else if (connection->owner == thread->tid)
		connection_post_pause(connection, start, blocked, runnable);
	else
		connection_post(connection, start, KTAX_LOCK);
}

/*
 * The thread sends on a connection that is not the one at hand. What of its ledger is for it?
 * While another request is unanswered at hand: what came after its last sleep in epoll. Otherwise
 * everything since its last network event, or since it picked the request up.
 */
static __always_inline void thread_adopt(struct thread *thread, struct ktax_connection *connection,
                                         __u32 slot, __u64 now)
{
	struct ktax_connection *at_hand = thread_connection(thread);
	bool known = thread->since_ns < now || thread->checkpoints;
	struct checkpoint *from = NULL;
	bool nothing = false;

	thread_expire_annotations(thread);
	if (connection->owner != thread->tid)
		connection->flags |= KTAX_REQUEST_HANDED_OVER;
	if (at_hand && at_hand->state == KTAX_OPEN) {
		from = thread_last_network_sleep(thread);
		nothing = !from;
		thread_leave(thread, at_hand);
	} else if (thread->since_ns < connection->posted_ns) {
		from = thread_pick_up(thread, connection->posted_ns);
	}
	if (nothing)
		connection_post_gap(connection, thread, now, thread->blocked_ns,
		                    thread->runnable_ns, known);
	else if (from)
		connection_post_gap(connection, thread, from->in_ns,
		                    from->blocked_before_ns + from->blocked_ns,
		                    from->runnable_before_ns + from->runnable_ns, known);
	else
		connection_post_gap(connection, thread, thread->since_ns, thread->since_blocked_ns,
		                    thread->since_runnable_ns, known);
	if (!nothing)
		connection_commit(connection, thread, from);
	connection_post(connection, now, KTAX_UNKNOWN);
	connection_own(connection, slot, thread, now);
}

/* Posts the time up to @until, in which @thread was at other requests or waited for a CPU. */
static __always_inline void connection_post_busy(struct ktax_connection *connection,
                                                 struct thread *thread, __u64 until)
{
	__u64 spent = until - connection->posted_ns;
	__u64 delay = thread_delay_since(thread, connection->posted_ns) -
	              thread_delay_since(thread, until);

	if ((__s64)spent <= 0)
		return;
	connection_post(connection, connection->posted_ns + (delay < spent ? delay : spent),
	                KTAX_PREEMPT);
	connection_post(connection, until, KTAX_APP_QUEUE);
}

/* Splits [readable, now) of a request that @thread just began to read. */
static __always_inline void connection_post_queue(struct ktax_connection *connection,
                                                  struct thread *thread, __u64 now)
{
	__u64 readable = connection->posted_ns;
	__u64 runnable;

	if (!thread->idle_in_ns || readable >= thread->idle_in_ns) {
		connection_post_busy(connection, thread, now);
		return;
	}
	if (readable < thread->idle_out_ns)
		connection_post_busy(connection, thread, thread->idle_out_ns);
	/* Readable before the thread went to sleep: not what it slept for. */
	connection_post(connection, thread->idle_in_ns,
	                readable < thread->idle_out_ns ? KTAX_WAIT : KTAX_WAKEUP);
	runnable = thread->runnable_ns - thread->idle_runnable_ns;
	if (runnable > now - connection->posted_ns)
		runnable = now - connection->posted_ns;
	connection_post(connection, connection->posted_ns + runnable, KTAX_PREEMPT);
	connection_post(connection, now, KTAX_APP_QUEUE);
}

#endif
