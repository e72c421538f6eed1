/* SPDX-License-Identifier: GPL-2.0 */
/* Policy files: what is read, and what is refused with file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"

static char path[] = "/tmp/ktax-policy.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

static int read_bytes(struct policy *policy, const char *bytes, size_t size, char why[256])
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	why[0] = '\0';
	return policy_read(policy, path, why, 256);
}

static int read_text(struct policy *policy, const char *text, char why[256])
{
	return read_bytes(policy, text, strlen(text), why);
}

/* Refused at @line, saying @what; the policy is left alone. */
static void refuses(const char *text, int line, const char *what)
{
	struct policy policy = { .metric = 77 };
	char why[256], wanted[256];

	assert_int_equal(read_text(&policy, text, why), -EINVAL);
	snprintf(wanted, sizeof(wanted), "%s:%d: %s", path, line, what);
	assert_string_equal(why, wanted);
	assert_int_equal(policy.metric, 77);
}

static void test_all_keys_are_read(void **state)
{
	struct policy policy;
	char why[256];

	assert_int_equal(read_text(&policy,
	                           "[gain]\nmetric = p50\nmargin=5%\n  need = 12.5 % ; note\n"
	                           "[limit]\r\nloss = none\r\ncpu = 250 %\n"
	                           "# a comment\n[statistics]\nconfidence = 99 %",
	                           why),
	                 0);
	assert_int_equal(policy.metric, POLICY_P50);
	assert_float_equal(policy.margin, 0.05, 1e-12);
	assert_float_equal(policy.need, 0.125, 1e-12);
	assert_true(policy.loss_limit == INFINITY);
	assert_float_equal(policy.cpu_limit, 2.5, 1e-12);
	assert_float_equal(policy.confidence, 0.99, 1e-12);
}

static void test_what_is_left_out_is_the_default(void **state)
{
	struct policy policy;
	char why[256];

	assert_int_equal(read_text(&policy, "", why), 0);
	assert_memory_equal(&policy, &policy_default, sizeof(policy));
	assert_int_equal(read_text(&policy, "[gain]\nmetric = p99.9\nneed = none\n", why), 0);
	assert_int_equal(policy.metric, POLICY_P999);
	assert_true(policy.need == -INFINITY);
	assert_float_equal(policy.margin, policy_default.margin, 1e-12);
}

static void test_the_samples_are_read(void **state)
{
	struct policy policy;
	char why[256] = "";

	assert_int_equal(policy_read(&policy, KTAX_SOURCE_DIR "/samples/policy.ini", why, 256), 0);
	assert_float_equal(policy.cpu_limit, 1, 1e-12);
	policy.cpu_limit = policy_default.cpu_limit;
	assert_memory_equal(&policy, &policy_default, sizeof(policy));
	assert_int_equal(
		policy_read(&policy, KTAX_SOURCE_DIR "/samples/ci/regression.ini", why, 256), 0);
	assert_true(policy.need == -INFINITY);
}

