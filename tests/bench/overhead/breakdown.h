/* SPDX-License-Identifier: GPL-2.0 */
/* Which program of a set runs how often and for how long, while the load runs. */
#ifndef BENCH_BREAKDOWN_H
#define BENCH_BREAKDOWN_H

#include "result.h"

/*
 * Attaches @arm for one window with the kernel's BPF statistics on. They take two clock
 * readings per run, so no other window has them on. -errno.
 */
int breakdown_measure(struct arms *arms, enum arm arm, const struct window_options *options,
                      struct breakdown *ret_breakdown);

#endif
