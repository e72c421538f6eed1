/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C half of the comparison with the Java reference (the other half: HistogramInterop.java).
 *
 *	interop_histogram make FILE COUNT SEED    random histograms, encoded and asked here
 *	interop_histogram check FILE              the same of Java's, compared
 *	interop_histogram log HLOG EXPECTED       an interval log, and its totals per tag as text
 *
 * Both halves write and read one format, a sequence of records, big-endian:
 *
 *	u32 length of the rest
 *	u32 digits | u64 highest | u32 n | n * { u64 value, u64 count }     what was recorded
 *	u32 length, payload | u32 length, compressed                        its encodings
 *	u64 total | u64 min | u64 max | f64 mean                            what it answers
 *	u64 value | u64 count up to it | u32 n | n * { f64 percentile, u64 value }
 *
 * A checker records the values itself and compares the encodings, decodes the other's encodings,
 * compares the answers of what it decoded and encodes that again: so layout, encoder, decoder and
 * percentile rule are each compared, and not only the encoder with its own decoder.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "hlog.h"

#define PAIRS_MAX   600
#define RECORD_MAX  (64U << 20)
#define PERCENTILES 20
#define SHAPES      8

#define LOG_START_NS  1700000000250000000ULL
#define LOG_INTERVALS 12

struct pair {
	uint64_t value;
	uint64_t count;
};

struct recipe {
	uint64_t highest;
	uint32_t digits;
	uint32_t npairs;
	struct pair pairs[PAIRS_MAX];
};

struct blob {
	uint8_t *bytes;
	size_t length;
};

