// SPDX-License-Identifier: GPL-2.0
/* Slices: an interval with only what is not zero. */
#include "tail.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MAGNITUDE 11 /* of RECORDING_DIGITS, hist_index.h */
_Static_assert(RECORDING_DIGITS == 3, "magnitude");

/* Grows by doubling: arrays of a slice are built once and then only read. */
static void *make_room(void **array, size_t n, size_t size)
{
	void *grown = *array;

	if (n & (n - 1) || (n && n < 16))
		return (char *)*array + n * size;
	grown = reallocarray(*array, n ? 2 * n : 16, size);
	if (!grown)
		return NULL;
	*array = grown;
	return (char *)grown + n * size;
}

int recording_slice_create(const struct recording_interval *interval,
                           struct recording_slice **ret_slice)
{
	struct recording_slice *slice = calloc(1, sizeof(*slice));

	if (!slice)
		return -ENOMEM;
	slice->interval = *interval;
	slice->bytes = sizeof(*slice);
	*ret_slice = slice;
	return 0;
}

void recording_slice_free(struct recording_slice *slice)
{
	if (!slice)
		return;
	for (size_t i = 0; i < slice->n_ledgers; i++) {
		free(slice->ledgers[i].counts);
		free(slice->ledgers[i].cells);
	}
	free(slice->ledgers);
	free(slice->requests);
	free(slice);
}

static struct slice_ledger *append_ledger(struct recording_slice *slice,
                                          const struct recording_endpoint *endpoint)
{
	struct slice_ledger *ledger =
		make_room((void **)&slice->ledgers, slice->n_ledgers, sizeof(*slice->ledgers));

	if (!ledger)
		return NULL;
	*ledger = (struct slice_ledger){ .endpoint = *endpoint };
	slice->n_ledgers++;
	return ledger;
}

/* Counts beyond 2^32 take several elements. */
static int append_count(struct slice_ledger *ledger, unsigned int histogram, uint32_t index,
                        uint64_t count)
{
	while (count) {
		uint32_t part = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
		struct slice_count *slot = make_room((void **)&ledger->counts, ledger->n_counts,
		                                     sizeof(*ledger->counts));

		if (!slot)
			return -ENOMEM;
		*slot = (struct slice_count){ (uint16_t)index, (uint16_t)histogram, part };
		ledger->n_counts++;
		count -= part;
	}
	return 0;
}

static int append_cells(struct slice_ledger *ledger, const struct ktax_joint_cell *cells,
                        uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct slice_cell *slot;

		if (!cells[i].requests)
			continue;
		slot = make_room((void **)&ledger->cells, ledger->n_cells, sizeof(*ledger->cells));
		if (!slot)
			return -ENOMEM;
		*slot = (struct slice_cell){ i, cells[i] };
		ledger->n_cells++;
	}
	return 0;
}

/*
 * Where only the slowest request so far is known, it may be one of an earlier interval: then the
 * maximum is the end of the highest bucket of the kernel side's that was counted in.
 */
static void settle_max(struct slice_ledger *ledger)
{
	uint64_t highest = 0, value;
	uint32_t bucket;

	for (size_t i = 0; i < ledger->n_counts && ledger->counts[i].histogram == SLICE_TOTAL; i++)
		highest = ledger->counts[i].index;
	if (!ledger->n_counts || ledger->counts[0].histogram != SLICE_TOTAL)
		return;
	value = ktax_hist_lowest((uint32_t)highest, MAGNITUDE);
	if (value >> KTAX_VALUE_BITS)
		return;
	bucket = ktax_hist_index(value, KTAX_HIST_MAGNITUDE);
	value = ktax_hist_lowest(bucket + 1, KTAX_HIST_MAGNITUDE) - 1;
	if (ledger->max_ns > value)
		ledger->max_ns = value;
}

/* The last ledger is complete: settles its maximum, counts its bytes. */
static void complete(struct recording_slice *slice, struct slice_ledger *ledger)
{
	settle_max(ledger);
	slice->bytes += sizeof(*ledger) + ledger->n_counts * sizeof(*ledger->counts) +
	                ledger->n_cells * sizeof(*ledger->cells);
}

/* ---- From a recording ---------------------------------------------------------------------- */

static int append_histogram(struct slice_ledger *ledger, unsigned int number,
                            const struct histogram *histogram)
{
	uint32_t top = ktax_hist_index(histogram->max, histogram->magnitude);
	int error = 0;

	if (!histogram->total)
		return 0;
	for (uint32_t i = 0; i <= top && i < histogram->length && !error; i++)
		if (histogram->counts[i])
			error = append_count(ledger, number, i, histogram->counts[i]);
	return error;
}

int recording_slice_add_ledger(struct recording_slice *slice, const struct recording_ledger *ledger)
{
	struct slice_ledger *kept = append_ledger(slice, &ledger->endpoint);
	int error = kept ? 0 : -ENOMEM;

	if (error)
		return error;
#define X(member) kept->member = ledger->member;
	LEDGER_SUMS(X)
#undef X
	kept->max_ns = ledger->max_ns;
	for (int i = 0; i < LEDGER_HISTOGRAMS && !error; i++)
		error = append_histogram(kept, (unsigned int)i,
		                         ledger_histogram((struct recording_ledger *)ledger, i));
	if (!error)
		error = append_cells(kept, ledger->joint, KTAX_JOINT_CELLS);
	complete(slice, kept);
	return error;
}

