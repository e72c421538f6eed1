// SPDX-License-Identifier: GPL-2.0
/* The screen of `ktax top` without a terminal: model, keys, canvas, charts. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chart.h"
#include "commands.h"
#include "top.h"

/* Stands for main.c: the help looks commands up there. */
const struct command *const commands[] = { NULL };

const struct command *command_find(const char *name)
{
	(void)name;
	return NULL;
}

const char *command_nearest(const char *name)
{
	(void)name;
	return NULL;
}

#define SECOND_NS 1000000000ULL
#define PLENTY    ((size_t)1 << 28)

/* ---- Intervals made by hand -------------------------------------------------------------------
 */

static const struct recording_endpoint endpoints[] = {
	{ "10.0.0.1:80/tcp", 17, "nginx" },
	{ "10.0.0.1:6379/tcp", 18, "redis-server" },
	{ "[::]:443/tcp", 19, "envoy" },
};

/* @n requests alike: @wakeup_ns of the kernel's time, @app_ns of the application's. */
static void add_requests(struct ktax_aggregate *aggregate, uint64_t n, uint64_t wakeup_ns,
                         uint64_t app_ns)
{
	uint64_t total = wakeup_ns + app_ns;
	struct ktax_joint_cell *cell =
		&aggregate->joint[ktax_hist_index(total, KTAX_JOINT_MAGNITUDE)];

	aggregate->requests += n;
	aggregate->max_ns = total > aggregate->max_ns ? total : aggregate->max_ns;
	cell->requests += n;
	cell->sum_ns[KTAX_WAKEUP] += n * wakeup_ns;
	cell->sum_ns[KTAX_APP] += n * app_ns;
	aggregate->total[ktax_hist_index(total, KTAX_HIST_MAGNITUDE)] += (uint32_t)n;
	aggregate->floor_tuned[ktax_hist_index(app_ns, KTAX_HIST_MAGNITUDE)] += (uint32_t)n;
	aggregate->floor_bypass[ktax_hist_index(app_ns, KTAX_HIST_MAGNITUDE)] += (uint32_t)n;
}

static struct recording_slice *new_slice(uint64_t i)
{
	const struct recording_interval interval = { .start_realtime_ns = i * SECOND_NS,
		                                     .length_ns = SECOND_NS,
		                                     .attached_ns = SECOND_NS };
	struct recording_slice *slice;

	assert_int_equal(recording_slice_create(&interval, &slice), 0);
	return slice;
}

/* Endpoint @e has @n requests of @wakeup_ns + @app_ns. */
static void add(struct recording_slice *slice, size_t e, uint64_t n, uint64_t wakeup_ns,
                uint64_t app_ns)
{
	struct ktax_aggregate *aggregate = calloc(1, sizeof(*aggregate));

	assert_non_null(aggregate);
	add_requests(aggregate, n, wakeup_ns, app_ns);
	assert_int_equal(
		recording_slice_add_aggregate(slice, &endpoints[e], aggregate, &KTAX_EXTENT_ALL),
		0);
	free(aggregate);
}

/* nginx is the busiest, redis the slowest, envoy has the largest kernel's part. */
static struct recording_slice *usual_slice(uint64_t i)
{
	struct recording_slice *slice = new_slice(i);

	add(slice, 0, 3000, 1000, 9000);
	add(slice, 1, 2000, 2000, 90000);
	add(slice, 2, 1000, 4000, 4000);
	recording_slice_finish(slice);
	return slice;
}

/* ---- A source that has what it is given -------------------------------------------------------
 */

struct fake {
	struct source source;
	uint64_t left, given;
	bool paused;
	char written[64];
};

static int fake_poll(struct source *source, struct model *model, uint64_t now_ns, char *ret_why,
                     size_t size)
{
	struct fake *fake = (struct fake *)source;

	(void)now_ns;
	(void)ret_why;
	(void)size;
	if (!fake->left)
		return 0;
	fake->left--;
	assert_int_equal(model_take(model, usual_slice(fake->given++)), 0);
	return 1;
}

static void fake_describe(const struct source *source, char *text, size_t size)
{
	(void)source;
	snprintf(text, size, "fake");
}

static void fake_pause(struct source *source, bool paused, uint64_t now_ns)
{
	(void)now_ns;
	((struct fake *)source)->paused = paused;
}

