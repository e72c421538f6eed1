/* SPDX-License-Identifier: GPL-2.0 */
/* An endpoint's intervals as points of a line over time. */
#ifndef KTAX_SERIES_H
#define KTAX_SERIES_H

#include <stdbool.h>

#include "tail.h"

struct series_point {
	bool attached; /* false: nobody looked, which is not the same as no request */
	uint64_t requests;
	double per_second;          /* while attached */
	uint64_t p50_ns, p99_ns;    /* 0 where there was no request */
	double share[KTAX_NGROUPS]; /* of the requests' time, 0..1 */
};

/* @ledger may be NULL: no request. */
void series_point(const struct recording_interval *interval, const struct slice_ledger *ledger,
                  struct series_point *ret_point);

#endif
