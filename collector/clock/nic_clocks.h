/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clocks of the targets' NICs: which of them stamp received packets, and how their stamps
 * become CLOCK_MONOTONIC for the probes. No NIC's setting is ever changed.
 */
#ifndef KTAX_NIC_CLOCKS_H
#define KTAX_NIC_CLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "targets.h"

struct nic_clocks;
struct probes;

/* What is known of them when the recording's hook table is made. */
struct nic_clocks_summary {
	char program[64]; /* "hwtstamp/ptp0"; empty: no NIC's stamps are used */
	char why[160];    /* whose stamps, to how many us; or why none are used; may be empty */
};

/*
 * Looks at the NICs of @links and opens the clocks of those that stamp packets (root may). What
 * does not work makes such a NIC one without stamps. -ENOMEM.
 */
int nic_clocks_open(const struct target_links *links, struct nic_clocks **ret_clocks);
void nic_clocks_close(struct nic_clocks *clocks);

/* Whether any clock is open. */
bool nic_clocks_used(const struct nic_clocks *clocks);

/*
 * Reads the clocks that are due at @now (CLOCK_MONOTONIC) and tells @probes: four times a second,
 * and at once where a clock was stepped.
 */
void nic_clocks_tick(struct nic_clocks *clocks, struct probes *probes, uint64_t now);

void nic_clocks_summarize(const struct nic_clocks *clocks, struct nic_clocks_summary *ret);
/* One line for each NIC that has a clock. */
void nic_clocks_describe(const struct nic_clocks *clocks,
                         void (*line)(const char *text, void *context), void *context);

#endif
