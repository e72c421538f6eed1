// SPDX-License-Identifier: GPL-2.0
/* ui/: options, their values, and figures for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "error.h"
#include "format.h"
#include "nearest.h"

#include <errno.h>

/* Stands for main.c: the help looks commands up there. */
const struct command *const commands[] = { NULL };

const struct command *command_find(const char *name)
{
	return NULL;
}

const char *command_nearest(const char *name)
{
	return NULL;
}

enum { OPTION_SLOW = OPTION_LONG_ONLY };

static const struct option_row rows[] = {
	{ 'o', "output", "FILE", "write to FILE" },
	{ .help = "A heading:" },
	{ 'v', "verbose", NULL, "say more" },
	{ OPTION_SLOW, "slow", "P", "above the P-th percentile" },
	{ 0 },
};

static const struct command command = { .name = "test", .description = "", .options = rows };

#define ARGUMENTS(...) ((char *[]){ "test", __VA_ARGS__, NULL })

static void begin(struct options *options, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	options_begin(options, &command, argc, argv);
}

static void options_come_in_order_with_their_values(void **state)
{
	struct options options;

	begin(&options, ARGUMENTS("-o", "a", "--verbose", "x", "--slow=99", "--output", "b", "y"));
	assert_int_equal(options_next(&options), 'o');
	assert_string_equal(options.value, "a");
	assert_int_equal(options_next(&options), 'v');
	assert_null(options.value);
	assert_int_equal(options_next(&options), OPTION_SLOW);
	assert_string_equal(options.value, "99");
	assert_int_equal(options_next(&options), 'o');
	assert_string_equal(options.value, "b");
	assert_int_equal(options_next(&options), 0);
	assert_int_equal(options.n_operands, 2);
	assert_string_equal(options.operands[0], "x");
	assert_string_equal(options.operands[1], "y");
}

static void what_follows_two_dashes_is_an_operand(void **state)
{
	struct options options;

	begin(&options, ARGUMENTS("-v", "--", "--slow", "-o"));
	assert_int_equal(options_next(&options), 'v');
	assert_int_equal(options_next(&options), 0);
	assert_int_equal(options.n_operands, 2);
	assert_string_equal(options.operands[0], "--slow");
}

static void a_wrong_option_ends_the_parse_as_a_usage_error(void **state)
{
	char **const wrong[] = { ARGUMENTS("--slwo"), ARGUMENTS("-x"), ARGUMENTS("-o"),
		                 ARGUMENTS("--verbose=1") };
	struct options options;

	for (int i = 0; i < 4; i++) {
		begin(&options, wrong[i]);
		assert_true(options_next(&options) < 0);
		assert_int_equal(options.exit_code, KTAX_EXIT_USAGE);
	}
}

static void numbers_must_be_whole_words_within_their_range(void **state)
{
	const char *const wrong[] = {
		"", "x", "-1", "1x", "inf", "nan", "0x10", " 1", "1 %", "1%%"
	};
	double number = 7;

	assert_int_equal(option_number("99.9", 0, 100, &number), 0);
	assert_float_equal(number, 99.9, 1e-12);
	assert_int_equal(option_number("2%", 0, 100, &number), 0);
	assert_float_equal(number, 2, 0);
	assert_int_equal(option_number("101", 0, 100, &number), -ERANGE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(option_number(wrong[i], 0, 100, &number), -EINVAL);
	assert_float_equal(number, 2, 0);
}

static void integers_have_no_sign_fraction_or_overflow(void **state)
{
	uint64_t integer = 7;

	assert_int_equal(option_integer("65535", 1, 65535, &integer), 0);
	assert_int_equal(integer, 65535);
	assert_int_equal(option_integer("65536", 1, 65535, &integer), -ERANGE);
	assert_int_equal(option_integer("99999999999999999999", 0, UINT64_MAX, &integer), -ERANGE);
	assert_int_equal(option_integer("-1", 0, 10, &integer), -EINVAL);
	assert_int_equal(option_integer("1.5", 0, 10, &integer), -EINVAL);
	assert_int_equal(integer, 65535);
}

static void durations_take_units_and_default_to_seconds(void **state)
{
	const struct {
		const char *text;
		uint64_t ns;
	} durations[] = { { "10", 10000000000 },   { "10s", 10000000000 }, { "1.5ms", 1500000 },
		          { "250us", 250000 },     { "7ns", 7 },           { "2m", 120000000000 },
		          { "1h", 3600000000000 }, { ".5s", 500000000 } };
	uint64_t ns = 0;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		assert_int_equal(option_duration(durations[i].text, &ns), 0);
		assert_int_equal(ns, durations[i].ns);
	}
	assert_int_equal(option_duration("10 s", &ns), -EINVAL);
	assert_int_equal(option_duration("ten", &ns), -EINVAL);
	assert_int_equal(option_duration("9e99h", &ns), -ERANGE);
}

