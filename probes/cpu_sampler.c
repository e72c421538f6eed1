// SPDX-License-Identifier: GPL-2.0
#include "cpu_sampler.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int cpu_sampler_open(struct cpu_sampler *sampler, int n_cpus, uint32_t hz)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = hz,
	};

	sampler->event = calloc(n_cpus, sizeof(*sampler->event));
	sampler->link = calloc(n_cpus, sizeof(*sampler->link));
	if (!sampler->event || !sampler->link)
		return -ENOMEM;
	sampler->n_cpus = n_cpus;
	for (int cpu = 0; cpu < n_cpus; cpu++) {
		sampler->event[cpu] = -1;
		if (hz)
			sampler->event[cpu] = syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			                              PERF_FLAG_FD_CLOEXEC);
	}
	return 0;
}

void cpu_sampler_close(struct cpu_sampler *sampler)
{
	cpu_sampler_detach(sampler);
	for (int cpu = 0; cpu < sampler->n_cpus; cpu++)
		if (sampler->event[cpu] >= 0)
			close(sampler->event[cpu]);
	free(sampler->event);
	free(sampler->link);
	*sampler = (struct cpu_sampler){};
}

void cpu_sampler_attach(struct cpu_sampler *sampler, const struct bpf_program *program)
{
	for (int cpu = 0; cpu < sampler->n_cpus; cpu++) {
		if (sampler->event[cpu] < 0)
			continue;
		/* The link owns the descriptor; keep ours for the next window. */
		sampler->link[cpu] =
			bpf_program__attach_perf_event(program, dup(sampler->event[cpu]));
	}
}

void cpu_sampler_detach(struct cpu_sampler *sampler)
{
	for (int cpu = 0; cpu < sampler->n_cpus; cpu++) {
		bpf_link__destroy(sampler->link[cpu]);
		sampler->link[cpu] = NULL;
	}
}
