/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HdrHistogram: counts of integer values (ktax: nanoseconds) at a fixed relative precision.
 *
 * Same bucket layout, encoding and percentile rule as the Java reference (org.HdrHistogram 2.1.x)
 * with lowestDiscernibleValue 1, so that a blob written here is byte-identical to its own. The
 * bucket index comes from probes/shared/hist_index.h, which the BPF side uses too.
 */
#ifndef KTAX_HISTOGRAM_H
#define KTAX_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_DIGITS_DEFAULT 3
/* Highest trackable value by default: one hour in ns. */
#define HISTOGRAM_HIGHEST_DEFAULT_NS 3600000000000ULL

struct histogram {
	uint32_t digits;    /* significant decimal digits, 1..5 */
	uint32_t magnitude; /* ceil(log2(2 * 10^digits)) */
	uint64_t highest;   /* highest trackable value, as encoded */
	uint64_t total;     /* number of recorded values, at most INT64_MAX (Java's long) */
	uint64_t min;       /* lowest recorded value, UINT64_MAX where empty */
	uint64_t max;       /* highest recorded value, 0 where empty */
	uint32_t length;    /* of counts */
	uint64_t *counts;
};

/* An empty histogram; -ENOMEM, or -EINVAL for digits outside 1..5, highest outside 2..INT64_MAX. */
int histogram_init(struct histogram *histogram, uint64_t highest, uint32_t digits);
/* Frees the counts; accepts NULL and a zeroed histogram. */
void histogram_destroy(struct histogram *histogram);
void histogram_reset(struct histogram *histogram);

/*
 * Adds @count values equal to @value; on failure nothing is changed. -ERANGE if it lies beyond the
 * last bucket (as in Java, the octave that holds the highest trackable value is covered to its
 * end); -EOVERFLOW if the total would exceed INT64_MAX.
 */
int histogram_record(struct histogram *histogram, uint64_t value, uint64_t count);
/*
 * Adds all of @from, bucket by bucket; on failure nothing is changed. -EINVAL if the digits differ,
 * -ERANGE if @from has a value beyond the last bucket of @into, -EOVERFLOW as above.
 */
int histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The value at @percentile (0..100): the highest value equivalent to the bucket in which the
 * ceil(percentile / 100 * total)-th value lies, as in Java's getValueAtPercentile (whose 0th
 * percentile is the lowest value equivalent to the first such bucket). 0 where empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile);
/* Mean of the buckets' midpoints, as in Java's getMean. 0 where empty. */
double histogram_mean(const struct histogram *histogram);
/* Number of values in buckets up to and including the one of @value. */
uint64_t histogram_count_up_to(const struct histogram *histogram, uint64_t value);

/* Bounds of the bucket that @value, at most INT64_MAX, falls into, both inclusive. */
uint64_t histogram_lowest_equivalent(const struct histogram *histogram, uint64_t value);
uint64_t histogram_highest_equivalent(const struct histogram *histogram, uint64_t value);

/*
 * V2 encoding. encode: the uncompressed payload (cookie 0x1c849313); encode_compressed: that,
 * deflated at zlib's level 9 behind the cookie 0x1c849314, as the Java log writer does.
 * On success *ret_bytes is malloc()ed and the caller's. -ENOMEM.
 */
int histogram_encode(const struct histogram *histogram, uint8_t **ret_bytes, size_t *ret_length);
int histogram_encode_compressed(const struct histogram *histogram, uint8_t **ret_bytes,
                                size_t *ret_length);
/*
 * Reads either encoding, all of @length, into an uninitialised histogram. min and max are those of
 * the buckets: lowest and highest equivalent. Any input is safe and takes at most 47 MiB, the
 * largest histogram of 5 digits. -EINVAL: not a V2 histogram, truncated, inconsistent, or of a kind
 * that ktax does not write (lowest value other than 1, shifted, scaled); -ENOMEM.
 */
int histogram_decode(const uint8_t *bytes, size_t length, struct histogram *ret_histogram);

#endif
