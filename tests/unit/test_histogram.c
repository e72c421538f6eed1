/* SPDX-License-Identifier: GPL-2.0 */
/* The histogram by itself; tests/interop/histogram compares it with the Java reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "hist_index.h"
#include "histogram.h"
#include "hlog.h"

#define HIGHEST HISTOGRAM_HIGHEST_DEFAULT_NS

/* splitmix64: the same sequence on every machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static struct histogram empty(void)
{
	struct histogram histogram;

	assert_int_equal(histogram_init(&histogram, HIGHEST, HISTOGRAM_DIGITS_DEFAULT), 0);
	return histogram;
}

/* 1 µs to 1 ms in steps of 1 µs, once each. */
static struct histogram thousand_microseconds(void)
{
	struct histogram histogram = empty();

	for (uint64_t us = 1; us <= 1000; us++)
		assert_int_equal(histogram_record(&histogram, us * 1000, 1), 0);
	return histogram;
}

static void assert_same(const struct histogram *a, const struct histogram *b)
{
	assert_int_equal(a->digits, b->digits);
	assert_int_equal(a->highest, b->highest);
	assert_int_equal(a->total, b->total);
	assert_int_equal(a->length, b->length);
	assert_memory_equal(a->counts, b->counts, a->length * sizeof(*a->counts));
}

/* ---- layout ---------------------------------------------------------------------------------- */

static void a_bucket_ends_where_the_next_begins(void **state)
{
	static const uint32_t magnitudes[] = { 1, 5, 7, 8, 11, 15, 18 };

	for (size_t m = 0; m < sizeof(magnitudes) / sizeof(*magnitudes); m++) {
		uint32_t magnitude = magnitudes[m];
		uint32_t buckets = KTAX_HIST_BUCKETS_FOR(63, magnitude);

		for (uint32_t i = 0; i + 1 < buckets && i < 1 << 20; i++) {
			uint64_t low = ktax_hist_lowest(i, magnitude);
			uint64_t next = ktax_hist_lowest(i + 1, magnitude);

			assert_true(next > low);
			assert_int_equal(ktax_hist_index(low, magnitude), i);
			assert_int_equal(ktax_hist_index(next - 1, magnitude), i);
		}
		assert_int_equal(ktax_hist_index(INT64_MAX, magnitude), buckets - 1);
	}
}

static void a_bucket_is_never_wider_than_the_digits_allow(void **state)
{
	uint64_t seed = 1;

	for (uint32_t digits = 1; digits <= 5; digits++) {
		struct histogram histogram;

		assert_int_equal(histogram_init(&histogram, INT64_MAX, digits), 0);
		for (int i = 0; i < 20000; i++) {
			uint64_t value = next_random(&seed) >> (1 + next_random(&seed) % 63);
			uint64_t low = histogram_lowest_equivalent(&histogram, value);
			uint64_t high = histogram_highest_equivalent(&histogram, value);

			assert_true(low <= value && value <= high);
			assert_true((double)(high - low) <= (double)value / pow(10, digits));
		}
		histogram_destroy(&histogram);
	}
}

static void the_last_octave_is_covered_to_its_end(void **state)
{
	struct histogram histogram;

	assert_int_equal(histogram_init(&histogram, 5000, 3), 0);
	assert_int_equal(histogram_record(&histogram, 8191, 1), 0);
	assert_int_equal(histogram_record(&histogram, 8192, 1), -ERANGE);
	assert_int_equal(histogram_record(&histogram, UINT64_MAX, 1), -ERANGE);
	assert_int_equal(histogram.total, 1);
	assert_int_equal(histogram.max, 8191);
	histogram_destroy(&histogram);

	assert_int_equal(histogram_init(&histogram, INT64_MAX, 3), 0);
	assert_int_equal(histogram_record(&histogram, INT64_MAX, 1), 0);
	assert_int_equal(histogram_record(&histogram, (uint64_t)INT64_MAX + 1, 1), -ERANGE);
	assert_int_equal(histogram_record(&histogram, UINT64_MAX, 1), -ERANGE);
	assert_int_equal(histogram_percentile(&histogram, 99), INT64_MAX);
	histogram_destroy(&histogram);
}

