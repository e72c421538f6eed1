// SPDX-License-Identifier: GPL-2.0
#include "efficacy.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Efficacies below: the path lost so much that no latency describes it. */
#define LEAST (-10.0)

/* Whose round trips: one column of figures each, a row per round that counts. */
enum { KERNEL, PATH, TUNED, COLUMNS };

struct blocks {
	size_t n;
	bool has_tuned;
	double *column[COLUMNS];
	double *scratch;
};

/* ---- Blocks --------------------------------------------------------------------------------- */

static void free_blocks(struct blocks *blocks)
{
	for (int i = 0; i < COLUMNS; i++)
		free(blocks->column[i]);
	free(blocks->scratch);
}

static bool is_valid(const double *column, size_t round)
{
	return !column || !isnan(column[round]);
}

/* Rounds in which every arm that is asked for has a valid block. */
static int collect(const struct ab_document *document, const double *const from[COLUMNS],
                   struct blocks *ret)
{
	*ret = (struct blocks){ .has_tuned = from[TUNED] != NULL };
	ret->scratch = calloc(document->rounds + 1, sizeof(double));
	for (int i = 0; i < COLUMNS; i++)
		ret->column[i] = calloc(document->rounds + 1, sizeof(double));
	if (!ret->scratch || !ret->column[KERNEL] || !ret->column[PATH] || !ret->column[TUNED]) {
		free_blocks(ret);
		return -ENOMEM;
	}
	for (size_t r = 0; r < document->rounds; r++) {
		if (!is_valid(from[KERNEL], r) || !is_valid(from[PATH], r) ||
		    !is_valid(from[TUNED], r))
			continue;
		for (int i = 0; i < COLUMNS; i++)
			ret->column[i][ret->n] = from[i] ? from[i][r] : NAN;
		ret->n++;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* The same in both arms is no change, also if both have lost everything. */
static double log_ratio(double a, double b)
{
	return a == b ? 0 : log(b / a);
}

/* 1 - b / a: the median over the @rounds that were drawn. */
static double removed_share(const struct blocks *blocks, int a, int b, const size_t *rounds)
{
	for (size_t i = 0; i < blocks->n; i++)
		blocks->scratch[i] =
			log_ratio(blocks->column[a][rounds[i]], blocks->column[b][rounds[i]]);
	return fmax(LEAST, 1 - exp(median(blocks->scratch, blocks->n)));
}

static double removed_ns(const struct blocks *blocks, const size_t *rounds)
{
	for (size_t i = 0; i < blocks->n; i++) {
		double a = blocks->column[KERNEL][rounds[i]], b = blocks->column[PATH][rounds[i]];

		blocks->scratch[i] = a == b ? 0 : a - b;
	}
	return fmin(1e18, fmax(-1e18, median(blocks->scratch, blocks->n)));
}

static double middle_ns(const struct blocks *blocks, int column)
{
	memcpy(blocks->scratch, blocks->column[column], blocks->n * sizeof(double));
	return median(blocks->scratch, blocks->n);
}

/* ---- One draw ------------------------------------------------------------------------------- */

struct draw {
	double share;        /* efficacy by shares of the round trip */
	double demonstrated; /* by what was taken off in ns; INFINITY where there is no part */
};

/* Of a bypass: the tunable part and the rest apart, where a tuned kernel tells them. */
static double share_by_parts(const struct blocks *blocks, const struct efficacy_parts *parts,
                             const size_t *rounds)
{
	double path = removed_share(blocks, KERNEL, PATH, rounds), tuned, rest;
	double sum = parts->tunable_ns + parts->rest_ns;

	if (!blocks->has_tuned || path < 0 || !(sum > 0))
		return path;
	tuned = fmax(0, removed_share(blocks, KERNEL, TUNED, rounds));
	rest = fmax(0, removed_share(blocks, TUNED, PATH, rounds));
	return (parts->tunable_ns * fmin(tuned, path) + parts->rest_ns * fmin(rest, path)) / sum;
}

static struct draw draw_efficacy(const struct blocks *blocks, const struct efficacy_parts *parts,
                                 bool tunable_only, const size_t *rounds)
{
	double part = parts->tunable_ns + (tunable_only ? 0 : parts->rest_ns);
	struct draw draw;

	if (tunable_only)
		draw.share = removed_share(blocks, KERNEL, PATH, rounds);
	else
		draw.share = share_by_parts(blocks, parts, rounds);
	draw.demonstrated = part > 0 ? removed_ns(blocks, rounds) / part : INFINITY;
	draw.demonstrated = fmax(LEAST, draw.demonstrated);
	return draw;
}

/* splitmix64 (Steele et al. 2014), from a fixed seed: the same A/B gives the same interval. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/*
 * Where the share promises more than was demonstrated, every second replicate is one of the latter:
 * the interval of the mixture holds both.
 */
static void replicate(const struct blocks *blocks, const struct efficacy_parts *parts,
                      bool tunable_only, size_t *rounds, struct efficacy *ret)
{
	uint64_t state = 4711;

	for (size_t i = 0; i < EFFICACY_REPLICATES; i++) {
		struct draw draw;

		for (size_t j = 0; j < blocks->n; j++)
			rounds[j] = next_random(&state) % blocks->n;
		draw = draw_efficacy(blocks, parts, tunable_only, rounds);
		ret->replicates[i] =
			ret->limited && i % 2 ? fmin(draw.share, draw.demonstrated) : draw.share;
	}
}

static int estimate(const struct blocks *blocks, const struct efficacy_parts *parts,
                    bool tunable_only, struct efficacy *ret)
{
	size_t *rounds = calloc(blocks->n, sizeof(*rounds));
	struct draw draw;

	if (!rounds)
		return -ENOMEM;
	for (size_t i = 0; i < blocks->n; i++)
		rounds[i] = i;
	draw = draw_efficacy(blocks, parts, tunable_only, rounds);
	ret->known = true;
	ret->limited = draw.demonstrated < draw.share;
	ret->value = fmin(draw.share, draw.demonstrated);
	ret->saved_ns = removed_ns(blocks, rounds);
	ret->baseline_ns = middle_ns(blocks, KERNEL);
	replicate(blocks, parts, tunable_only, rounds, ret);
	free(rounds);
	return 0;
}

/* ---- Measuring ------------------------------------------------------------------------------ */

static bool refuse(const struct ab_document_arm *baseline, const struct ab_document_arm *arm,
                   enum policy_metric metric, struct efficacy *ret)
{
	const char *title = policy_metric_title[metric];
	const struct ab_document_change *change = &arm->change[metric];

	if (arm->skipped)
		snprintf(ret->why, sizeof(ret->why), "it did not run: %.120s", arm->why);
	else if (change->present && change->verdict == AB_DOCUMENT_INVALID)
		snprintf(ret->why, sizeof(ret->why), "the A/B did not judge its %s", title);
	else if (!arm->block_ns[metric] || !baseline->block_ns[metric])
		snprintf(ret->why, sizeof(ret->why), "the A/B has no %s of single blocks%s", title,
		         arm->block_ns[POLICY_P50] ? ": they were too short for it" : "");
	return ret->why[0];
}

int efficacy_measure(const struct ab_document *document, const struct ab_document_arm *arm,
                     const struct ab_document_arm *tuned, enum policy_metric metric,
                     const struct efficacy_parts *parts, struct efficacy *ret)
{
	const struct ab_document_arm *baseline = &document->arm[document->baseline];
	bool tunable_only = arm->role == AB_ROLE_TUNED;
	bool cascade = tuned && !tunable_only && tuned->block_ns[metric];
	const double *from[COLUMNS] = { baseline->block_ns[metric], arm->block_ns[metric],
		                        cascade ? tuned->block_ns[metric] : NULL };
	struct blocks blocks;
	int err;

	*ret = (struct efficacy){ 0 };
	if (refuse(baseline, arm, metric, ret))
		return 0;
	err = collect(document, from, &blocks);
	if (err)
		return err;
	ret->n_rounds = blocks.n;
	if (blocks.n < EFFICACY_ROUNDS_MIN)
		snprintf(ret->why, sizeof(ret->why),
		         "%zu rounds of the A/B are valid in all arms that it takes, %d are needed",
		         blocks.n, EFFICACY_ROUNDS_MIN);
	else
		err = estimate(&blocks, parts, tunable_only, ret);
	free_blocks(&blocks);
	return err;
}

const struct ab_document_arm *efficacy_best_tuned(const struct ab_document *document,
                                                  enum policy_metric metric)
{
	const struct efficacy_parts parts = { 1, 0 };
	const struct ab_document_arm *best = NULL;
	double least = INFINITY;

	for (size_t i = 0; i < document->n_arms; i++) {
		const struct ab_document_arm *arm = &document->arm[i];
		struct efficacy *efficacy;

		if (arm->role != AB_ROLE_TUNED || arm->unequal || arm->skipped)
			continue;
		efficacy = calloc(1, sizeof(*efficacy));
		if (efficacy && !efficacy_measure(document, arm, NULL, metric, &parts, efficacy) &&
		    efficacy->known && -efficacy->saved_ns < least) {
			least = -efficacy->saved_ns;
			best = arm;
		}
		free(efficacy);
	}
	return best;
}

void efficacy_widen(struct efficacy *efficacy, double factor, double alike)
{
	double share = 1 - alike / factor;

	if (!efficacy->known || !(share > 0))
		return;
	for (size_t i = 0; i < EFFICACY_REPLICATES; i++) {
		double *e = &efficacy->replicates[i];

		if (i % 3 == 1)
			*e *= 1 - share;
		else if (i % 3 == 2)
			*e += fmax(0, 1 - *e) * share;
	}
}
