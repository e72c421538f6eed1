// SPDX-License-Identifier: GPL-2.0
/* The tail of a recording in memory, against the same recording read from a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.h"
#include "recording_sample.h"
#include "series.h"
#include "tail.h"

#define INTERVALS 8
#define SECOND_NS 1000000000ULL
#define PLENTY    ((size_t)1 << 30)

static int push(struct recording_slice *slice, void *context)
{
	return recording_tail_push(context, slice);
}

static void read_all(const char *path, struct recording_tail *tail, size_t at_once)
{
	struct recording_position position = { 0 };
	uint64_t before;

	do {
		before = position.interval;
		assert_int_equal(recording_read_on(path, &position, at_once, push, tail), 0);
	} while (position.interval > before);
}

static void assert_histograms_equal(const struct histogram *a, const struct histogram *b)
{
	assert_int_equal(a->total, b->total);
	assert_int_equal(a->max, b->max);
	if (a->total)
		assert_int_equal(a->min, b->min);
	assert_int_equal(a->length, b->length);
	assert_memory_equal(a->counts, b->counts, a->length * sizeof(*a->counts));
}

static void assert_ledgers_equal(const struct recording_ledger *a, const struct recording_ledger *b)
{
	assert_string_equal(a->endpoint.name, b->endpoint.name);
	assert_int_equal(a->requests, b->requests);
	assert_int_equal(a->bytes_out, b->bytes_out);
	assert_int_equal(a->handed_over, b->handed_over);
	assert_int_equal(a->max_ns, b->max_ns);
	assert_histograms_equal(&a->total, &b->total);
	assert_histograms_equal(&a->floor_tuned, &b->floor_tuned);
	assert_histograms_equal(&a->floor_bypass, &b->floor_bypass);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		assert_histograms_equal(&a->account[i], &b->account[i]);
	assert_memory_equal(a->joint, b->joint, sizeof(a->joint));
}

/* The tail's sum is what a recording of intervals @first to @first + @n - 1 holds. */
static void assert_sum_is(struct recording_tail *tail, unsigned int first, unsigned int n)
{
	const char *path = "part.ktax";
	struct recording *recording;

	assert_int_equal(sample_write(path, first, n), 0);
	assert_int_equal(recording_read(&path, 1, &recording, NULL), 0);
	assert_int_equal(tail->sum.n_intervals, n);
	assert_int_equal(tail->sum.n_ledgers, recording->n_ledgers);
	assert_int_equal(tail->sum.sum.attached_ns, recording->sum.attached_ns);
	assert_int_equal(tail->sum.sum.lost_map_full, recording->sum.lost_map_full);
	assert_int_equal(tail->sum.sum.start_realtime_ns, recording->sum.start_realtime_ns);
	for (size_t i = 0; i < recording->n_ledgers; i++) {
		recording_tail_detail(tail, i);
		assert_ledgers_equal(&tail->sum.ledgers[i], &recording->ledgers[i]);
	}
	recording_free(recording);
	remove(path);
}

static void make_tail(struct recording_tail *tail, size_t bytes_max, uint64_t length_ns)
{
	remove("all.ktax");
	assert_int_equal(sample_write("all.ktax", 0, INTERVALS), 0);
	assert_int_equal(recording_tail_init(tail, bytes_max, length_ns), 0);
	read_all("all.ktax", tail, 3);
}

static void a_tail_of_everything_is_the_recording(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, PLENTY, TAIL_EVERYTHING);
	assert_sum_is(&tail, 0, INTERVALS);
	recording_tail_destroy(&tail);
}

static void a_tail_of_three_seconds_is_a_recording_of_them(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, PLENTY, 3 * SECOND_NS);
	assert_sum_is(&tail, INTERVALS - 3, 3);
	recording_tail_destroy(&tail);
}

static void the_length_can_be_changed_both_ways(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, PLENTY, 3 * SECOND_NS);
	assert_int_equal(recording_tail_set_length(&tail, SECOND_NS), 0);
	assert_sum_is(&tail, INTERVALS - 1, 1);
	assert_int_equal(recording_tail_set_length(&tail, TAIL_EVERYTHING), 0);
	assert_sum_is(&tail, 0, INTERVALS);
	assert_int_equal(recording_tail_set_length(&tail, 5 * SECOND_NS), 0);
	assert_sum_is(&tail, INTERVALS - 5, 5);
	recording_tail_destroy(&tail);
}

