/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How fast the CPU is just now. On a virtual machine the other hyperthread of a core may belong to
 * somebody else; while he computes, everything takes 1.3 to 1.8 times as long, and no counter of
 * the guest says so. A fixed piece of arithmetic, some 8 us long, does: it takes 1.1 times as long
 * or more.
 */
#ifndef BENCH_SPEED_H
#define BENCH_SPEED_H

#include <stdbool.h>
#include <stdint.h>

/* How long the fixed piece took on the caller's CPU. */
uint64_t speed_probe_ns(void);
/* Whether @probe_ns is above the best of all probes so far by more than this ratio (1.04). */
bool speed_is_slow(uint64_t probe_ns);
void speed_set_limit(double ratio);
/* Looks for the best for 0.3 s, so that the first windows are judged as the last ones are. */
void speed_calibrate(void);

#endif
