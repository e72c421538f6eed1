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

/* What is measured, of what, and how. */
struct measure {
	const struct blocks *blocks;
	struct efficacy_parts parts;
	bool tunable_only;
	double work_ns; /* of every round trip, the same in all arms */
	bool by_time;   /* only: what part of a round trip is work is not known */
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

/* 1 - b / a: the median over the @rounds that were drawn. The work is none of the path's. */
static double removed_share(const struct measure *measure, int a, int b, const size_t *rounds)
{
	const struct blocks *blocks = measure->blocks;

	for (size_t i = 0; i < blocks->n; i++) {
		double from = blocks->column[a][rounds[i]], to = blocks->column[b][rounds[i]];
		double work = fmin(measure->work_ns, fmin(from, to) - 1);

		blocks->scratch[i] = log_ratio(from - work, to - work);
	}
	return fmax(LEAST, 1 - exp(median(blocks->scratch, blocks->n)));
}

static double removed_ns(const struct blocks *blocks, int a, int b, const size_t *rounds)
{
	for (size_t i = 0; i < blocks->n; i++) {
		double from = blocks->column[a][rounds[i]], to = blocks->column[b][rounds[i]];

		blocks->scratch[i] = from == to ? 0 : from - to;
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
	double demonstrated; /* by what was taken off it in ns */
};

static double part_ns(const struct measure *measure)
{
	return measure->parts.tunable_ns + (measure->tunable_only ? 0 : measure->parts.rest_ns);
}

static bool has_parts(const struct measure *measure)
{
	return !measure->tunable_only && measure->blocks->has_tuned && part_ns(measure) > 0;
}

static double draw_share(const struct measure *measure, const size_t *rounds)
{
	const struct efficacy_parts *parts = &measure->parts;
	double path = removed_share(measure, KERNEL, PATH, rounds), tuned, rest;

	if (!has_parts(measure) || path < 0)
		return path;
	tuned = fmax(0, removed_share(measure, KERNEL, TUNED, rounds));
	rest = fmax(0, removed_share(measure, TUNED, PATH, rounds));
	return (parts->tunable_ns * fmin(tuned, path) + parts->rest_ns * fmin(rest, path)) /
	       part_ns(measure);
}

static double draw_demonstrated(const struct measure *measure, const size_t *rounds)
{
	const struct efficacy_parts *parts = &measure->parts;
	double path = removed_ns(measure->blocks, KERNEL, PATH, rounds), tuned, rest;

	if (!(part_ns(measure) > 0))
		return 0;
	if (!has_parts(measure) || path < 0)
		return fmax(LEAST, fmin(1, path / part_ns(measure)));
	tuned = fmax(0, removed_ns(measure->blocks, KERNEL, TUNED, rounds));
	rest = fmax(0, removed_ns(measure->blocks, TUNED, PATH, rounds));
	return (fmin(parts->tunable_ns, fmin(tuned, path)) +
	        fmin(parts->rest_ns, fmin(rest, path))) /
	       part_ns(measure);
}

static struct draw draw_efficacy(const struct measure *measure, const size_t *rounds)
{
	struct draw draw = { .demonstrated = draw_demonstrated(measure, rounds) };

	draw.share = measure->by_time ? draw.demonstrated : draw_share(measure, rounds);
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
 * Half of the replicates by shares, half by what was taken off: the interval of the mixture holds
 * both. The estimate is the smaller one.
 */
static void replicate(const struct measure *measure, size_t *rounds, struct efficacy *ret)
{
	size_t n = measure->blocks->n;
	uint64_t state = 4711;

	for (size_t i = 0; i < EFFICACY_REPLICATES; i++) {
		struct draw draw;

		for (size_t j = 0; j < n; j++)
			rounds[j] = next_random(&state) % n;
		draw = draw_efficacy(measure, rounds);
		ret->replicates[i] = i % 2 ? draw.demonstrated : draw.share;
	}
}

static int estimate(const struct measure *measure, struct efficacy *ret)
{
	size_t n = measure->blocks->n, *rounds = calloc(n, sizeof(*rounds));
	struct draw draw;

	if (!rounds)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rounds[i] = i;
	draw = draw_efficacy(measure, rounds);
	ret->known = true;
	ret->by_share = draw.share;
	ret->by_time = draw.demonstrated;
	ret->value = fmin(draw.share, draw.demonstrated);
	ret->saved_ns = removed_ns(measure->blocks, KERNEL, PATH, rounds);
	ret->baseline_ns = middle_ns(measure->blocks, KERNEL);
	replicate(measure, rounds, ret);
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
	struct blocks blocks;
	struct measure measure = {
		.blocks = &blocks,
		.parts = *parts,
		.tunable_only = arm->role == AB_ROLE_TUNED,
		.work_ns = document->work == AB_WORK_FIXED ? document->work_mean_ns : 0,
		.by_time = document->work == AB_WORK_RECORDED,
	};
	bool cascade = tuned && !measure.tunable_only && tuned->block_ns[metric];
	const double *from[COLUMNS] = { baseline->block_ns[metric], arm->block_ns[metric],
		                        cascade ? tuned->block_ns[metric] : NULL };
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
		err = estimate(&measure, ret);
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
