/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options that say what is followed and how: those of `ktax record` and `ktax top`.
 *
 * A subcommand puts COLLECT_TARGET_ROWS and COLLECT_PROBE_ROWS into its table, and gives what is
 * none of its own options to collect_option().
 */
#ifndef KTAX_UI_COLLECT_OPTIONS_H
#define KTAX_UI_COLLECT_OPTIONS_H

#include "collector.h"
#include "options.h"

enum {
	COLLECT_COMM = OPTION_LONG_ONLY + 1000,
	COLLECT_PORT,
	COLLECT_CGROUP,
	COLLECT_BUDGET,
	COLLECT_HOOKS,
	COLLECT_DETAIL,
	COLLECT_REQUESTS,
	COLLECT_SLOW,
	COLLECT_SPAN,
	COLLECT_CATALOGUE,
	COLLECT_NO_FRAMING,
	COLLECT_CONNECTIONS,
	COLLECT_ENDPOINTS,
};

/* clang-format off */
#define COLLECT_TARGET_ROWS                                                                        \
	{ .help = "Targets (without any: every TCP server of the host; different kinds restrict each " \
	          "other):" },                                                                     \
	{ 'p', "pid", "PID", "this process and its children; may be repeated" },                   \
	{ COLLECT_COMM, "comm", "NAME", "processes of this name; may be repeated" },               \
	{ COLLECT_PORT, "port", "PORT", "servers that listen on this port; may be repeated" },     \
	{ COLLECT_CGROUP, "cgroup", "DIR",                                                         \
	  "processes of this cgroup and those below it; may be repeated" }

#define COLLECT_PROBE_ROWS                                                                         \
	{ .help = "Probes:" },                                                                     \
	{ COLLECT_BUDGET, "budget", "PERCENT",                                                     \
	  "share of the host's CPU time that the probes may take; if they need more they are attached " \
	  "in short windows at random times (default: 1); 0: no limit" },                          \
	{ COLLECT_DETAIL, "detail", "full|light",                                                  \
	  "light: fewer hooks, fewer accounts and no spans, for the busiest servers (default: full)" }, \
	{ COLLECT_HOOKS, "hooks", "any|tp_btf|fentry|kprobe|raw_tp",                               \
	  "prefer this family of hooks (default: any, the best for each)" },                       \
	{ COLLECT_SPAN, "span", "LIB:SYMBOL[=ACCOUNT]",                                            \
	  "post the time in this function to ACCOUNT (default: serialize), see docs/spans.md; may be " \
	  "repeated" },                                                                            \
	{ COLLECT_CATALOGUE, "catalogue", "DIR",                                                   \
	  "take the catalogue of library functions with an account of their own from DIR; \"none\": no " \
	  "catalogue" },                                                                           \
	{ COLLECT_NO_FRAMING, "no-framing", NULL,                                                  \
	  "do not look at received bytes, not even to count pipelined requests" },                 \
	{ COLLECT_CONNECTIONS, "max-connections", "N",                                             \
	  "connections followed at once (default: 16384)" },                                       \
	{ COLLECT_ENDPOINTS, "max-endpoints", "N",                                                 \
	  "listening endpoints kept apart, the others are one; each takes 0.3 MB per CPU (default: " \
	  "those that listen at the start and some more, within 128 MB)" }
/* clang-format on */

#define COLLECT_LIST_MAX 64

/* What the command line says; the lists that .collector points to. Not to be copied. */
struct collect_arguments {
	struct collector_options collector;
	pid_t pids[COLLECT_LIST_MAX];
	uint16_t ports[COLLECT_LIST_MAX];
	const char *names[COLLECT_LIST_MAX], *cgroups[COLLECT_LIST_MAX], *spans[COLLECT_LIST_MAX];
	char command_line[1024];
};

/* Defaults; keeps the command line. */
void collect_begin(struct collect_arguments *arguments, int argc, char **argv);
/* The option just returned: an exit code. */
int collect_option(struct collect_arguments *arguments, const struct options *options, int option);
/* Once all are parsed: whether they go together. */
int collect_check(const struct collect_arguments *arguments, const char *command);

#endif
