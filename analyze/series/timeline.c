// SPDX-License-Identifier: GPL-2.0
/*
 * Each line has one sum, of the slot at hand; when the time passes into another slot, all sums are
 * turned into points and emptied. An interval without any request is not visited: its slot lacks
 * the time that was attached then, which makes no difference to a rate of none.
 */
#include "timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "quantile.h"

struct timeline_sum {
	uint64_t requests, max_ns;
	double kernel_ns, total_ns;
	struct histogram total;
};

/* Slots are whole intervals, and as many as fit @points. */
static uint64_t choose_slot(const struct recording *recording, size_t points)
{
	uint64_t interval_ns = recording->sum.length_ns / recording->n_intervals;
	uint64_t each = (recording->n_intervals + points - 1) / points;

	/* Intervals are a little longer than intended: two of them must not share a slot. */
	return (interval_ns ? interval_ns : 1) * each;
}

static int create_line(const char *name, size_t n_points, struct timeline_line *line)
{
	line->endpoint = name;
	line->point = calloc(n_points, sizeof(line->point[0]));
	line->sum = calloc(1, sizeof(*line->sum));
	if (!line->point || !line->sum)
		return -ENOMEM;
	return histogram_init(&line->sum->total, HISTOGRAM_HIGHEST_DEFAULT_NS,
	                      HISTOGRAM_DIGITS_DEFAULT);
}

static int create_lines(const char *const *names, size_t n_names, struct timeline *timeline)
{
	int error = 0;

	timeline->n_lines = n_names;
	timeline->line = calloc(timeline->n_lines + 1, sizeof(timeline->line[0]));
	timeline->attached_ns = calloc(timeline->n_points, sizeof(timeline->attached_ns[0]));
	if (!timeline->line || !timeline->attached_ns)
		return -ENOMEM;
	for (size_t i = 0; i < timeline->n_lines && !error; i++)
		error = create_line(names[i], timeline->n_points, &timeline->line[i]);
	return error;
}

int timeline_create(const struct recording *recording, const char *const *names, size_t n_names,
                    size_t points, struct timeline **ret_timeline)
{
	struct timeline *timeline;
	int error;

	if (!recording->n_intervals || !recording->sum.length_ns || !points)
		return -ENODATA;
	timeline = calloc(1, sizeof(*timeline));
	if (!timeline)
		return -ENOMEM;
	timeline->slot_ns = choose_slot(recording, points);
	timeline->n_points = (size_t)(recording->sum.length_ns / timeline->slot_ns) + 1;
	error = create_lines(names, n_names, timeline);
	if (error) {
		timeline_free(timeline);
		return error;
	}
	*ret_timeline = timeline;
	return 0;
}

void timeline_free(struct timeline *timeline)
{
	if (!timeline)
		return;
	for (size_t i = 0; timeline->line && i < timeline->n_lines; i++) {
		if (timeline->line[i].sum)
			histogram_destroy(&timeline->line[i].sum->total);
		free(timeline->line[i].sum);
		free(timeline->line[i].point);
	}
	free(timeline->attached_ns);
	free(timeline->line);
	free(timeline);
}

static void finish_slot(struct timeline *timeline)
{
	uint64_t attached_ns = timeline->attached_ns[timeline->slot];

	for (size_t i = 0; i < timeline->n_lines; i++) {
		struct timeline_sum *sum = timeline->line[i].sum;
		struct timeline_point *point = &timeline->line[i].point[timeline->slot];

		point->requests = sum->requests;
		point->p50_ns = quantile_at_permille(&sum->total, sum->requests, 500, sum->max_ns);
		point->p99_ns = quantile_at_permille(&sum->total, sum->requests, 990, sum->max_ns);
		point->kernel_share = sum->total_ns > 0 ? sum->kernel_ns / sum->total_ns : -1;
		if (attached_ns)
			point->per_second = (double)sum->requests * 1e9 / (double)attached_ns;
		if (sum->requests)
			histogram_reset(&sum->total);
		sum->requests = sum->max_ns = 0;
		sum->kernel_ns = sum->total_ns = 0;
	}
}

void timeline_begin_source(struct timeline *timeline)
{
	timeline->source_offset_ns += timeline->visited_ns;
	timeline->source_begun = false;
	timeline->visited_ns = 0;
}

/* Where the interval lies in the recording; clocks may be set back while it is made. */
static size_t slot_of(struct timeline *timeline, const struct recording_interval *interval)
{
	uint64_t start_ns = interval->start_realtime_ns, offset_ns, middle_ns;
	size_t slot;

	if (!timeline->source_begun || start_ns < timeline->source_start_ns)
		timeline->source_start_ns = start_ns;
	timeline->source_begun = true;
	offset_ns = start_ns - timeline->source_start_ns;
	if (offset_ns + interval->length_ns > timeline->visited_ns)
		timeline->visited_ns = offset_ns + interval->length_ns;
	middle_ns = timeline->source_offset_ns + offset_ns + interval->length_ns / 2;
	slot = (size_t)(middle_ns / timeline->slot_ns);
	slot = slot < timeline->n_points ? slot : timeline->n_points - 1;
	return slot > timeline->slot ? slot : timeline->slot;
}

static int add_to(struct timeline_sum *sum, const struct recording_ledger *ledger)
{
	for (size_t c = 0; c < KTAX_JOINT_CELLS; c++) {
		const struct ktax_joint_cell *cell = &ledger->joint[c];

		for (int i = 0; cell->requests && i < KTAX_NACCOUNTS; i++) {
			double ns = (double)cell->sum_ns[i];

			sum->total_ns += ns;
			if (ktax_account_info[i].group == KTAX_GROUP_KERNEL)
				sum->kernel_ns += ns;
		}
	}
	sum->requests += ledger->requests;
	if (ledger->max_ns > sum->max_ns)
		sum->max_ns = ledger->max_ns;
	return histogram_merge(&sum->total, &ledger->total);
}

int timeline_add(struct timeline *timeline, const struct recording_interval *interval,
                 const struct recording_ledger *ledger)
{
	bool first =
		!timeline->source_begun || interval->start_realtime_ns != timeline->last_start_ns;
	size_t slot = slot_of(timeline, interval);

	if (slot != timeline->slot)
		finish_slot(timeline);
	timeline->slot = slot;
	/* Once for all endpoints of the interval. */
	if (first)
		timeline->attached_ns[slot] += interval->attached_ns;
	timeline->last_start_ns = interval->start_realtime_ns;
	for (size_t i = 0; i < timeline->n_lines; i++)
		if (!strcmp(timeline->line[i].endpoint, ledger->endpoint.name))
			return add_to(timeline->line[i].sum, ledger);
	return 0;
}

static void mark_unattached(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->n_lines; i++)
		for (size_t slot = 0; slot < timeline->n_points; slot++) {
			struct timeline_point *point = &timeline->line[i].point[slot];

			point->start_ns = slot * timeline->slot_ns;
			if (!timeline->attached_ns[slot])
				point->per_second = -1;
			if (!point->requests)
				point->kernel_share = -1;
		}
}

/* The room that was left for a last, partial slot. */
static void drop_unused(struct timeline *timeline)
{
	while (timeline->n_points > 1 && !timeline->attached_ns[timeline->n_points - 1])
		timeline->n_points--;
}

void timeline_end(struct timeline *timeline)
{
	finish_slot(timeline);
	drop_unused(timeline);
	mark_unattached(timeline);
}
