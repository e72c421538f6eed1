/* SPDX-License-Identifier: GPL-2.0 */
/* Synthetic traffic: rates, gaps, sizes, flows; the same again for the same seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "traffic.h"

static const struct traffic_shape plain = {
	.n_requests = 20000,
	.rate_pps = 10000,
	.gaps = TRAFFIC_CONSTANT,
	.n_flows = 1,
	.seed = 1,
};

static const struct frame_mark *mark_of(const struct traffic *traffic, size_t i)
{
	const struct traffic_request *request = &traffic->request[i];

	return frame_find_mark(traffic->frames + request->frame_offset, request->frame_size,
	                       TRAFFIC_PORT);
}

/* Ordered, one frame after the other, each marked with its index. */
static void assert_sound(const struct traffic *traffic, const struct traffic_shape *shape)
{
	uint32_t offset = 0;

	assert_int_equal(traffic->n_requests, shape->n_requests);
	assert_int_equal(traffic->n_flows, shape->n_flows);
	assert_int_equal(traffic->gaps, shape->gaps);
	assert_int_equal(traffic->request[0].at_ns, 0);
	for (size_t i = 0; i < traffic->n_requests; i++) {
		const struct traffic_request *request = &traffic->request[i];

		assert_true(!i || request->at_ns >= request[-1].at_ns);
		assert_int_equal(request->frame_offset, offset);
		assert_int_equal(request->work_ns, shape->work_ns);
		assert_non_null(mark_of(traffic, i));
		assert_int_equal(frame_mark_id(mark_of(traffic, i)), i);
		offset += request->frame_size;
	}
	assert_int_equal(offset, traffic->frames_size);
}

static void test_constant_gaps_do_not_drift(void **state)
{
	struct traffic_shape shape = plain;
	struct traffic traffic;

	shape.rate_pps = 3; /* no whole number of ns */
	shape.work_ns = 5000;
	assert_int_equal(traffic_synthesize(&traffic, &shape), 0);
	assert_sound(&traffic, &shape);
	for (size_t i = 0; i < shape.n_requests; i++)
		assert_true(fabs(traffic.request[i].at_ns - (double)i * 1e9 / 3) <= 1);
	assert_int_equal(traffic_duration_ns(&traffic), traffic.request[19999].at_ns);
	traffic_free(&traffic);
	assert_int_equal(traffic.n_requests, 0);
}

static void test_poisson_gaps_are_exponential(void **state)
{
	struct traffic_shape shape = plain;
	struct traffic traffic;
	double sum = 0, squares = 0, n, mean;
	size_t long_gaps = 0;

	shape.gaps = TRAFFIC_POISSON;
	assert_int_equal(traffic_synthesize(&traffic, &shape), 0);
	assert_sound(&traffic, &shape);
	for (size_t i = 1; i < shape.n_requests; i++) {
		double gap = traffic.request[i].at_ns - traffic.request[i - 1].at_ns;

		sum += gap;
		squares += gap * gap;
		long_gaps += gap > 300000; /* 3 means: exp(-3) of them */
	}
	n = shape.n_requests - 1;
	mean = sum / n;
	/* Within 4 standard errors. */
	assert_true(fabs(mean / 100000 - 1) < 4 / sqrt(n));
	assert_true(fabs(sqrt(squares / n - mean * mean) / mean - 1) < 4 * sqrt(2 / n));
	assert_true(fabs(long_gaps / n - exp(-3)) < 4 * sqrt(exp(-3) / n));
	traffic_free(&traffic);
}

static void test_bursts_are_back_to_back_at_the_mean_rate(void **state)
{
	struct traffic_shape shape = plain;
	struct traffic traffic;

	shape.gaps = TRAFFIC_BURSTS;
	shape.burst = 16;
	assert_int_equal(traffic_synthesize(&traffic, &shape), 0);
	assert_sound(&traffic, &shape);
	for (size_t i = 0; i < shape.n_requests; i++)
		assert_int_equal(traffic.request[i].at_ns, i / 16 * 1600000);
	traffic_free(&traffic);
}

static void test_sizes_come_by_weight(void **state)
{
	struct traffic_shape shape = plain;
	struct traffic traffic;
	size_t count[2000] = { 0 };

	shape.n_sizes = 4;
	shape.size[0].payload_bytes = 16;
	shape.size[0].weight = 6;
	shape.size[1].payload_bytes = 200;
	shape.size[1].weight = 0;
	shape.size[2].payload_bytes = 512;
	shape.size[2].weight = 3;
	shape.size[3].payload_bytes = 1472;
	shape.size[3].weight = 1;
	assert_int_equal(traffic_synthesize(&traffic, &shape), 0);
	assert_sound(&traffic, &shape);
	for (size_t i = 0; i < shape.n_requests; i++)
		count[traffic.request[i].frame_size - 42]++;
	/* 5 standard deviations of a binomial */
	assert_true(fabs(count[16] - 12000.0) < 350);
	assert_int_equal(count[200], 0);
	assert_true(fabs(count[512] - 6000.0) < 325);
	assert_true(fabs(count[1472] - 2000.0) < 213);
	assert_int_equal(count[16] + count[512] + count[1472], 20000);
	traffic_free(&traffic);
	assert_int_equal(traffic_synthesize(&traffic, &plain), 0);
	assert_int_equal(traffic.request[0].frame_size, 42 + 64);
	traffic_free(&traffic);
}

