// SPDX-License-Identifier: GPL-2.0
/*
 * Completion for bash from the same tables: per subcommand the list of its options, and per option
 * with an argument what that argument is. bash-completion loads it on the first <Tab> after ktax.
 */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "commands.h"

static bool row_is_end(const struct option_row *row)
{
	return !row->name && !row->help;
}

static void print_command_names(FILE *file)
{
	for (const struct command *const *command = commands; *command; command++)
		fprintf(file, "%s%s", command == commands ? "" : " ", (*command)->name);
}

/* One case per option that takes an argument: what to offer after it. */
static void print_argument(FILE *file, const struct command *command, const struct option_row *row)
{
	fprintf(file, "\t%s:--%s", command->name, row->name);
	if (row->id < OPTION_LONG_ONLY)
		fprintf(file, "|%s:-%c", command->name, row->id);
	fputs(")\n", file);
	if (strchr(row->argument, '|')) {
		fputs("\t\tCOMPREPLY=($(compgen -W \"", file);
		for (const char *c = row->argument; *c; c++)
			fputc(*c == '|' ? ' ' : *c, file);
		fputs("\" -- \"$word\"))\n", file);
	} else if (!strcmp(row->argument, "DIR")) {
		fputs("\t\tCOMPREPLY=($(compgen -d -- \"$word\"))\n", file);
	} else if (!strcmp(row->argument, "FILE")) {
		fputs("\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n", file);
	}
	fputs("\t\treturn ;;\n", file);
}

static void print_arguments(FILE *file)
{
	for (const struct command *const *command = commands; *command; command++)
		for (const struct option_row *row = (*command)->options; row && !row_is_end(row);
		     row++)
			if (row->name && row->argument)
				print_argument(file, *command, row);
}

static void print_option_lists(FILE *file)
{
	for (const struct command *const *command = commands; *command; command++) {
		fprintf(file, "\t%s) options=\"--help", (*command)->name);
		for (const struct option_row *row = (*command)->options; row && !row_is_end(row);
		     row++)
			if (row->name)
				fprintf(file, " --%s", row->name);
		fputs("\" ;;\n", file);
	}
}

void help_completion(FILE *file)
{
	fputs("# bash completion for ktax, made by 'ktax help --completion'\n"
	      "_ktax() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal command=${COMP_WORDS[1]} commands=\"",
	      file);
	print_command_names(file);
	fputs("\" options=\"\"\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$commands --version --help\" -- \"$word\"))\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $command:$previous in\n",
	      file);
	print_arguments(file);
	fputs("\thelp:help) COMPREPLY=($(compgen -W \"$commands\" -- \"$word\")); return ;;\n"
	      "\tesac\n"
	      "\tcase $command in\n",
	      file);
	print_option_lists(file);
	fputs("\tesac\n"
	      "\tcase $word in\n"
	      "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
	      "\t*) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
	      "\tesac\n"
	      "}\n"
	      "complete -o filenames -F _ktax ktax\n",
	      file);
}
