/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Subcommands and their options: one table per subcommand, from which the parser, `ktax help CMD`,
 * the man page and the shell completion are all made.
 *
 * A subcommand is a file ui/NAME.c that defines one struct command, is listed in main.c's table and
 * in KTAX_COMMANDS of CMakeLists.txt:
 *
 *	enum { OPTION_BUDGET = OPTION_LONG_ONLY, OPTION_SLOW };
 *
 *	static const struct option_row record_options[] = {
 *		{ 'o', "output", "FILE", "write the recording to FILE" },
 *		{ OPTION_BUDGET, "budget", "PERCENT", "cost at most PERCENT of the CPU" },
 *		{ .help = "Requests:" },                                (a heading)
 *		{ OPTION_SLOW, "slow", "P", "keep the requests above the P-th percentile" },
 *		{ 0 },
 *	};
 *
 *	static int record_run(int argc, char **argv)
 *	{
 *		struct options options;
 *		int option;
 *
 *		options_begin(&options, &command_record, argc, argv);
 *		while ((option = options_next(&options)) > 0)
 *			switch (option) {
 *			case 'o':
 *				output = options.value;
 *				break;
 *			case OPTION_SLOW:
 *				if (option_number(options.value, 0, 100, &slow) < 0)
 *					return options_bad_value(&options, "a percentile, 0 to
 *100"); break;
 *			}
 *		if (option < 0)
 *			return options.exit_code;               (--help, or a usage error)
 *		... options.operands[0 .. options.n_operands - 1] ...
 *	}
 *
 *	const struct command command_record = {
 *		.name = "record",
 *		.run = record_run,
 *		.summary = "record where each request's time goes",
 *		.operands = "[FILE]",
 *		.description = "Paragraphs,\n\nseparated by an empty line.",
 *		.options = record_options,
 *		.examples = "ktax record -o redis.ktax --port 6379 10s\n",
 *	};
 *
 * --help (-h) is added to every table. Every string is the user's to read: no period at the end of
 * a summary or of an option's help.
 */
#ifndef KTAX_UI_OPTIONS_H
#define KTAX_UI_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#define OPTION_LONG_ONLY 256 /* first id of options without a letter */
#define OPTIONS_MAX      48  /* rows of a table */

/*
 * @id is the option's letter, or from OPTION_LONG_ONLY up where it has none. @argument is its name
 * as shown, NULL where it takes none: FILE and DIR complete as such, "auto|always|never" completes
 * to these words. A row with only @help is a heading; a zeroed row ends the table.
 */
struct option_row {
	int id;
	const char *name;
	const char *argument;
	const char *help;
};

/* --help, which every subcommand has without listing it. */
extern const struct option_row option_help_row;

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns enum ktax_exit */
	const char *summary;               /* one line, for the list of commands */
	const char *operands;              /* "FILE...", may be NULL */
	const char *description;           /* for help and man page */
	const struct option_row *options;  /* may be NULL */
	const char *examples;              /* lines, may be NULL */
};

struct options {
	const struct command *command;
	int argc;
	char **argv;
	const struct option_row *row; /* of the option just returned */
	const char *value;            /* its argument, or NULL */
	char **operands;              /* valid once options_next() returned 0 */
	int n_operands;
	int exit_code; /* valid once options_next() returned less than 0 */
	struct option table[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 4];
};

/* Starts over @argv. Only one parse may be under way (getopt has global state). */
void options_begin(struct options *options, const struct command *command, int argc, char **argv);
/* The next option's id; 0: no more, see operands; < 0: end with exit_code, all is said. */
int options_next(struct options *options);
/* Says that the option just returned needs @expected; returns KTAX_EXIT_USAGE. */
int options_bad_value(const struct options *options, const char *expected);

/* A decimal number from @lowest to @highest, a '%' after it is allowed. -EINVAL or -ERANGE. */
int option_number(const char *text, double lowest, double highest, double *ret_number);
/* A whole number from @lowest to @highest. -EINVAL or -ERANGE. */
int option_integer(const char *text, uint64_t lowest, uint64_t highest, uint64_t *ret_integer);
/* A length of time: a number and ns, us, ms, s, m or h; without a unit seconds. -EINVAL, -ERANGE.
 */
int option_duration(const char *text, uint64_t *ret_ns);

#endif