static void only_similar_words_are_suggested(void **state)
{
	struct nearest nearest = nearest_begin("reprot");

	nearest_consider(&nearest, "record");
	nearest_consider(&nearest, "report");
	assert_string_equal(nearest.found, "report");
	nearest = nearest_begin("x");
	nearest_consider(&nearest, "report");
	assert_null(nearest.found);
}

static void times_have_three_digits_and_the_unit_that_fits(void **state)
{
	const struct terminal ascii = { .utf8 = false }, utf8 = { .utf8 = true };
	const struct {
		uint64_t ns;
		const char *text;
	} times[] = { { 0, "0" },
		      { 999, "999 ns" },
		      { 1000, "1.00 us" },
		      { 9995, "10.0 us" },
		      { 99949, "99.9 us" },
		      { 99950, "100 us" },
		      { 999499, "999 us" },
		      { 999500, "1.00 ms" },
		      { 1234567890, "1.23 s" },
		      { 86400000000000, "86400 s" } };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(format_ns(&ascii, times[i].ns).text, times[i].text);
	assert_string_equal(format_ns(&utf8, 1500).text, "1.50 µs");
	/* Nothing that a recording can hold breaks the buffer. */
	assert_true(strlen(format_ns(&ascii, UINT64_MAX).text) < 20);
}

static void counts_are_grouped_by_thousands(void **state)
{
	assert_string_equal(format_count(0).text, "0");
	assert_string_equal(format_count(999).text, "999");
	assert_string_equal(format_count(1000).text, "1,000");
	assert_string_equal(format_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void a_small_share_is_never_shown_as_nothing(void **state)
{
	assert_string_equal(format_percent(0).text, "0 %");
	assert_string_equal(format_percent(1e-9).text, "<0.1 %");
	assert_string_equal(format_percent(0.031).text, "3.1 %");
	assert_string_equal(format_percent(0.0996).text, "10 %");
	assert_string_equal(format_percent(1).text, "100 %");
}

static void bars_fill_as_many_columns_as_asked_for(void **state)
{
	const struct terminal ascii = { .utf8 = false }, utf8 = { .utf8 = true };

	assert_string_equal(format_bar(&ascii, 0.5, 10).text, "#####");
	assert_string_equal(format_bar(&utf8, 0.5, 1).text, "▌");
	assert_int_equal(terminal_columns(format_bar(&utf8, 1, 16).text), 16);
	assert_int_equal(terminal_columns(format_bar(&utf8, 7, 16).text), 16);
	assert_string_equal(format_bar(&utf8, -1, 16).text, "");
}

static void errors_have_the_exit_code_that_belongs_to_them(void **state)
{
	assert_int_equal(error_exit_code(-ENOENT), KTAX_EXIT_FAILED);
	assert_int_equal(error_exit_code(-EPERM), KTAX_EXIT_UNSUPPORTED);
	assert_int_equal(error_exit_code(-EOPNOTSUPP), KTAX_EXIT_UNSUPPORTED);
	assert_int_equal(error_exit_code(0), KTAX_EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_come_in_order_with_their_values),
		cmocka_unit_test(what_follows_two_dashes_is_an_operand),
		cmocka_unit_test(a_wrong_option_ends_the_parse_as_a_usage_error),
		cmocka_unit_test(numbers_must_be_whole_words_within_their_range),
		cmocka_unit_test(integers_have_no_sign_fraction_or_overflow),
		cmocka_unit_test(durations_take_units_and_default_to_seconds),
		cmocka_unit_test(only_similar_words_are_suggested),
		cmocka_unit_test(times_have_three_digits_and_the_unit_that_fits),
		cmocka_unit_test(counts_are_grouped_by_thousands),
		cmocka_unit_test(a_small_share_is_never_shown_as_nothing),
		cmocka_unit_test(bars_fill_as_many_columns_as_asked_for),
		cmocka_unit_test(errors_have_the_exit_code_that_belongs_to_them),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
