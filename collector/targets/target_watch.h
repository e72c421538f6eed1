/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether processes or listening sockets may have changed, at a fraction of what it takes to look at
 * them all: by the host's newest thread, the sockets that listen, and whether all targets are alive.
 * What these do not tell (a process takes another name, or is moved to another cgroup) is found by
 * looking at all from time to time.
 */
#ifndef KTAX_TARGET_WATCH_H
#define KTAX_TARGET_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "netlink.h"

/* Begins as zeros. */
struct target_watch {
	char newest[16];     /* the host's newest thread */
	uint64_t listening;  /* a sum of the sockets that listen */
	unsigned int looked; /* so many calls ago */
	bool again;          /* something was new: after a fork comes an exec */
};

/*
 * Whether to look at all again, now: something has changed since the last call, or had then, or it
 * was not so for ten calls. @pids are the targets found by the last look.
 */
bool target_watch_look(struct target_watch *watch, struct netspace *netspaces, size_t n_netspaces,
                       const pid_t *pids, size_t n_pids);

#endif