static void test_the_keys_of_decide_are_read(void **state)
{
	struct policy policy;
	char why[256];

	assert_int_equal(read_text(&policy,
	                           "[gain]\nneed_time = 0.05 ms\nneed = none\n[limit]\ncores = 2\n"
	                           "[slo]\np50 = 40 us\np99 = 250 \xc2\xb5s\np99.9 = 1 s\n"
	                           "[tuning]\nshare = 70 %\n[application]\nfirst = none\n"
	                           "[evidence]\nmax_age = 36 h\nunbalanced = 0 %\nlost = 2 %\n"
	                           "likeness = 1.5\n[economics]\ncurrency = EUR\nhosts = 40\n"
	                           "core_hour = 0.04\nengineering = 120000\nrunning = 0\n"
	                           "latency = 500\npayback = 24\n",
	                           why),
	                 0);
	assert_float_equal(policy.need_ns, 50000, 1e-6);
	assert_float_equal(policy.cores_limit, 2, 0);
	assert_float_equal(policy.slo_ns[POLICY_P50], 40000, 1e-6);
	assert_float_equal(policy.slo_ns[POLICY_P99], 250000, 1e-6);
	assert_float_equal(policy.slo_ns[POLICY_P999], 1e9, 1e-6);
	assert_float_equal(policy.tuned_share, 0.7, 1e-12);
	assert_true(policy.application_first == INFINITY);
	assert_float_equal(policy.max_age_s, 129600, 1e-6);
	assert_float_equal(policy.unbalanced, 0, 0);
	assert_float_equal(policy.lost, 0.02, 1e-12);
	assert_float_equal(policy.likeness, 1.5, 1e-12);
	assert_string_equal(policy.economics.currency, "EUR");
	assert_float_equal(policy.economics.hosts, 40, 0);
	assert_float_equal(policy.economics.core_hour, 0.04, 1e-12);
	assert_float_equal(policy.economics.engineering, 120000, 0);
	assert_float_equal(policy.economics.running, 0, 0);
	assert_float_equal(policy.economics.latency, 500, 0);
	assert_float_equal(policy.economics.payback, 24, 0);
}

static void test_what_was_not_given_has_no_figure(void **state)
{
	struct policy policy;
	char why[256];

	assert_int_equal(read_text(&policy, "[economics]\nhosts = 2\n", why), 0);
	assert_true(isnan(policy.economics.core_hour) && isnan(policy.economics.engineering));
	assert_true(isnan(policy.economics.latency) && isnan(policy.economics.payback));
}

static void test_contradictions_are_refused(void **state)
{
	refuses("[slo]\np50 = 300 us\np99 = 250 us\n", 3,
	        "[slo] allows a p50 of 300 us above the p99 of 250 us, which it never is");
	refuses("[slo]\np99.9 = 200 us\np50 = 300 us\n", 3,
	        "[slo] allows a p50 of 300 us above the p99.9 of 200 us, which it never is");
	refuses("[economics]\nhosts = 3\npayback = 12\n", 3,
	        "payback is limited, but cannot be told without hosts, core_hour and engineering");
	refuses("[economics]\nhosts = 3\npayback = 12\ncore_hour = 1\nengineering = 0\n", 5,
	        "payback is limited, but engineering costs nothing");
}

static void test_units_are_told_apart(void **state)
{
	refuses("[slo]\np99 = 250\n", 2,
	        "p99 is a time, as in \"250 us\", or \"none\", not \"250\"");
	refuses("[slo]\np99 = 0 us\n", 2, "p99 is from 0.001 us to 1000000000 us, not \"0 us\"");
	refuses("[slo]\np99 = 2000 s\n", 2,
	        "p99 is from 0.001 us to 1000000000 us, not \"2000 s\"");
	refuses("[evidence]\nmax_age = 30\n", 2,
	        "max_age is a number of days, as in \"30 d\", or \"none\", not \"30\"");
	refuses("[limit]\ncores = 1.5\n", 2, "cores is a whole number, or \"none\", not \"1.5\"");
	refuses("[economics]\nhosts = 0\n", 2, "hosts is from 1 to 10000000, not \"0\"");
	refuses("[economics]\ncurrency = 3 EUR\n", 2,
	        "currency is a word of letters, as in \"EUR\", not \"3 EUR\"");
}

