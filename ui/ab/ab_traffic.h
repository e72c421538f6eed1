/* SPDX-License-Identifier: GPL-2.0 */
/* The traffic of `ktax ab`: made up or out of a capture, with work that is fixed or out of a
 * recording. */
#ifndef KTAX_UI_AB_TRAFFIC_H
#define KTAX_UI_AB_TRAFFIC_H

#include "options.h"
#include "trace.h"
#include "traffic.h"

/* The options under "Traffic:" that have a value. */
enum ab_traffic_option {
	AB_TRAFFIC_RATE = OPTION_LONG_ONLY,
	AB_TRAFFIC_GAPS,
	AB_TRAFFIC_FLOWS,
	AB_TRAFFIC_SIZE,
	AB_TRAFFIC_WORK,
	AB_TRAFFIC_TRACE,
	AB_TRAFFIC_TRACE_PORT,
	AB_TRAFFIC_SPEED,
	AB_TRAFFIC_PART,
	AB_TRAFFIC_END, /* the first id that is not one of these */
};

struct ab_traffic {
	struct traffic_shape shape;
	struct trace_options trace; /* path NULL: made up */
	const char *work_recording; /* NULL: shape.work_ns */
	unsigned int given; /* set of enum ab_traffic_option, as bits from AB_TRAFFIC_RATE */
};

extern const struct ab_traffic ab_traffic_default;

/* What the value of @option should have been, NULL if it is fine. */
const char *ab_traffic_take(struct ab_traffic *wanted, int option, const char *value);
/* Do the options go together? -1 to go on, or the exit code. */
int ab_traffic_check(const struct ab_traffic *wanted);
/*
 * Makes a block of @n_requests, fewer if the trace has fewer, all that is random of it by @seed.
 * -1, or the exit code of what has been said. @traffic is to be freed after -1.
 */
int ab_traffic_make(const struct ab_traffic *wanted, size_t n_requests, uint64_t seed,
                    struct traffic *traffic);

#endif
