// SPDX-License-Identifier: GPL-2.0
/* The histograms are walked once, in order of rank; the result is then put in random order. */
#include "work.h"

#include <errno.h>
#include <stdlib.h>

#include "paired.h"

/* A walk over a histogram's values in ascending order, those that are 0 for lack of one first. */
struct walk {
	const struct histogram *histogram;
	uint64_t value_ns;    /* midpoint of the bucket at hand */
	uint64_t next_lowest; /* of the bucket after it */
	uint32_t next_index;
	double seen; /* values up to and including this bucket */
};

static struct walk walk_init(const struct histogram *histogram, uint64_t requests)
{
	return (struct walk){ .histogram = histogram, .seen = requests - histogram->total };
}

static void walk_to(struct walk *walk, double rank)
{
	const struct histogram *histogram = walk->histogram;

	while (walk->seen <= rank && walk->next_index < histogram->length) {
		uint64_t lowest = walk->next_lowest;
		uint64_t highest = histogram_highest_equivalent(histogram, lowest);
		uint64_t count = histogram->counts[walk->next_index++];

		walk->next_lowest = highest + 1;
		if (!count)
			continue;
		walk->seen += count;
		walk->value_ns = lowest + (highest - lowest) / 2;
	}
}

static void draw_in_order(uint32_t *work_ns, size_t n, const struct work_times *times)
{
	struct walk walk[WORK_HISTOGRAMS_MAX];

	for (size_t k = 0; k < times->n; k++)
		walk[k] = walk_init(times->histogram[k], times->requests);
	for (size_t i = 0; i < n; i++) {
		double rank = ((double)i + 0.5) / (double)n * (double)times->requests;
		uint64_t sum_ns = 0;

		for (size_t k = 0; k < times->n; k++) {
			walk_to(&walk[k], rank);
			sum_ns += walk[k].value_ns;
		}
		work_ns[i] = sum_ns > UINT32_MAX ? UINT32_MAX : sum_ns;
	}
}

static int check(const struct traffic *traffic, const struct work_times *times)
{
	if (!traffic->n_requests || !times->requests || times->n > WORK_HISTOGRAMS_MAX)
		return -EINVAL;
	for (size_t k = 0; k < times->n; k++)
		if (times->histogram[k]->total > times->requests)
			return -EINVAL;
	return 0;
}

int traffic_draw_work(struct traffic *traffic, const struct work_times *times, uint64_t seed)
{
	size_t n = traffic->n_requests;
	struct paired_order order;
	uint32_t *work_ns;
	int err = check(traffic, times);

	if (err)
		return err;
	work_ns = calloc(n, sizeof(*work_ns));
	if (!work_ns)
		return -ENOMEM;
	draw_in_order(work_ns, n, times);
	paired_order_init(&order, seed);
	paired_order_shuffle(&order, work_ns, n);
	for (size_t i = 0; i < n; i++)
		traffic->request[i].work_ns = work_ns[i];
	free(work_ns);
	return 0;
}
