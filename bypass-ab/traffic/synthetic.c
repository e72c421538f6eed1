// SPDX-License-Identifier: GPL-2.0
/*
 * Synthetic requests. Gaps, sizes and flows come from generators of their own, so that changing the
 * one leaves the others. Due times are products, not sums, where the gaps are regular: no drift.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "block.h"
#include "paired.h"
#include "traffic.h"

#define PAYLOAD_DEFAULT 64

struct draws {
	struct paired_order gaps, sizes, flows;
	double poisson_ns; /* the last due time */
};

/* 0 < result < 1 */
static double uniform(struct paired_order *order)
{
	return ((double)paired_order_draw(order, 1ULL << 52) + 0.5) * 0x1p-52;
}

static void draws_init(struct draws *draws, uint64_t seed)
{
	struct paired_order seeds;

	paired_order_init(&seeds, seed);
	paired_order_init(&draws->gaps, paired_order_draw(&seeds, UINT64_MAX));
	paired_order_init(&draws->sizes, paired_order_draw(&seeds, UINT64_MAX));
	paired_order_init(&draws->flows, paired_order_draw(&seeds, UINT64_MAX));
	draws->poisson_ns = 0;
}

static bool weights_are_sound(const struct traffic_shape *shape)
{
	double sum = 0;

	for (unsigned int i = 0; i < shape->n_sizes; i++) {
		if (!(shape->size[i].weight >= 0))
			return false;
		sum += shape->size[i].weight;
	}
	return !shape->n_sizes || (sum > 0 && isfinite(sum));
}

static int check(const struct traffic_shape *shape)
{
	if (!shape->n_requests || !(shape->rate_pps > 0) || shape->rate_pps > TRAFFIC_RATE_MAX)
		return -EINVAL;
	/* Due times are 64 bits of ns, exact as double. */
	if ((double)shape->n_requests / shape->rate_pps > 1e6)
		return -EINVAL;
	if (shape->gaps > TRAFFIC_BURSTS || (shape->gaps == TRAFFIC_BURSTS && !shape->burst))
		return -EINVAL;
	if (!shape->n_flows || shape->n_flows > TRAFFIC_FLOWS_MAX ||
	    shape->n_sizes > TRAFFIC_SIZES_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < shape->n_sizes; i++)
		if (shape->size[i].payload_bytes < FRAME_MARK_SIZE ||
		    shape->size[i].payload_bytes > frame_payload_max(traffic_test_flow.ipv6))
			return -EMSGSIZE;
	return weights_are_sound(shape) ? 0 : -EINVAL;
}

static uint64_t draw_due(const struct traffic_shape *shape, struct draws *draws, size_t i)
{
	double gap_ns = 1e9 / shape->rate_pps;

	switch (shape->gaps) {
	case TRAFFIC_POISSON:
		if (i)
			draws->poisson_ns -= log(uniform(&draws->gaps)) * gap_ns;
		return (uint64_t)draws->poisson_ns;
	case TRAFFIC_BURSTS:
		return (uint64_t)((double)(i - i % shape->burst) * gap_ns);
	default:
		return (uint64_t)((double)i * gap_ns);
	}
}

static size_t draw_size(const struct traffic_shape *shape, struct draws *draws)
{
	double sum = 0, drawn;
	unsigned int last = 0;

	if (!shape->n_sizes)
		return PAYLOAD_DEFAULT;
	for (unsigned int i = 0; i < shape->n_sizes; i++)
		sum += shape->size[i].weight;
	drawn = uniform(&draws->sizes) * sum;
	for (unsigned int i = 0; i < shape->n_sizes; i++) {
		if (!shape->size[i].weight)
			continue;
		last = i;
		drawn -= shape->size[i].weight;
		if (drawn < 0)
			break;
	}
	return shape->size[last].payload_bytes;
}

/* Sizes are drawn twice: first to know how much room they take. */
static uint64_t payload_bytes(const struct traffic_shape *shape)
{
	struct draws draws;
	uint64_t bytes = 0;

	draws_init(&draws, shape->seed);
	for (size_t i = 0; i < shape->n_requests; i++)
		bytes += draw_size(shape, &draws);
	return bytes;
}

static int fill(struct block *block, const struct traffic_shape *shape)
{
	struct draws draws;
	int err;

	err = block_allocate(block, shape->n_requests, payload_bytes(shape), shape->n_flows);
	draws_init(&draws, shape->seed);
	for (size_t i = 0; !err && i < shape->n_requests; i++) {
		uint16_t flow = paired_order_draw(&draws.flows, shape->n_flows);

		err = block_append(block, draw_due(shape, &draws, i), flow,
		                   draw_size(shape, &draws), shape->work_ns);
	}
	return err;
}

int traffic_synthesize(struct traffic *traffic, const struct traffic_shape *shape)
{
	struct block block;
	int err = check(shape);

	if (err)
		return err;
	if (shape->n_requests > TRAFFIC_REQUESTS_MAX)
		return -E2BIG;
	err = fill(&block, shape);
	if (err) {
		traffic_free(&block.traffic);
		return err;
	}
	*traffic = block.traffic;
	traffic->gaps = shape->gaps;
	return 0;
}
