/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spinning without a call: nothing is pushed on the stack, so that the remains of a frame that was
 * left stay as they are.
 */
#ifndef KTAX_TRUTH_SPIN_H
#define KTAX_TRUTH_SPIN_H

#include <x86intrin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the time stamp counter; set by spin_calibrate(). */
extern unsigned long spin_ticks_per_us;
void spin_calibrate(void);

static inline __attribute__((always_inline)) void spin(unsigned long us)
{
	const unsigned long start = __rdtsc();

	while (__rdtsc() - start < us * spin_ticks_per_us)
		_mm_pause();
}

#ifdef __cplusplus
}
#endif

#endif
