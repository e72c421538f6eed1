/* SPDX-License-Identifier: GPL-2.0 */
/* Which CPUs a run gets, and what too few of them do to its figures. */
#ifndef KTAX_CORES_H
#define KTAX_CORES_H

#include <stdbool.h>
#include <stddef.h>

/* May this process run on @cpu? */
bool cores_may_use(int cpu);

/*
 * Two CPUs for the generator and the responder, of two cores if there are: 0. -EOPNOTSUPP: there
 * is but one, and a sentence in @why.
 */
int cores_pick(int *ret_generator, int *ret_responder, char *why, size_t why_size);
/* The one for a process that has the host to itself: not the first, which has the most of a host's
 * interrupts; where that is the only one, that. */
int cores_pick_one(void);

/*
 * What the figures suffer from with these two CPUs, in one sentence: true; false: they have a core
 * each, and leave one to the rest of the host.
 */
bool cores_complain(int generator, int responder, char *text, size_t size);
/* The same of one, for @who, where the other is on another host. */
bool cores_complain_of_one(int cpu, const char *who, char *text, size_t size);

/* The same of their distance (core_distance.h) at the start and at the end, 0: unknown. */
bool cores_complain_of_distance(double start_ns, double end_ns, char *text, size_t size);

/* "model name" of /proc/cpuinfo; "" where it has none. */
void cores_model(char *text, size_t size);

#endif
