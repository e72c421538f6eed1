/* SPDX-License-Identifier: GPL-2.0 */
/* What `ktax ab` does to the host: it is journalled, one run at a time, and undone at any end. */
#ifndef KTAX_UI_AB_HOST_H
#define KTAX_UI_AB_HOST_H

#include <signal.h>

struct journal;

/* SIGINT, SIGTERM or SIGHUP has come: the run is to end, and to clean up. */
extern volatile sig_atomic_t ab_interrupted;

/*
 * Catches these signals, and takes the journal. -1, or the exit code where it cannot be had:
 * another run is under way, or what an earlier one left cannot be restored.
 */
int ab_host_take(struct journal **ret_journal);
/* Restores all that was changed. Returns @exit_code, or that of what could not be restored. */
int ab_host_restore(struct journal *journal, int exit_code);

/* --cleanup: restores what a run left that was killed, and says so. Returns the exit code. */
int ab_host_cleanup(void);

#endif
