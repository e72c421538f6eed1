/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands, one file each, and the table of them that main.c holds. */
#ifndef KTAX_UI_COMMANDS_H
#define KTAX_UI_COMMANDS_H

#include "options.h"

extern const struct command command_record;
extern const struct command command_report;
extern const struct command command_diff;
extern const struct command command_top;
extern const struct command command_ab;
extern const struct command command_decide;
extern const struct command command_capture;
extern const struct command command_doctor;
extern const struct command command_help;

/* All of them in the order of `ktax help`, NULL at the end. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);
/* The subcommand whose name is most like @name, or NULL. */
const char *command_nearest(const char *name);

#endif