static void test_flows_are_evenly_used_and_have_their_own_ports(void **state)
{
	static unsigned int of_port[65536], of_flow[TRAFFIC_FLOWS_MAX];
	struct traffic_shape shape = plain;
	struct traffic traffic;

	shape.n_requests = 200000;
	shape.n_flows = 20000;
	assert_int_equal(traffic_synthesize(&traffic, &shape), 0);
	assert_sound(&traffic, &shape);
	for (size_t i = 0; i < shape.n_flows; i++)
		assert_int_equal(of_port[traffic.flow[i].client.port]++, 0);
	for (size_t i = 0; i < shape.n_requests; i++) {
		const struct traffic_request *request = &traffic.request[i];
		const uint8_t *udp = traffic.frames + request->frame_offset + 34;

		assert_int_equal(udp[0] << 8 | udp[1], traffic.flow[request->flow].client.port);
		of_flow[request->flow]++;
	}
	for (size_t i = 0; i < shape.n_flows; i++)
		assert_true(of_flow[i] < 35); /* 10 on average; more than 34: 1e-9 */
	traffic_free(&traffic);
}

static bool same(const struct traffic *a, const struct traffic *b)
{
	return a->frames_size == b->frames_size && !memcmp(a->frames, b->frames, a->frames_size) &&
	       !memcmp(a->request, b->request, a->n_requests * sizeof(*a->request));
}

static void test_the_same_seed_gives_the_same_block(void **state)
{
	struct traffic_shape shape = plain;
	struct traffic a, b, c;

	shape.gaps = TRAFFIC_POISSON;
	shape.n_flows = 100;
	shape.n_sizes = 2;
	shape.size[0].payload_bytes = 64;
	shape.size[1].payload_bytes = 1000;
	shape.size[0].weight = shape.size[1].weight = 0.5;
	assert_int_equal(traffic_synthesize(&a, &shape), 0);
	assert_int_equal(traffic_synthesize(&b, &shape), 0);
	assert_true(same(&a, &b));
	shape.seed = 2;
	assert_int_equal(traffic_synthesize(&c, &shape), 0);
	assert_false(same(&a, &c));
	traffic_free(&c);
	/* Another mix of sizes leaves times and flows. */
	shape.seed = 1;
	shape.n_sizes = 0;
	assert_int_equal(traffic_synthesize(&c, &shape), 0);
	for (size_t i = 0; i < shape.n_requests; i++) {
		assert_int_equal(a.request[i].at_ns, c.request[i].at_ns);
		assert_int_equal(a.request[i].flow, c.request[i].flow);
	}
	traffic_free(&a);
	traffic_free(&b);
	traffic_free(&c);
}

static void refused(struct traffic_shape shape, int error)
{
	struct traffic traffic = { .n_requests = 7 };

	assert_int_equal(traffic_synthesize(&traffic, &shape), error);
	assert_int_equal(traffic.n_requests, 7);
}

#define SHAPE(...)                                                                                 \
	((struct traffic_shape){ .n_requests = 10, .rate_pps = 1000, .n_flows = 1, __VA_ARGS__ })

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
static void test_shapes_that_are_none_are_refused(void **state)
{
	refused(SHAPE(.n_requests = 0), -EINVAL);
	refused(SHAPE(.n_requests = SIZE_MAX, .rate_pps = 1e6), -EINVAL);
	refused(SHAPE(.n_requests = TRAFFIC_REQUESTS_MAX + 1, .rate_pps = 1e6), -E2BIG);
	refused(SHAPE(.rate_pps = 0), -EINVAL);
	refused(SHAPE(.rate_pps = -5), -EINVAL);
	refused(SHAPE(.rate_pps = NAN), -EINVAL);
	refused(SHAPE(.rate_pps = INFINITY), -EINVAL);
	refused(SHAPE(.rate_pps = 50000001), -EINVAL);
	refused(SHAPE(.rate_pps = 1e-9), -EINVAL);
	refused(SHAPE(.n_flows = 0), -EINVAL);
	refused(SHAPE(.n_flows = TRAFFIC_FLOWS_MAX + 1), -EINVAL);
	refused(SHAPE(.gaps = TRAFFIC_BURSTS), -EINVAL);
	refused(SHAPE(.gaps = TRAFFIC_RECORDED), -EINVAL);
	refused(SHAPE(.n_sizes = 9), -EINVAL);
	refused(SHAPE(.n_sizes = 1, .size = { { 15, 1 } }), -EMSGSIZE);
	refused(SHAPE(.n_sizes = 1, .size = { { 1473, 1 } }), -EMSGSIZE);
	refused(SHAPE(.n_sizes = 1, .size = { { 64, 0 } }), -EINVAL);
	refused(SHAPE(.n_sizes = 2, .size = { { 64, 1 }, { 64, -1 } }), -EINVAL);
	refused(SHAPE(.n_sizes = 1, .size = { { 64, NAN } }), -EINVAL);
	refused(SHAPE(.n_sizes = 1, .size = { { 64, INFINITY } }), -EINVAL);
	refused(SHAPE(.n_requests = 4 << 20, .n_sizes = 1, .size = { { 1472, 1 } }), -E2BIG);
}
#pragma GCC diagnostic pop

static void test_nothing_is_freed_twice(void **state)
{
	struct traffic traffic;

	assert_int_equal(traffic_synthesize(&traffic, &plain), 0);
	traffic_free(&traffic);
	traffic_free(&traffic);
	traffic_free(NULL);
	assert_int_equal(traffic_duration_ns(&traffic), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constant_gaps_do_not_drift),
		cmocka_unit_test(test_poisson_gaps_are_exponential),
		cmocka_unit_test(test_bursts_are_back_to_back_at_the_mean_rate),
		cmocka_unit_test(test_sizes_come_by_weight),
		cmocka_unit_test(test_flows_are_evenly_used_and_have_their_own_ports),
		cmocka_unit_test(test_the_same_seed_gives_the_same_block),
		cmocka_unit_test(test_shapes_that_are_none_are_refused),
		cmocka_unit_test(test_nothing_is_freed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
