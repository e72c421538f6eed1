/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the light hook set knows of a thread: how long it was off its CPU between two events, from
 * the scheduler's own counters (light.bpf.c says which).
 */
#ifndef KTAX_LIGHT_THREAD_BPF_H
#define KTAX_LIGHT_THREAD_BPF_H

#include "types.bpf.h"

struct thread {
	__u64 last_ns;      /* last event */
	__u64 off_clock_ns; /* exec_start - sum_exec_runtime, then */
	__u64 excluded_ns;  /* what that CPU's clock_task leaves out, then */
	__u64 run_delay_ns;
	__u64 blocked_ns; /* off-CPU clocks, ever growing */
	__u64 runnable_ns;
	__u64 least_on_ns; /* least time on CPU between two events with a sleep between them */
	__u64 idle_out_ns; /* last sleep that a request has ended, from and to */
	__u64 idle_in_ns;
	__u64 idle_runnable_ns; /* runnable clock at idle_in_ns */
	__u32 cpu;
	__u32 tid;
	__u32 slot; /* connection it works on + 1, 0: none */
	__u32 generation;
	__u32 request; /* of that connection */
	__u32 epoch;
	__u32 target_epoch; /* found to be a target in this epoch */
	__u32 pad;
};

#include "connection.bpf.h"

/* Between the last event of a thread and now: spent = on CPU + runnable + blocked. */
struct stretch {
	__u64 since_ns;
	__u64 spent;
	__u64 blocked;
	__u64 runnable;
	__u64 running; /* on CPU for at least so long now */
	bool known;    /* false: its first event */
};

/* The runqueue of the running task, where it can be found (CONFIG_FAIR_GROUP_SCHED). */
static __always_inline struct rq *task_rq(struct task_struct *task)
{
	return bpf_core_field_exists(struct cfs_rq, rq) ? task->se.cfs_rq->rq : NULL;
}

/* Interrupt and steal time that the CPU's clock_task, and so sum_exec_runtime, leaves out. */
static __always_inline __u64 clock_excluded(struct task_struct *task)
{
	struct rq *rq = task_rq(task);

	return rq ? rq->clock - rq->clock_task : 0;
}

/* Grows by the time that the task is off CPU, and only then. */
static __always_inline __u64 off_clock(struct task_struct *task)
{
	return task->se.exec_start - task->se.sum_exec_runtime;
}

static __always_inline void thread_start(struct thread *thread, struct task_struct *task, __u64 now)
{
	thread->epoch = control.epoch;
	thread->tid = task->pid;
	thread->slot = 0;
	thread->last_ns = now;
	thread->off_clock_ns = off_clock(task);
	thread->run_delay_ns = task->sched_info.run_delay;
	thread->least_on_ns = ~0ULL;
	thread->idle_out_ns = thread->idle_in_ns = 0;
}

/*
 * Splits a stretch in which the thread was @off CPU. That can be more than the stretch by less than
 * a tick: the scheduler counts a preemption from the wakeup that called for it (its clock is not
 * read again, see rq_clock_skip_update).
 */
static __always_inline void stretch_split(struct stretch *stretch, struct thread *thread,
                                          struct task_struct *task, __u64 off)
{
	__u64 run_delay = task->sched_info.run_delay, arrival = task->sched_info.last_arrival;
	struct rq *rq = task_rq(task);

	if ((__s64)off < 0 || off > stretch->spent + settings.tick_ns)
		COUNT(clock_errors);
	if ((__s64)off < 0)
		off = 0;
	if (off > stretch->spent)
		off = stretch->spent;
	stretch->runnable = run_delay - thread->run_delay_ns;
	thread->run_delay_ns = run_delay;
	if (stretch->runnable > off)
		stretch->runnable = off;
	stretch->blocked = off - stretch->runnable;
	if (rq && rq->clock > arrival)
		stretch->running = rq->clock - arrival;
	if (stretch->spent - off < thread->least_on_ns)
		thread->least_on_ns = stretch->spent - off;
	thread->blocked_ns += stretch->blocked;
	thread->runnable_ns += stretch->runnable;
}

/* Moves the thread's clocks on to @now. */
static __always_inline void thread_advance(struct thread *thread, __u64 now,
                                           struct stretch *stretch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 off_clock_ns = off_clock(task), excluded = clock_excluded(task), off;
	__u32 cpu = bpf_get_smp_processor_id();

	if (thread->epoch != control.epoch) {
		thread_start(thread, task, now);
		stretch->since_ns = now;
	} else {
		stretch->known = true;
		stretch->since_ns = thread->last_ns;
		stretch->spent = now - thread->last_ns;
		off = off_clock_ns - thread->off_clock_ns;
		if (cpu != thread->cpu) /* exec_start is in each CPU's clock_task */
			off += excluded - thread->excluded_ns;
		if (off)
			stretch_split(stretch, thread, task, off);
		thread->last_ns = now;
		thread->off_clock_ns = off_clock_ns;
	}
	thread->cpu = cpu;
	thread->excluded_ns = excluded;
}

static __always_inline struct thread *thread_get(void)
{
	struct thread *thread = thread_current();

	return thread ? thread : thread_make();
}

/* As thread_is_target, with the answer yes remembered. */
static __always_inline bool thread_counts(struct thread *thread)
{
	if (thread->target_epoch == control.epoch)
		return true;
	if (!thread_is_target())
		return false;
	thread->target_epoch = control.epoch;
	return true;
}

#endif
