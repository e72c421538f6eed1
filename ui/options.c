// SPDX-License-Identifier: GPL-2.0
/*
 * getopt_long over a subcommand's table. Errors are worded here and not by getopt, so that they
 * name the subcommand, suggest the nearest option and stay one sentence.
 */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "help.h"
#include "nearest.h"

static bool row_is_option(const struct option_row *row)
{
	return row->name != NULL;
}

static bool row_is_end(const struct option_row *row)
{
	return !row->name && !row->help;
}

static void add_option(struct options *options, size_t n, const struct option_row *row)
{
	char *letters = options->letters + strlen(options->letters);

	options->table[n] = (struct option){
		.name = row->name,
		.has_arg = row->argument ? required_argument : no_argument,
		.val = row->id,
	};
	if (row->id < OPTION_LONG_ONLY) {
		*letters++ = (char)row->id;
		if (row->argument)
			*letters++ = ':';
		*letters = '\0';
	}
}

const struct option_row option_help_row = { 'h', "help", NULL, "show this help" };

void options_begin(struct options *options, const struct command *command, int argc, char **argv)
{
	const struct option_row *row = command->options;
	size_t n = 0;

	*options = (struct options){ .command = command, .argc = argc, .argv = argv };
	options->letters[0] = ':';
	for (; row && !row_is_end(row) && n < OPTIONS_MAX; row++)
		if (row_is_option(row))
			add_option(options, n++, row);
	add_option(options, n, &option_help_row);
	opterr = 0;
	optind = 0; /* glibc: forget an earlier parse */
}

static const struct option_row *find_row(const struct options *options, int id)
{
	const struct option_row *row = options->command->options;

	for (; row && !row_is_end(row); row++)
		if (row_is_option(row) && row->id == id)
			return row;
	return &option_help_row;
}

/* The long option of the table that looks most like @word ("--jsom"), or NULL. */
static const char *nearest_option(const struct options *options, const char *word)
{
	struct nearest nearest = nearest_begin(word + 2);

	for (const struct option *option = options->table; option->name; option++)
		nearest_consider(&nearest, option->name);
	return nearest.found;
}

static void refuse_unknown(const struct options *options)
{
	const char *word = optind > 0 && optind <= options->argc ? options->argv[optind - 1] : "";
	const char *name = options->command->name;
	const char *similar;

	if (optopt > 0 && optopt < OPTION_LONG_ONLY && strncmp(word, "--", 2) != 0) {
		error_usage(name, "unknown option '-%c'", optopt);
		return;
	}
	if (optopt) {
		error_usage(name, "option '--%s' takes no argument",
		            find_row(options, optopt)->name);
		return;
	}
	similar = nearest_option(options, word);
	if (similar)
		error_usage(name, "unknown option '%s', did you mean '--%s'?", word, similar);
	else
		error_usage(name, "unknown option '%s'", word);
}

static int options_stop(struct options *options, int exit_code)
{
	options->exit_code = exit_code;
	return -1;
}

int options_next(struct options *options)
{
	int id = getopt_long(options->argc, options->argv, options->letters, options->table, NULL);

	switch (id) {
	case -1:
		options->operands = options->argv + optind;
		options->n_operands = options->argc - optind;
		return 0;
	case '?':
		refuse_unknown(options);
		return options_stop(options, KTAX_EXIT_USAGE);
	case ':':
		options->row = find_row(options, optopt);
		error_usage(options->command->name, "option '--%s' needs %s", options->row->name,
		            options->row->argument);
		return options_stop(options, KTAX_EXIT_USAGE);
	case 'h':
		help_command(options->command);
		return options_stop(options, KTAX_EXIT_FINE);
	}
	options->row = find_row(options, id);
	options->value = optarg;
	return id;
}

int options_bad_value(const struct options *options, const char *expected)
{
	return error_usage(options->command->name, "option '--%s' needs %s, not '%s'",
	                   options->row->name, expected, options->value);
}

/* strtod without its "inf", "nan" and hexadecimal numbers. */
static int parse_number(const char *text, double *ret_number, const char **ret_end)
{
	char *end;
	double number;

	if (!strchr("0123456789.", text[0]) || !text[0] || text[strspn(text, "0")] == 'x')
		return -EINVAL;
	number = strtod(text, &end);
	if (end == text || !isfinite(number))
		return -EINVAL;
	*ret_number = number;
	*ret_end = end;
	return 0;
}

int option_number(const char *text, double lowest, double highest, double *ret_number)
{
	const char *end;
	double number;

	if (parse_number(text, &number, &end) < 0)
		return -EINVAL;
	if (*end == '%')
		end++;
	if (*end)
		return -EINVAL;
	if (number < lowest || number > highest)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

int option_integer(const char *text, uint64_t lowest, uint64_t highest, uint64_t *ret_integer)
{
	unsigned long long integer;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	integer = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || integer < lowest || integer > highest)
		return -ERANGE;
	*ret_integer = integer;
	return 0;
}

int option_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", 1e9 },  { "ns", 1 },   { "us", 1e3 },  { "ms", 1e6 },
		      { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	const char *end;
	double number;

	if (parse_number(text, &number, &end) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (number * units[i].ns > 1e18)
			return -ERANGE;
		*ret_ns = (uint64_t)llround(number * units[i].ns);
		return 0;
	}
	return -EINVAL;
}
