/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What it costs to single-step a probed instruction, measured on this host.
 *
 * The time around calls of a function of this process is taken, without and with a probe on its
 * first instruction, which uprobes do not emulate. The probe's program says when it ran, so the two
 * parts of the cost are told apart: up to the program, and after it.
 *
 * In virtual machines the cost is the hypervisor's, and may double within seconds. So it is to be
 * measured again and again.
 */
#ifndef KTAX_STEP_COST_H
#define KTAX_STEP_COST_H

#include <stdint.h>

struct step_cost {
	uint64_t ns;        /* median per call */
	uint64_t before_ns; /* up to the program's stamp, */
	uint64_t after_ns;  /* and from there on: together ns */
};

/* The byte of /proc/self/exe to be probed. 0 or -ENOENT. */
int step_cost_offset(uint64_t *ret_offset);
/* What a call takes while it is not probed. */
uint64_t step_cost_bare_ns(void);
/*
 * While it is probed; takes some 3 ms. @stamp_ns: where the probe's program writes when it ran
 * (CLOCK_MONOTONIC). 0, or -ENODATA: it did not run in most of the calls.
 */
int step_cost_measure(uint64_t bare_ns, const volatile uint64_t *stamp_ns, struct step_cost *ret);

#endif
