/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ledgers in memory: the sums, and how the kernel side's histograms become recorded ones.
 */
#include "internal.h"

#include <errno.h>

#define MS 1000000ULL

const uint64_t recording_arrival_window_ns[RECORDING_ARRIVAL_WINDOWS] = {
	1 * MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS, 200 * MS, 500 * MS, 1000 * MS,
};

struct histogram *ledger_histogram(struct recording_ledger *ledger, int i)
{
	switch (i) {
	case 0:
		return &ledger->total;
	case 1:
		return &ledger->floor_tuned;
	case 2:
		return &ledger->floor_bypass;
	default:
		return &ledger->account[i - 3];
	}
}

int ledger_init(struct recording_ledger *ledger, const struct recording_endpoint *endpoint)
{
	*ledger = (struct recording_ledger){ .endpoint = *endpoint };
	for (int i = 0; i < LEDGER_HISTOGRAMS; i++) {
		int error = histogram_init(ledger_histogram(ledger, i), RECORDING_HIGHEST_NS,
		                           RECORDING_DIGITS);

		if (error) {
			ledger_destroy(ledger);
			return error;
		}
	}
	return 0;
}

void ledger_destroy(struct recording_ledger *ledger)
{
	for (int i = 0; i < LEDGER_HISTOGRAMS; i++)
		histogram_destroy(ledger_histogram(ledger, i));
}

/* Counts are of buckets, so a decoded maximum is its bucket's end; the counter has it exactly. */
void ledger_restore_max(struct recording_ledger *ledger)
{
	struct histogram *total = &ledger->total;

	if (total->total && ledger->max_ns <= total->max &&
	    ledger->max_ns >= histogram_lowest_equivalent(total, total->max))
		total->max = ledger->max_ns;
}

int sum_add(uint64_t *sum, uint64_t value)
{
	/* Kept within what a recording can hold again, and what signed readers can. */
	if (value > INT64_MAX - *sum)
		return -EBADMSG;
	*sum += value;
	return 0;
}

int interval_add(struct recording_interval *sum, const struct recording_interval *interval)
{
	int error = 0;

#define X(member) error = error ? error : sum_add(&sum->member, interval->member);
	INTERVAL_SUMS(X)
#undef X
	return error;
}

static uint64_t bucket_midpoint(uint32_t index)
{
	uint64_t lowest = ktax_hist_lowest(index, KTAX_HIST_MAGNITUDE);
	uint64_t next = ktax_hist_lowest(index + 1, KTAX_HIST_MAGNITUDE);

	return lowest + (next - lowest) / 2;
}

/* The bucket that the kernel side counts @value in: what is too long is in the last one. */
static uint32_t bucket_of(uint64_t value)
{
	if (value >> KTAX_VALUE_BITS)
		return KTAX_HIST_BUCKETS - 1;
	return ktax_hist_index(value, KTAX_HIST_MAGNITUDE);
}

/*
 * Adds each of @buckets at its midpoint, but no value above @max_ns where that lies in the highest
 * bucket. @has_max: @max_ns is the slowest itself and not only a bound, so one value stands there.
 * (Where the kernel side was read in the middle of an update, the maximum may be ahead of the
 * buckets or behind; then the midpoint is as good as it gets.)
 */
int buckets_fold(const uint32_t *buckets, uint32_t n, uint64_t max_ns, bool has_max,
                 int (*add)(void *context, uint64_t value, uint64_t count), void *context)
{
	uint64_t max = max_ns < RECORDING_HIGHEST_NS ? max_ns : RECORDING_HIGHEST_NS;
	uint32_t top = bucket_of(max_ns);
	int error = 0;

	for (uint32_t i = 0; i < n && !error; i++) {
		uint64_t count = buckets[i], value;
		bool at_max = i == top && has_max;

		if (i % BUCKETS_BLOCK == 0 && block_is_empty(&buckets[i]))
			i += BUCKETS_BLOCK - 1;
		if (!count)
			continue;
		value = bucket_midpoint(i);
		if (i == top && value > max)
			value = max;
		if (count > at_max)
			error = add(context, value, count - at_max);
		if (at_max && !error)
			error = add(context, max, 1);
	}
	return error;
}

static int record_value(void *context, uint64_t value, uint64_t count)
{
	return histogram_record(context, value, count);
}

int histogram_fold(struct histogram *into, const uint32_t buckets[KTAX_HIST_BUCKETS],
                   uint64_t max_ns, bool has_max)
{
	return buckets_fold(buckets, KTAX_HIST_BUCKETS, max_ns, has_max, record_value, into);
}
