/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spans of user code: functions of the catalogue (serialize, tls, gc) and annotations.
 *
 * Of catalogue functions the outermost counts: calls within it, recursive or of other catalogue
 * functions, change nothing, unless the catalogue says "stacked". Annotations stack: the innermost
 * is charged, its end returns to the one around it.
 *
 * A span is identified by its stack frame and not by a depth counter, so that returns that are
 * never seen (longjmp, exceptions, tail calls) cannot leave it open: it ends at the first event
 * that finds its frame gone (here and in span_left). An annotation whose end is skipped within a
 * frame ends with the frame, with the end of one around it, when it begins again, and with the
 * request (thread_expire_annotations). What lies between the last event and the one that finds a
 * span gone is unknown.
 *
 * A probe whose instruction the kernel single-steps takes ten times as long as others, most of it
 * after the program has run. What that costs is measured (step_cost.h) and taken off the accounts
 * it would fall into, as unknown:
 *
 *	user code      trap  program                  single step      user code
 *	───────────────┬─────┬─ stamp ────────────────┬────────────────┬────────> time
 *	               │ step_before_ns  │       step_after_ns          │
 *	  account before the stamp       │  account after the stamp
 *
 * So at an enter the first part is the caller's and the second the span's, at an exit the other way
 * round, and both the open span's where a call within it changes nothing. The parts are noted in
 * step_ns, and the next posting moves at most what it has posted: no account ever shrinks.
 */
#ifndef KTAX_SPAN_BPF_H
#define KTAX_SPAN_BPF_H

#include "ledger.bpf.h"

/* Attach cookie: account, flags, and the bytes pushed between function entry and probe. */
#define SPAN_COOKIE_ACCOUNT(cookie)  ((cookie)&0xff)
#define SPAN_COOKIE_STACKED(cookie)  ((cookie) >> 8 & 1)
#define SPAN_COOKIE_STEPPED(cookie)  ((cookie) >> 9 & 1)
#define SPAN_COOKIE_SP_DELTA(cookie) ((__s32)((cookie) >> 16))

/* Is @span left where the stack pointer is @sp, seen from a function that is or called its own? */
static __always_inline bool span_gone(struct span *span, __u64 sp)
{
	return span->kind == SPAN_ANNOTATION ? sp > span->limit : sp >= span->limit;
}

/* Drops spans that were left; whether there were any. */
static __always_inline bool spans_drop(struct thread *thread, __u64 sp)
{
	bool dropped = false;

	for (int i = 0; i < KTAX_SPANS && thread->spans && span_gone(span_top(thread), sp); i++) {
		thread->spans--;
		dropped = true;
	}
	return dropped;
}

/*
 * Has the function of @span, with its frame just below @limit, called another one last, by a jump
 * to @place? Then the return address is still its own, or the trampoline of its uretprobe, which no
 * call pushes. Else it was left, and another one is called from the same frame.
 */
static __always_inline bool span_jumped(struct span *span, __u64 return_address, __u64 place)
{
	if (return_address == span->return_address)
		return place != span->place;
	return return_address == uretprobe_trampoline();
}

/* Drops what a function called from a frame at stack pointer @limit leaves behind. */
static __always_inline bool spans_drop_at_call(struct thread *thread, __u64 limit,
                                               __u64 return_address, __u64 place)
{
	bool dropped = spans_drop(thread, limit - 1);
	struct span *top = span_top(thread);

	if (!thread->spans || top->kind == SPAN_ANNOTATION || top->limit != limit ||
	    span_jumped(top, return_address, place))
		return dropped;
	thread->spans--;
	return true;
}

/*
 * Drops what is left behind when an annotation begins at @place in the frame at @sp: also from the
 * last begin there in the same frame on, whose end was skipped.
 */
static __always_inline bool spans_drop_at_begin(struct thread *thread, __u64 sp, __u64 place)
{
	bool dropped = spans_drop(thread, sp);
	__u32 open = thread->spans;

	for (__u32 i = 0; i < KTAX_SPANS; i++) {
		struct span *span = &thread->span[i];

		if (i < open && span->kind == SPAN_ANNOTATION && span->limit == sp &&
		    span->place == place)
			open = i;
	}
	if (open == thread->spans)
		return dropped;
	thread->spans = open;
	return true;
}