static void impossible_layouts_are_refused(void **state)
{
	struct histogram histogram;

	assert_int_equal(histogram_init(&histogram, HIGHEST, 0), -EINVAL);
	assert_int_equal(histogram_init(&histogram, HIGHEST, 6), -EINVAL);
	assert_int_equal(histogram_init(&histogram, 1, 3), -EINVAL);
	assert_int_equal(histogram_init(&histogram, (uint64_t)INT64_MAX + 1, 3), -EINVAL);
	assert_int_equal(histogram_init(&histogram, 2, 3), 0);
	histogram_destroy(&histogram);
	histogram_destroy(&histogram);
	histogram_destroy(NULL);
}

/* ---- recording and asking -------------------------------------------------------------------- */

static void an_empty_histogram_answers_zero(void **state)
{
	struct histogram histogram = empty();

	assert_int_equal(histogram_percentile(&histogram, 0), 0);
	assert_int_equal(histogram_percentile(&histogram, 99), 0);
	assert_true(histogram_mean(&histogram) == 0);
	assert_int_equal(histogram_count_up_to(&histogram, UINT64_MAX), 0);
	assert_true(histogram.min == UINT64_MAX);
	histogram_destroy(&histogram);
}

static void percentiles_are_the_end_of_the_bucket_of_their_rank(void **state)
{
	struct histogram histogram = thousand_microseconds();

	assert_int_equal(histogram_percentile(&histogram, 0), 1000);
	assert_int_equal(histogram_percentile(&histogram, 0.1), 1000);
	assert_int_equal(histogram_percentile(&histogram, 50), 500223);
	assert_int_equal(histogram_percentile(&histogram, 50.05), 501247);
	assert_int_equal(histogram_percentile(&histogram, 99), 990207);
	assert_int_equal(histogram_percentile(&histogram, 99.9), 999423);
	assert_int_equal(histogram_percentile(&histogram, 100), 1000447);
	assert_int_equal(histogram_percentile(&histogram, 1000), 1000447);
	assert_int_equal(histogram_percentile(&histogram, -5), 1000);
	histogram_destroy(&histogram);
}

static void a_percentile_made_from_a_rank_gives_that_rank_back(void **state)
{
	for (uint64_t total = 1; total <= 400; total++) {
		struct histogram histogram = empty();

		for (uint64_t value = 1; value <= total; value++)
			histogram_record(&histogram, value, 1);
		for (uint64_t rank = 1; rank <= total; rank++) {
			double percentile = 100.0 * (double)rank / (double)total;

			assert_int_equal(histogram_percentile(&histogram, percentile), rank);
		}
		histogram_destroy(&histogram);
	}
}

static void the_mean_is_within_the_precision(void **state)
{
	struct histogram histogram = thousand_microseconds();

	assert_true(fabs(histogram_mean(&histogram) - 500500) < 500500 / 1000.0);
	histogram_reset(&histogram);
	histogram_record(&histogram, 10, 3);
	histogram_record(&histogram, 20, 1);
	assert_true(histogram_mean(&histogram) == 12.5);
	histogram_destroy(&histogram);
}

static void counts_up_to_a_value_take_in_its_bucket(void **state)
{
	struct histogram histogram = empty();

	histogram_record(&histogram, 10, 2);
	histogram_record(&histogram, 4096, 3); /* the bucket is 4096..4099 */
	assert_int_equal(histogram_count_up_to(&histogram, 9), 0);
	assert_int_equal(histogram_count_up_to(&histogram, 10), 2);
	assert_int_equal(histogram_count_up_to(&histogram, 4095), 2);
	assert_int_equal(histogram_count_up_to(&histogram, 4096), 5);
	assert_int_equal(histogram_count_up_to(&histogram, UINT64_MAX), 5);
	histogram_destroy(&histogram);
}

