// SPDX-License-Identifier: GPL-2.0
/* Results of ktax ab, read back: what is taken, what is refused; and what they cost and save. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ab_document.h"
#include "economics.h"
#include "hostile.h"
#include "sweep_document.h"

#define RUN                                                                                        \
	"\"host\":{\"hostname\":\"box\",\"kernel\":\"6.1\",\"cpu_model\":\"A CPU\"},"              \
	"\"link\":{\"kind\":\"test\",\"driver\":\"veth\"},"                                        \
	"\"traffic\":{\"rate_pps\":2000.5,\"flows\":16,"                                           \
	"\"sizes\":{\"min_bytes\":60,\"mean_bytes\":106,\"max_bytes\":1442}},"
#define BLOCKS                                                                                     \
	"\"blocks\":{\"valid\":[true,true,false],\"p50_ns\":[10,20,30],"                           \
	"\"p99_ns\":[40,null,60],\"p999_ns\":[null,null,null]}"
#define ARM(path, baseline)                                                                        \
	"{\"path\":\"" path "\",\"baseline\":" baseline ",\"skipped\":false,"                      \
	"\"enters_kernel\":true,\"answers_in_kernel\":false,\"p50_ns\":15,\"p90_ns\":null,"        \
	"\"p99_ns\":50,\"p999_ns\":null,\"cores_polling\":1,"                                      \
	"\"cpu_ns_per_request\":{\"responder\":12000,\"kernel\":null}," BLOCKS "}"

static const char good[] =
	"{\"schema\":\"ktax.ab/1\",\"ktax_version\":\"0.1\",\"created\":\"2026-01-02T03:04:05Z\"," RUN
	"\"design\":{\"pairs\":3,\"protocol\":\"tcp\",\"confidence\":0.95},"
	"\"verdict\":\"better\",\"reason\":\"made up\","
	"\"arms\":[" ARM("kernel", "true") "," ARM(
		"af_xdp",
		"false") "],"
			 "\"comparisons\":[{\"path\":\"af_xdp\",\"metric\":\"p99\",\"change\":-0.5,"
			 "\"ci\":[-0.6,null],\"n\":2,\"verdict\":\"better\"}],"
			 "\"validity\":{\"unequal\":[\"af_xdp\"]}}";

static const char good_sweep[] =
	"{\"schema\":\"ktax.sweep/1\",\"protocol\":\"tcp\"," RUN
	"\"arms\":[{\"path\":\"kernel\",\"skipped\":false,\"lossless_pps\":90000.5,"
	"\"generator_limited\":false},{\"path\":\"dpdk\",\"skipped\":true,"
	"\"lossless_pps\":null,\"generator_limited\":false}]}";

static int parse(const char *text, struct ab_document **ret, char why[256])
{
	*ret = NULL;
	return ab_document_parse(text, strlen(text), "ab.json", ret, why, 256);
}

static int parse_sweep(const char *text, struct sweep_document **ret, char why[256])
{
	*ret = NULL;
	return sweep_document_parse(text, strlen(text), "sweep.json", ret, why, 256);
}

/* @good with its first @from as @to. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *made = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	assert_non_null(made);
	sprintf(made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return made;
}

static void test_a_result_is_read(void **state)
{
	struct ab_document *document;
	const struct ab_document_arm *arm;
	char why[256];

	assert_int_equal(parse(good, &document, why), 0);
	assert_string_equal(document->hostname, "box");
	assert_string_equal(document->transport, "tcp");
	assert_true(document->has_link && document->own_links);
	assert_float_equal(document->rate_pps, 2000.5, 0);
	assert_float_equal(document->created_s, 1767323045, 0);
	assert_int_equal(document->baseline, 0);
	assert_int_equal(document->rounds, 3);
	arm = ab_document_find(document, "af_xdp");
	assert_non_null(arm);
	assert_int_equal(arm->role, AB_ROLE_AF_XDP);
	assert_true(arm->unequal && !document->arm[0].unequal);
	assert_true(isnan(arm->ns[POLICY_P90]) && isnan(arm->cpu_kernel_ns));
	assert_float_equal(arm->block_ns[POLICY_P50][1], 20, 0);
	/* Lost, and not valid. */
	assert_true(isinf(arm->block_ns[POLICY_P99][1]) && isnan(arm->block_ns[POLICY_P99][2]));
	assert_null(arm->block_ns[POLICY_P999]);
	assert_true(arm->change[POLICY_P99].present && isinf(arm->change[POLICY_P99].high));
	assert_float_equal(arm->change[POLICY_P99].low, -0.6, 0);
	assert_null(ab_document_find(document, "dpdk"));
	ab_document_free(document);
}

