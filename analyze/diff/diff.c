// SPDX-License-Identifier: GPL-2.0
/*
 * One recording is gone through once: its percentiles are known before (the merged ledger), and
 * each block then only has to say how many of its requests lie at or below them. So a side is a
 * ratio (interval.h) per row and level, however long the recording.
 */
#include "diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "bootstrap.h"
#include "quantile.h"

const char *const diff_level_name[DIFF_LEVELS] = { "mean", "p50", "p90", "p99", "p999" };
const char *const diff_verdict_name[] = { "unknown", "undecided", "lower", "higher" };

static const unsigned int level_permille[DIFF_LEVELS] = { 0, 500, 900, 990, 999 };

const char *diff_row_name(int row)
{
	static const char *const names[] = { "total", "floor_tuned", "floor_bypass" };

	return row < KTAX_NACCOUNTS ? ktax_account_info[row].name : names[row - KTAX_NACCOUNTS];
}

/* ---- One recording's side -------------------------------------------------------------------- */

struct cell {
	double ns;          /* the figure, over the whole recording */
	double block;       /* of the block at hand: time, or requests at or below .ns */
	struct ratio ratio; /* over the blocks: of .block to the requests */
};

struct diff_side {
	const struct recording_ledger *ledger;
	size_t block_intervals, intervals; /* of a block; of the one at hand */
	double requests;                   /* of the block at hand */
	size_t n_blocks;
	struct cell cell[DIFF_ROWS][DIFF_LEVELS];
};

static const struct histogram *row_histogram(const struct recording_ledger *ledger, int row)
{
	switch (row) {
	case DIFF_TOTAL:
		return &ledger->total;
	case DIFF_TUNED:
		return &ledger->floor_tuned;
	case DIFF_BYPASS:
		return &ledger->floor_bypass;
	default:
		return &ledger->account[row];
	}
}

/* The accounts that make up @row. What a floor lacks is not in it. */
static unsigned int row_accounts(int row)
{
	unsigned int all = KTAX_ACCOUNT_BIT(KTAX_NACCOUNTS) - 1;

	switch (row) {
	case DIFF_TOTAL:
		return all;
	case DIFF_TUNED:
		return all & ~KTAX_TUNABLE_SET;
	case DIFF_BYPASS:
		return all & ~KTAX_ADDRESSABLE_SET;
	default:
		return KTAX_ACCOUNT_BIT(row);
	}
}

static void sum_accounts(const struct recording_ledger *ledger, double ret_ns[KTAX_NACCOUNTS])
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		ret_ns[i] = 0;
	for (size_t c = 0; c < KTAX_JOINT_CELLS; c++)
		for (int i = 0; i < KTAX_NACCOUNTS && ledger->joint[c].requests; i++)
			ret_ns[i] += (double)ledger->joint[c].sum_ns[i];
}

static double sum_row(const double ns[KTAX_NACCOUNTS], int row)
{
	unsigned int accounts = row_accounts(row);
	double sum = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		sum += accounts & KTAX_ACCOUNT_BIT(i) ? ns[i] : 0;
	return sum;
}

int diff_side_create(const struct recording_ledger *ledger, size_t n_intervals,
                     struct diff_side **ret_side)
{
	struct diff_side *side = calloc(1, sizeof(*side));
	double ns[KTAX_NACCOUNTS];

	if (!side)
		return -ENOMEM;
	side->ledger = ledger;
	side->block_intervals = n_intervals < 2 * DIFF_BLOCKS ? 1 : n_intervals / DIFF_BLOCKS;
	sum_accounts(ledger, ns);
	for (int row = 0; row < DIFF_ROWS; row++) {
		if (ledger->requests)
			side->cell[row][DIFF_MEAN].ns = sum_row(ns, row) / (double)ledger->requests;
		for (int level = DIFF_P50; level < DIFF_LEVELS; level++)
			side->cell[row][level].ns = (double)quantile_at_permille(
				row_histogram(ledger, row), ledger->requests, level_permille[level],
				ledger->max_ns);
	}
	*ret_side = side;
	return 0;
}

