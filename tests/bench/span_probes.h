/* SPDX-License-Identifier: GPL-2.0 */
/* Uprobes in this process with BPF programs made by hand, for the tests and benchmarks of spans. */
#ifndef KTAX_SPAN_PROBES_H
#define KTAX_SPAN_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPAN_PROBES_MAX 40

struct span_probes {
	int fds[SPAN_PROBES_MAX];
	size_t n;
};

/* What the recording programs leave behind, in slots of one map. */
struct span_hit {
	uint64_t sp; /* at the last hit */
	uint64_t count;
};

/* Whether uprobes and BPF work here, for us. */
bool span_probes_work(void);

/* A program that only returns; a file descriptor or -1. */
int span_program_nothing(void);

/* A map of SPAN_PROBES_MAX hits, and a program that records into its slot @slot. */
int span_hits_create(void);
int span_program_record(int map, size_t slot);
bool span_hits_read(int map, struct span_hit hits[SPAN_PROBES_MAX]);
bool span_hits_clear(int map);

/* Attaches @program to @offset of @path, in this process. Returns whether it worked. */
bool span_probe_attach(struct span_probes *probes, const char *path, uint64_t offset,
                       bool at_return, int program);
void span_probes_detach(struct span_probes *probes);

#endif