static void test_mistakes_name_their_line(void **state)
{
	refuses("[gain]\nmetrics = p99\n", 2,
	        "[gain] has no key \"metrics\", did you mean \"metric\"?");
	refuses("[gain]\nloss = 1 %\n", 2,
	        "[gain] has no key \"loss\", did you mean \"loss\" of [limit]?");
	refuses("[slo]\np95 = 1 ms\n", 2, "[slo] has no key \"p95\", did you mean \"p99\"?");
	refuses("[slo]\nbudget_of_cores = 3\n", 2, "[slo] has no key \"budget_of_cores\"");
	refuses("[economics]\ncore_hours = 3\n", 2,
	        "[economics] has no key \"core_hours\", did you mean \"core_hour\"?");
	refuses("\n[gains]\nmetric = p99\n", 2, "unknown section [gains], did you mean [gain]?");
	refuses("[gain]\n[policy]\n", 2, "unknown section [policy]");
	refuses("metric = p99\n", 1, "\"metric\" is outside of any section");
	refuses("[gain]\nmetric = p98\n", 2, "\"p98\" is not p50, p90, p99 or p99.9");
	refuses("[gain]\nmetric = loss\n", 2, "\"loss\" is not p50, p90, p99 or p99.9");
	refuses("[gain]\nneed\n", 2, "neither \"[section]\" nor \"key = value\"");
	refuses("[gain]\nneed = 30 %\nneed = 20 %\n", 3, "need is given twice");
	refuses("[gain]\nneed = 30 %\n 20 %\n", 3, "neither \"[section]\" nor \"key = value\"");
}

static void test_nonsense_values_are_refused(void **state)
{
	const char *const values[] = { "0.2",   "20",    "20 %%",  "-5 %", "5 % 5",   "inf %", "%",
		                       "nan %", "1e2 %", "0x10 %", "",     "1.2.3 %", "none %" };
	char text[64], what[128];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), "[limit]\nloss = %s\n", values[i]);
		snprintf(what, sizeof(what),
		         "loss is in per cent, as in \"10 %%\", or \"none\", not \"%s\"",
		         values[i]);
		refuses(text, 2, what);
	}
	refuses("[limit]\nloss = 101 %\n", 2, "loss is from 0 % to 100 %, not \"101 %\"");
	refuses("[gain]\nmargin = 95 %\n", 2, "margin is from 0 % to 90 %, not \"95 %\"");
	refuses("[gain]\nmargin = none\n", 2,
	        "margin is in per cent, as in \"10 %\", not \"none\"");
	refuses("[gain]\nneed = 100 %\n", 2, "need is from 0 % to 99.9 %, not \"100 %\"");
	refuses("[statistics]\nconfidence = 100 %\n", 2,
	        "confidence is from 50 % to 99.99 %, not \"100 %\"");
	refuses("[gain]\nneed = 4 %\n", 2,
	        "need (4 %) is less than margin (5 %), which counts as no change");
}

static void test_what_is_no_policy_is_refused(void **state)
{
	struct policy policy = { .metric = 77 };
	char why[256], *text = malloc(100000);

	assert_non_null(text);
	memset(text, 'x', 100000);
	assert_int_equal(read_bytes(&policy, text, 100000, why), -EINVAL);
	assert_int_equal(read_bytes(&policy, text, 5000, why), -EINVAL);
	assert_int_equal(read_bytes(&policy, "[gain]\0x", 8, why), -EINVAL);
	assert_non_null(strstr(why, "not a policy file"));
	assert_int_equal(policy_read(&policy, "/nonexistent/policy.ini", why, sizeof(why)),
	                 -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/policy.ini: No such file"));
	assert_int_equal(policy_read(&policy, "/", why, sizeof(why)), -EISDIR);
	assert_int_equal(policy.metric, 77);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys_are_read),
		cmocka_unit_test(test_what_is_left_out_is_the_default),
		cmocka_unit_test(test_the_samples_are_read),
		cmocka_unit_test(test_the_keys_of_decide_are_read),
		cmocka_unit_test(test_what_was_not_given_has_no_figure),
		cmocka_unit_test(test_contradictions_are_refused),
		cmocka_unit_test(test_units_are_told_apart),
		cmocka_unit_test(test_mistakes_name_their_line),
		cmocka_unit_test(test_nonsense_values_are_refused),
		cmocka_unit_test(test_what_is_no_policy_is_refused),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
