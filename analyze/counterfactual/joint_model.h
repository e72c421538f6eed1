/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Distributions and joint table of an endpoint, block by block, and what they give when pooled.
 *
 * A block is flattened to a row of numbers (counts of three histograms; per cell of the joint table
 * the sum of each column), so that to pool blocks with weights is to add rows. Only the buckets and
 * cells that are in use anywhere are kept.
 */
#ifndef KTAX_JOINT_MODEL_H
#define KTAX_JOINT_MODEL_H

#include "ledger.h"

enum joint_histogram { JOINT_TOTAL, JOINT_TUNED, JOINT_BYPASS, JOINT_HISTOGRAMS };

/* Columns of a cell: the accounts, what the two floors lack, and the sum of all accounts. */
enum { JOINT_TUNABLE = KTAX_NACCOUNTS, JOINT_ADDRESSABLE, JOINT_SUM, JOINT_COLUMNS };

struct joint_block;

/* The blocks as they come; once more than @blocks_max, neighbours become one. */
struct joint_blocks {
	size_t n, n_intervals, block_intervals, blocks_max;
	size_t last_intervals; /* in the last block */
	struct joint_block *blocks;
};

/* -ENOMEM. */
int joint_blocks_add(struct joint_blocks *blocks, const struct recording_ledger *ledger);
void joint_blocks_free(struct joint_blocks *blocks);

/* The buckets of a cell among those in use, [first, end), and its edges in ns. */
struct joint_range {
	uint32_t first, end;
	double low, high;
};

struct joint_layout {
	uint32_t first_bucket, n_buckets; /* of KTAX_HIST_MAGNITUDE */
	uint32_t first_cell, n_cells;     /* of KTAX_JOINT_MAGNITUDE, which nest in these */
	size_t width;                     /* numbers of a row */
	struct joint_range *ranges;       /* of the cells */
};

struct joint_model {
	struct joint_layout layout;
	size_t n_blocks;
	double *rows; /* n_blocks of them */
};

/*
 * @app_kernel_share: of the time of account app, what is moved to app_kernel (sampled); 0: nothing.
 * -ENOMEM, -ENODATA: no request.
 */
int joint_model_create(const struct joint_blocks *blocks, double app_kernel_share,
                       struct joint_model *ret_model);
void joint_model_destroy(struct joint_model *model);

/* Blocks pooled. */
struct joint_pool {
	const struct joint_layout *layout;
	double *sums;   /* a row */
	double *before; /* requests with a total in the buckets before, n_buckets + 1 */
	double *scale;  /* scratch: of each cell */
};

int joint_pool_create(const struct joint_model *model, struct joint_pool *ret_pool);
void joint_pool_destroy(struct joint_pool *pool);
/* The sum of the rows, each times its weight; NULL: 1. */
void joint_pool_fill(const struct joint_model *model, const double *weights,
                     struct joint_pool *pool);

/*
 * The value below which the share @p of the requests lies, in ns, linear within a bucket. 0 where
 * there is no request.
 */
double joint_pool_quantile(const struct joint_pool *pool, enum joint_histogram histogram, double p);
/*
 * The same of the total without @fraction of @column, each request being taken to have spent its
 * cell's share on it: T (1 - fraction x share). Never rises with the fraction, which may be
 * negative.
 */
double joint_pool_without(struct joint_pool *pool, int column, double fraction, double p);
/*
 * The lowest and the highest gain, 1 - quantile without / quantile, that the sums of the cells
 * allow, however each is spread over the requests of its cell. Totals stand at their buckets'
 * midpoints.
 */
struct interval joint_pool_gain_bound(const struct joint_pool *pool, int column, double fraction,
                                      double p);

#endif