static void test_mistakes_are_refused_by_the_key(void **state)
{
	static const char *const mistakes[][3] = {
		{ "ktax.ab/1", "ktax.ab/2", "its schema is ktax.ab/2" },
		{ "\"better\",\"reason\"", "\"best\",\"reason\"", "\"verdict\" is none" },
		{ "2026-01-02T03:04:05Z", "yesterday", "\"created\" is not a time" },
		{ "\"kind\":\"test\"", "\"kind\":\"tin\"", "neither test nor ports" },
		{ "2000.5", "-1", "\"rate_pps\" is not a number" },
		{ "2000.5", "1e300", "\"rate_pps\" is not a number" },
		{ "\"flows\":16", "\"flows\":1.5", "\"flows\" is not a count" },
		{ "\"pairs\":3", "\"pairs\":10001", "more than 10000 pairs" },
		{ "\"pairs\":3", "\"pairs\":4", "not one value per pair" },
		{ "\"p50_ns\":[10,", "\"p50_ns\":[-10,", "not a time" },
		{ "\"af_xdp\",\"baseline\":false", "\"kernel\",\"baseline\":false", "there twice" },
		{ "\"baseline\":false", "\"baseline\":true", "2 arms are the baseline" },
		{ "\"baseline\":true", "\"baseline\":1", "neither true nor false" },
		{ "\"p99_ns\":50", "\"p99_ns\":\"fast\"", "\"p99_ns\" is not a number" },
		{ "[-0.6,null]", "[0.6,-0.6]", "is no interval" },
		{ "\"metric\":\"p99\"", "\"metric\":\"p98\"", "of no arm and metric" },
		{ "\"hostname\":\"box\"", "\"hostname\":7", "\"hostname\" is not a text" },
		{ "\"verdict\"", "\"verdict\":\"worse\",\"verdict\"", "not JSON" },
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char *text = replaced(good, mistakes[i][0], mistakes[i][1]), why[256];
		struct ab_document *document;

		assert_true(parse(text, &document, why) < 0);
		assert_null(document);
		if (!strstr(why, mistakes[i][2]))
			fail_msg("no \"%s\" in: %s", mistakes[i][2], why);
		assert_true(!strncmp(why, "ab.json: ", 9) && !strchr(why, '\n'));
		free(text);
	}
}

static void parse_any(void *bytes, size_t length, void *context)
{
	struct ab_document *document = NULL;
	struct sweep_document *sweep = NULL;
	char why[256];

	(void)context;
	if (!ab_document_parse(bytes, length, "ab.json", &document, why, sizeof(why)))
		ab_document_free(document);
	if (!sweep_document_parse(bytes, length, "sweep.json", &sweep, why, sizeof(why)))
		sweep_document_free(sweep);
}

static void test_damaged_documents_do_no_harm(void **state)
{
	hostile_variants(good, sizeof(good) - 1, parse_any, NULL);
	hostile_variants(good_sweep, sizeof(good_sweep) - 1, parse_any, NULL);
}

static void test_a_sweep_is_read(void **state)
{
	struct sweep_document *sweep;
	struct ab_document *document;
	char why[256];

	assert_int_equal(parse_sweep(good_sweep, &sweep, why), 0);
	assert_int_equal(parse(good, &document, why), 0);
	assert_float_equal(sweep_document_find(sweep, "kernel")->lossless_pps, 90000.5, 0);
	assert_true(isnan(sweep_document_find(sweep, "dpdk")->lossless_pps));
	assert_null(sweep_document_find(sweep, "af_xdp"));
	assert_null(sweep_document_find(NULL, "kernel"));
	assert_true(sweep_document_fits(sweep, document, 2, why, sizeof(why)));
	document->size_mean_bytes = 300;
	assert_false(sweep_document_fits(sweep, document, 2, why, sizeof(why)));
	assert_non_null(strstr(why, "its messages have 106 bytes, the A/B's 300"));
	document->size_mean_bytes = NAN;
	assert_false(sweep_document_fits(sweep, document, 2, why, sizeof(why)));
	document->size_mean_bytes = 106;
	document->hostname[0] = sweep->run.hostname[0] = '\0';
	assert_false(sweep_document_fits(sweep, document, 2, why, sizeof(why)));
	sweep_document_free(sweep);
	ab_document_free(document);
}

static void test_mistakes_in_sweeps_are_refused(void **state)
{
	static const char *const mistakes[][3] = {
		{ "ktax.sweep/1", "ktax.ab/1", "not ktax.sweep/1" },
		{ "90000.5", "0", "\"lossless_pps\" is 0" },
		{ "90000.5", "\"many\"", "\"lossless_pps\" is not a number" },
		{ "\"lossless_pps\":90000.5,", "", "\"lossless_pps\" is missing" },
		{ "\"lossless_pps\":null", "\"lossless_pps\":5", "is skipped and has a rate" },
		{ "\"dpdk\"", "\"kernel\"", "there twice" },
		{ "\"generator_limited\":false", "\"x\":1", "neither true nor false" },
		{ "\"arms\":", "\"legs\":", "\"arms\" is missing" },
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char *text = replaced(good_sweep, mistakes[i][0], mistakes[i][1]), why[256];
		struct sweep_document *sweep;

		assert_true(parse_sweep(text, &sweep, why) < 0);
		assert_null(sweep);
		if (!strstr(why, mistakes[i][2]))
			fail_msg("no \"%s\" in: %s", mistakes[i][2], why);
		free(text);
	}
}

/* ---- Economics ------------------------------------------------------------------------------ */