/* ---- From the kernel's side ---------------------------------------------------------------- */

struct fold {
	struct slice_ledger *ledger; /* with room for all counts */
	unsigned int histogram;
	bool any;
};

/* Values come in ascending order, but two may share a bucket. */
static int fold_value(void *context, uint64_t value, uint64_t count)
{
	struct fold *fold = context;
	struct slice_ledger *ledger = fold->ledger;
	uint32_t index = ktax_hist_index(value, MAGNITUDE);
	struct slice_count *last = &ledger->counts[ledger->n_counts];

	if (fold->any && last[-1].index == index) {
		last[-1].count += (uint32_t)count;
		return 0;
	}
	*last = (struct slice_count){ (uint16_t)index, (uint16_t)fold->histogram, (uint32_t)count };
	ledger->n_counts++;
	fold->any = true;
	return 0;
}

static void append_buckets(struct slice_ledger *ledger, unsigned int number,
                           const uint32_t *buckets, uint32_t n, bool has_max)
{
	struct fold fold = { .ledger = ledger, .histogram = number };

	buckets_fold(buckets, n, ledger->max_ns, has_max, fold_value, &fold);
}

static size_t count_buckets(const uint32_t *buckets, uint32_t end)
{
	size_t n = 0;

	for (uint32_t i = 0; i < end; i += BUCKETS_BLOCK) {
		uint32_t counted = 0; /* vector instructions count a block */

		for (size_t b = 0; b < BUCKETS_BLOCK; b++)
			counted += buckets[i + b] != 0;
		n += counted;
	}
	return n;
}

static bool has_account(const struct ktax_extent *extent, unsigned int account)
{
	return extent->accounts & 1U << account;
}

/* At most: the maximum may need a count of its own. */
static size_t counts_needed(const struct ktax_aggregate *aggregate,
                            const struct ktax_extent *extent)
{
	size_t n = 1 + count_buckets(aggregate->total, extent->buckets) +
	           count_buckets(aggregate->floor_tuned, extent->buckets) +
	           count_buckets(aggregate->floor_bypass, extent->buckets);

	for (unsigned int i = 0; i < KTAX_NACCOUNTS; i++)
		if (has_account(extent, i))
			n += count_buckets(aggregate->account[i], extent->buckets);
	return n;
}

int recording_slice_add_aggregate(struct recording_slice *slice,
                                  const struct recording_endpoint *endpoint,
                                  const struct ktax_aggregate *delta,
                                  const struct ktax_extent *extent)
{
	struct slice_ledger *kept = append_ledger(slice, endpoint);
	uint32_t n = extent->buckets;
	int error = kept ? 0 : -ENOMEM;

	if (error)
		return error;
#define X(member) kept->member = delta->member;
	LEDGER_SUMS(X)
#undef X
	kept->max_ns = delta->max_ns;
	text_clean(kept->endpoint.name);
	text_clean(kept->endpoint.comm);
	kept->counts = calloc(counts_needed(delta, extent), sizeof(*kept->counts));
	if (!kept->counts)
		return -ENOMEM;
	append_buckets(kept, SLICE_TOTAL, delta->total, n, true);
	append_buckets(kept, SLICE_FLOOR_TUNED, delta->floor_tuned, n, false);
	append_buckets(kept, SLICE_FLOOR_BYPASS, delta->floor_bypass, n, false);
	for (unsigned int i = 0; i < KTAX_NACCOUNTS; i++)
		if (has_account(extent, i))
			append_buckets(kept, SLICE_ACCOUNT + i, delta->account[i], n, false);
	error = append_cells(kept, delta->joint, extent->cells);
	complete(slice, kept);
	return error;
}

/* ---- Requests ------------------------------------------------------------------------------ */

int recording_slice_add_request(struct recording_slice *slice,
                                const struct recording_endpoint *endpoint,
                                const struct ktax_request *request)
{
	struct slice_request *slot =
		make_room((void **)&slice->requests, slice->n_requests, sizeof(*slice->requests));

	if (!slot)
		return -ENOMEM;
	*slot = (struct slice_request){ *endpoint, *request };
	slice->n_requests++;
	slice->requests_seen++;
	return 0;
}

static int by_total(const void *a, const void *b)
{
	const struct slice_request *left = a, *right = b;

	if (left->request.total_ns != right->request.total_ns)
		return left->request.total_ns > right->request.total_ns ? -1 : 1;
	return (left->request.start_ns > right->request.start_ns) -
	       (left->request.start_ns < right->request.start_ns);
}

void recording_slice_finish(struct recording_slice *slice)
{
	struct slice_request *shrunk;

	if (!slice->n_requests)
		return;
	qsort(slice->requests, slice->n_requests, sizeof(*slice->requests), by_total);
	if (slice->n_requests > SLICE_REQUESTS_MAX)
		slice->n_requests = SLICE_REQUESTS_MAX;
	shrunk = reallocarray(slice->requests, slice->n_requests, sizeof(*slice->requests));
	if (shrunk)
		slice->requests = shrunk;
	slice->bytes += slice->n_requests * sizeof(*slice->requests);
}
