// SPDX-License-Identifier: GPL-2.0
/* What an endpoint has grown by, read sparsely: the same as the difference of two whole sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregates.h"

#define SETS      3
#define ENDPOINTS 4
#define ENDPOINT  2

struct world {
	struct ktax_aggregate *memory;
	const struct ktax_aggregate *counted[SETS];
	struct aggregates aggregates;
	struct ktax_aggregate before, last;
	struct aggregate_delta delta;
};

static uint64_t random_number(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->memory = calloc(SETS * ENDPOINTS, sizeof(*world->memory));
	world->aggregates = (struct aggregates){
		.memory = world->memory,
		.sets = SETS,
		.endpoints = ENDPOINTS,
		.counted = world->counted,
	};
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	free(world->memory);
	free(world);
	return 0;
}

static void count_in(uint32_t *buckets, uint64_t value)
{
	uint32_t index = KTAX_HIST_BUCKETS - 1;

	if (!(value >> KTAX_VALUE_BITS))
		index = ktax_hist_index(value, KTAX_HIST_MAGNITUDE);
	if (value)
		buckets[index]++;
}

/* As the kernel's side counts a request (finish.bpf.h). */
static void count_request(struct world *world, uint64_t total, bool unbalanced)
{
	struct ktax_aggregate *aggregate =
		&world->memory[random_number() % SETS * ENDPOINTS + ENDPOINT];
	uint32_t index = ktax_hist_index(total, KTAX_JOINT_MAGNITUDE);
	struct ktax_joint_cell *cell =
		&aggregate->joint[index < KTAX_JOINT_CELLS ? index : KTAX_JOINT_CELLS - 1];
	uint64_t left = total;

	for (int i = 0; i < 6; i++) {
		int account = (int)(random_number() % KTAX_NACCOUNTS);
		uint64_t spent = i < 5 ? left / 2 : left;

		cell->sum_ns[account] += spent;
		count_in(aggregate->account[account], unbalanced ? 1000 * spent : spent);
		left -= spent;
	}
	cell->requests++;
	cell->cpu_samples_kernel += random_number() % 2;
	count_in(aggregate->total, total);
	count_in(aggregate->floor_tuned, total - total / 8);
	count_in(aggregate->floor_bypass, total / 2);
	aggregate->requests++;
	aggregate->unbalanced += unbalanced;
	aggregate->bytes_out += 100;
	if (total > aggregate->max_ns)
		aggregate->max_ns = total;
}

/* The whole difference of the sums. */
static void difference(struct world *world, struct ktax_aggregate *ret)
{
	struct ktax_aggregate *now = calloc(1, sizeof(*now));

	for (int set = 0; set < SETS; set++)
		ktax_aggregate_add(now, &world->memory[set * ENDPOINTS + ENDPOINT]);
	*ret = *now;
	ktax_aggregate_subtract(ret, &world->before);
	world->before = *now;
	free(now);
}

static void take_and_compare(struct world *world)
{
	struct ktax_aggregate *expected = calloc(1, sizeof(*expected));

	difference(world, expected);
	assert_true(aggregates_take(&world->aggregates, ENDPOINT, &world->last, &world->delta));
	assert_memory_equal(&world->delta.grown, expected, sizeof(*expected));
	assert_memory_equal(&world->last, &world->before, sizeof(world->last));
	free(expected);
}

static void what_is_taken_is_the_difference_of_the_sums(void **state)
{
	struct world *world = *state;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 200; i++)
			count_request(world, 1000 + random_number() % 5000000, false);
		take_and_compare(world);
	}
}

static void longer_and_shorter_intervals_leave_nothing_behind(void **state)
{
	static const uint64_t longest[] = { 100, 1ULL << 42, 5000, 1ULL << 36, 3, 1ULL << 20 };
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		for (int n = 0; n < 20; n++)
			count_request(world, 1 + random_number() % longest[i], false);
		take_and_compare(world);
	}
}

static void accounts_of_unbalanced_requests_may_exceed_the_total(void **state)
{
	struct world *world = *state;

	count_request(world, 5000, false);
	take_and_compare(world);
	count_request(world, 6000, true);
	take_and_compare(world);
	count_request(world, 7000, false);
	take_and_compare(world);
}

static void where_no_request_came_nothing_is_written(void **state)
{
	struct world *world = *state;

	assert_false(aggregates_take(&world->aggregates, ENDPOINT, &world->last, &world->delta));
	count_request(world, 5000, false);
	take_and_compare(world);
	assert_false(aggregates_take(&world->aggregates, ENDPOINT, &world->last, &world->delta));
	memset(&world->last, 0, sizeof(world->last));
	assert_false(aggregates_take(&world->aggregates, 0, &world->last, &world->delta));
}

/* One CPU's counts are read while it adds a request: what is not seen now is seen later. */
static void what_one_reading_misses_the_next_one_takes(void **state)
{
	struct world *world = *state;
	struct ktax_aggregate *aggregate = &world->memory[ENDPOINT];
	uint64_t total = 0;

	count_request(world, 5000, false);
	take_and_compare(world);
	aggregate->requests++; /* and the rest of it is still to come */
	assert_true(aggregates_take(&world->aggregates, ENDPOINT, &world->last, &world->delta));
	assert_int_equal(world->delta.grown.requests, 1);
	aggregate->total[KTAX_HIST_BUCKETS - 1]++;
	aggregate->joint[KTAX_JOINT_CELLS - 1].requests++;
	aggregate->joint[KTAX_JOINT_CELLS - 1].sum_ns[KTAX_APP] += 1ULL << 40;
	aggregate->account[KTAX_APP][KTAX_HIST_BUCKETS - 1]++;
	count_request(world, 5000, false);
	assert_true(aggregates_take(&world->aggregates, ENDPOINT, &world->last, &world->delta));
	for (int i = 0; i < KTAX_HIST_BUCKETS; i++)
		total += world->delta.grown.total[i];
	assert_int_equal(total, 2);
	assert_int_equal(world->delta.grown.account[KTAX_APP][KTAX_HIST_BUCKETS - 1], 1);
	assert_true(world->last.joint[KTAX_JOINT_CELLS - 1].sum_ns[KTAX_APP] == 1ULL << 40);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_taken_is_the_difference_of_the_sums),
		TEST(longer_and_shorter_intervals_leave_nothing_behind),
		TEST(accounts_of_unbalanced_requests_may_exceed_the_total),
		TEST(where_no_request_came_nothing_is_written),
		TEST(what_one_reading_misses_the_next_one_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
