/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recording, merging and asking.
 *
 * The counts are one flat array over the buckets of hist_index.h, long enough for the whole octave
 * that holds the highest trackable value:
 *
 *	digits 3, m = 11          width 1            width 2             width 4
 *	counts  [0 .............. 2047] [2048 .. 3071] [3072 .. 4095] ...
 *	values   0 .............. 2047   2048 .. 4095   4096 .. 8191
 *
 * Every question is one walk over that array, up to the bucket of the maximum.
 */
#include "histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hist_index.h"

/* Java keeps values and counts in a signed long, and an encoded count is signed: a run of zeros is
 * < 0. */
#define TOTAL_MAX ((uint64_t)INT64_MAX)
#define VALUE_MAX ((uint64_t)INT64_MAX)

#define DIGITS_MAX 5

/* ceil(log2(2 * 10^digits)) */
static const uint8_t magnitudes[DIGITS_MAX + 1] = { 0, 5, 8, 11, 15, 18 };

static uint32_t length_for(uint64_t highest, uint32_t magnitude)
{
	uint32_t bits = ktax_log2(highest) + 1;

	return KTAX_HIST_BUCKETS_FOR(bits > magnitude ? bits : magnitude, magnitude);
}

/* Values end at INT64_MAX, as Java's do and as far as ktax_hist_index() goes. */
static uint32_t index_of(const struct histogram *histogram, uint64_t value)
{
	return ktax_hist_index(value < VALUE_MAX ? value : VALUE_MAX, histogram->magnitude);
}

/* Buckets up to the highest recorded one. */
static uint32_t used_length(const struct histogram *histogram)
{
	return histogram->total ? index_of(histogram, histogram->max) + 1 : 0;
}

static uint64_t bucket_lowest(const struct histogram *histogram, uint32_t index)
{
	return ktax_hist_lowest(index, histogram->magnitude);
}

static uint64_t bucket_highest(const struct histogram *histogram, uint32_t index)
{
	return bucket_lowest(histogram, index + 1) - 1;
}

int histogram_init(struct histogram *histogram, uint64_t highest, uint32_t digits)
{
	struct histogram new = { .digits = digits, .highest = highest, .min = UINT64_MAX };

	if (digits < 1 || digits > DIGITS_MAX || highest < 2 || highest > VALUE_MAX)
		return -EINVAL;
	new.magnitude = magnitudes[digits];
	new.length = length_for(highest, new.magnitude);
	new.counts = calloc(new.length, sizeof(*new.counts));
	if (!new.counts)
		return -ENOMEM;
	*histogram = new;
	return 0;
}

void histogram_destroy(struct histogram *histogram)
{
	if (!histogram)
		return;
	free(histogram->counts);
	*histogram = (struct histogram){ 0 };
}

void histogram_reset(struct histogram *histogram)
{
	memset(histogram->counts, 0, histogram->length * sizeof(*histogram->counts));
	histogram->total = 0;
	histogram->min = UINT64_MAX;
	histogram->max = 0;
}

/* Widens min and max so that they take in [low, high]. */
static void extend_range(struct histogram *histogram, uint64_t low, uint64_t high)
{
	if (low < histogram->min)
		histogram->min = low;
	if (high > histogram->max)
		histogram->max = high;
}

int histogram_record(struct histogram *histogram, uint64_t value, uint64_t count)
{
	uint32_t index = index_of(histogram, value);

	if (value > VALUE_MAX || index >= histogram->length)
		return -ERANGE;
	if (count > TOTAL_MAX - histogram->total)
		return -EOVERFLOW;
	if (!count)
		return 0;
	histogram->counts[index] += count;
	histogram->total += count;
	extend_range(histogram, value, value);
	return 0;
}

int histogram_merge(struct histogram *into, const struct histogram *from)
{
	uint32_t length = used_length(from);

	if (into->digits != from->digits)
		return -EINVAL;
	if (length > into->length)
		return -ERANGE;
	if (from->total > TOTAL_MAX - into->total)
		return -EOVERFLOW;
	for (uint32_t i = 0; i < length; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	extend_range(into, from->min, from->max);
	return 0;
}

/*
 * Java steps one ulp down before it rounds the rank up, so that a percentile that was computed from
 * a rank (100.0 * k / total) gives that rank back and not, by the product's rounding, the next one.
 * Totals above 2^53 may round up as doubles: there the rank is kept at the last value, where Java
 * would find no bucket and answer 0.
 */
static uint64_t rank_at(uint64_t total, double percentile)
{
	double below = fmin(fmax(nextafter(percentile, -INFINITY), 0.0), 100.0);
	double rank = ceil(below * (double)total / 100.0);

	if (rank < 1.0)
		return 1;
	return rank < (double)total ? (uint64_t)rank : total;
}

#define STRIDE 16 /* buckets that are added up before any is looked at */

static uint64_t sum_of_stride(const uint64_t *counts)
{
	uint64_t sum = 0;

	for (int i = 0; i < STRIDE; i++)
		sum += counts[i];
	return sum;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percentile)
{
	uint64_t rank = rank_at(histogram->total, percentile);
	uint32_t length = used_length(histogram);
	uint32_t i = length ? index_of(histogram, histogram->min) : 0;
	uint64_t seen = 0, next;

	for (; i + STRIDE <= length; i += STRIDE) {
		next = seen + sum_of_stride(&histogram->counts[i]);
		if (next >= rank)
			break;
		seen = next;
	}
	for (; i < length; i++) {
		seen += histogram->counts[i];
		if (seen >= rank)
			return percentile == 0.0 ? bucket_lowest(histogram, i)
			                         : bucket_highest(histogram, i);
	}
	return 0;
}

double histogram_mean(const struct histogram *histogram)
{
	uint32_t length = used_length(histogram);
	double sum = 0;

	for (uint32_t i = 0; i < length; i++) {
		uint64_t low = bucket_lowest(histogram, i);
		uint64_t middle = low + (bucket_highest(histogram, i) - low + 1) / 2;

		sum += (double)middle * (double)histogram->counts[i];
	}
	return histogram->total ? sum / (double)histogram->total : 0;
}

uint64_t histogram_count_up_to(const struct histogram *histogram, uint64_t value)
{
	uint32_t length = used_length(histogram);
	uint32_t last = index_of(histogram, value);
	uint64_t count = 0;

	for (uint32_t i = 0; i < length && i <= last; i++)
		count += histogram->counts[i];
	return count;
}

uint64_t histogram_lowest_equivalent(const struct histogram *histogram, uint64_t value)
{
	return bucket_lowest(histogram, index_of(histogram, value));
}

uint64_t histogram_highest_equivalent(const struct histogram *histogram, uint64_t value)
{
	return bucket_highest(histogram, index_of(histogram, value));
}
