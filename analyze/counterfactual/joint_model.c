// SPDX-License-Identifier: GPL-2.0
/*
 * Pooling blocks, and percentiles of the pool.
 *
 *	row:  | total: n_buckets | tuned: n_buckets | bypass: n_buckets | n_cells x JOINT_COLUMNS |
 *
 * A percentile without an account is found by bisection: how many requests would be at or below t
 * is a sum over cells, and a request of a cell with share r is there if its total was at most
 * t / (1 - fraction r).
 */
#include "joint_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HDR_MAGNITUDE 11 /* of a recording's histograms, 3 digits */
#define BISECTIONS    24

struct joint_block {
	uint64_t buckets[JOINT_HISTOGRAMS][KTAX_HIST_BUCKETS];
	struct ktax_joint_cell cells[KTAX_JOINT_CELLS];
};

/* ---- Blocks as they come ------------------------------------------------------------------- */

/* Back to the buckets in which the kernel side had counted. */
static void add_histogram(uint64_t *buckets, const struct histogram *histogram)
{
	for (uint32_t i = 0; i < histogram->length; i++) {
		uint64_t value = ktax_hist_lowest(i, HDR_MAGNITUDE);
		uint32_t bucket = KTAX_HIST_BUCKETS - 1;

		if (!histogram->counts[i])
			continue;
		if (value >> KTAX_VALUE_BITS == 0)
			bucket = ktax_hist_index(value, KTAX_HIST_MAGNITUDE);
		buckets[bucket] += histogram->counts[i];
	}
}

static void add_cell(struct ktax_joint_cell *into, const struct ktax_joint_cell *from)
{
	into->requests += from->requests;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		into->sum_ns[i] += from->sum_ns[i];
}

static void merge_block(struct joint_block *into, const struct joint_block *from)
{
	for (int h = 0; h < JOINT_HISTOGRAMS; h++)
		for (uint32_t i = 0; i < KTAX_HIST_BUCKETS; i++)
			into->buckets[h][i] += from->buckets[h][i];
	for (uint32_t i = 0; i < KTAX_JOINT_CELLS; i++)
		add_cell(&into->cells[i], &from->cells[i]);
}

/* Makes one block of each two. */
static void halve_blocks(struct joint_blocks *blocks)
{
	size_t n = 0;

	for (size_t i = 0; i < blocks->n; i += 2, n++) {
		if (n != i)
			blocks->blocks[n] = blocks->blocks[i];
		if (i + 1 < blocks->n)
			merge_block(&blocks->blocks[n], &blocks->blocks[i + 1]);
		else
			blocks->last_intervals = blocks->block_intervals;
	}
	if (blocks->n % 2 == 0)
		blocks->last_intervals = 2 * blocks->block_intervals;
	blocks->n = n;
	blocks->block_intervals *= 2;
}

static struct joint_block *append_block(struct joint_blocks *blocks)
{
	struct joint_block *grown;

