// SPDX-License-Identifier: GPL-2.0
/* Sampled requests, their blocks in time, and percentiles of what remains of them. */
#include "request_sample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000ULL

static int grow(struct request_sample *sample)
{
	size_t capacity = sample->capacity ? 2 * sample->capacity : 1024;
	struct sampled_request *grown =
		realloc(sample->requests, capacity * sizeof(*sample->requests));

	if (!grown)
		return -ENOMEM;
	sample->requests = grown;
	sample->capacity = capacity;
	return 0;
}

static void thin_out(struct request_sample *sample)
{
	for (size_t i = 0; 2 * i < sample->n; i++)
		sample->requests[i] = sample->requests[2 * i];
	sample->n = (sample->n + 1) / 2;
	sample->stride *= 2;
}

int request_sample_add(struct request_sample *sample, const struct ktax_request *request)
{
	struct sampled_request *kept;

	if (!sample->stride)
		sample->stride = 1;
	if (sample->seen++ % sample->stride)
		return 0;
	if (sample->n == REQUEST_SAMPLE_MAX)
		thin_out(sample);
	if (sample->n == sample->capacity && grow(sample))
		return -ENOMEM;
	kept = &sample->requests[sample->n++];
	kept->start_ns = request->start_ns;
	kept->total_ns = request->total_ns;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		kept->account_ns[i] = request->account_ns[i];
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct sampled_request *left = a, *right = b;

	return (left->start_ns > right->start_ns) - (left->start_ns < right->start_ns);
}

/* A second, or as many as leave no more than @blocks_max of them. */
static uint64_t block_length(const struct request_sample *sample, size_t blocks_max)
{
	uint64_t span = sample->requests[sample->n - 1].start_ns - sample->requests[0].start_ns;

	return SECOND_NS * (span / SECOND_NS / blocks_max + 1);
}

int request_sample_finish(struct request_sample *sample, double app_kernel_share, size_t blocks_max)
{
	uint64_t length, slot = 0;

	if (!sample->n)
		return 0;
	sample->block = calloc(sample->n, sizeof(*sample->block));
	sample->blocks = calloc(blocks_max + 1, sizeof(*sample->blocks));
	if (!sample->block || !sample->blocks)
		return -ENOMEM;
	qsort(sample->requests, sample->n, sizeof(*sample->requests), by_start);
	length = block_length(sample, blocks_max);
	for (size_t i = 0; i < sample->n; i++) {
		struct sampled_request *request = &sample->requests[i];
		uint64_t moved =
			(uint64_t)(app_kernel_share * (double)request->account_ns[KTAX_APP]);
		uint64_t at = (request->start_ns - sample->requests[0].start_ns) / length + 1;

		sample->n_blocks += at != slot;
		slot = at;
		sample->block[i] = (uint32_t)sample->n_blocks - 1;
		sample->blocks[sample->block[i]]++;
		request->account_ns[KTAX_APP] -= moved;
		request->account_ns[KTAX_APP_KERNEL] += moved;
	}
	return 0;
}

void request_sample_free(struct request_sample *sample)
{
	free(sample->requests);
	free(sample->block);
	free(sample->blocks);
	*sample = (struct request_sample){ 0 };
}

static int by_ns(const void *a, const void *b)
{
	double x = ((const struct sample_value *)a)->ns, y = ((const struct sample_value *)b)->ns;

	return (x > y) - (x < y);
}

int sample_values_create(const struct request_sample *sample, int account, double fraction,
                         struct sample_values *ret_values)
{
	struct sample_value *values = calloc(sample->n + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < sample->n; i++) {
		const struct sampled_request *request = &sample->requests[i];
		double removed = fraction * (double)request->account_ns[account];

		values[i].ns = fmax(0, (double)request->total_ns - removed);
		values[i].block = sample->block[i];
	}
	qsort(values, sample->n, sizeof(*values), by_ns);
	*ret_values = (struct sample_values){ sample, values };
	return 0;
}

void sample_values_free(struct sample_values *values)
{
	free(values->values);
	*values = (struct sample_values){ 0 };
}

static double weight_of(const double *weights, uint32_t block)
{
	return weights ? weights[block] : 1;
}

void sample_values_quantiles(const struct sample_values *values, const double *weights,
                             const double *p, size_t n_p, double *ret_ns)
{
	const struct request_sample *sample = values->sample;
	double total = 0, above = 0;
	size_t i = sample->n;

	for (uint32_t b = 0; b < sample->n_blocks; b++)
		total += sample->blocks[b] * weight_of(weights, b);
	/* From the top, where the percentiles that matter are near. */
	while (n_p-- > 0) {
		double allowed = total - ceil(p[n_p] * total - 1e-9);

		while (i > 0 && above <= allowed)
			above += weight_of(weights, values->values[--i].block);
		ret_ns[n_p] = i < sample->n ? values->values[i].ns : 0;
	}
}