static int fake_write(struct source *source, const char *path)
{
	snprintf(((struct fake *)source)->written, 64, "%s", path ? path : "(end)");
	return 0;
}

static const struct source_ops fake_ops = {
	.poll = fake_poll, .describe = fake_describe, .pause = fake_pause, .write = fake_write
};

struct fixture {
	struct top top;
	struct fake fake;
	struct canvas canvas;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->fake = (struct fake){ .source = { &fake_ops }, .left = 1000 };
	fixture->top.source = &fixture->fake.source;
	fixture->top.delay_ns = SECOND_NS;
	assert_int_equal(model_init(&fixture->top.model, PLENTY, 10 * SECOND_NS), 0);
	assert_int_equal(canvas_init(&fixture->canvas, 24, 80, true), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	model_destroy(&fixture->top.model);
	canvas_destroy(&fixture->canvas);
	free(fixture);
	return 0;
}

static void poll_times(struct top *top, int n)
{
	for (int i = 0; i < n; i++)
		assert_true(top_poll(top, 0));
}

static void type(struct top *top, const char *text)
{
	for (; *text; text++)
		top_key(top, *text, 0);
}

/* The row's text; one buffer. */
static const char *row_text(const struct canvas *canvas, int row)
{
	static char text[4 * 400 + 1];

	canvas_row_text(canvas, row, text, sizeof(text));
	return text;
}

static const char *first(const struct top *top)
{
	return model_row(&top->model, 0)->ledger->endpoint.comm;
}

/* ---- Model ------------------------------------------------------------------------------------
 */

static void rows_are_sorted_by_any_column_both_ways(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	poll_times(top, 2);
	assert_string_equal(first(top), "nginx");
	model_sort(&top->model, SORT_P99, false);
	assert_string_equal(first(top), "redis-server");
	model_sort(&top->model, SORT_KERNEL, false);
	assert_string_equal(first(top), "envoy");
	model_sort(&top->model, SORT_KERNEL, true);
	assert_string_equal(first(top), "redis-server");
	model_sort(&top->model, SORT_PROCESS, false);
	assert_string_equal(first(top), "envoy");
	model_sort(&top->model, SORT_ENDPOINT, true);
	assert_string_equal(first(top), "envoy");
}

static void the_selected_endpoint_stays_selected_when_the_order_changes(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	poll_times(top, 1);
	model_move(&top->model, 1);
	assert_string_equal(top->model.selected, "10.0.0.1:6379/tcp");
	model_sort(&top->model, SORT_P99, false);
	assert_int_equal(model_selected_row(&top->model), 0);
	poll_times(top, 1);
	assert_int_equal(model_selected_row(&top->model), 0);
	model_move(&top->model, 1000);
	assert_int_equal(model_selected_row(&top->model), 2);
	model_move(&top->model, -1000);
	assert_int_equal(model_selected_row(&top->model), 0);
}

static void a_filter_hides_and_the_selection_comes_back(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	poll_times(top, 1);
	model_move(&top->model, 2);
	model_filter(&top->model, "REDIS");
	assert_int_equal(top->model.n_rows, 1);
	assert_string_equal(first(top), "redis-server");
	model_filter(&top->model, "nobody");
	assert_int_equal(model_selected_row(&top->model), -1);
	assert_null(model_selected(&top->model));
	model_filter(&top->model, "");
	assert_int_equal(model_selected_row(&top->model), 2);
}

static void figures_are_of_the_span(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	poll_times(top, 12);
	assert_int_equal(model_row(&top->model, 0)->ledger->requests, 10 * 3000);
	assert_int_equal(model_set_span(&top->model, 2 * SECOND_NS), 0);
	assert_int_equal(model_row(&top->model, 0)->ledger->requests, 2 * 3000);
	assert_true(model_row(&top->model, 0)->rate.per_second == 3000);
	assert_int_equal(model_set_span(&top->model, TAIL_EVERYTHING), 0);
	assert_int_equal(model_row(&top->model, 0)->ledger->requests, 12 * 3000);
	assert_int_equal(top->model.overall->endpoints[0].ledger->requests, 12 * 6000);
}

static void an_endpoint_without_requests_stays_with_a_rate_of_0(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;
	struct recording_slice *slice = new_slice(100);
	struct series_point points[3];

	poll_times(top, 1);
	assert_int_equal(model_set_span(&top->model, SECOND_NS), 0);
	add(slice, 0, 10, 1000, 1000);
	assert_int_equal(model_take(&top->model, slice), 0);
	assert_int_equal(model_refresh(&top->model), 0);
	assert_int_equal(top->model.n_rows, 3);
	assert_true(model_row(&top->model, 2)->rate.per_second == 0);
	series_last(model_series(&top->model, "[::]:443/tcp"), 3, points);
	assert_false(points[0].attached); /* before the first interval */
	assert_int_equal(points[1].requests, 1000);
	assert_true(points[2].attached && !points[2].requests);
}

static void a_reset_begins_anew(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	poll_times(top, 5);
	top_key(top, 'r', 0);
	assert_int_equal(top->model.n_rows, 0);
	poll_times(top, 1);
	assert_int_equal(model_row(&top->model, 0)->ledger->requests, 3000);
}

/* ---- Keys -------------------------------------------------------------------------------------
 */

static void keys_switch_views(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	poll_times(top, 1);
	top_key(top, TOP_KEY_TAB, 0);
	assert_int_equal(top->view, VIEW_LEDGER);
	top_key(top, TOP_KEY_BACKTAB, 0);
	top_key(top, TOP_KEY_BACKTAB, 0);
	assert_int_equal(top->view, VIEW_SELF);
	top_key(top, '3', 0);
	assert_int_equal(top->view, VIEW_DISTRIBUTION);
	top_key(top, '9', 0);
	assert_int_equal(top->view, VIEW_DISTRIBUTION);
	top_key(top, 'h', 0);
	assert_true(top->help);
	top_key(top, 'q', 0);
	assert_false(top->help || top->quit);
	top_key(top, 'q', 0);
	assert_true(top->quit);
}

static void while_paused_nothing_is_taken(void **state)
{
	struct fixture *fixture = *state;
	struct top *top = &fixture->top;

	poll_times(top, 1);
	top_key(top, 'p', 0);
	assert_true(fixture->fake.paused);
	assert_false(top_poll(top, 0));
	assert_int_equal(top->model.slices, 1);
	top_key(top, 'p', 0);
	assert_true(top_poll(top, 0));
}

static void a_prompt_takes_keys_that_are_commands_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	struct top *top = &fixture->top;

