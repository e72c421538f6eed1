// SPDX-License-Identifier: GPL-2.0
/* ktax: a table of subcommands, and what stands before them on the command line. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "help.h"
#include "nearest.h"

const struct command *const commands[] = {
	&command_record,
	&command_report,
	&command_diff,
	&command_top,
	&command_ab,
	&command_decide,
	&command_capture,
	&command_doctor,
	&command_help,
	NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *command = commands; *command; command++)
		if (!strcmp((*command)->name, name))
			return *command;
	return NULL;
}

const char *command_nearest(const char *name)
{
	struct nearest nearest = nearest_begin(name);

	for (const struct command *const *command = commands; *command; command++)
		nearest_consider(&nearest, (*command)->name);
	return nearest.found;
}

static int refuse_command(const char *name)
{
	const char *similar = command_nearest(name);
	const char *kind = name[0] == '-' ? "option" : "command";

	if (similar && name[0] != '-')
		return error_usage(NULL, "unknown command '%s', did you mean '%s'?", name, similar);
	return error_usage(NULL, "unknown %s '%s'", kind, name);
}

/* Output that did not reach its file (a full disk) is a failure; an early reader's end is not. */
static int finish_output(int exit_code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	return error_print(&(struct failure){ .subject = "standard output",
	                                      .cause = "not all of it could be written",
	                                      .remedy = "free some space" });
}

int main(int argc, char **argv)
{
	const struct command *command;

	/* Only the characters: numbers keep their point, for scripts. */
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_DFL);
	if (argc < 2) {
		help_overview(stderr);
		return KTAX_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("ktax %s\n", KTAX_VERSION);
		return finish_output(KTAX_EXIT_FINE);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		argv[1] = "help";
	command = command_find(argv[1]);
	if (!command)
		return refuse_command(argv[1]);
	return finish_output(command->run(argc - 1, argv + 1));
}