	if (blocks->n == blocks->blocks_max)
		halve_blocks(blocks);
	if (blocks->n && blocks->last_intervals < blocks->block_intervals)
		return &blocks->blocks[blocks->n - 1];
	grown = realloc(blocks->blocks, (blocks->n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	blocks->blocks = grown;
	blocks->last_intervals = 0;
	memset(&grown[blocks->n], 0, sizeof(*grown));
	return &grown[blocks->n++];
}

int joint_blocks_add(struct joint_blocks *blocks, const struct recording_ledger *ledger)
{
	struct joint_block *block;

	if (!blocks->block_intervals)
		blocks->block_intervals = 1;
	/* A last block that is not full takes more, whatever their number. */
	if (blocks->n && blocks->last_intervals < blocks->block_intervals)
		block = &blocks->blocks[blocks->n - 1];
	else
		block = append_block(blocks);
	if (!block)
		return -ENOMEM;
	blocks->last_intervals++;
	blocks->n_intervals++;
	add_histogram(block->buckets[JOINT_TOTAL], &ledger->total);
	add_histogram(block->buckets[JOINT_TUNED], &ledger->floor_tuned);
	add_histogram(block->buckets[JOINT_BYPASS], &ledger->floor_bypass);
	for (uint32_t i = 0; i < KTAX_JOINT_CELLS; i++)
		add_cell(&block->cells[i], &ledger->joint[i]);
	return 0;
}

void joint_blocks_free(struct joint_blocks *blocks)
{
	free(blocks->blocks);
	*blocks = (struct joint_blocks){ 0 };
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static bool block_has_bucket(const struct joint_block *block, uint32_t i)
{
	return block->buckets[JOINT_TOTAL][i] || block->buckets[JOINT_TUNED][i] ||
	       block->buckets[JOINT_BYPASS][i];
}

static uint32_t cell_of_bucket(uint32_t bucket)
{
	uint64_t lowest = ktax_hist_lowest(bucket, KTAX_HIST_MAGNITUDE);

	return ktax_hist_index(lowest, KTAX_JOINT_MAGNITUDE);
}

/* A bucket's number among those in use, or the nearest. */
static uint32_t bucket_in_use(const struct joint_layout *layout, uint64_t value)
{
	uint32_t bucket = ktax_hist_index(value, KTAX_HIST_MAGNITUDE);

	if (bucket < layout->first_bucket)
		return 0;
	bucket -= layout->first_bucket;
	return bucket < layout->n_buckets ? bucket : layout->n_buckets;
}

static int find_ranges(struct joint_layout *layout)
{
	layout->ranges = calloc(layout->n_cells, sizeof(*layout->ranges));
	if (!layout->ranges)
		return -ENOMEM;
	for (uint32_t c = 0; c < layout->n_cells; c++) {
		uint32_t cell = layout->first_cell + c;
		uint64_t low = ktax_hist_lowest(cell, KTAX_JOINT_MAGNITUDE);
		uint64_t high = ktax_hist_lowest(cell + 1, KTAX_JOINT_MAGNITUDE);

		layout->ranges[c] = (struct joint_range){ bucket_in_use(layout, low),
			                                  bucket_in_use(layout, high), (double)low,
			                                  (double)high };
	}
	return 0;
}

static int find_layout(const struct joint_blocks *blocks, struct joint_layout *ret_layout)
{
	uint32_t first = KTAX_HIST_BUCKETS, last = 0;
	struct joint_layout layout;
	int error;

	for (size_t b = 0; b < blocks->n; b++)
		for (uint32_t i = 0; i < KTAX_HIST_BUCKETS; i++)
			if (block_has_bucket(&blocks->blocks[b], i)) {
				first = i < first ? i : first;
				last = i > last ? i : last;
			}
	if (first > last)
		return -ENODATA;
	layout.first_bucket = first;
	layout.n_buckets = last - first + 1;
	layout.first_cell = cell_of_bucket(first);
	layout.n_cells = cell_of_bucket(last) - layout.first_cell + 1;
	layout.width = (size_t)JOINT_HISTOGRAMS * layout.n_buckets +
	               (size_t)JOINT_COLUMNS * layout.n_cells;
	error = find_ranges(&layout);
	if (!error)
		*ret_layout = layout;
	return error;
}

static double *row_histogram(const struct joint_layout *layout, double *row, int histogram)
{
	return row + (size_t)histogram * layout->n_buckets;
}

static double *row_cell(const struct joint_layout *layout, double *row, uint32_t cell)
{
	return row_histogram(layout, row, JOINT_HISTOGRAMS) + (size_t)cell * JOINT_COLUMNS;
}

static void fill_cell(const struct ktax_joint_cell *cell, double app_kernel_share, double *columns)
{
	double moved = app_kernel_share * (double)cell->sum_ns[KTAX_APP];

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		double ns = (double)cell->sum_ns[i];

		columns[i] = ns;
		columns[JOINT_SUM] += ns;
		if (KTAX_TUNABLE_SET & KTAX_ACCOUNT_BIT(i))
			columns[JOINT_TUNABLE] += ns;
		if (KTAX_ADDRESSABLE_SET & KTAX_ACCOUNT_BIT(i))
			columns[JOINT_ADDRESSABLE] += ns;
	}
	columns[KTAX_APP] -= moved;
	columns[KTAX_APP_KERNEL] += moved;
}

static void fill_row(const struct joint_layout *layout, const struct joint_block *block,
                     double app_kernel_share, double *row)
{
	for (int h = 0; h < JOINT_HISTOGRAMS; h++)
		for (uint32_t i = 0; i < layout->n_buckets; i++)
			row_histogram(layout, row, h)[i] =
				(double)block->buckets[h][layout->first_bucket + i];
	for (uint32_t c = 0; c < layout->n_cells; c++)
		fill_cell(&block->cells[layout->first_cell + c], app_kernel_share,
		          row_cell(layout, row, c));
}

int joint_model_create(const struct joint_blocks *blocks, double app_kernel_share,
                       struct joint_model *ret_model)
{
	struct joint_model model = { .n_blocks = blocks->n };
	int error = find_layout(blocks, &model.layout);

	if (error)
		return error;
	model.rows = calloc(blocks->n, model.layout.width * sizeof(*model.rows));
	if (!model.rows) {
		joint_model_destroy(&model);
		return -ENOMEM;
	}
	for (size_t b = 0; b < blocks->n; b++)
		fill_row(&model.layout, &blocks->blocks[b], app_kernel_share,
		         model.rows + b * model.layout.width);
	*ret_model = model;
	return 0;
}

void joint_model_destroy(struct joint_model *model)
{
	free(model->rows);
	free(model->layout.ranges);
	*model = (struct joint_model){ 0 };
}

/* ---- The pool ------------------------------------------------------------------------------ */

int joint_pool_create(const struct joint_model *model, struct joint_pool *ret_pool)
{
	const struct joint_layout *layout = &model->layout;
	struct joint_pool pool = { .layout = layout };

	pool.sums = calloc(layout->width, sizeof(*pool.sums));
	pool.before = calloc(layout->n_buckets + 1, sizeof(*pool.before));
	pool.scale = calloc(layout->n_cells, sizeof(*pool.scale));
	if (!pool.sums || !pool.before || !pool.scale) {
		joint_pool_destroy(&pool);
		return -ENOMEM;
	}
	*ret_pool = pool;
	return 0;
}

void joint_pool_destroy(struct joint_pool *pool)
{
	free(pool->sums);
	free(pool->before);
	free(pool->scale);
	*pool = (struct joint_pool){ 0 };
}

void joint_pool_fill(const struct joint_model *model, const double *weights,
                     struct joint_pool *pool)
{
	const struct joint_layout *layout = pool->layout;
	const double *total = row_histogram(layout, pool->sums, JOINT_TOTAL);

	memset(pool->sums, 0, layout->width * sizeof(*pool->sums));
	for (size_t b = 0; b < model->n_blocks; b++) {
		const double *row = model->rows + b * layout->width;
		double weight = weights ? weights[b] : 1;

		for (size_t i = 0; i < layout->width && weight > 0; i++)
			pool->sums[i] += weight * row[i];
	}
	for (uint32_t i = 0; i < layout->n_buckets; i++)
		pool->before[i + 1] = pool->before[i] + total[i];
}

static double bucket_edge(const struct joint_layout *layout, uint32_t i)
{
	return (double)ktax_hist_lowest(layout->first_bucket + i, KTAX_HIST_MAGNITUDE);
}

double joint_pool_quantile(const struct joint_pool *pool, enum joint_histogram histogram, double p)
{
	const double *counts = row_histogram(pool->layout, pool->sums, (int)histogram);
	uint32_t n = pool->layout->n_buckets;
	double total = 0, before = 0;

	for (uint32_t i = 0; i < n; i++)
		total += counts[i];
	for (uint32_t i = 0; i < n; i++) {
		double low = bucket_edge(pool->layout, i), rank = p * total - before;

		if (counts[i] > 0 && rank <= counts[i])
			return low + (bucket_edge(pool->layout, i + 1) - low) * rank / counts[i];
		before += counts[i];
	}
	return 0;
}

/* ---- Without an account, by the cells' shares ------------------------------------------------ */

/* Requests with a total of at most @value, linear within a bucket. */
static double count_up_to(const struct joint_pool *pool, double value)
{
	const struct joint_layout *layout = pool->layout;
	uint32_t n = layout->n_buckets, i;
	double low;

	if (value < bucket_edge(layout, 0))
		return 0;
	if (value >= bucket_edge(layout, n))
		return pool->before[n];
	i = ktax_hist_index((uint64_t)value, KTAX_HIST_MAGNITUDE) - layout->first_bucket;
	low = bucket_edge(layout, i);
	return pool->before[i] + (pool->before[i + 1] - pool->before[i]) * (value - low) /
	                                 (bucket_edge(layout, i + 1) - low);
}

/* Of those of @cell. */
static double cell_count_up_to(const struct joint_pool *pool, uint32_t cell, double value)
{
	const struct joint_range *range = &pool->layout->ranges[cell];

	if (value <= range->low)
		return 0;
	if (value >= range->high)
		return pool->before[range->end] - pool->before[range->first];
	return count_up_to(pool, value) - pool->before[range->first];
}

/* What remains of a request of @cell: 1 - fraction x share. */
static double cell_scale(const struct joint_pool *pool, uint32_t cell, int column, double fraction)
{
	const double *columns = row_cell(pool->layout, pool->sums, cell);
	double share = columns[JOINT_SUM] > 0 ? columns[column] / columns[JOINT_SUM] : 0;

	return fmax(0, 1 - fraction * fmin(1, share));
}

/* Requests that would take at most @value. */
static double count_without(const struct joint_pool *pool, double value)
{
	double count = 0;

	for (uint32_t c = 0; c < pool->layout->n_cells; c++)
		count += cell_count_up_to(pool, c,
		                          pool->scale[c] > 0 ? value / pool->scale[c] : INFINITY);
	return count;
}

double joint_pool_without(struct joint_pool *pool, int column, double fraction, double p)
{
	const struct joint_layout *layout = pool->layout;
	double rank = p * pool->before[layout->n_buckets];
	double low = 0, high = joint_pool_quantile(pool, JOINT_TOTAL, p);
	bool changed = false;

	for (uint32_t c = 0; c < layout->n_cells; c++) {
		pool->scale[c] = cell_scale(pool, c, column, fraction);
		changed |= pool->scale[c] != 1;
	}
	if (!changed)
		return high;
	if (fraction < 0)
		high *= 1 - fraction;
	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2;

		if (count_without(pool, middle) < rank)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

/* A cell with its requests at the midpoints of their buckets. */
struct bound_cell {
	const double *count, *midpoint; /* of its buckets, ascending */
	uint32_t n;
	double budget, fraction; /* to be taken off in all; at most this fraction of each */
};

/* Most requests that can come to lie at or below @t: the nearest first. */
static double most_below(const struct bound_cell *cell, double t)
{
	double budget = cell->budget, below = 0;

	for (uint32_t i = 0; i < cell->n; i++) {
		double distance = cell->midpoint[i] - t, count = cell->count[i];

		if (distance > cell->fraction * cell->midpoint[i])
			break;
		if (distance > 0 && distance * count > budget)
			count = budget / distance;
		if (distance > 0)
			budget -= distance * count;
		below += count;
	}
	return below;
}

/* What @cell's bucket @i can lose without its requests coming below @t, if they are not there. */
static double slack(const struct bound_cell *cell, uint32_t i, double t)
{
	double most = cell->fraction * cell->midpoint[i], distance = cell->midpoint[i] - t;

	return distance <= 0 || distance > most ? most : distance;
}

/* Fewest: what has to be taken off is taken where it moves nobody below @t, as far as it goes. */
static double least_below(const struct bound_cell *cell, double t)
{
	double left = cell->budget, below = 0;

	for (uint32_t i = 0; i < cell->n; i++) {
		left -= cell->count[i] * slack(cell, i, t);
		if (cell->midpoint[i] <= t)
			below += cell->count[i];
	}
	/* Then by moving below those of whom that takes the most. */
	for (uint32_t i = 0; i < cell->n && left > 0; i++) {
		double more = cell->fraction * cell->midpoint[i] - slack(cell, i, t);
		double count = cell->count[i];

		if (more <= 0)
			continue;
		if (more * count > left)
			count = left / more;
		left -= more * count;
		below += count;
	}
	return below;
}

struct bound_search {
	struct bound_cell *cells;
	uint32_t n_cells;
	double *midpoint;
};

static void bound_cells(const struct joint_pool *pool, int column, double fraction,
                        struct bound_search *search)
{
	const struct joint_layout *layout = pool->layout;

	for (uint32_t i = 0; i < layout->n_buckets; i++)
		search->midpoint[i] = (bucket_edge(layout, i) + bucket_edge(layout, i + 1)) / 2;
	for (uint32_t c = 0; c < layout->n_cells; c++) {
		const struct joint_range *range = &layout->ranges[c];

		search->cells[c] = (struct bound_cell){
			.count = row_histogram(layout, pool->sums, JOINT_TOTAL) + range->first,
			.midpoint = search->midpoint + range->first,
			.n = range->end - range->first,
			.budget = fraction * row_cell(layout, pool->sums, c)[column],
			.fraction = fraction,
		};
	}
}

/* The lowest t that at least @rank requests are at or below, as counted by @count. */
static double bound_quantile(const struct bound_search *search, double rank, double high,
                             double (*count)(const struct bound_cell *cell, double t))
{
	double low = 0;

	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2, below = 0;

		for (uint32_t c = 0; c < search->n_cells; c++)
			below += count(&search->cells[c], middle);
		/* Sums of products: what is equal but for rounding counts as equal. */
		if (below < rank * (1 - 1e-9))
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct interval joint_pool_gain_bound(const struct joint_pool *pool, int column, double fraction,
                                      double p)
{
	const struct joint_layout *layout = pool->layout;
	double rank = p * pool->before[layout->n_buckets], total;
	struct bound_search search = { .n_cells = layout->n_cells };
	struct interval gain = { 0, 1 }; /* without memory: nothing is known */

	search.cells = calloc(layout->n_cells, sizeof(*search.cells));
	search.midpoint = calloc(layout->n_buckets, sizeof(*search.midpoint));
	if (search.cells && search.midpoint) {
		bound_cells(pool, column, 0, &search);
		total = bound_quantile(&search, rank, bucket_edge(layout, layout->n_buckets),
		                       least_below);
		bound_cells(pool, column, fraction, &search);
		gain.low = fmax(0, 1 - bound_quantile(&search, rank, total, least_below) / total);
		gain.high = fmax(0, 1 - bound_quantile(&search, rank, total, most_below) / total);
	}
	free(search.cells);
	free(search.midpoint);
	return gain;
}
