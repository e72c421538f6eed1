// SPDX-License-Identifier: GPL-2.0
/* Help as plain text, and the subcommand `ktax help` itself. */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "format.h"

#define HELP_WIDTH  88 /* narrower than the reports: sentences are read, not scanned */
#define HELP_COLUMN 26 /* where explanations begin */

static void print_row(FILE *file, const struct option_row *row)
{
	int column;

	if (!row->name) {
		fprintf(file, "\n%s\n", row->help);
		return;
	}
	if (row->id < OPTION_LONG_ONLY)
		column = fprintf(file, "  -%c, --%s", row->id, row->name);
	else
		column = fprintf(file, "      --%s", row->name);
	if (row->argument)
		column += fprintf(file, " %s", row->argument);
	if (column > HELP_COLUMN - 2) {
		fputc('\n', file);
		column = 0;
	}
	fprintf(file, "%*s", HELP_COLUMN - column, "");
	put_wrapped(file, row->help, HELP_COLUMN, HELP_COLUMN, HELP_WIDTH);
}

static void print_options(FILE *file, const struct option_row *row)
{
	fputs("\nOptions:\n", file);
	for (; row && (row->name || row->help); row++)
		print_row(file, row);
	print_row(file, &option_help_row);
}

void help_command(const struct command *command)
{
	printf("Usage: ktax %s [OPTION...]%s%s\n\n", command->name, command->operands ? " " : "",
	       command->operands ? command->operands : "");
	put_wrapped(stdout, command->description, 0, 0, HELP_WIDTH);
	print_options(stdout, command->options);
	if (command->examples)
		printf("\nExamples:\n%s", command->examples);
}

void help_overview(FILE *file)
{
	fputs("ktax: what does the kernel tax your requests, and would bypassing it pay?\n\n"
	      "Usage: ktax COMMAND [OPTION...]\n"
	      "       ktax --version\n\n"
	      "Commands:\n",
	      file);
	for (const struct command *const *command = commands; *command; command++)
		fprintf(file, "  %-10s  %s\n", (*command)->name, (*command)->summary);
	fputs("\nTo begin: 'sudo ktax record --port PORT -d 10 -o my.ktax', then 'ktax report my.ktax'.\n"
	      "'ktax help COMMAND' explains a command.\n",
	      file);
}

enum { OPTION_MAN = OPTION_LONG_ONLY, OPTION_COMPLETION };

static const struct option_row help_options[] = {
	{ OPTION_MAN, "man", NULL, "print the man page (roff) instead" },
	{ OPTION_COMPLETION, "completion", NULL, "print the completion script for bash" },
	{ 0 },
};

static int help_print(const char *name, bool man)
{
	const struct command *command = name ? command_find(name) : NULL;
	const char *similar = name ? command_nearest(name) : NULL;

	if (name && !command && similar)
		return error_usage(NULL, "no command '%s', did you mean '%s'?", name, similar);
	if (name && !command)
		return error_usage(NULL, "no command '%s'", name);
	if (man)
		help_man_page(stdout, command);
	else if (command)
		help_command(command);
	else
		help_overview(stdout);
	return KTAX_EXIT_FINE;
}

static int help_run(int argc, char **argv)
{
	bool man = false, completion = false;
	struct options options;
	int option;

	options_begin(&options, &command_help, argc, argv);
	while ((option = options_next(&options)) > 0) {
		man |= option == OPTION_MAN;
		completion |= option == OPTION_COMPLETION;
	}
	if (option < 0)
		return options.exit_code;
	if (options.n_operands > 1)
		return error_usage("help", "one command at a time");
	if (completion) {
		help_completion(stdout);
		return KTAX_EXIT_FINE;
	}
	return help_print(options.operands[0], man);
}

const struct command command_help = {
	.name = "help",
	.run = help_run,
	.summary = "explain a command",
	.operands = "[COMMAND]",
	.description = "Explains COMMAND and its options, or lists the commands.",
	.options = help_options,
	.examples = "  ktax help report\n"
		    "  source <(ktax help --completion)\n",
};
