/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generator's clock: CLOCK_MONOTONIC, read from the time stamp counter where that is one clock
 * for all CPUs that never stops (constant_tsc, nonstop_tsc), for a tenth of what the system call's
 * fast path costs.
 */
#ifndef KTAX_TSC_H
#define KTAX_TSC_H

#include <stdint.h>

struct tsc {
	uint64_t ticks, ns; /* both at calibration */
	double ns_per_tick; /* 0: not usable, the kernel's clock is read */
};

/* Calibrates against CLOCK_MONOTONIC, which takes 20 ms. */
void tsc_calibrate(struct tsc *tsc);
uint64_t tsc_now_ns(const struct tsc *tsc);

#endif