/* The current thread, held, or NULL. */
static __always_inline struct thread *span_thread_known(void)
{
	struct thread *thread = thread_known();

	return thread && thread_hold(thread) ? thread : NULL;
}

/* The same, made where it is one of a target that has not met a socket yet (a worker). */
static __always_inline struct thread *span_thread(void)
{
	struct thread *thread = thread_known();

	if (!thread && control.admit && process_is_target())
		thread = thread_get();
	return thread && thread_hold(thread) ? thread : NULL;
}

/* Posts user code up to now: to unknown where a span was left unseen since the last event. */
static __always_inline void thread_post_user(struct thread *thread, bool unseen)
{
	if (unseen)
		thread->on = KTAX_UNKNOWN;
	thread_post(thread, bpf_ktime_get_ns());
	thread->on = thread->user = span_account(thread);
}

/* Can a span of @kind open within those that are? Of functions the outermost counts. */
static __always_inline bool span_may_open(struct thread *thread, __u32 kind)
{
	if (kind == SPAN_FUNCTION && thread->spans && span_top(thread)->kind != SPAN_ANNOTATION)
		return false;
	return thread->spans < KTAX_SPANS;
}

static __always_inline void span_open(struct thread *thread, const struct span *opened)
{
	struct span *span;
	bool unseen;

	/* Not user code of a request: a signal handler within a socket call. */
	if (thread->on != thread->user || opened->account >= KTAX_NACCOUNTS)
		return;
	if (opened->kind == SPAN_ANNOTATION)
		unseen = spans_drop_at_begin(thread, opened->limit, opened->place);
	else
		unseen = spans_drop_at_call(thread, opened->limit, opened->return_address,
		                            opened->place);
	if (!span_may_open(thread, opened->kind)) {
		if (unseen)
			thread_post_user(thread, true);
		return;
	}
	thread_post_user(thread, unseen);
	thread->spans++;
	span = span_top(thread);
	*span = *opened;
	span->turn = thread->turn;
	thread->on = thread->user = opened->account;
}

/* After spans were closed: the time so far, and whose it is from here on. */
static __always_inline void spans_closed(struct thread *thread, bool in_user_code, bool unseen)
{
	if (in_user_code)
		thread_post_user(thread, unseen);
	else
		thread->user = span_account(thread);
}

/* Closes the span of the function that returns to stack pointer @limit. */
static __always_inline void function_close(struct thread *thread, __u64 limit)
{
	bool in_user_code = thread->on == thread->user, unseen;
	struct span *top;

	if (!thread->spans || span_top(thread)->limit > limit)
		return;
	unseen = spans_drop(thread, limit - 1);
	top = span_top(thread);
	if (thread->spans && top->limit == limit && top->kind != SPAN_ANNOTATION)
		thread->spans--;
	else if (!unseen)
		return;
	spans_closed(thread, in_user_code, unseen);
}

/* Closes the innermost annotation of @account in the frame at @sp, and what is open within it. */
static __always_inline void annotation_close(struct thread *thread, __u64 sp, __u32 account)
{
	bool in_user_code = thread->on == thread->user, unseen;
	__u32 open;

	if (!thread->spans || span_top(thread)->limit > sp)
		return;
	unseen = spans_drop(thread, sp);
	open = thread->spans;
	for (__u32 i = 0; i < KTAX_SPANS; i++) {
		struct span *span = &thread->span[i];

		if (i < thread->spans && span->kind == SPAN_ANNOTATION && span->limit == sp &&
		    span->account == account)
			open = i;
	}
	unseen |= open + 1 < thread->spans;
	if (open == thread->spans && !unseen)
		return;
	thread->spans = open;
	spans_closed(thread, in_user_code, unseen);
}

/* Around what a program does: the parts of a single step before and after its stamp. */
static __always_inline void step_begin(struct thread *thread, __u64 cookie)
{
	if (!SPAN_COOKIE_STEPPED(cookie) || thread->on != thread->user)
		return;
	thread->step_ns += control.step_before_ns;
	COUNT(stepped);
}

static __always_inline void step_end(struct thread *thread, __u64 cookie)
{
	if (SPAN_COOKIE_STEPPED(cookie) && thread->on == thread->user)
		thread->step_ns += control.step_after_ns;
}