struct answers {
	uint64_t total, min, max, mean_bits;
	uint64_t count_value, count;
	uint64_t npercentiles;
	uint64_t percentile_bits[PERCENTILES];
	uint64_t percentile_value[PERCENTILES];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "interop_histogram: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void require(int error, const char *what)
{
	if (error) {
		errno = -error;
		die(what);
	}
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t random_below(uint64_t *seed, uint64_t limit)
{
	return next_random(seed) % limit;
}

/* Every magnitude up to @limit's is as likely, so that small buckets are hit too. */
static uint64_t random_magnitude(uint64_t *seed, uint64_t limit)
{
	return (next_random(seed) >> random_below(seed, 64)) % limit;
}

static double as_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t as_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* ---- random histograms ----------------------------------------------------------------------- */

static void add_pair(struct recipe *recipe, uint64_t value, uint64_t count)
{
	if (value <= recipe->highest && recipe->npairs < PAIRS_MAX)
		recipe->pairs[recipe->npairs++] = (struct pair){ value, count };
}

static void add_random(struct recipe *recipe, uint64_t *seed, uint32_t npairs, uint64_t counts)
{
	for (uint32_t i = 0; i < npairs; i++)
		add_pair(recipe, random_magnitude(seed, recipe->highest),
		         1 + random_below(seed, counts));
}

static void add_dense(struct recipe *recipe, uint64_t *seed)
{
	uint64_t start = random_magnitude(seed, recipe->highest);
	uint64_t step = 1 + start / (1 + random_below(seed, 3000));

	for (uint32_t i = 0; i < PAIRS_MAX; i++)
		add_pair(recipe, start + i * step, 1 + random_below(seed, 1000));
}

/* Like latencies: most close together, a tail that thins out. */
static void add_tail(struct recipe *recipe, uint64_t *seed)
{
	for (uint32_t i = 0; i < 400; i++) {
		uint64_t tail = 1 + 2000 / (1 + random_below(seed, 2000));

		add_pair(recipe, tail * (8000 + random_below(seed, 4000)), 1);
	}
}

static void add_edges(struct recipe *recipe)
{
	for (uint32_t bit = 0; bit < 63; bit++) {
		add_pair(recipe, (1ULL << bit) - 1, 1 + bit);
		add_pair(recipe, 1ULL << bit, 1ULL << bit % 40);
		add_pair(recipe, (1ULL << bit) + 1, 1);
	}
}

/* Mostly three digits; four and five seldom, since their arrays are large. */
static uint32_t random_digits(uint64_t *seed)
{
	static const uint8_t digits[80] = {
		1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 4, 4, 5
	};
	uint32_t chosen = digits[random_below(seed, sizeof(digits))];

	return chosen ? chosen : 3;
}

static uint64_t random_highest(uint64_t *seed)
{
	switch (random_below(seed, 4)) {
	case 0:
		return INT64_MAX;
	case 1:
		return 2 + (next_random(seed) >> (1 + random_below(seed, 60))) % (INT64_MAX - 2);
	default:
		return HISTOGRAM_HIGHEST_DEFAULT_NS;
	}
}

static void make_recipe(struct recipe *recipe, uint32_t number, uint64_t *seed)
{
	recipe->digits = random_digits(seed);
	recipe->highest = random_highest(seed);
	recipe->npairs = 0;
	switch (number % SHAPES) {
	case 0: /* empty, or nothing but zeros */
		if (number % (2 * SHAPES))
			add_pair(recipe, 0, 1 + random_below(seed, 100));
		break;
	case 1: /* any count that fits: nine full bytes */
		add_pair(recipe, random_magnitude(seed, recipe->highest),
		         next_random(seed) >> (1 + 8 * random_below(seed, 8)) | 1);
		break;
	case 2:
		add_random(recipe, seed, 20, 3);
		break;
	case 3:
		add_dense(recipe, seed);
		break;
	case 4: /* huge counts */
		add_random(recipe, seed, 7, 1ULL << (30 + random_below(seed, 30)));
		break;
	case 5:
		add_random(recipe, seed, 2, 1000);
		add_pair(recipe, recipe->highest, 1 + random_below(seed, 5));
		break;
	case 6:
		add_tail(recipe, seed);
		break;
	case 7:
		add_edges(recipe);
		break;
	}
}

static void record_recipe(const struct recipe *recipe, struct histogram *histogram)
{
	require(histogram_init(histogram, recipe->highest, recipe->digits), "init");
	for (uint32_t i = 0; i < recipe->npairs; i++)
		require(histogram_record(histogram, recipe->pairs[i].value, recipe->pairs[i].count),
		        "record");
}

/* ---- what a histogram answers ---------------------------------------------------------------- */

/* Fills in the values for the percentiles and the count that @answers asks for. */
static void answer(const struct histogram *histogram, struct answers *answers)
{
	answers->total = histogram->total;
	answers->min =
		histogram->total ? histogram_lowest_equivalent(histogram, histogram->min) : 0;
	answers->max =
		histogram->total ? histogram_highest_equivalent(histogram, histogram->max) : 0;
	answers->mean_bits = as_bits(histogram_mean(histogram));
	answers->count = histogram_count_up_to(histogram, answers->count_value);
	for (uint32_t i = 0; i < answers->npercentiles; i++)
		answers->percentile_value[i] =
			histogram_percentile(histogram, as_double(answers->percentile_bits[i]));
}

static void choose_questions(struct answers *answers, const struct recipe *recipe, uint64_t *seed)
{
	static const double usual[] = { 0, 50, 90, 99, 99.9, 99.99 };
	uint64_t total = 0;

	*answers = (struct answers){ .npercentiles = PERCENTILES };
	for (uint32_t i = 0; i < recipe->npairs; i++)
		total += recipe->pairs[i].count;
	for (uint32_t i = 0; i < 6; i++)
		answers->percentile_bits[i] = as_bits(usual[i]);
	answers->percentile_bits[6] = as_bits((double)random_below(seed, 1000001) / 10001);
	/* and some that were made from a rank: the rounding of the product matters */
	for (uint32_t i = 7; i < PERCENTILES; i++)
		answers->percentile_bits[i] = as_bits(
			total ? 100.0 * (double)random_below(seed, total) / (double)total : 7);
	answers->count_value = random_magnitude(seed, recipe->highest);
}

/* ---- records --------------------------------------------------------------------------------- */

static void put(FILE *file, uint64_t value, unsigned int size)
{
	while (size--)
		putc((int)(value >> 8 * size & 0xff), file);
}

static void put_blob(FILE *file, const struct blob *blob)
{
	put(file, blob->length, 4);
	fwrite(blob->bytes, 1, blob->length, file);
}

static void put_answers(FILE *file, const struct answers *answers)
{
	put(file, answers->total, 8);
	put(file, answers->min, 8);
	put(file, answers->max, 8);
	put(file, answers->mean_bits, 8);
	put(file, answers->count_value, 8);
	put(file, answers->count, 8);
	put(file, answers->npercentiles, 4);
	for (uint32_t i = 0; i < answers->npercentiles; i++) {
		put(file, answers->percentile_bits[i], 8);
		put(file, answers->percentile_value[i], 8);
	}
}

static void put_record(FILE *file, const struct recipe *recipe, const struct blob blobs[2],
                       const struct answers *answers)
{
	size_t length = 16 + 16ULL * recipe->npairs + 8 + blobs[0].length + blobs[1].length + 52 +
	                16 * answers->npercentiles;

	put(file, length, 4);
	put(file, recipe->digits, 4);
	put(file, recipe->highest, 8);
	put(file, recipe->npairs, 4);
	for (uint32_t i = 0; i < recipe->npairs; i++) {
		put(file, recipe->pairs[i].value, 8);
		put(file, recipe->pairs[i].count, 8);
	}
	put_blob(file, &blobs[0]);
	put_blob(file, &blobs[1]);
	put_answers(file, answers);
}

/* What is left of a record. Taking too much ends the program: the other half is at fault. */
struct cursor {
	uint8_t *next;
	uint8_t *end;
};

static uint8_t *take(struct cursor *cursor, size_t size)
{
	uint8_t *bytes = cursor->next;

	if ((size_t)(cursor->end - cursor->next) < size) {
		errno = EBADMSG;
		die("record");
	}
	cursor->next += size;
	return bytes;
}

static uint64_t get(struct cursor *cursor, unsigned int size)
{
	const uint8_t *bytes = take(cursor, size);
	uint64_t value = 0;

	while (size--)
		value = value << 8 | *bytes++;
	return value;
}

static struct blob get_blob(struct cursor *cursor)
{
	size_t length = get(cursor, 4);

	return (struct blob){ take(cursor, length), length };
}

static void get_recipe(struct cursor *cursor, struct recipe *recipe)
{
	recipe->digits = (uint32_t)get(cursor, 4);
	recipe->highest = get(cursor, 8);
	recipe->npairs = (uint32_t)get(cursor, 4);
	if (recipe->npairs > PAIRS_MAX) {
		errno = EBADMSG;
		die("recipe");
	}
	for (uint32_t i = 0; i < recipe->npairs; i++) {
		recipe->pairs[i].value = get(cursor, 8);
		recipe->pairs[i].count = get(cursor, 8);
	}
}

static void get_answers(struct cursor *cursor, struct answers *answers)
{
	*answers = (struct answers){ 0 };
	answers->total = get(cursor, 8);
	answers->min = get(cursor, 8);
	answers->max = get(cursor, 8);
	answers->mean_bits = get(cursor, 8);
	answers->count_value = get(cursor, 8);
	answers->count = get(cursor, 8);
	answers->npercentiles = get(cursor, 4);
	if (answers->npercentiles > PERCENTILES) {
		errno = EBADMSG;
		die("answers");
	}
	for (uint32_t i = 0; i < answers->npercentiles; i++) {
		answers->percentile_bits[i] = get(cursor, 8);
		answers->percentile_value[i] = get(cursor, 8);
	}
}

/* The next record into a malloc()ed *ret_bytes; false at the end of the file. */
static bool read_record(FILE *file, uint8_t **ret_bytes, struct cursor *ret_cursor)
{
	uint8_t prefix[4];
	struct cursor cursor = { prefix, prefix + sizeof(prefix) };
	size_t length;

	if (fread(prefix, 1, sizeof(prefix), file) != sizeof(prefix))
		return false;
	length = get(&cursor, 4);
	*ret_bytes = length <= RECORD_MAX ? malloc(length) : NULL;
	if (!*ret_bytes || fread(*ret_bytes, 1, length, file) != length) {
		errno = EBADMSG;
		die("record");
	}
	*ret_cursor = (struct cursor){ *ret_bytes, *ret_bytes + length };
	return true;
}

/* ---- make and check -------------------------------------------------------------------------- */

static void encode_both(const struct histogram *histogram, struct blob blobs[2])
{
	require(histogram_encode(histogram, &blobs[0].bytes, &blobs[0].length), "encode");
	require(histogram_encode_compressed(histogram, &blobs[1].bytes, &blobs[1].length),
	        "encode_compressed");
}

static void free_both(struct blob blobs[2])
{
	free(blobs[0].bytes);
	free(blobs[1].bytes);
}

static int make(const char *path, uint32_t count, uint64_t seed)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die(path);
	for (uint32_t i = 0; i < count; i++) {
		struct histogram histogram;
		struct answers answers;
		struct recipe recipe;
		struct blob blobs[2];

		make_recipe(&recipe, i, &seed);
		choose_questions(&answers, &recipe, &seed);
		record_recipe(&recipe, &histogram);
		encode_both(&histogram, blobs);
		answer(&histogram, &answers);
		put_record(file, &recipe, blobs, &answers);
		free_both(blobs);
		histogram_destroy(&histogram);
	}
	if (fclose(file))
		die(path);
	return 0;
}

static bool same_blob(const struct blob *a, const struct blob *b)
{
	return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length);
}

