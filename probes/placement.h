/* SPDX-License-Identifier: GPL-2.0 */
/* At which instructions of a function the probes of a span are cheapest, and still right. */
#ifndef KTAX_PLACEMENT_H
#define KTAX_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code_flow.h"

#define PLACEMENT_MAX_EXITS 32

struct placement_exit {
	uint64_t vaddr;
	int32_t sp_delta; /* bytes, as in struct span_exit */
	bool use_uretprobe;
	bool single_stepped;
};

struct placement {
	uint64_t enter_vaddr;
	int32_t sp_delta;
	bool use_uretprobe;
	bool single_stepped;
	bool exit_single_stepped;
	struct placement_exit exits[PLACEMENT_MAX_EXITS];
	size_t nexits;
};

/*
 * Chooses for the x86-64 function at @entry of @size bytes (0: unknown). @throws: no uretprobe.
 * Returns 0, -ENOMEM, or -EOPNOTSUPP if @throws and the exits cannot all be found; @ret_reason is
 * then a sentence without a full stop.
 */
int placement_choose(const struct code_source *source, uint64_t entry, uint64_t size, bool throws,
                     struct placement *ret, const char **ret_reason);

/* The placement where code cannot be read: both probes at the function's first byte. */
struct placement placement_at_entry(uint64_t entry);

#endif