static void a_reset_histogram_is_as_new(void **state)
{
	struct histogram histogram = thousand_microseconds();
	struct histogram fresh = empty();

	histogram_reset(&histogram);
	assert_same(&histogram, &fresh);
	assert_int_equal(histogram.max, 0);
	assert_true(histogram.min == UINT64_MAX);
	histogram_destroy(&histogram);
	histogram_destroy(&fresh);
}

static void a_total_beyond_int64_is_refused(void **state)
{
	struct histogram a = empty(), b = empty();

	assert_int_equal(histogram_record(&a, 1, INT64_MAX), 0);
	assert_int_equal(histogram_record(&a, 2, 1), -EOVERFLOW);
	assert_int_equal(histogram_record(&a, 2, UINT64_MAX), -EOVERFLOW);
	assert_int_equal(histogram_record(&a, 2, 0), 0);
	assert_int_equal(a.max, 1);
	histogram_record(&b, 7, 1);
	assert_int_equal(histogram_merge(&b, &a), -EOVERFLOW);
	assert_int_equal(b.total, 1);
	assert_int_equal(histogram_percentile(&a, 100), 1);
	histogram_destroy(&a);
	histogram_destroy(&b);
}

/* ---- merging --------------------------------------------------------------------------------- */

static void merging_equals_recording_into_one(void **state)
{
	struct histogram one = empty(), a = empty(), b = empty();
	uint64_t seed = 2;

	for (int i = 0; i < 10000; i++) {
		uint64_t value = next_random(&seed) >> 24;

		histogram_record(&one, value, 1);
		histogram_record(i % 3 ? &a : &b, value, 1);
	}
	assert_int_equal(histogram_merge(&a, &b), 0);
	assert_same(&a, &one);
	assert_int_equal(a.min, one.min);
	assert_int_equal(a.max, one.max);
	histogram_destroy(&one);
	histogram_destroy(&a);
	histogram_destroy(&b);
}

static void merging_an_empty_histogram_changes_nothing(void **state)
{
	struct histogram a = empty(), b = empty();

	histogram_record(&a, 5, 1);
	assert_int_equal(histogram_merge(&a, &b), 0);
	assert_int_equal(a.min, 5);
	assert_int_equal(a.max, 5);
	assert_int_equal(histogram_merge(&b, &a), 0);
	assert_same(&a, &b);
	assert_int_equal(b.min, 5);
	histogram_destroy(&a);
	histogram_destroy(&b);
}

static void merging_what_does_not_fit_changes_nothing(void **state)
{
	struct histogram small, other, large = thousand_microseconds();

	assert_int_equal(histogram_init(&small, 5000, 3), 0);
	assert_int_equal(histogram_init(&other, HIGHEST, 2), 0);
	assert_int_equal(histogram_merge(&small, &large), -ERANGE);
	assert_int_equal(histogram_merge(&other, &large), -EINVAL);
	assert_int_equal(small.total, 0);
	assert_int_equal(other.total, 0);
	histogram_reset(&large);
	histogram_record(&large, 8191, 2);
	assert_int_equal(histogram_merge(&small, &large), 0);
	assert_int_equal(small.total, 2);
	histogram_destroy(&small);
	histogram_destroy(&other);
	histogram_destroy(&large);
}

/* ---- encoding -------------------------------------------------------------------------------- */

