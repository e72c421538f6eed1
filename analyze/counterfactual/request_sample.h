/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A random sample of single requests, and percentiles of their totals without one account: exact,
 * request by request. Memory is bounded: of more than REQUEST_SAMPLE_MAX, every second one is left
 * out, and so on, which keeps them spread over the recording.
 */
#ifndef KTAX_REQUEST_SAMPLE_H
#define KTAX_REQUEST_SAMPLE_H

#include "bootstrap.h"
#include "ledger.h"

#define REQUEST_SAMPLE_MAX 50000

struct sampled_request {
	uint64_t start_ns, total_ns, account_ns[KTAX_NACCOUNTS];
};

struct request_sample {
	size_t n, capacity, seen, stride; /* every stride-th of those seen is kept */
	struct sampled_request *requests;
	size_t n_blocks;  /* of a second or more, those that have requests */
	uint32_t *block;  /* of each request */
	uint32_t *blocks; /* number of requests of each block */
};

/* -ENOMEM. */
int request_sample_add(struct request_sample *sample, const struct ktax_request *request);
/* Once all are there: moves the share of app's time to app_kernel, and forms at most @blocks_max.
 */
int request_sample_finish(struct request_sample *sample, double app_kernel_share,
                          size_t blocks_max);
void request_sample_free(struct request_sample *sample);

/* The totals without @fraction of an account, sorted. */
struct sample_values {
	const struct request_sample *sample;
	struct sample_value {
		double ns;
		uint32_t block;
	} * values;
};

/* -ENOMEM. */
int sample_values_create(const struct request_sample *sample, int account, double fraction,
                         struct sample_values *ret_values);
void sample_values_free(struct sample_values *values);
/*
 * The values of rank p x n (rounded up) for the @n_p shares @p, which ascend; each request counts
 * as often as its block is drawn. @weights may be NULL: once.
 */
void sample_values_quantiles(const struct sample_values *values, const double *weights,
                             const double *p, size_t n_p, double *ret_ns);

#endif
