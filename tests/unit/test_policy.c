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

#include "ab.h"
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
	assert_int_equal(policy.metric, AB_P50);
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
	assert_int_equal(policy.metric, AB_P999);
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

static void test_mistakes_name_their_line(void **state)
{
	refuses("[gain]\nmetrics = p99\n", 2, "[gain] has no key \"metrics\"");
	refuses("[gain]\nloss = 1 %\n", 2, "[gain] has no key \"loss\"");
	refuses("\n[gains]\nmetric = p99\n", 2, "unknown section [gains]");
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
	refuses("[gain]\nneed = 5 %\n", 2,
	        "need (5 %) is less than margin (10 %), which counts as no change");
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
		cmocka_unit_test(test_mistakes_name_their_line),
		cmocka_unit_test(test_nonsense_values_are_refused),
		cmocka_unit_test(test_what_is_no_policy_is_refused),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