/* Whichever endpoint is looked at when: what is shown of it is what it did. */
static void accounts_of_one_endpoint_follow_the_tail(void **state)
{
	struct recording_position position = { 0 };
	struct recording_tail tail;
	unsigned int n = 0;

	assert_int_equal(sample_write("all.ktax", 0, INTERVALS), 0);
	assert_int_equal(recording_tail_init(&tail, PLENTY, 3 * SECOND_NS), 0);
	for (uint64_t before = 1; position.interval != before; n++) {
		before = position.interval;
		assert_int_equal(recording_read_on("all.ktax", &position, 1, push, &tail), 0);
		recording_tail_detail(&tail, n % 4 < 2 ? 0 : SAMPLE_ENDPOINTS - 1);
	}
	assert_sum_is(&tail, INTERVALS - 3, 3);
	assert_int_equal(recording_tail_set_length(&tail, 5 * SECOND_NS), 0);
	for (size_t i = 0; i < tail.sum.n_ledgers; i++)
		for (int account = 0; account < KTAX_NACCOUNTS; account++)
			assert_int_equal(tail.sum.ledgers[i].account[account].total, 0);
	assert_sum_is(&tail, INTERVALS - 5, 5);
	recording_tail_destroy(&tail);
}

static void an_interval_shorter_than_the_length_stays(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, PLENTY, 1);
	assert_sum_is(&tail, INTERVALS - 1, 1);
	recording_tail_destroy(&tail);
}

static void memory_is_bounded_and_what_is_let_go_leaves_the_sum(void **state)
{
	struct recording_tail tail;
	size_t one;

	make_tail(&tail, 1, 3 * SECOND_NS);
	one = tail.bytes;
	assert_ptr_equal(tail.first, tail.last);
	assert_sum_is(&tail, INTERVALS - 1, 1);
	recording_tail_destroy(&tail);

	make_tail(&tail, one * 5 / 2, 6 * SECOND_NS);
	assert_true(tail.bytes <= one * 5 / 2);
	assert_sum_is(&tail, INTERVALS - 2, 2);
	recording_tail_destroy(&tail);
}

static void a_tail_of_everything_keeps_what_is_let_go_in_its_sum(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, 1, TAIL_EVERYTHING);
	assert_ptr_equal(tail.first, tail.last);
	assert_sum_is(&tail, 0, INTERVALS);
	recording_tail_destroy(&tail);
}

static void a_reset_forgets_all(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, PLENTY, 3 * SECOND_NS);
	assert_int_equal(recording_tail_reset(&tail), 0);
	assert_int_equal(tail.sum.n_intervals, 0);
	assert_int_equal(tail.sum.n_ledgers, 0);
	assert_int_equal(tail.all.ledgers[0].requests, 0);
	read_all("all.ktax", &tail, 1);
	assert_sum_is(&tail, INTERVALS - 3, 3);
	recording_tail_destroy(&tail);
}

/* Live, slices are made of the kernel's aggregates; a recording is made of them, too. */
static void aggregates_give_the_slices_that_a_recording_of_them_gives(void **state)
{
	struct recording_tail read, live;
	struct sample *sample = malloc(sizeof(*sample));

	assert_non_null(sample);
	make_tail(&read, PLENTY, SECOND_NS);
	assert_int_equal(recording_tail_init(&live, PLENTY, SECOND_NS), 0);
	for (unsigned int i = 0; i < INTERVALS; i++) {
		struct recording_interval interval = sample_interval(i);
		struct recording_slice *slice;

		assert_int_equal(recording_slice_create(&interval, &slice), 0);
		for (unsigned int e = 0; e < SAMPLE_ENDPOINTS; e++) {
			sample_fill(sample, 1000 * i + e, SAMPLE_REQUESTS / (e + 1));
			assert_int_equal(recording_slice_add_aggregate(slice, &sample_endpoints[e],
			                                               &sample->aggregate,
			                                               &KTAX_EXTENT_ALL),
			                 0);
		}
		recording_slice_finish(slice);
		assert_int_equal(recording_tail_push(&live, slice), 0);
	}
	assert_int_equal(live.sum.n_ledgers, read.sum.n_ledgers);
	for (size_t i = 0; i < live.sum.n_ledgers; i++) {
		recording_tail_detail(&live, i);
		recording_tail_detail(&read, i);
		assert_ledgers_equal(&live.sum.ledgers[i], &read.sum.ledgers[i]);
	}
	assert_ledgers_equal(&live.all.ledgers[0], &read.all.ledgers[0]);
	recording_tail_destroy(&read);
	recording_tail_destroy(&live);
	free(sample);
}