	poll_times(top, 1);
	top_key(top, 'w', 0);
	assert_int_equal(top->prompt, PROMPT_FILE);
	for (int i = 0; i < 20; i++)
		top_key(top, TOP_KEY_BACKSPACE, 0);
	type(top, "qsé");
	assert_false(top->quit);
	top_key(top, TOP_KEY_BACKSPACE, 0);
	type(top, ".ktax");
	top_key(top, TOP_KEY_ENTER, 0);
	assert_string_equal(fixture->fake.written + strlen(fixture->fake.written) - 5, ".ktax");
	top_key(top, 'd', 0);
	type(top, "500ms");
	top_key(top, TOP_KEY_ENTER, 0);
	assert_int_equal(top->delay_ns, SECOND_NS / 2);
	top_key(top, 'd', 0);
	type(top, "1ms");
	top_key(top, TOP_KEY_ENTER, 0);
	assert_int_equal(top->delay_ns, SECOND_NS / 2);
	assert_non_null(strstr(top->message, "delay"));
}

static void a_line_typed_without_end_stays_within_its_room(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	top_key(top, '/', 0);
	for (int i = 0; i < 1000; i++)
		top_key(top, i % 3 ? 0x20ac : 0x1f600, 0);
	assert_true(strlen(top->input) < sizeof(top->input));
	assert_true(strlen(top->model.filter) < sizeof(top->model.filter));
}

static void spans_go_up_to_all_and_down_to_a_second(void **state)
{
	uint64_t span = 10 * SECOND_NS;

	for (int i = 0; i < 20; i++)
		span = top_next_span(span, true);
	assert_true(span == TAIL_EVERYTHING);
	span = top_next_span(span, false);
	assert_int_equal(span, 300 * SECOND_NS);
	for (int i = 0; i < 20; i++)
		span = top_next_span(span, false);
	assert_int_equal(span, SECOND_NS);
}

