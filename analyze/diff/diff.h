/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What changed from one recording to another: per endpoint the total, the two floors and every
 * account, at the mean and at percentiles, each with an interval.
 *
 * Requests of one second are alike, so they are no independent sample: the unit is a block of
 * neighbouring intervals (1 s), long enough that there are about DIFF_BLOCKS of them. Per recording
 *
 *	mean        ratio estimator over blocks (interval.h), Student's t
 *	percentile  Woodruff's interval: the share of requests at or below the percentile is such a
 *	            ratio; the ends of its interval, back through the distribution (Woodruff 1952,
 *	            JASA 47:260). Its standard error is never taken below that of independent
 *	            requests. Ends are widened to the bounds of the buckets that the kernel counts
 * in (1.6 %), within which nothing is known.
 *
 * and the difference, or ratio, of two such figures has the interval that recovers their variances
 * (MOVER: Zou and Donner 2008, Statistics in Medicine 27:10).
 *
 * What no recording can tell is how two runs of the same service differ: an interval is about these
 * two recordings. DIFF_BLOCKS_LEAST intervals are needed, and DIFF_BEYOND requests beyond a
 * percentile.
 */
#ifndef KTAX_DIFF_H
#define KTAX_DIFF_H

#include "ledger.h"

#define DIFF_BLOCKS       15 /* aimed at; recordings up to twice as long keep single intervals */
#define DIFF_BLOCKS_LEAST 6
#define DIFF_BEYOND       10

enum diff_level { DIFF_MEAN, DIFF_P50, DIFF_P90, DIFF_P99, DIFF_P999, DIFF_LEVELS };

extern const char *const diff_level_name[DIFF_LEVELS]; /* "mean", "p50", ..., "p999" */

/* Rows: the accounts by their number, then these. Rows of floors are not judged. */
enum { DIFF_TOTAL = KTAX_NACCOUNTS, DIFF_TUNED, DIFF_BYPASS, DIFF_ROWS };

const char *diff_row_name(int row); /* "wakeup", "total", "floor_tuned", "floor_bypass" */

enum diff_verdict {
	DIFF_UNKNOWN,   /* no interval: too few requests or intervals */
	DIFF_UNDECIDED, /* the interval holds 0 */
	DIFF_LOWER,
	DIFF_HIGHER
};

extern const char *const diff_verdict_name[]; /* "unknown", "undecided", "lower", "higher" */

/* A figure of one recording, ns. */
struct diff_figure {
	bool has_interval;
	double ns;
	struct interval interval; /* .high may be INFINITY */
};

struct diff_change {
	struct diff_figure before, after;
	enum diff_verdict verdict; /* by .delta */
	double delta_ns;
	struct interval delta; /* valid unless the verdict is unknown; may be infinite */
	bool has_ratio;        /* neither figure is 0 */
	double change;         /* after / before - 1 */
	struct interval ratio; /* of .change, valid unless unknown */
};

struct diff_row {
	bool present;    /* in both recordings */
	const char *why; /* where it is not */
	struct diff_change level[DIFF_LEVELS];
};

struct diff_endpoint {
	const struct finding_endpoint *before, *after;
	bool renamed; /* each recording has one endpoint, under different names */
	size_t blocks_before, blocks_after;
	struct diff_row row[DIFF_ROWS];
	/* The total at the confidence of a gate (diff_create()). */
	struct diff_change gate[DIFF_LEVELS];
};

struct diff {
	const struct findings *before, *after;
	size_t n_endpoints; /* in both */
	struct diff_endpoint *endpoint;
	size_t n_lost, n_new; /* endpoints in one of them only */
	double confidence, gate_confidence;
	char caution[512]; /* why the recordings may not be comparable, or "" */
};

/*
 * Compares endpoints by name (those whose name contains @only, unless it is NULL). Reads the
 * intervals of both. @confidence is that of each interval; the gate's intervals have it together,
 * over all endpoints and the levels that a gate looks at (Bonferroni). -ENOMEM; errors of
 * recording_read(), with *ret_source set to the file at fault.
 */
int diff_create(const struct findings *before, const struct findings *after, const char *only,
                double confidence, struct diff **ret_diff, const char **ret_source);
void diff_free(struct diff *diff);

/* Whether a gate looks at @level: p50, p90 and p99. */
bool diff_gated(enum diff_level level);

enum diff_gate {
	DIFF_GATE_FINE,      /* no increase beyond the limit: the whole interval lies below */
	DIFF_GATE_REGRESSED, /* the whole interval lies beyond the limit */
	DIFF_GATE_UNDECIDED, /* the interval holds the limit, or there is none */
};

/* @limit: 0.05 is 5 % more. */
enum diff_gate diff_judge(const struct diff_change *change, double limit);
/* Of all endpoints: regressed if any is, else undecided if any is, or there is none. */
enum diff_gate diff_judge_all(const struct diff *diff, double limit);

/*
 * The same in steps, for data that is no file: a side per recording and endpoint, whose intervals
 * are added in the order of time.
 */
struct diff_side;

int diff_side_create(const struct recording_ledger *ledger, size_t n_intervals,
                     struct diff_side **ret_side);
void diff_side_free(struct diff_side *side);
void diff_side_add(struct diff_side *side, const struct recording_ledger *interval);
size_t diff_side_blocks(struct diff_side *side); /* ends the adding */
/* Row and level, at @confidence. */
struct diff_change diff_compare(struct diff_side *before, struct diff_side *after, int row,
                                enum diff_level level, double confidence);

#endif
