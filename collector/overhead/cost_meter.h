/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Measures what the programs cost while they are attached, by the kernel's BPF statistics.
 *
 * These cost two clock readings a run themselves, so they are on for the first second and then for
 * a tenth of a second in two.
 */
#ifndef KTAX_COST_METER_H
#define KTAX_COST_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "stats_switch.h"

struct budget;
struct probes;

struct cost_meter {
	struct stats_switch stats;
	const struct probes *probes;
	struct budget *budget; /* is told each measurement */
	unsigned cpus;
	bool on;
	uint64_t since_ns, run_ns, runs;
	double ns_per_ns;   /* run time per attached ns, last measured; < 0: not yet */
	double runs_per_ns; /* likewise */
};

/* Not measuring: @stats is STATS_SWITCH_NONE, .probes is to be set before the first tick. */
void cost_meter_init(struct cost_meter *meter, struct budget *budget, unsigned cpus);

/* Whether anything has been measured. */
bool cost_meter_measured(const struct cost_meter *meter);

/* Switches the statistics as it is time; to be called often while the programs are attached. */
void cost_meter_tick(struct cost_meter *meter, uint64_t now);

/* Ends a measurement that is under way: the programs are about to be detached. */
void cost_meter_stop(struct cost_meter *meter, uint64_t now);

#endif
