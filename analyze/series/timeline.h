/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the requests of each endpoint changed over time: percentiles, rate and the kernel's share, in
 * slots of whole intervals. A recording longer than the slots asked for is cut into longer ones, of
 * merged histograms, so that no interval is left out.
 *
 *	timeline_create()
 *	for each source: timeline_begin_source(), recording_for_each_interval() with timeline_add()
 *	timeline_end()
 *
 * Several sources follow each other, in the order given, whenever they were recorded.
 */
#ifndef KTAX_TIMELINE_H
#define KTAX_TIMELINE_H

#include "recording.h"

struct timeline_point {
	uint64_t start_ns; /* since the start of the recording */
	uint64_t requests;
	uint64_t p50_ns, p99_ns; /* 0 where there is no request */
	double per_second;       /* while attached; negative where nothing was attached */
	double kernel_share;     /* of the requests' time, 0..1; negative where there is none */
};

struct timeline_line {
	const char *endpoint; /* its name */
	struct timeline_point *point;
	struct timeline_sum *sum; /* of the slot at hand */
};

struct timeline {
	uint64_t slot_ns;
	size_t n_points; /* of every line */
	size_t n_lines;
	struct timeline_line *line;
	uint64_t *attached_ns; /* of each slot */
	uint64_t source_start_ns, source_offset_ns, visited_ns, last_start_ns;
	bool source_begun;
	size_t slot;
};

/*
 * For the endpoints called @names (which must stay), at most @points slots each and one more for
 * what is left. -ENOMEM; -ENODATA: nothing was recorded.
 */
int timeline_create(const struct recording *recording, const char *const *names, size_t n_names,
                    size_t points, struct timeline **ret_timeline);
void timeline_free(struct timeline *timeline);
void timeline_begin_source(struct timeline *timeline);
/* In the order of recording_for_each_interval(). Errors as of histogram_merge(). */
int timeline_add(struct timeline *timeline, const struct recording_interval *interval,
                 const struct recording_ledger *ledger);
void timeline_end(struct timeline *timeline);

#endif
