/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spans of user code: functions of the catalogue (serialize, tls, gc) and annotations.
 *
 * The outermost span counts: calls within it, recursive or of other catalogue functions, change
 * nothing. A span is identified by its stack frame and not by a depth counter, so that returns
 * that are never seen (longjmp, exceptions, tail calls) cannot leave it open: it ends at the first
 * event that finds the stack pointer above its frame (here and in span_left).
 *
 * Cookie: account in the low 8 bits; above, how many bytes the function has pushed between its
 * first instruction and the probed one.
 */
#ifndef KTAX_SPAN_BPF_H
#define KTAX_SPAN_BPF_H

#include "ledger.bpf.h"
#include <bpf/usdt.bpf.h>

/* Opens a span of @account that has returned when the stack pointer reaches @limit. */
static __always_inline void span_open(__u32 account, __u64 limit, __u64 return_address)
{
	__u64 now = bpf_ktime_get_ns();
	struct thread *thread = thread_known();

	if (!thread) {
		if (!thread_is_target() || !control.filter_tasks)
			return; /* not a thread that has ever handled a request */
		thread = thread_get(now);
		if (!thread)
			return;
	}
	if (thread->span_limit && limit <= thread->span_limit &&
	    !(thread->trampoline && thread->span_return && span_left(thread)))
		return; /* nested */
	if (account >= KTAX_NACCOUNTS)
		return;
	thread_post_current(thread, now);
	if (thread->span_limit) { /* the old span's frame is gone: limit is above it */
		thread->span_limit = 0;
		thread->on = thread->user = KTAX_APP;
	}
	if (thread->on != KTAX_APP)
		return; /* within a socket call: a signal handler */
	thread->on = thread->user = account;
	thread->span_limit = limit;
	thread->span_return = return_address;
}

/* Closes the open span if the stack pointer @sp shows that it is the one that returned. */
static __always_inline void span_close(struct thread *thread, __u64 sp)
{
	if (!thread->span_limit || sp < thread->span_limit)
		return;
	if (thread->on == thread->user) {
		thread_post(thread, bpf_ktime_get_ns());
		thread->on = KTAX_APP;
	}
	thread->user = KTAX_APP;
	thread->span_limit = 0;
}

/* Boundary: a catalogue function is entered. */
SEC("uprobe") int span_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), return_address = 0;
	__u64 frame = PT_REGS_SP(ctx) + (cookie >> 8);

	bpf_probe_read_user(&return_address, sizeof(return_address), (void *)frame);
	span_open(cookie & 0xff, frame + sizeof(return_address), return_address);
	return 0;
}

/* Boundary: a catalogue function returns. */
SEC("uretprobe") int span_exit(struct pt_regs *ctx)
{
	struct thread *thread = thread_known();
	__u64 sp = PT_REGS_SP(ctx);

	if (!thread)
		return 0;
	if (!thread->trampoline)
		bpf_probe_read_user(&thread->trampoline, sizeof(thread->trampoline),
		                    (void *)(sp - sizeof(__u64)));
	span_close(thread, sp);
	return 0;
}

/* Boundary: a catalogue function is about to return (probed at its ret; see spans.h). */
SEC("uprobe") int span_exit_at_ret(struct pt_regs *ctx)
{
	struct thread *thread = thread_known();

	if (thread)
		span_close(thread,
		           PT_REGS_SP(ctx) + sizeof(__u64) + (bpf_get_attach_cookie(ctx) >> 8));
	return 0;
}

/* Boundaries: annotations in the target's source (samples/annotate/ktax.h). */
SEC("usdt") int BPF_USDT(span_begin, long account)
{
	span_open(account, PT_REGS_SP(ctx), 0);
	return 0;
}

SEC("usdt") int BPF_USDT(span_end, long account)
{
	struct thread *thread = thread_known();

	if (thread)
		span_close(thread, PT_REGS_SP(ctx));
	return 0;
}

#endif
