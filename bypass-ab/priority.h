/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is measured runs before all else on its CPU: both polling sides would otherwise share their
 * CPUs with whatever else wants to run.
 */
#ifndef KTAX_PRIORITY_H
#define KTAX_PRIORITY_H

#include <stdbool.h>
#include <sys/types.h>

/* Of a process, 0: the calling one. Where it may not be set, it stays. */
void priority_set(pid_t pid, bool high);

#endif
