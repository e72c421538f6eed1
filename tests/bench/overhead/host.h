/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel counts of a thread, of the host, and of the hooks of others. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdint.h>
#include <sys/types.h>

struct host_thread {
	uint64_t cpu_ns;
	uint64_t delay_ns; /* runnable, but another one had its CPU */
};

/* Opens a thread's /proc/PID/schedstat; a file descriptor, or -errno. */
int host_thread_open(pid_t tid);
/*
 * cpu_ns is exact only while the thread is off its CPU, e.g. because the caller runs there: the
 * kernel brings it up to date when the thread leaves.
 */
struct host_thread host_thread_read(int fd);

/* How often @pid was switched out without wanting it. */
uint64_t host_preempted(pid_t pid);
/* Taken from all CPUs by the hypervisor, as far as it says so; in steps of 10 ms. */
uint64_t host_steal_ns(void);

/*
 * Links of BPF programs to tracepoints and kernel functions that are neither ours nor of @child
 * (0: none). With hooks of somebody else on the host, "without probes" is not without.
 */
unsigned int host_foreign_links(pid_t child);

/* Pins the calling thread; HOST_ANY_CPU lets it go. -errno. */
#define HOST_ANY_CPU -1
int host_pin(int cpu);
/* SCHED_FIFO with @priority, 0: back to SCHED_OTHER. -errno. */
int host_real_time(pid_t tid, int priority);

#endif
