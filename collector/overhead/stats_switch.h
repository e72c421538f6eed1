/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Switches the kernel's statistics of BPF programs (run time and count) on and off.
 *
 * That needs CAP_SYS_ADMIN each time, which a recorder should not keep while it runs. So a child
 * process keeps this one capability, does nothing but follow the switch, and ends with its parent.
 */
#ifndef KTAX_STATS_SWITCH_H
#define KTAX_STATS_SWITCH_H

#include <stdbool.h>
#include <sys/types.h>

struct stats_switch {
	int fd; /* to the child, -1: none */
	pid_t child;
};

#define STATS_SWITCH_NONE ((struct stats_switch){ .fd = -1 })

/*
 * Starts the child; call it before descriptors are opened and privileges dropped. -EPERM without
 * CAP_SYS_ADMIN or where the kernel refuses; other -errno. *ret is STATS_SWITCH_NONE then.
 */
int stats_switch_open(struct stats_switch *ret);

/* Whether there is a child that can switch. */
bool stats_switch_works(const struct stats_switch *stats);

/* 0 when the statistics are on or off as asked, else -errno; -EPERM where there is no child. */
int stats_switch_set(const struct stats_switch *stats, bool on);

/* Switches off and ends the child. */
void stats_switch_close(struct stats_switch *stats);

#endif