static void a_point_of_a_line_is_what_the_findings_of_its_interval_say(void **state)
{
	struct recording_tail tail;
	struct findings *findings;

	make_tail(&tail, PLENTY, SECOND_NS);
	assert_int_equal(findings_create(&tail.sum, &findings), 0);
	for (size_t i = 0; i < findings->n_endpoints; i++) {
		const struct finding_endpoint *endpoint = &findings->endpoints[i];
		struct series_point point;

		series_point(&tail.last->interval, &tail.last->ledgers[i], &point);
		assert_int_equal(point.p50_ns, endpoint->total.p50_ns);
		assert_int_equal(point.p99_ns, endpoint->total.p99_ns);
		assert_int_equal(point.requests, endpoint->ledger->requests);
		assert_true(point.per_second == endpoint->rate.per_second);
	}
	findings_free(findings);
	recording_tail_destroy(&tail);
}

static void requests_come_with_their_interval_slowest_first(void **state)
{
	struct recording_tail tail;

	make_tail(&tail, PLENTY, TAIL_EVERYTHING);
	for (const struct recording_slice *slice = tail.first; slice; slice = slice->next) {
		assert_int_equal(slice->n_requests, 2 * SAMPLE_ENDPOINTS);
		for (size_t i = 1; i < slice->n_requests; i++)
			assert_true(slice->requests[i - 1].request.total_ns >=
			            slice->requests[i].request.total_ns);
	}
	recording_tail_destroy(&tail);
}

static void of_too_many_requests_the_slowest_are_kept(void **state)
{
	struct recording_interval interval = { 0 };
	struct recording_slice *slice;

	assert_int_equal(recording_slice_create(&interval, &slice), 0);
	for (unsigned int i = 0; i < 3 * SLICE_REQUESTS_MAX; i++) {
		struct ktax_request request = { .total_ns = i * 7919 % 3071 };

		assert_int_equal(recording_slice_add_request(slice, &sample_endpoints[0], &request),
		                 0);
	}
	recording_slice_finish(slice);
	assert_int_equal(slice->n_requests, SLICE_REQUESTS_MAX);
	assert_int_equal(slice->requests_seen, 3 * SLICE_REQUESTS_MAX);
	assert_int_equal(slice->requests[0].request.total_ns, 3070);
	recording_slice_free(slice);
}

static int refuse(struct recording_slice *slice, void *context)
{
	unsigned int *left = context;

	recording_slice_free(slice);
	return (*left)-- ? 0 : -ECANCELED;
}

static void reading_on_stops_where_a_slice_is_not_taken(void **state)
{
	struct recording_position position = { 0 };
	unsigned int left = 2;

	assert_int_equal(sample_write("all.ktax", 0, INTERVALS), 0);
	assert_int_equal(recording_read_on("all.ktax", &position, INTERVALS, refuse, &left),
	                 -ECANCELED);
	assert_int_equal(position.interval, 3);
}

static void a_recording_in_progress_is_read_on(void **state)
{
	struct recording_writer *writer;
	struct recording_tail tail;
	struct recording_position position = { 0 };

	assert_int_equal(recording_create("progress.ktax", true, &writer), 0);
	assert_int_equal(recording_tail_init(&tail, PLENTY, TAIL_EVERYTHING), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(sample_add_interval(writer, i), 0);
		assert_int_equal(recording_read_on("progress.ktax", &position, 9, push, &tail), 0);
		assert_int_equal(tail.sum.n_intervals, i + 1);
	}
	assert_int_equal(recording_read_on("progress.ktax", &position, 9, push, &tail), 0);
	assert_int_equal(tail.sum.n_intervals, 3);
	recording_abandon(writer);
	recording_tail_destroy(&tail);
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, sample_enter_folder, sample_leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_tail_of_everything_is_the_recording),
		TEST(a_tail_of_three_seconds_is_a_recording_of_them),
		TEST(the_length_can_be_changed_both_ways),
		TEST(accounts_of_one_endpoint_follow_the_tail),
		TEST(an_interval_shorter_than_the_length_stays),
		TEST(memory_is_bounded_and_what_is_let_go_leaves_the_sum),
		TEST(a_tail_of_everything_keeps_what_is_let_go_in_its_sum),
		TEST(a_reset_forgets_all),
		TEST(aggregates_give_the_slices_that_a_recording_of_them_gives),
		TEST(a_point_of_a_line_is_what_the_findings_of_its_interval_say),
		TEST(requests_come_with_their_interval_slowest_first),
		TEST(of_too_many_requests_the_slowest_are_kept),
		TEST(reading_on_stops_where_a_slice_is_not_taken),
		TEST(a_recording_in_progress_is_read_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
