/* SPDX-License-Identifier: GPL-2.0 */
/* `ktax help`: overview, one subcommand, man pages and completion, all from the option tables. */
#ifndef KTAX_UI_HELP_H
#define KTAX_UI_HELP_H

#include <stdio.h>

#include "options.h"

/* The list of subcommands. */
void help_overview(FILE *file);
/* What `ktax help CMD` and `ktax CMD --help` print on stdout. */
void help_command(const struct command *command);
/* A man page in section 1: of @command, or of ktax itself where it is NULL. */
void help_man_page(FILE *file, const struct command *command);
/* A completion script for bash. */
void help_completion(FILE *file);

#endif
