// SPDX-License-Identifier: GPL-2.0
#include "breakdown.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "probes.h"

static void add_program(struct breakdown *breakdown, const struct probes_hook *before,
                        const struct probes_hook *after, double requests)
{
	struct program_cost *program = &breakdown->program[breakdown->n];
	double runs = (double)(after->runs - before->runs);
	double run_ns = (double)(after->run_ns - before->run_ns);

	if (!after->candidate || runs <= 0)
		return;
	program->boundary = after->boundary->name;
	program->program = after->candidate->program;
	program->runs_per_request = runs / requests;
	program->ns_per_run = run_ns / runs;
	breakdown->ns_per_request += run_ns / requests;
	breakdown->n++;
}

int breakdown_measure(struct arms *arms, enum arm arm, const struct window_options *options,
                      struct breakdown *ret_breakdown)
{
	const struct probes *probes = arms_probes(arms, arm);
	struct probes_hook before[BOUNDARY_COUNT], after[BOUNDARY_COUNT];
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct window window;
	uint64_t requests;
	int err = stats < 0 ? stats : arms_switch(arms, arm);

	requests = client_done(options->client);
	probes_hooks(probes, before);
	if (!err)
		err = window_measure(options, &window);
	probes_hooks(probes, after);
	requests = client_done(options->client) - requests;
	if (stats >= 0)
		close(stats);
	for (int i = 0; !err && requests && i < BOUNDARY_COUNT; i++)
		add_program(ret_breakdown, &before[i], &after[i], (double)requests);
	return err ? err : arms_switch(arms, ARM_OFF);
}