/* ---- Drawing ----------------------------------------------------------------------------------
 */

static void every_view_fits_every_size(void **state)
{
	struct fixture *fixture = *state;
	static const int sizes[][2] = { { 1, 1 },   { 3, 200 },  { 16, 60 },  { 17, 61 },
		                        { 24, 80 }, { 43, 132 }, { 100, 400 } };

	for (int polled = 0; polled < 2; polled++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			canvas_resize(&fixture->canvas, sizes[s][0], sizes[s][1]);
			for (int view = 0; view < N_VIEWS; view++) {
				fixture->canvas.terminal.utf8 = view % 2;
				fixture->top.view = (enum view_name)view;
				top_draw(&fixture->top, &fixture->canvas);
			}
		}
		poll_times(&fixture->top, 1);
	}
}

static void the_ledger_shows_what_the_requests_are_made_of(void **state)
{
	struct fixture *fixture = *state;

	poll_times(&fixture->top, 1);
	model_sort(&fixture->top.model, SORT_KERNEL, false); /* envoy: half wakeup, half app */
	fixture->top.view = VIEW_LEDGER;
	top_draw(&fixture->top, &fixture->canvas);
	assert_non_null(strstr(row_text(&fixture->canvas, 5), "[::]:443/tcp  envoy (19)"));
	assert_non_null(strstr(row_text(&fixture->canvas, 6), "wwwwwwwwaaaaaaaa"));
	assert_non_null(strstr(row_text(&fixture->canvas, 10), "without the kernel: p50 4.0"));
	assert_non_null(strstr(row_text(&fixture->canvas, 12), "w wakeup"));
	assert_non_null(strstr(row_text(&fixture->canvas, 12), "50 %"));
}

static void a_stack_fills_its_columns_exactly(void **state)
{
	struct fixture *fixture = *state;
	double amounts[KTAX_NACCOUNTS] = { 0 };

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		amounts[i] = 1.0 / (i + 3);
	for (int width = 1; width < 60; width++) {
		canvas_clear(&fixture->canvas);
		chart_stack(&fixture->canvas, 0, 0, width, amounts);
		assert_int_equal(strlen(row_text(&fixture->canvas, 0)), width);
	}
}

static void letters_of_accounts_differ(void **state)
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		for (int j = 0; j < i; j++)
			assert_int_not_equal(chart_letter(i), chart_letter(j));
}

static void text_is_cut_by_columns_and_what_is_not_one_wide_is_replaced(void **state)
{
	struct canvas *canvas = &((struct fixture *)*state)->canvas;

	canvas_text(canvas, 0, 0, 5, INK_PLAIN, "µµµµµµµ");
	assert_string_equal(row_text(canvas, 0), "µµµµ…");
	canvas_text(canvas, 1, 0, 20, INK_PLAIN, "a\033[31m\xff\xe4\xb8\xad\xcc\x81!");
	assert_string_equal(row_text(canvas, 1), "a?[31m??"
	                                         "?!");
	canvas->terminal.utf8 = false;
	canvas_text(canvas, 2, 0, 3, INK_PLAIN, "µabc");
	assert_string_equal(row_text(canvas, 2), "?a~");
	canvas_text(canvas, 200, -5, 3, INK_PLAIN, "out"); /* is cut off */
	canvas_text(canvas, 3, 79, 3, INK_PLAIN, "out");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_sorted_by_any_column_both_ways),
		TEST(the_selected_endpoint_stays_selected_when_the_order_changes),
		TEST(a_filter_hides_and_the_selection_comes_back),
		TEST(figures_are_of_the_span),
		TEST(an_endpoint_without_requests_stays_with_a_rate_of_0),
		TEST(a_reset_begins_anew),
		TEST(keys_switch_views),
		TEST(while_paused_nothing_is_taken),
		TEST(a_prompt_takes_keys_that_are_commands_elsewhere),
		TEST(a_line_typed_without_end_stays_within_its_room),
		TEST(spans_go_up_to_all_and_down_to_a_second),
		TEST(every_view_fits_every_size),
		TEST(the_ledger_shows_what_the_requests_are_made_of),
		TEST(a_stack_fills_its_columns_exactly),
		TEST(letters_of_accounts_differ),
		TEST(text_is_cut_by_columns_and_what_is_not_one_wide_is_replaced),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