/* An arm that polls one core against a kernel that takes 20 us of a request. */
static const struct ab_document_arm arms[] = {
	{ .path = "kernel", .cpu_responder_ns = 12000, .cpu_kernel_ns = 8000 },
	{ .path = "af_xdp", .cpu_responder_ns = 50000, .cpu_kernel_ns = NAN, .cores_polling = 1 },
	{ .path = "busy", .cpu_responder_ns = 5000, .cpu_kernel_ns = NAN },
};

static struct economics compute(const struct policy_economics *policy, int arm,
                                const struct economics_load *load, double gain_ns)
{
	const struct ab_document document = { .rate_pps = 10000,
		                              .n_arms = 3,
		                              .arm = (struct ab_document_arm *)arms };
	struct economics economics;

	economics_compute(policy, &document, &arms[arm], load, gain_ns, &economics);
	return economics;
}

static void test_cores(void **state)
{
	struct economics_load load = { .mean_per_second = 20000, .peak_per_second = 45000 };
	struct economics found = compute(&policy_default.economics, 1, &load, 0);

	assert_true(found.has_cores);
	assert_float_equal(found.freed_cores, 0.4, 1e-9);
	assert_int_equal(found.polling_cores, 5); /* by 10000/s each, which is a lower bound */
	assert_true(found.per_core_at_least && !found.per_core_swept);
	assert_int_equal(found.polling_least, 1);
	load.lossless_pps = 30000;
	found = compute(&policy_default.economics, 1, &load, 0);
	assert_int_equal(found.polling_cores, 2);
	assert_int_equal(found.polling_least, 2);
	assert_true(found.per_core_swept && !found.per_core_at_least);
	load.lossless_at_least = true;
	assert_int_equal(compute(&policy_default.economics, 1, &load, 0).polling_least, 1);
	/* A sweep that sent less than the A/B did is the weaker bound. */
	load.lossless_pps = 5000;
	assert_int_equal(compute(&policy_default.economics, 1, &load, 0).polling_cores, 5);
	found = compute(&policy_default.economics, 2, &load, 0);
	assert_float_equal(found.taken_cores, 0.1, 1e-9);
	assert_int_equal(found.polling_cores, 0);
}

static void test_money(void **state)
{
	const struct economics_load load = { .mean_per_second = 500000,
		                             .peak_per_second = 500000,
		                             .lossless_pps = 600000 };
	struct policy_economics policy = policy_default.economics;
	struct economics found = compute(&policy, 1, &load, 10000);

	assert_false(found.has_yearly || found.has_payback || found.has_core_saving);
	assert_non_null(strstr(found.money_why, "hosts, core_hour"));
	policy.hosts = 10;
	policy.core_hour = 0.1;
	found = compute(&policy, 1, &load, 10000);
	/* 10 cores freed, 1 taken. */
	assert_float_equal(found.core_saving, 9 * 10 * 0.1 * 8760, 1e-6);
	assert_float_equal(found.yearly, found.core_saving, 1e-6);
	assert_false(found.has_payback);
	policy.latency = 5;
	policy.running = 1000;
	policy.engineering = 78840 - 950;
	found = compute(&policy, 1, &load, 10000);
	assert_float_equal(found.yearly, 78840 + 50 - 1000, 1e-6);
	assert_float_equal(found.payback_months, 12, 1e-9);
	policy.running = 1e9;
	found = compute(&policy, 1, &load, 10000);
	assert_false(found.has_payback);
	assert_non_null(strstr(found.payback_why, "never"));
	/* A slower path is worth less, not more. */
	assert_true(compute(&policy, 1, &load, -10000).latency_worth < 0);
	assert_false(compute(&policy, 1, &load, NAN).has_latency_worth);
}

static void test_payback_with_fewer_cores(void **state)
{
	const struct economics_load load = { .mean_per_second = 300000, .peak_per_second = 300000 };
	struct policy_economics policy = policy_default.economics;
	struct economics found;

	policy.hosts = policy.core_hour = 1;
	policy.engineering = 8760;
	found = compute(&policy, 1, &load, NAN);
	/* 6 cores freed against 30 by the lower bound, or against 1 at best. */
	assert_int_equal(found.polling_cores, 30);
	assert_false(found.has_payback);
	assert_float_equal(found.payback_least_months, 12.0 / 5, 1e-9);
}

static void test_what_is_missing_has_no_figure(void **state)
{
	struct economics_load load = { .mean_per_second = 0, .peak_per_second = 100 };
	struct economics found = compute(&policy_default.economics, 1, &load, 0);

	assert_false(found.has_cores);
	assert_non_null(strstr(found.cores_why, "no rate"));
	assert_int_equal(found.polling_cores, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_result_is_read),
		cmocka_unit_test(test_mistakes_are_refused_by_the_key),
		cmocka_unit_test(test_damaged_documents_do_no_harm),
		cmocka_unit_test(test_a_sweep_is_read),
		cmocka_unit_test(test_mistakes_in_sweeps_are_refused),
		cmocka_unit_test(test_cores),
		cmocka_unit_test(test_money),
		cmocka_unit_test(test_payback_with_fewer_cores),
		cmocka_unit_test(test_what_is_missing_has_no_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
