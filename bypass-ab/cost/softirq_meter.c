// SPDX-License-Identifier: GPL-2.0
#include "softirq_meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "softirq_probes.skel.h"

struct softirq_meter {
	struct softirq_probes *bpf;
	struct softirq_time *per_cpu; /* room for a reading */
	int n_cpus;
};

int softirq_meter_start(struct softirq_meter **ret_meter, char *why, size_t why_size)
{
	struct softirq_meter *meter = calloc(1, sizeof(*meter));
	int err = -ENOMEM;

	if (!meter)
		return sentence(why, why_size, err, "out of memory");
	meter->n_cpus = libbpf_num_possible_cpus();
	meter->per_cpu = meter->n_cpus > 0 ? calloc(meter->n_cpus, sizeof(*meter->per_cpu)) : NULL;
	meter->bpf = softirq_probes__open_and_load();
	if (meter->bpf && meter->per_cpu)
		err = softirq_probes__attach(meter->bpf);
	else if (!meter->bpf)
		err = -errno;
	if (err) {
		softirq_meter_stop(meter);
		return sentence(why, why_size, err, "cannot attach to softirqs: %s",
		                strerror(-err));
	}
	*ret_meter = meter;
	return 0;
}

void softirq_meter_set_process(struct softirq_meter *meter, pid_t pid)
{
	if (meter)
		meter->bpf->bss->process = pid;
}

/* Of all CPUs, into per_cpu. */
static bool read_times(struct softirq_meter *meter)
{
	uint32_t zero = 0;

	return meter &&
	       !bpf_map_lookup_elem(bpf_map__fd(meter->bpf->maps.times), &zero, meter->per_cpu);
}

struct softirq_time softirq_meter_read(struct softirq_meter *meter, int cpu)
{
	if (!read_times(meter) || cpu < 0 || cpu >= meter->n_cpus)
		return (struct softirq_time){};
	return meter->per_cpu[cpu];
}

struct softirq_time softirq_meter_read_all(struct softirq_meter *meter)
{
	struct softirq_time sum = {};

	if (!read_times(meter))
		return sum;
	for (int cpu = 0; cpu < meter->n_cpus; cpu++) {
		sum.within_ns += meter->per_cpu[cpu].within_ns;
		sum.outside_ns += meter->per_cpu[cpu].outside_ns;
	}
	return sum;
}

void softirq_meter_stop(struct softirq_meter *meter)
{
	if (!meter)
		return;
	softirq_probes__destroy(meter->bpf);
	free(meter->per_cpu);
	free(meter);
}
