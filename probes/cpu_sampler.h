/* SPDX-License-Identifier: GPL-2.0 */
/* Samples every CPU by its clock: the program that tells user from kernel time. */
#ifndef KTAX_CPU_SAMPLER_H
#define KTAX_CPU_SAMPLER_H

#include <stdint.h>

struct bpf_link;
struct bpf_program;

struct cpu_sampler {
	int n_cpus;
	int *event; /* perf events, one per CPU; -1: none */
	struct bpf_link **link;
};

/* Opens the events, at @hz per CPU (0: none); an offline CPU has none. -ENOMEM. */
int cpu_sampler_open(struct cpu_sampler *sampler, int n_cpus, uint32_t hz);
void cpu_sampler_close(struct cpu_sampler *sampler);

/* Any number of times, with the same or another @program. */
void cpu_sampler_attach(struct cpu_sampler *sampler, const struct bpf_program *program);
void cpu_sampler_detach(struct cpu_sampler *sampler);

#endif