static bool same_counts(const struct histogram *a, const struct histogram *b)
{
	return a->length == b->length && a->total == b->total &&
	       !memcmp(a->counts, b->counts, a->length * sizeof(*a->counts));
}

static const char *compare_encodings(const struct histogram *histogram, const struct blob theirs[2])
{
	struct blob ours[2];
	const char *difference = NULL;

	encode_both(histogram, ours);
	if (!same_blob(&ours[0], &theirs[0]))
		difference = "payload";
	else if (!same_blob(&ours[1], &theirs[1]))
		difference = "compressed bytes";
	free_both(ours);
	return difference;
}

static const char *compare_decoded(const struct blob *theirs, const struct blob encodings[2],
                                   const struct histogram *recorded, const struct answers *answers)
{
	struct answers ours = *answers;
	struct histogram decoded;
	const char *difference;

	if (histogram_decode(theirs->bytes, theirs->length, &decoded))
		return "refused by the decoder";
	answer(&decoded, &ours);
	if (!same_counts(&decoded, recorded))
		difference = "decoded counts";
	else if (memcmp(&ours, answers, sizeof(ours)) != 0)
		difference = "answers";
	else
		difference = compare_encodings(&decoded, encodings);
	histogram_destroy(&decoded);
	return difference;
}

static const char *compare_record(struct cursor *cursor)
{
	struct histogram recorded;
	struct answers answers;
	struct recipe recipe;
	struct blob blobs[2];
	const char *difference;

	get_recipe(cursor, &recipe);
	blobs[0] = get_blob(cursor);
	blobs[1] = get_blob(cursor);
	get_answers(cursor, &answers);
	record_recipe(&recipe, &recorded);
	difference = compare_encodings(&recorded, blobs);
	for (int i = 0; i < 2 && !difference; i++)
		difference = compare_decoded(&blobs[i], blobs, &recorded, &answers);
	histogram_destroy(&recorded);
	return difference;
}

