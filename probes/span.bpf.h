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
 * that finds its frame gone (here and in span_left).
 */
#ifndef KTAX_SPAN_BPF_H
#define KTAX_SPAN_BPF_H

#include "ledger.bpf.h"
#include <bpf/usdt.bpf.h>

/* Attach cookie: account, flags, and the bytes pushed between function entry and probe. */
#define SPAN_COOKIE_ACCOUNT(cookie)  ((cookie)&0xff)
#define SPAN_COOKIE_STACKED(cookie)  ((cookie) >> 8 & 1)
#define SPAN_COOKIE_SP_DELTA(cookie) ((__s32)((cookie) >> 16))

/* Must a span at @limit, about to open, have left the innermost one behind? */
static __always_inline bool span_is_stale(struct thread *thread, __u64 limit, __u32 kind)
{
	struct span *top = span_top(thread);

	if (limit != top->limit)
		return limit > top->limit;
	/* The same frame: a function that was left and called again; annotations nest in a frame.
	 */
	return kind != SPAN_ANNOTATION && top->kind != SPAN_ANNOTATION;
}

/* Drops spans whose frame is gone; their time since the last event is unknown. */
static __always_inline void span_drop_stale(struct thread *thread, __u64 limit, __u32 kind,
                                            __u64 now)
{
	bool dropped = false;

	for (int i = 0; i < KTAX_SPANS && thread->spans && span_is_stale(thread, limit, kind);
	     i++) {
		thread->spans--;
		dropped = true;
	}
	if (!dropped)
		return;
	thread->on = KTAX_UNKNOWN;
	thread_post(thread, now);
	thread->on = thread->user = span_account(thread);
}

/* The current thread, made where it is one of a target that has not met a socket yet (a worker). */
static __always_inline struct thread *span_thread(__u64 now)
{
	struct thread *thread = thread_known();

	if (thread || !control.admit || !process_is_target())
		return thread;
	return thread_get(now);
}

/* Opens a span of @account that is left when the stack pointer reaches @limit. */
static __always_inline void span_open(__u32 account, __u32 kind, __u64 limit, __u64 return_address)
{
	__u64 now = bpf_ktime_get_ns();
	struct thread *thread = span_thread(now);
	struct span *span;

	/* Not user code of a request: never met a socket, or a signal handler within a socket call.
	 */
	if (!thread || thread->on != thread->user || account >= KTAX_NACCOUNTS)
		return;
	span_drop_stale(thread, limit, kind, now);
	if (kind == SPAN_FUNCTION && thread->spans && span_top(thread)->kind != SPAN_ANNOTATION)
		return; /* nested */
	if (thread->spans >= KTAX_SPANS)
		return;
	thread_post(thread, now);
	thread->spans++;
	span = span_top(thread);
	span->limit = limit;
	span->return_address = return_address;
	span->account = account;
	span->kind = kind;
	thread->on = thread->user = account;
}

/* Closes the span whose end is seen at stack pointer @sp, and what was left unseen within it. */
static __always_inline void span_close(struct thread *thread, __u64 sp, bool annotation)
{
	bool in_user_code = thread->on == thread->user;
	__u64 now;

	if (!thread->spans || span_top(thread)->limit > sp)
		return;
	now = bpf_ktime_get_ns();
	for (int i = 0; i < KTAX_SPANS && thread->spans && span_top(thread)->limit < sp; i++) {
		thread->spans--;
		thread->on = in_user_code ? KTAX_UNKNOWN : thread->on;
	}
	if (thread->spans && span_top(thread)->limit == sp &&
	    (span_top(thread)->kind == SPAN_ANNOTATION) == annotation)
		thread->spans--;
	if (in_user_code)
		thread_post(thread, now);
	thread->user = span_account(thread);
	if (in_user_code)
		thread->on = thread->user;
}

static __always_inline int span_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), return_address = 0;
	__u64 frame = PT_REGS_SP(ctx) + SPAN_COOKIE_SP_DELTA(cookie);

	bpf_probe_read_user(&return_address, sizeof(return_address), (void *)frame);
	span_open(SPAN_COOKIE_ACCOUNT(cookie),
	          SPAN_COOKIE_STACKED(cookie) ? SPAN_STACKED_FUNCTION : SPAN_FUNCTION,
	          frame + sizeof(return_address), return_address);
	return 0;
}

static __always_inline int span_exit(struct pt_regs *ctx)
{
	struct thread *thread = thread_known();
	__u64 sp = PT_REGS_SP(ctx) + SPAN_COOKIE_SP_DELTA(bpf_get_attach_cookie(ctx));

	if (thread)
		span_close(thread, sp, false);
	return 0;
}

static __always_inline int span_exit_at_ret(struct pt_regs *ctx)
{
	struct thread *thread = thread_known();
	__u64 frame = PT_REGS_SP(ctx) + SPAN_COOKIE_SP_DELTA(bpf_get_attach_cookie(ctx));

	if (thread)
		span_close(thread, frame + sizeof(__u64), false);
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

/* The numbers of samples/annotate/ktax/ktax.h; they are part of compiled programs. */
static __always_inline __u32 annotation_account(long number)
{
	switch (number) {
	case 1:
		return KTAX_APP;
	case 2:
		return KTAX_SERIALIZE;
	case 3:
		return KTAX_TLS;
	case 4:
		return KTAX_GC;
	case 5:
		return KTAX_HOP;
	case 6:
		return KTAX_LOCK;
	case 7:
		return KTAX_IO;
	case 8:
		return KTAX_WAIT;
	}
	return KTAX_NACCOUNTS;
}

/* Boundaries: annotations in the target's source. */
SEC("usdt") int BPF_USDT(span_begin, long number)
{
	span_open(annotation_account(number), SPAN_ANNOTATION, PT_REGS_SP(ctx), 0);
	return 0;
}

SEC("usdt") int BPF_USDT(span_end, long number)
{
	struct thread *thread = thread_known();

	if (thread)
		span_close(thread, PT_REGS_SP(ctx), true);
	return 0;
}

#endif
