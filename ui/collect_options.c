// SPDX-License-Identifier: GPL-2.0
#include "collect_options.h"

#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "error.h"

static int parse_target(struct collect_arguments *arguments, const struct options *options,
                        int option)
{
	struct target_spec *spec = &arguments->collector.targets;
	uint64_t number;

	if (spec->n_pids >= COLLECT_LIST_MAX || spec->n_ports >= COLLECT_LIST_MAX ||
	    spec->n_names >= COLLECT_LIST_MAX || spec->n_cgroups >= COLLECT_LIST_MAX)
		return options_bad_value(options, "to be given 64 times at most");
	switch (option) {
	case 'p':
		if (option_integer(options->value, 1, INT32_MAX, &number) < 0)
			return options_bad_value(options, "a process id");
		arguments->pids[spec->n_pids++] = number;
		break;
	case COLLECT_PORT:
		if (option_integer(options->value, 1, 65535, &number) < 0)
			return options_bad_value(options, "a port, 1 to 65535");
		arguments->ports[spec->n_ports++] = number;
		break;
	case COLLECT_COMM:
		arguments->names[spec->n_names++] = options->value;
		break;
	case COLLECT_CGROUP:
		arguments->cgroups[spec->n_cgroups++] = options->value;
		break;
	}
	return KTAX_EXIT_FINE;
}

static int parse_requests(const struct options *options, uint32_t *ret_every)
{
	uint64_t every;
	const char *text = options->value;

	if (strncmp(text, "1/", 2) || option_integer(text + 2, 1, UINT32_MAX, &every) < 0)
		return options_bad_value(options, "1/N, e.g. 1/100");
	*ret_every = every;
	return KTAX_EXIT_FINE;
}

static int parse_span(struct collect_arguments *arguments, const struct options *options)
{
	struct collector_options *collector = &arguments->collector;
	struct catalogue *scratch = NULL;
	char message[CATALOGUE_MESSAGE_SIZE];

	if (collector->n_spans == COLLECT_LIST_MAX)
		return options_bad_value(options, "to be given 64 times at most");
	if (catalogue_add_span(&scratch, options->value, message, sizeof(message)))
		return error_usage(options->command->name, "option '--span': %s", message);
	catalogue_free(scratch);
	arguments->spans[collector->n_spans++] = options->value;
	return KTAX_EXIT_FINE;
}

static int parse_probe(struct collect_arguments *arguments, const struct options *options,
                       int option)
{
	struct collector_options *collector = &arguments->collector;
	uint64_t number;
	int family;

	switch (option) {
	case COLLECT_BUDGET:
		if (option_number(options->value, 0, 100, &collector->budget_pct) < 0)
			return options_bad_value(options, "a percentage, 0 to 100");
		break;
	case COLLECT_HOOKS:
		family = hook_family_by_name(options->value);
		if (family < 0)
			return options_bad_value(options, "any, tp_btf, fentry, kprobe or raw_tp");
		collector->family = family;
		break;
	case COLLECT_DETAIL:
		collector->light = !strcmp(options->value, "light");
		if (!collector->light && strcmp(options->value, "full"))
			return options_bad_value(options, "full or light");
		break;
	case COLLECT_SPAN:
		return parse_span(arguments, options);
	case COLLECT_CATALOGUE:
		collector->no_catalogue = !strcmp(options->value, "none");
		collector->catalogue = options->value;
		break;
	case COLLECT_NO_FRAMING:
		collector->no_framing = true;
		break;
	case COLLECT_CONNECTIONS:
		if (option_integer(options->value, 16, 1 << 20, &number) < 0)
			return options_bad_value(options, "a number, 16 to 1048576");
		collector->max_connections = number;
		break;
	case COLLECT_ENDPOINTS:
		if (option_integer(options->value, 1, 1024, &number) < 0)
			return options_bad_value(options, "a number, 1 to 1024");
		collector->max_endpoints = number;
		break;
	}
	return KTAX_EXIT_FINE;
}

static int parse_slow(struct collect_arguments *arguments, const struct options *options)
{
	if (option_number(options->value, 0, 99.999, &arguments->collector.slow_pct) < 0)
		return options_bad_value(options, "a percentile, 0 to 99.999");
	return KTAX_EXIT_FINE;
}

int collect_option(struct collect_arguments *arguments, const struct options *options, int option)
{
	switch (option) {
	case COLLECT_REQUESTS:
		return parse_requests(options, &arguments->collector.sample_every);
	case COLLECT_SLOW:
		return parse_slow(arguments, options);
	case 'p':
	case COLLECT_PORT:
	case COLLECT_COMM:
	case COLLECT_CGROUP:
		return parse_target(arguments, options, option);
	default:
		return parse_probe(arguments, options, option);
	}
}

static void keep_command_line(struct collect_arguments *arguments, int argc, char **argv)
{
	size_t length = 0, room = sizeof(arguments->command_line);

	length += snprintf(arguments->command_line, room, "ktax");
	for (int i = 0; i < argc && length < room; i++)
		length += snprintf(arguments->command_line + length, room - length, " %s", argv[i]);
	arguments->collector.command_line = arguments->command_line;
}

void collect_begin(struct collect_arguments *arguments, int argc, char **argv)
{
	struct target_spec *spec = &arguments->collector.targets;

	arguments->collector = (struct collector_options){
		.interval_ns = 1000000000,
		.budget_pct = 1,
		.max_connections = 16384,
		.spans = arguments->spans,
	};
	spec->pids = arguments->pids;
	spec->names = arguments->names;
	spec->cgroups = arguments->cgroups;
	spec->ports = arguments->ports;
	keep_command_line(arguments, argc, argv);
}

int collect_check(const struct collect_arguments *arguments, const char *command)
{
	if (arguments->collector.light && arguments->collector.n_spans)
		return error_usage(command, "--span needs --detail full: one span costs more than "
		                            "all of the light set");
	return KTAX_EXIT_FINE;
}