static __always_inline int span_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), return_address = 0;
	__u64 frame = PT_REGS_SP(ctx) + SPAN_COOKIE_SP_DELTA(cookie);
	struct thread *thread = span_thread();
	struct span span = {};

	if (!thread) /* never met a socket */
		return 0;
	bpf_probe_read_user(&return_address, sizeof(return_address), (void *)frame);
	span.limit = frame + sizeof(return_address);
	span.return_address = return_address;
	span.place = PT_REGS_IP(ctx);
	span.account = SPAN_COOKIE_ACCOUNT(cookie);
	span.kind = SPAN_COOKIE_STACKED(cookie) ? SPAN_STACKED_FUNCTION : SPAN_FUNCTION;
	step_begin(thread, cookie);
	span_open(thread, &span);
	step_end(thread, cookie);
	thread_release(thread);
	return 0;
}

static __always_inline int span_exit(struct pt_regs *ctx)
{
	struct thread *thread = span_thread_known();
	__u64 sp = PT_REGS_SP(ctx) + SPAN_COOKIE_SP_DELTA(bpf_get_attach_cookie(ctx));

	if (!thread)
		return 0;
	function_close(thread, sp);
	thread_release(thread);
	return 0;
}

static __always_inline int span_exit_at_ret(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u64 frame = PT_REGS_SP(ctx) + SPAN_COOKIE_SP_DELTA(cookie);
	struct thread *thread = span_thread_known();

	if (!thread)
		return 0;
	step_begin(thread, cookie);
	function_close(thread, frame + sizeof(__u64));
	step_end(thread, cookie);
	thread_release(thread);
	return 0;
}

static __always_inline int span_begin(struct pt_regs *ctx)
{
	struct span span = {
		.limit = PT_REGS_SP(ctx),
		.place = PT_REGS_IP(ctx),
		.account = bpf_get_attach_cookie(ctx),
		.kind = SPAN_ANNOTATION,
	};
	struct thread *thread = span_thread();

	if (!thread)
		return 0;
	span_open(thread, &span);
	thread_release(thread);
	return 0;
}

static __always_inline int span_end(struct pt_regs *ctx)
{
	struct thread *thread = span_thread_known();

	if (!thread)
		return 0;
	annotation_close(thread, PT_REGS_SP(ctx), bpf_get_attach_cookie(ctx));
	thread_release(thread);
	return 0;
}

/* For step_cost.h: when it ran. */
static __always_inline int span_step(void)
{
	control.stepped_at_ns = bpf_ktime_get_ns();
	return 0;
}

/*
 * The programs exist twice: attached one by one through perf events, and in bulk by a uprobe_multi
 * link (since 6.6), for which a program must be loaded as such (probes.c sets that).
 */

/* Boundary: a catalogue function is entered. */
SEC("uprobe") int span_enter__perf(struct pt_regs *ctx)
{
	return span_enter(ctx);
}

SEC("uprobe") int span_enter__multi(struct pt_regs *ctx)
{
	return span_enter(ctx);
}

/* Boundary: a catalogue function has returned. */
SEC("uretprobe") int span_exit__perf(struct pt_regs *ctx)
{
	return span_exit(ctx);
}

SEC("uretprobe") int span_exit__multi(struct pt_regs *ctx)
{
	return span_exit(ctx);
}

/* Boundary: a catalogue function is about to return (probed at its ret; see spans.h). */
SEC("uprobe") int span_exit_at_ret__perf(struct pt_regs *ctx)
{
	return span_exit_at_ret(ctx);
}

SEC("uprobe") int span_exit_at_ret__multi(struct pt_regs *ctx)
{
	return span_exit_at_ret(ctx);
}

/* Boundary: an annotation begins. */
SEC("uprobe") int span_begin__perf(struct pt_regs *ctx)
{
	return span_begin(ctx);
}

SEC("uprobe") int span_begin__multi(struct pt_regs *ctx)
{
	return span_begin(ctx);
}

/* Boundary: an annotation ends. */
SEC("uprobe") int span_end__perf(struct pt_regs *ctx)
{
	return span_end(ctx);
}

SEC("uprobe") int span_end__multi(struct pt_regs *ctx)
{
	return span_end(ctx);
}

/* No boundary: ktax's own function, by which it measures what a single step costs. */
SEC("uprobe") int span_step__perf(struct pt_regs *ctx)
{
	return span_step();
}

SEC("uprobe") int span_step__multi(struct pt_regs *ctx)
{
	return span_step();
}

#endif
