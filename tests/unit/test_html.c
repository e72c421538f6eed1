// SPDX-License-Identifier: GPL-2.0
/* ui/html: what is escaped, and where figures lie on axes; the findings that only plots need. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exemplar.h"
#include "html.h"
#include "quantile.h"
#include "scale.h"
#include "timeline.h"

/* ---- Escaping -------------------------------------------------------------------------------- */

static void assert_escaped(const char *text, const char *wanted)
{
	char *written = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&written, &length);

	assert_non_null(file);
	html_escape(file, text);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(written, wanted);
	free(written);
}

static void markup_becomes_text(void **unused)
{
	assert_escaped("<script>alert(\"x\" & 'y')</script>",
	               "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;");
	assert_escaped("&lt;", "&amp;lt;");
	assert_escaped("", "");
}

static void what_is_not_utf8_is_replaced_byte_by_byte(void **unused)
{
	assert_escaped("\xc2\xb5s \xe2\x80\x93 \xf0\x9f\x98\x80",
	               "\xc2\xb5s \xe2\x80\x93 \xf0\x9f\x98\x80");
	assert_escaped("a\xff<", "a\xef\xbf\xbd&lt;");
	/* Truncated, overlong "<", a surrogate, above U+10FFFF: none may swallow what follows. */
	assert_escaped("\xe2\x80<", "\xef\xbf\xbd\xef\xbf\xbd&lt;");
	assert_escaped("\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd");
	assert_escaped("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_escaped("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void control_characters_are_replaced(void **unused)
{
	assert_escaped("a\033[31mb\x7f\n\t", "a\xef\xbf\xbd[31mb\xef\xbf\xbd\n\t");
}

/* ---- Scales ---------------------------------------------------------------------------------- */

static void assert_near(double found, double wanted)
{
	if (fabs(found - wanted) > 1e-6 * fmax(1, fabs(wanted)))
		fail_msg("found %.9g, want %.9g", found, wanted);
}

static void places_follow_the_scale(void **unused)
{
	struct scale linear = { SCALE_LINEAR, 0, 10, 100, 200 };
	struct scale decades = { SCALE_LOG, 10, 1000, 0, 100 };
	struct scale nines = { SCALE_NINES, 1, 0.001, 0, 300 };
	struct scale upwards = { SCALE_LINEAR, 0, 10, 200, 100 };

	assert_near(scale_place(&linear, 2.5), 125);
	assert_near(scale_place(&decades, 100), 50);
	assert_near(scale_place(&nines, 0.1), 100);
	assert_near(scale_place(&nines, 0.01), 200);
	assert_near(scale_place(&upwards, 2.5), 175);
}

static void what_lies_outside_is_put_at_the_edge(void **unused)
{
	struct scale linear = { SCALE_LINEAR, 0, 10, 100, 200 };
	struct scale decades = { SCALE_LOG, 10, 1000, 0, 100 };
	struct scale nines = { SCALE_NINES, 1, 0.001, 0, 300 };
	struct scale empty = { SCALE_LINEAR, 5, 5, 100, 200 };

	assert_near(scale_place(&linear, -1), 100);
	assert_near(scale_place(&linear, INFINITY), 200);
	assert_near(scale_place(&decades, 0), 0);
	assert_near(scale_place(&nines, 0), 300);
	assert_near(scale_place(&empty, 5), 100);
}

static void ticks_are_round_and_lie_on_the_axis(void **unused)
{
	static const struct scale scales[] = {
		{ SCALE_LINEAR, 0, 10, 0, 100 },   { SCALE_LINEAR, -0.73, 0.41, 0, 100 },
		{ SCALE_LINEAR, 0, 1e-9, 0, 100 }, { SCALE_LOG, 20, 5e6, 0, 100 },
		{ SCALE_LOG, 1, 1e12, 0, 100 },    { SCALE_NINES, 1, 1e-7, 0, 100 },
		{ SCALE_NINES, 1, 0.4, 0, 100 },   { SCALE_LINEAR, 3, 3, 0, 100 },
	};

	for (size_t s = 0; s < sizeof(scales) / sizeof(scales[0]); s++) {
		struct tick ticks[SCALE_TICKS_MAX];
		size_t n = scale_ticks(&scales[s], ticks);

		assert_in_range(n, 1, SCALE_TICKS_MAX);
		for (size_t i = 0; i < n; i++) {
			assert_true(ticks[i].place >= -1e-6 && ticks[i].place <= 100 + 1e-6);
			assert_near(ticks[i].place, scale_place(&scales[s], ticks[i].value));
			assert_true(i == 0 || ticks[i].place > ticks[i - 1].place);
		}
	}
}

static void rounding_only_widens(void **unused)
{
	struct scale linear = { SCALE_LINEAR, -0.73, 0.41 }, decades = { SCALE_LOG, 23, 4100 };

	scale_round(&linear);
	assert_true(linear.low <= -0.73 && linear.low > -1.1);
	assert_true(linear.high >= 0.41 && linear.high < 0.8);
	scale_round(&decades);
	assert_near(decades.low, 20);
	assert_near(decades.high, 5000);
}

/* ---- Quantiles and curves -------------------------------------------------------------------- */

static void a_curve_agrees_with_the_quantiles(void **unused)
{
	struct histogram histogram;
	struct quantile_curve curve;

	assert_int_equal(histogram_init(&histogram, 1ULL << 40, 3), 0);
	for (uint64_t i = 1; i <= 5000; i++)
		assert_int_equal(histogram_record(&histogram, i * i, 1), 0);
	/* 5000 more were 0, and are not in it. */
	quantile_curve_of(&histogram, 10000, 25000000, &curve);
	assert_int_equal(curve.n, 4 * CURVE_POINTS_PER_DECADE + 1);
	for (size_t i = 0; i < curve.n - 1; i++) {
		double rank = fmax(1, ceil((1 - curve.point[i].above) * 10000));

		assert_int_equal(curve.point[i].ns,
		                 quantile_at_rank(&histogram, 10000, (uint64_t)rank, 25000000));
		assert_true(i == 0 || curve.point[i].ns >= curve.point[i - 1].ns);
	}
	assert_int_equal(curve.point[0].ns, 0);
	assert_int_equal(curve.point[curve.n - 1].ns, 25000000);
	assert_int_equal(quantile_at_permille(&histogram, 10000, 500, 25000000), 0);
	assert_true(quantile_at_permille(&histogram, 10000, 501, 25000000) > 0);
	quantile_curve_of(&histogram, 0, 0, &curve);
	assert_int_equal(curve.n, 0);
	histogram_destroy(&histogram);
}

/* ---- Examples of requests -------------------------------------------------------------------- */

static void the_nearest_request_is_the_example(void **unused)
{
	static const struct ktax_request requests[] = {
		{ .total_ns = 1040 }, { .total_ns = 1000, .flags = KTAX_REQUEST_INCOMPLETE },
		{ .total_ns = 990 },  { .total_ns = 1010 },
		{ .total_ns = 1060 },
	};
	struct exemplar exemplar = { .wanted_ns = 1000 };

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		exemplar_consider(&exemplar, &requests[i]);
	assert_true(exemplar.found);
	assert_int_equal(exemplar.request.total_ns, 990);
	assert_int_equal(exemplar.candidates, 3);
}

static void without_one_near_there_is_no_example(void **unused)
{
	struct exemplar exemplar = { .wanted_ns = 1000 };

	exemplar_consider(&exemplar, &(struct ktax_request){ .total_ns = 1051 });
	exemplar_consider(&exemplar, &(struct ktax_request){ .total_ns = 949 });
	assert_false(exemplar.found);
}

/* ---- Over time ------------------------------------------------------------------------------- */

#define SECOND_NS 1000000000ULL

static void add_second(struct timeline *timeline, struct recording_ledger *ledger, uint64_t second,
                       uint64_t requests, uint64_t ns)
{
	struct recording_interval interval = { .start_realtime_ns = (100 + second) * SECOND_NS,
		                               .length_ns = SECOND_NS,
		                               .attached_ns = SECOND_NS / 2 };

	histogram_reset(&ledger->total);
	memset(ledger->joint, 0, sizeof(ledger->joint));
	ledger->requests = requests;
	ledger->max_ns = ns;
	ledger->joint[7].requests = requests;
	ledger->joint[7].sum_ns[KTAX_APP] = 3 * requests * ns / 4;
	ledger->joint[7].sum_ns[KTAX_KERNEL_TX] = requests * ns / 4;
	assert_int_equal(histogram_record(&ledger->total, ns, requests), 0);
	assert_int_equal(timeline_add(timeline, &interval, ledger), 0);
}

static void a_timeline_keeps_gaps_and_merges_what_does_not_fit(void **unused)
{
	static const char *const names[] = { "a" };
	struct recording recording = { .n_intervals = 10, .sum = { .length_ns = 10 * SECOND_NS } };
	struct recording_ledger *ledger = calloc(1, sizeof(*ledger));
	struct timeline *timeline;
	const struct timeline_point *points;

	assert_non_null(ledger);
	strcpy(ledger->endpoint.name, "a");
	assert_int_equal(histogram_init(&ledger->total, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), 0);
	assert_int_equal(timeline_create(&recording, names, 1, 5, &timeline), 0);
	timeline_begin_source(timeline);
	for (uint64_t second = 0; second < 10; second++)
		if (second != 4 && second != 5)
			add_second(timeline, ledger, second, second + 1, 1000 * (second + 1));
	timeline_end(timeline);
	assert_int_equal(timeline->n_points, 5);
	points = timeline->line[0].point;
	assert_int_equal(points[0].requests, 1 + 2);
	assert_near(points[0].per_second, 3);
	assert_near(points[0].kernel_share, 0.25);
	assert_int_equal(points[0].p99_ns, 2000);
	assert_int_equal(points[2].requests, 0);
	assert_true(points[2].per_second < 0 && points[2].kernel_share < 0);
	assert_int_equal(points[4].start_ns, 8 * SECOND_NS);
	assert_int_equal(points[4].requests, 9 + 10);
	timeline_free(timeline);
	histogram_destroy(&ledger->total);
	free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup_becomes_text),
		cmocka_unit_test(what_is_not_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(control_characters_are_replaced),
		cmocka_unit_test(places_follow_the_scale),
		cmocka_unit_test(what_lies_outside_is_put_at_the_edge),
		cmocka_unit_test(ticks_are_round_and_lie_on_the_axis),
		cmocka_unit_test(rounding_only_widens),
		cmocka_unit_test(a_curve_agrees_with_the_quantiles),
		cmocka_unit_test(the_nearest_request_is_the_example),
		cmocka_unit_test(without_one_near_there_is_no_example),
		cmocka_unit_test(a_timeline_keeps_gaps_and_merges_what_does_not_fit),
	};

	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
