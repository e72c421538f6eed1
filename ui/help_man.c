// SPDX-License-Identifier: GPL-2.0
/* Man pages (roff, man macros) from the same tables as the help. */
#include "help.h"

#include <ctype.h>
#include <string.h>

#include "commands.h"

/* Text as roff: hyphens stay hyphens, and no line becomes a request by its first character. */
static void print_character(FILE *file, char character, char before)
{
	if (before == '\n' && (character == '.' || character == '\''))
		fputs("\\&", file);
	if (character == '-')
		fputs("\\-", file);
	else if (character == '\\')
		fputs("\\e", file);
	else
		fputc(character, file);
}

static void print_escaped(FILE *file, const char *text)
{
	for (char before = '\n'; *text; before = *text++)
		print_character(file, *text, before);
}

/* The same, where an empty line starts a paragraph. */
static void print_paragraphs(FILE *file, const char *text)
{
	for (char before = '\n'; *text; before = *text++) {
		if (*text == '\n' && before == '\n')
			fputs(".PP", file);
		print_character(file, *text, before);
	}
	fputc('\n', file);
}

static void print_row(FILE *file, const struct option_row *row)
{
	if (!row->name) {
		fputs(".SS ", file);
		print_escaped(file, row->help);
		fputc('\n', file);
		return;
	}
	fputs(".TP\n", file);
	if (row->id < OPTION_LONG_ONLY)
		fprintf(file, "\\fB\\-%c\\fR, ", row->id);
	fputs("\\fB\\-\\-", file);
	print_escaped(file, row->name);
	fputs("\\fR", file);
	if (row->argument) {
		fputs(" \\fI", file);
		print_escaped(file, row->argument);
		fputs("\\fR", file);
	}
	fputc('\n', file);
	print_escaped(file, row->help);
	fputc('\n', file);
}

static void print_exit_codes(FILE *file)
{
	fputs(".SH EXIT STATUS\n"
	      ".TP\n0\nfine\n"
	      ".TP\n1\nthe command line is wrong\n"
	      ".TP\n2\nthe run failed\n"
	      ".TP\n5\nnot permitted, or not supported here\n",
	      file);
}

static void print_title(FILE *file, const char *name)
{
	fputs(".TH KTAX", file);
	if (name)
		fputc('-', file);
	for (; name && *name; name++)
		fputc(toupper((unsigned char)*name), file);
	fprintf(file, " 1 \"\" \"ktax %s\" \"ktax manual\"\n.SH NAME\n", KTAX_VERSION);
}

static void print_command(FILE *file, const struct command *command)
{
	const struct option_row *row = command->options;

	print_title(file, command->name);
	fprintf(file, "ktax\\-%s \\- ", command->name);
	print_escaped(file, command->summary);
	fprintf(file, "\n.SH SYNOPSIS\n\\fBktax %s\\fR [\\fIOPTION\\fR...] ", command->name);
	print_escaped(file, command->operands ? command->operands : "");
	fputs("\n.SH DESCRIPTION\n", file);
	print_paragraphs(file, command->description);
	fputs(".SH OPTIONS\n", file);
	for (; row && (row->name || row->help); row++)
		print_row(file, row);
	print_row(file, &option_help_row);
	if (command->examples) {
		fputs(".SH EXAMPLES\n.nf\n", file);
		print_escaped(file, command->examples);
		fputs(".fi\n", file);
	}
	print_exit_codes(file);
	fputs(".SH SEE ALSO\n\\fBktax\\fR(1)\n", file);
}

static void print_main(FILE *file)
{
	print_title(file, NULL);
	fputs("ktax \\- what does the kernel tax your requests, and would bypassing it pay?\n"
	      ".SH SYNOPSIS\n\\fBktax\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]\n"
	      ".SH COMMANDS\n",
	      file);
	for (const struct command *const *command = commands; *command; command++) {
		fprintf(file, ".TP\n\\fBktax\\-%s\\fR(1)\n", (*command)->name);
		print_escaped(file, (*command)->summary);
		fputc('\n', file);
	}
	print_exit_codes(file);
	fputs(".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nwhere set and not empty, no colours\n",
	      file);
}

void help_man_page(FILE *file, const struct command *command)
{
	if (command)
		print_command(file, command);
	else
		print_main(file);
}
