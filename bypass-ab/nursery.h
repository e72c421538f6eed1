/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where processes are forked from: a process as this one was at first. DPDK starts once per process,
 * and what is forked after that cannot start one of its own; so a generator that sends by DPDK has
 * its responders forked by somebody who has not.
 */
#ifndef KTAX_NURSERY_H
#define KTAX_NURSERY_H

#include <stddef.h>
#include <sys/types.h>

#define NURSERY_FDS_MAX     4
#define NURSERY_REQUEST_MAX 512 /* bytes */

/* From now on nursery_fork forks from this state. Negative errno, with a sentence in @why. */
int nursery_start(char *why, size_t why_size);
/* From the state of the caller again; none that was started is fine. */
void nursery_stop(void);

/*
 * Forks a process that calls @run, which does not return, with a copy of @request and with
 * duplicates of @fds. It is a child of the calling process, either way; what the caller has
 * allocated since nursery_start it does not have. Its pid, or a negative errno.
 */
pid_t nursery_fork(void (*run)(const void *request, const int *fds), const void *request,
                   size_t size, const int *fds, size_t n_fds);

#endif