void diff_side_free(struct diff_side *side)
{
	free(side);
}

static void end_block(struct diff_side *side)
{
	if (!side->intervals)
		return;
	for (int row = 0; row < DIFF_ROWS; row++)
		for (int level = 0; level < DIFF_LEVELS; level++) {
			struct cell *cell = &side->cell[row][level];

			ratio_add(&cell->ratio, cell->block, side->requests);
			cell->block = 0;
		}
	side->n_blocks++;
	side->intervals = 0;
	side->requests = 0;
}

/* Requests that spent nothing on an account are not in its histogram, and lie below any figure. */
static double count_up_to(const struct recording_ledger *ledger, int row, double ns)
{
	const struct histogram *histogram = row_histogram(ledger, row);
	uint64_t zeros =
		ledger->requests > histogram->total ? ledger->requests - histogram->total : 0;

	return (double)(zeros + histogram_count_up_to(histogram, (uint64_t)ns));
}

void diff_side_add(struct diff_side *side, const struct recording_ledger *interval)
{
	double ns[KTAX_NACCOUNTS];

	if (!interval->requests)
		return;
	sum_accounts(interval, ns);
	for (int row = 0; row < DIFF_ROWS; row++) {
		side->cell[row][DIFF_MEAN].block += sum_row(ns, row);
		for (int level = DIFF_P50; level < DIFF_LEVELS; level++) {
			struct cell *cell = &side->cell[row][level];

			cell->block += count_up_to(interval, row, cell->ns);
		}
	}
	side->requests += (double)interval->requests;
	if (++side->intervals == side->block_intervals)
		end_block(side);
}

size_t diff_side_blocks(struct diff_side *side)
{
	end_block(side);
	return side->n_blocks;
}

/* ---- A figure and its interval --------------------------------------------------------------- */

/* Half the width of the interval of @ratio; at least that of @n independent trials, if given. */
static double half_width(const struct ratio *ratio, double confidence, double n)
{
	double value = ratio_value(ratio), blocks = (double)ratio->n, squares, error;

	squares = ratio->amount2 - 2 * value * ratio->product + value * value * ratio->weight2;
	error = sqrt(fmax(0, squares) / (blocks * (blocks - 1))) / (ratio->weight / blocks);
	if (n > 0)
		error = fmax(error, sqrt(value * (1 - value) / n));
	return error * student_quantile((1 + confidence) / 2, ratio->n - 1);
}

static void find_mean(const struct cell *cell, double confidence, struct diff_figure *figure)
{
	double half = half_width(&cell->ratio, confidence, 0);

	figure->interval = (struct interval){ fmax(0, cell->ns - half), cell->ns + half };
	figure->has_interval = true;
}

/* Bounds of the bucket in which the kernel counted @ns. */
static double bucket_low(uint64_t ns)
{
	return (double)ktax_hist_lowest(ktax_hist_index(ns, KTAX_HIST_MAGNITUDE),
	                                KTAX_HIST_MAGNITUDE);
}

static double bucket_high(uint64_t ns)
{
	return (double)ktax_hist_lowest(ktax_hist_index(ns, KTAX_HIST_MAGNITUDE) + 1,
	                                KTAX_HIST_MAGNITUDE) -
	       1;
}

static void find_quantile(const struct diff_side *side, int row, enum diff_level level,
                          double confidence, struct diff_figure *figure)
{
	const struct recording_ledger *ledger = side->ledger;
	const struct histogram *histogram = row_histogram(ledger, row);
	double n = (double)ledger->requests, p = level_permille[level] / 1000.0;
	double half = half_width(&side->cell[row][level].ratio, confidence, n);
	double low = floor((p - half) * n), high = ceil((p + half) * n) + 1;
	uint64_t low_ns;

	if ((1 - p) * n < DIFF_BEYOND)
		return;
	low_ns = quantile_at_rank(histogram, ledger->requests, low < 1 ? 1 : (uint64_t)low,
	                          ledger->max_ns);
	figure->interval.low = low < 1 ? 0 : bucket_low(low_ns);
	figure->interval.high = INFINITY;
	if (high <= n)
		figure->interval.high = bucket_high(quantile_at_rank(
			histogram, ledger->requests, (uint64_t)high, ledger->max_ns));
	figure->has_interval = true;
}

