// SPDX-License-Identifier: GPL-2.0
#include "cost_meter.h"

#include "budget.h"
#include "probes.h"

#define NSEC_PER_MSEC  1000000ULL
#define STATS_FIRST_NS (1000 * NSEC_PER_MSEC)
#define STATS_NS       (100 * NSEC_PER_MSEC)
#define STATS_EVERY_NS (2000 * NSEC_PER_MSEC)
#define DISPATCH_NS    110 /* what a firing costs beyond its program's run time (docs/overhead.md) */

void cost_meter_init(struct cost_meter *meter, struct budget *budget, unsigned cpus)
{
	*meter = (struct cost_meter){
		.stats = STATS_SWITCH_NONE,
		.budget = budget,
		.cpus = cpus,
		.ns_per_ns = -1,
	};
}

bool cost_meter_measured(const struct cost_meter *meter)
{
	return meter->ns_per_ns >= 0;
}

static void meter_start(struct cost_meter *meter, uint64_t now)
{
	if (meter->on || stats_switch_set(&meter->stats, true))
		return;
	meter->on = true;
	meter->since_ns = now;
	probes_cost(meter->probes, &meter->run_ns, &meter->runs);
}

void cost_meter_stop(struct cost_meter *meter, uint64_t now)
{
	uint64_t run_ns, runs, elapsed = now - meter->since_ns;

	if (!meter->on)
		return;
	stats_switch_set(&meter->stats, false);
	meter->on = false;
	if (elapsed < NSEC_PER_MSEC)
		return;
	probes_cost(meter->probes, &run_ns, &runs);
	runs -= meter->runs;
	run_ns += runs * DISPATCH_NS - meter->run_ns;
	meter->ns_per_ns = (double)run_ns / elapsed;
	meter->runs_per_ns = (double)runs / elapsed;
	budget_measured(meter->budget, run_ns, elapsed, meter->cpus);
}

void cost_meter_tick(struct cost_meter *meter, uint64_t now)
{
	uint64_t length = cost_meter_measured(meter) ? STATS_NS : STATS_FIRST_NS;

	if (meter->on && now - meter->since_ns >= length)
		cost_meter_stop(meter, now);
	else if (!meter->on &&
	         (!cost_meter_measured(meter) || now - meter->since_ns >= STATS_EVERY_NS))
		meter_start(meter, now);
}
