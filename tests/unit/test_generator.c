/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How late the generator is, and how much of that is its own, with wires that take their time: times
 * are orders of magnitude apart, so that a busy host does not matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "generator.h"

#define REQUESTS 100
#define GAP_NS   200000

static uint64_t send_ns, receive_ns; /* what each takes */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void spend(uint64_t ns)
{
	uint64_t until = now_ns() + ns;

	while (ns && now_ns() < until)
		;
}

static int slow_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	spend(send_ns);
	return 0;
}

static int slow_receive(struct wire *wire, unsigned int most,
                        void (*visit)(void *context, const struct frame_mark *mark), void *context)
{
	spend(receive_ns);
	return 0;
}

static uint64_t no_drops(struct wire *wire)
{
	return 0;
}

static const struct wire_type slow_wire = { .name = "slow",
	                                    .reliable = true,
	                                    .send = slow_send,
	                                    .receive = slow_receive,
	                                    .drops = no_drops };

/* One block; both latenesses of @generator are sorted then. */
static void run(struct generator *generator, struct generator_counts *counts)
{
	const struct traffic_shape shape = { .n_requests = REQUESTS,
		                             .rate_pps = 1e9 / GAP_NS,
		                             .gaps = TRAFFIC_CONSTANT,
		                             .n_flows = 1,
		                             .seed = 1 };
	static struct traffic traffic;

	traffic_free(&traffic);
	assert_int_equal(traffic_synthesize(&traffic, &shape), 0);
	assert_int_equal(generator_init(generator, &slow_wire, &traffic), 0);
	assert_int_equal(generator_run(generator, NULL, 1, 0, counts), 0);
	assert_int_equal(counts->sent, REQUESTS);
}

/* Each send takes ten gaps, so the last request is 100 times nine gaps late: by the sends. */
static void what_sends_take_is_not_its_own(void **state)
{
	struct generator_counts counts;
	struct generator generator;

	send_ns = 10 * GAP_NS;
	receive_ns = 0;
	run(&generator, &counts);
	assert_true(counts.late_p50_ns > 40 * 9 * GAP_NS);
	assert_true(generator.own_lateness_ns[REQUESTS / 2] < counts.late_p50_ns / 10);
	generator_free(&generator);
}

/* It looks for answers for so long that requests become due meanwhile; they go out together. */
static void what_it_does_itself_is_its_own(void **state)
{
	struct generator_counts counts;
	struct generator generator;

	send_ns = 0;
	receive_ns = 20 * GAP_NS;
	run(&generator, &counts);
	assert_true(counts.late_p50_ns > 5 * GAP_NS);
	assert_true(generator.own_lateness_ns[REQUESTS / 2] > counts.late_p50_ns * 9 / 10);
	assert_true(counts.own_late_p99_ns > 15 * GAP_NS);
	generator_free(&generator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_sends_take_is_not_its_own),
		cmocka_unit_test(what_it_does_itself_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