static void the_payload_is_laid_out_as_v2(void **state)
{
	static const uint8_t want[] = {
		0x1c, 0x84, 0x93, 0x13, 0,    0,    0,    15, /* cookie, length */
		0,    0,    0,    0,    0,    0,    0,    3,  /* offset, digits */
		0,    0,    0,    0,    0,    0,    0,    1,  /* lowest */
		0,    0,    0,    0,    0,    0,    3,    0xe8, 0x3f,
		0xf0, 0,    0,    0,    0,    0,    0,                /* highest, 1.0 */
		0x02,                                                 /* bucket 0: 1 */
		0x00,                                                 /* a single empty one */
		0x80, 0x01,                                           /* bucket 2: 64 */
		0x03,                                                 /* two empty ones: -2 */
		0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, /* bucket 5: 2^62 - 1 */
		0x02,                                                 /* bucket 6: 1 */
	};
	struct histogram histogram;
	uint8_t *bytes;
	size_t length;

	assert_int_equal(histogram_init(&histogram, 1000, 3), 0);
	histogram_record(&histogram, 0, 1);
	histogram_record(&histogram, 2, 64);
	histogram_record(&histogram, 5, (1ULL << 62) - 1);
	histogram_record(&histogram, 6, 1);
	assert_int_equal(histogram_encode(&histogram, &bytes, &length), 0);
	assert_int_equal(length, sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
	free(bytes);
	histogram_destroy(&histogram);
}

static void assert_survives(const struct histogram *histogram, bool compressed)
{
	struct histogram decoded;
	uint8_t *bytes, *again;
	size_t length, again_length;

	assert_int_equal((compressed ? histogram_encode_compressed
	                             : histogram_encode)(histogram, &bytes, &length),
	                 0);
	assert_int_equal(histogram_decode(bytes, length, &decoded), 0);
	assert_same(&decoded, histogram);
	if (histogram->total) {
		assert_int_equal(decoded.min,
		                 histogram_lowest_equivalent(histogram, histogram->min));
		assert_int_equal(decoded.max,
		                 histogram_highest_equivalent(histogram, histogram->max));
	} else {
		assert_int_equal(decoded.max, 0);
		assert_true(decoded.min == UINT64_MAX);
	}
	assert_int_equal((compressed ? histogram_encode_compressed
	                             : histogram_encode)(&decoded, &again, &again_length),
	                 0);
	assert_int_equal(again_length, length);
	assert_memory_equal(again, bytes, length);
	free(bytes);
	free(again);
	histogram_destroy(&decoded);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
	uint64_t seed = 3;

	for (int round = 0; round < 200; round++) {
		uint64_t highest = (next_random(&seed) >> (1 + next_random(&seed) % 62)) | 2;
		uint32_t values = next_random(&seed) % 300;
		struct histogram histogram;

		assert_int_equal(histogram_init(&histogram, highest, 1 + round % 4), 0);
		for (uint32_t i = 0; i < values; i++)
			histogram_record(&histogram, next_random(&seed) % (highest + 1),
			                 next_random(&seed) >> (20 + next_random(&seed) % 44));
		assert_survives(&histogram, false);
		assert_survives(&histogram, true);
		histogram_destroy(&histogram);
	}
}

static void the_largest_histogram_survives(void **state)
{
	struct histogram histogram;

	assert_int_equal(histogram_init(&histogram, INT64_MAX, 5), 0);
	histogram_record(&histogram, INT64_MAX, INT64_MAX - 1);
	histogram_record(&histogram, 0, 1);
	assert_survives(&histogram, true);
	histogram_destroy(&histogram);
}

/* ---- hostile input --------------------------------------------------------------------------- */

#define HEADER 40

/* A payload header for @counts_bytes of counts, highest 3600 s, 3 digits. */
static void make_header(uint8_t header[static HEADER], uint32_t counts_bytes)
{
	struct histogram histogram = empty();
	uint8_t *bytes;
	size_t length;

	assert_int_equal(histogram_encode(&histogram, &bytes, &length), 0);
	memcpy(header, bytes, HEADER);
	for (int i = 0; i < 4; i++)
		header[4 + i] = (uint8_t)(counts_bytes >> (24 - 8 * i));
	free(bytes);
	histogram_destroy(&histogram);
}

/* The status of decoding the valid header followed by these counts. */
static int decode_counts(const uint8_t *counts, uint32_t counts_bytes)
{
	uint8_t *bytes = malloc(HEADER + counts_bytes);
	struct histogram histogram = { 0 };
	int status;

	assert_non_null(bytes);
	make_header(bytes, counts_bytes);
	if (counts_bytes)
		memcpy(bytes + HEADER, counts, counts_bytes);
	status = histogram_decode(bytes, HEADER + counts_bytes, &histogram);
	free(bytes);
	histogram_destroy(&histogram);
	return status;
}

#define DECODE_COUNTS(...)                                                                         \
	decode_counts((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void counts_beyond_the_array_are_refused(void **state)
{
	/* 2^32 - 1, 2^62 and INT64_MIN empty buckets */
	assert_int_equal(DECODE_COUNTS(0xfd, 0xff, 0xff, 0xff, 0x1f), -EINVAL);
	assert_int_equal(DECODE_COUNTS(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
	                 -EINVAL);
	assert_int_equal(DECODE_COUNTS(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
	                 -EINVAL);
	/* 33792 buckets for 2^42 ns: a run over all of them is fine, one count more is not */
	assert_int_equal(KTAX_HIST_BUCKETS_FOR(42, 11), 33792);
	assert_int_equal(DECODE_COUNTS(0xff, 0x8f, 0x04), 0);
	assert_int_equal(DECODE_COUNTS(0xff, 0x8f, 0x04, 0x02), -EINVAL);
	assert_int_equal(DECODE_COUNTS(0x81, 0x90, 0x04), -EINVAL);
}

static void totals_that_overflow_are_refused(void **state)
{
	/* twice INT64_MAX */
	assert_int_equal(DECODE_COUNTS(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00),
	                 0);
	assert_int_equal(DECODE_COUNTS(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02),
	                 -EINVAL);
}

static void cut_off_counts_are_refused(void **state)
{
	assert_int_equal(decode_counts(NULL, 0), 0);
	assert_int_equal(DECODE_COUNTS(0x80), -EINVAL);
	assert_int_equal(DECODE_COUNTS(0x02, 0xff, 0xff), -EINVAL);
}

static int decode_with_byte(size_t offset, uint8_t value)
{
	uint8_t bytes[HEADER + 1] = { 0 };
	struct histogram histogram = { 0 };
	int status;

	make_header(bytes, 1);
	bytes[offset] = value;
	status = histogram_decode(bytes, sizeof(bytes), &histogram);
	histogram_destroy(&histogram);
	return status;
}

static void wrong_headers_are_refused(void **state)
{
	assert_int_equal(decode_with_byte(0, 0x1c), 0);
	assert_int_equal(decode_with_byte(0, 0x1d), -EINVAL); /* cookie */
	assert_int_equal(decode_with_byte(3, 0x01), -EINVAL); /* V0 */
	assert_int_equal(decode_with_byte(3, 0x14), -EINVAL); /* "compressed" */
	assert_int_equal(decode_with_byte(4, 0xff), -EINVAL); /* negative length */
	assert_int_equal(decode_with_byte(7, 2), -EINVAL);    /* one byte too few */
	assert_int_equal(decode_with_byte(7, 0), -EINVAL);    /* one byte too many */
	assert_int_equal(decode_with_byte(11, 1), -EINVAL);   /* shifted */
	assert_int_equal(decode_with_byte(15, 0), -EINVAL);   /* digits */
	assert_int_equal(decode_with_byte(15, 6), -EINVAL);
	assert_int_equal(decode_with_byte(12, 0x80), -EINVAL);
	assert_int_equal(decode_with_byte(23, 2), -EINVAL);    /* lowest */
	assert_int_equal(decode_with_byte(24, 0x80), -EINVAL); /* negative highest */
	assert_int_equal(decode_with_byte(24, 0x7f), 0);
	assert_int_equal(decode_with_byte(32, 0xbf), -EINVAL); /* ratio -1.0 */
}

static void every_prefix_is_refused(void **state)
{
	struct histogram histogram = thousand_microseconds(), decoded;

	for (int compressed = 0; compressed < 2; compressed++) {
		uint8_t *bytes;
		size_t length;

		(compressed ? histogram_encode_compressed : histogram_encode)(&histogram, &bytes,
		                                                              &length);
		for (size_t cut = 0; cut < length; cut++) {
			/* malloc()ed at its exact size, so that a sanitizer sees a byte beyond */
			uint8_t *prefix = malloc(cut + !cut);

			memcpy(prefix, bytes, cut);
			assert_int_equal(histogram_decode(prefix, cut, &decoded), -EINVAL);
			free(prefix);
		}
		free(bytes);
	}
	histogram_destroy(&histogram);
}

/* @payload deflated behind the outer header, @extra bytes of garbage behind. malloc()ed. */
static uint8_t *compress_payload(const uint8_t *payload, size_t payload_length, size_t extra,
                                 size_t *ret_length)
{
	uLong room = compressBound(payload_length);
	uint8_t *bytes = calloc(1, 8 + room + extra);
	size_t stream;

	assert_non_null(bytes);
	assert_int_equal(compress2(bytes + 8, &room, payload, payload_length, 9), Z_OK);
	stream = room + extra;
	memcpy(bytes, (uint8_t[]){ 0x1c, 0x84, 0x93, 0x14 }, 4);
	for (int i = 0; i < 4; i++)
		bytes[4 + i] = (uint8_t)(stream >> (24 - 8 * i));
	*ret_length = 8 + stream;
	return bytes;
}

static int decode_deflated(const uint8_t *payload, size_t payload_length, size_t extra)
{
	struct histogram histogram = { 0 };
	size_t length;
	uint8_t *bytes = compress_payload(payload, payload_length, extra, &length);
	int status = histogram_decode(bytes, length, &histogram);

	free(bytes);
	histogram_destroy(&histogram);
	return status;
}

static void zlib_bombs_are_refused(void **state)
{
	size_t size = 64 << 20;
	uint8_t *bomb = calloc(1, size);

	assert_non_null(bomb);
	assert_int_equal(decode_deflated(bomb, size, 0), -EINVAL);
	/* a valid header that promises 64 MiB of zeros, and one that promises a single one */
	make_header(bomb, (uint32_t)(size - HEADER));
	assert_int_equal(decode_deflated(bomb, size, 0), -EINVAL);
	make_header(bomb, 1);
	assert_int_equal(decode_deflated(bomb, size, 0), -EINVAL);
	assert_int_equal(decode_deflated(bomb, HEADER + 1, 0), 0);
	assert_int_equal(decode_deflated(bomb, HEADER + 1, 1), -EINVAL);
	free(bomb);
}

static void corrupt_checksums_are_refused(void **state)
{
	struct histogram histogram = thousand_microseconds(), decoded;
	uint8_t *bytes;
	size_t length;

	assert_int_equal(histogram_encode_compressed(&histogram, &bytes, &length), 0);
	bytes[length - 1] ^= 1;
	assert_int_equal(histogram_decode(bytes, length, &decoded), -EINVAL);
	free(bytes);
	histogram_destroy(&histogram);
}

/* Accepts anything that decodes, as long as it is consistent and encodes again. */
static void decode_hostile(const uint8_t *bytes, size_t length, unsigned int *accepted)
{
	struct histogram histogram, again;
	uint8_t *copy = malloc(length + !length), *encoded;
	size_t encoded_length;
	uint64_t total = 0;
	int status;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	status = histogram_decode(copy, length, &histogram);
	free(copy);
	if (status) {
		assert_int_equal(status, -EINVAL);
		return;
	}
	(*accepted)++;
	for (uint32_t i = 0; i < histogram.length; i++)
		total += histogram.counts[i];
	assert_int_equal(total, histogram.total);
	assert_int_equal(histogram_encode(&histogram, &encoded, &encoded_length), 0);
	assert_int_equal(histogram_decode(encoded, encoded_length, &again), 0);
	assert_same(&again, &histogram);
	free(encoded);
	histogram_destroy(&histogram);
	histogram_destroy(&again);
}

static void mutate(uint8_t *bytes, size_t *length, size_t protected, uint64_t *seed)
{
	unsigned int changes = 1 + next_random(seed) % 4;

	for (unsigned int i = 0; i < changes; i++) {
		size_t at = protected + next_random(seed) % (*length - protected);

		switch (next_random(seed) % 4) {
		case 0:
			bytes[at] = (uint8_t)next_random(seed);
			break;
		case 1:
			bytes[at] ^= (uint8_t)(1 << next_random(seed) % 8);
			break;
		case 2:
			bytes[at] = 0xff;
			break;
		case 3:
			memset(bytes + at, 0x80, next_random(seed) % (*length - at));
			break;
		}
	}
	if (!(next_random(seed) % 16))
		*length = protected + 1 + next_random(seed) % (*length - protected);
}

static void mutated_input_never_harms(void **state)
{
	struct histogram histogram;
	unsigned int accepted = 0;
	uint64_t seed = 4;
	uint8_t *bytes, scratch[4096];
	size_t length;

	/* small, so that a round is cheap and most mutations hit something that matters */
	assert_int_equal(histogram_init(&histogram, 100000, 2), 0);
	for (int i = 0; i < 60; i++)
		histogram_record(&histogram, next_random(&seed) % 100000, next_random(&seed) >> 40);
	assert_int_equal(histogram_encode(&histogram, &bytes, &length), 0);
	assert_true(length <= sizeof(scratch));
	for (int i = 0; i < 20000; i++) {
		size_t mutated = length, deflated_length;
		uint8_t *deflated;

		memcpy(scratch, bytes, length);
		/* mostly the counts; now and then the header, which is soon refused */
		mutate(scratch, &mutated, i % 8 ? HEADER : 0, &seed);
		decode_hostile(scratch, mutated, &accepted);
		if (i % 4)
			continue;
		deflated = compress_payload(scratch, mutated, 0, &deflated_length);
		decode_hostile(deflated, deflated_length, &accepted);
		mutate(deflated, &deflated_length, i % 8 ? 8 : 0, &seed);
		decode_hostile(deflated, deflated_length, &accepted);
		free(deflated);
	}
	/* neither all refused nor all accepted: the mutations reach both sides of the checks */
	assert_in_range(accepted, 1000, 20000);
	free(bytes);
	histogram_destroy(&histogram);
}

static void random_bytes_never_harm(void **state)
{
	unsigned int accepted = 0;
	uint64_t seed = 5;
	uint8_t bytes[256];

	for (int i = 0; i < 20000; i++) {
		size_t length = next_random(&seed) % sizeof(bytes);

		for (size_t at = 0; at < length; at++)
			bytes[at] = (uint8_t)next_random(&seed);
		if (i % 2 && length >= 4)
			memcpy(bytes, (uint8_t[]){ 0x1c, 0x84, 0x93, 0x13 + i / 2 % 2 }, 4);
		decode_hostile(bytes, length, &accepted);
	}
	assert_int_equal(accepted, 0);
}

/* ---- interval logs --------------------------------------------------------------------------- */

struct text {
	FILE *file;
	char *bytes;
	size_t length;
};

static struct text *open_text(void)
{
	struct text *text = calloc(1, sizeof(*text));

	assert_non_null(text);
	text->file = open_memstream(&text->bytes, &text->length);
	assert_non_null(text->file);
	return text;
}

static void assert_text(struct text *text, const char *want)
{
	fclose(text->file);
	assert_string_equal(text->bytes, want);
	free(text->bytes);
	free(text);
}

static void the_log_header_has_start_and_columns(void **state)
{
	struct text *text = open_text();

	assert_int_equal(hlog_write_header(text->file, 1700000000123499999ULL), 0);
	assert_text(text, "#[Histogram log format version 1.3]\n"
	                  "#[BaseTime: 1700000000.123 (seconds since epoch)]\n"
	                  "#[StartTime: 1700000000.123 (seconds since epoch), "
	                  "Tue Nov 14 22:13:20 UTC 2023]\n"
	                  "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
	                  "\"Interval_Compressed_Histogram\"\n");
}

static void an_interval_is_a_line_with_its_maximum_in_ms(void **state)
{
	struct histogram histogram = thousand_microseconds();
	struct text *text = open_text();
	char line[128];

	assert_int_equal(hlog_write_interval(text->file, "10.0.0.1:6379/tcp", 2000500000ULL,
	                                     1000499999ULL, &histogram),
	                 0);
	assert_int_equal(hlog_write_interval(text->file, NULL, 0, 1000000000ULL, &histogram), 0);
	fclose(text->file);
	snprintf(line, sizeof(line), "Tag=10.0.0.1:6379/tcp,2.001,1.000,1.000,HISTFAAA");
	assert_memory_equal(text->bytes, line, strlen(line));
	assert_non_null(strstr(text->bytes, "\n0.000,1.000,1.000,HISTFAAA"));
	free(text->bytes);
	free(text);
	histogram_destroy(&histogram);
}

static void tags_that_break_the_line_are_refused(void **state)
{
	static const char *const tags[] = { "", "a,b", "a b", "a\nb", "\r", "tab\t" };
	struct histogram histogram = empty();
	struct text *text = open_text();

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		assert_int_equal(hlog_write_interval(text->file, tags[i], 0, 1, &histogram),
		                 -EINVAL);
	assert_text(text, "");
	histogram_destroy(&histogram);
}

static void a_failed_write_is_reported(void **state)
{
	struct histogram histogram = empty();
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(hlog_write_header(full, 0), -ENOSPC);
	assert_int_equal(hlog_write_interval(full, NULL, 0, 0, &histogram), -ENOSPC);
	fclose(full);
	histogram_destroy(&histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_ends_where_the_next_begins),
		cmocka_unit_test(a_bucket_is_never_wider_than_the_digits_allow),
		cmocka_unit_test(the_last_octave_is_covered_to_its_end),
		cmocka_unit_test(impossible_layouts_are_refused),
		cmocka_unit_test(an_empty_histogram_answers_zero),
		cmocka_unit_test(percentiles_are_the_end_of_the_bucket_of_their_rank),
		cmocka_unit_test(a_percentile_made_from_a_rank_gives_that_rank_back),
		cmocka_unit_test(the_mean_is_within_the_precision),
		cmocka_unit_test(counts_up_to_a_value_take_in_its_bucket),
		cmocka_unit_test(a_reset_histogram_is_as_new),
		cmocka_unit_test(a_total_beyond_int64_is_refused),
		cmocka_unit_test(merging_equals_recording_into_one),
		cmocka_unit_test(merging_an_empty_histogram_changes_nothing),
		cmocka_unit_test(merging_what_does_not_fit_changes_nothing),
		cmocka_unit_test(the_payload_is_laid_out_as_v2),
		cmocka_unit_test(what_is_encoded_decodes_to_the_same),
		cmocka_unit_test(the_largest_histogram_survives),
		cmocka_unit_test(counts_beyond_the_array_are_refused),
		cmocka_unit_test(totals_that_overflow_are_refused),
		cmocka_unit_test(cut_off_counts_are_refused),
		cmocka_unit_test(wrong_headers_are_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(zlib_bombs_are_refused),
		cmocka_unit_test(corrupt_checksums_are_refused),
		cmocka_unit_test(mutated_input_never_harms),
		cmocka_unit_test(random_bytes_never_harm),
		cmocka_unit_test(the_log_header_has_start_and_columns),
		cmocka_unit_test(an_interval_is_a_line_with_its_maximum_in_ms),
		cmocka_unit_test(tags_that_break_the_line_are_refused),
		cmocka_unit_test(a_failed_write_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