static int check(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int count = 0, failed = 0;
	struct cursor cursor;
	uint8_t *bytes;

	if (!file)
		die(path);
	for (; read_record(file, &bytes, &cursor); count++) {
		const char *difference = compare_record(&cursor);

		if (difference && failed++ < 10)
			printf("histogram %u: other %s than Java\n", count, difference);
		free(bytes);
	}
	fclose(file);
	printf("C compared %u histograms of Java, %u differ\n", count, failed);
	return failed != 0;
}

/* ---- an interval log ------------------------------------------------------------------------- */

static const char *const tags[] = { NULL, "10.0.0.1:6379/tcp", "floor=bypass" };
#define NTAGS (sizeof(tags) / sizeof(*tags))

static void write_interval(FILE *log, uint32_t number, struct histogram totals[NTAGS],
                           uint64_t *seed)
{
	for (uint32_t tag = 0; tag < NTAGS; tag++) {
		struct histogram interval;

		require(histogram_init(&interval, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), "init");
		/* one interval without any value */
		for (uint32_t i = 0; i < 500 && number != 3; i++)
			require(histogram_record(&interval,
			                         1000ULL * (tag + 1) +
			                                 random_magnitude(seed, 1 << 30),
			                         1 + random_below(seed, 3)),
			        "record");
		require(hlog_write_interval(log, tags[tag], number * 1000100000ULL, 1000100000ULL,
		                            &interval),
		        "hlog_write_interval");
		require(histogram_merge(&totals[tag], &interval), "merge");
		histogram_destroy(&interval);
	}
}

/* One line per tag: its name, total, p50, p90, p99, p99.9 and maximum in ns. */
static void write_expected(FILE *file, struct histogram totals[NTAGS])
{
	static const double percentiles[] = { 50, 90, 99, 99.9, 100 };

	for (uint32_t tag = 0; tag < NTAGS; tag++) {
		fprintf(file, "%s %" PRIu64, tags[tag] ? tags[tag] : "-", totals[tag].total);
		for (uint32_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++)
			fprintf(file, " %" PRIu64,
			        histogram_percentile(&totals[tag], percentiles[i]));
		fprintf(file, "\n");
		histogram_destroy(&totals[tag]);
	}
}

static int write_log(const char *log_path, const char *expected_path)
{
	FILE *log = fopen(log_path, "w"), *expected = fopen(expected_path, "w");
	struct histogram totals[NTAGS];
	uint64_t seed = 7;

	if (!log || !expected)
		die(log_path);
	for (uint32_t tag = 0; tag < NTAGS; tag++)
		require(histogram_init(&totals[tag], HISTOGRAM_HIGHEST_DEFAULT_NS, 3), "init");
	require(hlog_write_header(log, LOG_START_NS), "hlog_write_header");
	for (uint32_t i = 0; i < LOG_INTERVALS; i++)
		write_interval(log, i, totals, &seed);
	write_expected(expected, totals);
	if (fclose(log) || fclose(expected))
		die(log_path);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "make"))
		return make(argv[2], (uint32_t)strtoul(argv[3], NULL, 10),
		            strtoull(argv[4], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "log"))
		return write_log(argv[2], argv[3]);
	fprintf(stderr,
	        "usage: interop_histogram make FILE COUNT SEED | check FILE | log HLOG EXPECTED\n");
	return 1;
}