static struct diff_figure find_figure(struct diff_side *side, int row, enum diff_level level,
                                      double confidence)
{
	const struct cell *cell = &side->cell[row][level];
	struct diff_figure figure = { .ns = cell->ns };

	if (diff_side_blocks(side) < DIFF_BLOCKS_LEAST || cell->ratio.weight <= 0)
		return figure;
	if (level == DIFF_MEAN)
		find_mean(cell, confidence, &figure);
	else
		find_quantile(side, row, level, confidence, &figure);
	return figure;
}

/* ---- A change and its interval --------------------------------------------------------------- */

/* Of a - b, out of the intervals of both: MOVER. */
static struct interval difference(double a, struct interval of_a, double b, struct interval of_b)
{
	return (struct interval){ a - b - hypot(a - of_a.low, of_b.high - b),
		                  a - b + hypot(of_a.high - a, b - of_b.low) };
}

static struct interval logarithms(struct interval interval)
{
	return (struct interval){ interval.low > 0 ? log(interval.low) : -INFINITY,
		                  log(interval.high) };
}

static void find_ratio(struct diff_change *change)
{
	const struct diff_figure *before = &change->before, *after = &change->after;
	struct interval of_log;

	change->has_ratio = before->ns > 0 && after->ns > 0;
	if (!change->has_ratio)
		return;
	change->change = after->ns / before->ns - 1;
	if (!before->has_interval || !after->has_interval)
		return;
	of_log = difference(log(after->ns), logarithms(after->interval), log(before->ns),
	                    logarithms(before->interval));
	change->ratio = (struct interval){ expm1(of_log.low), expm1(of_log.high) };
}

static enum diff_verdict judge(const struct diff_change *change)
{
	if (!change->before.has_interval || !change->after.has_interval)
		return DIFF_UNKNOWN;
	if (change->delta.low > 0)
		return DIFF_HIGHER;
	return change->delta.high < 0 ? DIFF_LOWER : DIFF_UNDECIDED;
}

struct diff_change diff_compare(struct diff_side *before, struct diff_side *after, int row,
                                enum diff_level level, double confidence)
{
	struct diff_change change = { .before = find_figure(before, row, level, confidence),
		                      .after = find_figure(after, row, level, confidence) };

	change.delta_ns = change.after.ns - change.before.ns;
	change.delta = difference(change.after.ns, change.after.interval, change.before.ns,
	                          change.before.interval);
	change.verdict = judge(&change);
	find_ratio(&change);
	return change;
}

/* ---- The gate -------------------------------------------------------------------------------- */

bool diff_gated(enum diff_level level)
{
	return level == DIFF_P50 || level == DIFF_P90 || level == DIFF_P99;
}

enum diff_gate diff_judge(const struct diff_change *change, double limit)
{
	if (change->verdict == DIFF_UNKNOWN || !change->has_ratio)
		return DIFF_GATE_UNDECIDED;
	if (change->verdict == DIFF_HIGHER && change->ratio.low > limit)
		return DIFF_GATE_REGRESSED;
	return change->ratio.high <= limit ? DIFF_GATE_FINE : DIFF_GATE_UNDECIDED;
}

enum diff_gate diff_judge_all(const struct diff *diff, double limit)
{
	enum diff_gate worst = diff->n_endpoints ? DIFF_GATE_FINE : DIFF_GATE_UNDECIDED;

	for (size_t i = 0; i < diff->n_endpoints; i++)
		for (int level = 0; level < DIFF_LEVELS; level++) {
			enum diff_gate gate;

			if (!diff_gated((enum diff_level)level))
				continue;
			gate = diff_judge(&diff->endpoint[i].gate[level], limit);
			if (gate == DIFF_GATE_REGRESSED)
				return gate;
			worst = gate == DIFF_GATE_UNDECIDED ? gate : worst;
		}
	return worst;
}
