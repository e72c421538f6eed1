// SPDX-License-Identifier: GPL-2.0
/* Options as a table for getopt_long, each with its one way to be stored. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"

#define TRICKLE_GAP_US 500

static const char help_text[] =
	"Usage: ktax-sample-load --url URL [OPTIONS]\n"
	"An open-loop HTTP load: requests are due at fixed times, whatever the server does, and\n"
	"their latency counts from then. Responses must have a Content-Length.\n"
	"\n"
	"  --url URL            http://HOST:PORT/PATH?QUERY, HOST a name, IPv4 or [IPv6]\n"
	"  --rate N             requests per second (1000); 0: closed loop, the next when answered\n"
	"  --connections N      they are due on these in turn (16)\n"
	"  --duration SECONDS   (10)\n"
	"  --requests N         end after N requests if that is sooner\n"
	"  --mix FILE           lines of WEIGHT METHOD PATH [BODY] instead of the URL's path\n"
	"  --pipeline N         N requests in one write, N times as rarely (1)\n"
	"  --trickle[=GAP_US]   each write in four parts with gaps (500) between them\n"
	"  --rcvbuf BYTES       SO_RCVBUF, to make a slow reader\n"
	"  --log FILE           the times of every request\n"
	"  --help\n"
	"\n"
	"Prints rate and percentiles. Exit: 0 all answered with 2xx, 1 usage, 2 not so.\n";

void load_options_help(void)
{
	fputs(help_text, stdout);
}

enum option_id {
	OPTION_URL = 256,
	OPTION_RATE,
	OPTION_CONNECTIONS,
	OPTION_DURATION,
	OPTION_REQUESTS,
	OPTION_MIX,
	OPTION_PIPELINE,
	OPTION_TRICKLE,
	OPTION_RCVBUF,
	OPTION_LOG,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "url", required_argument, NULL, OPTION_URL },
	{ "rate", required_argument, NULL, OPTION_RATE },
	{ "connections", required_argument, NULL, OPTION_CONNECTIONS },
	{ "duration", required_argument, NULL, OPTION_DURATION },
	{ "requests", required_argument, NULL, OPTION_REQUESTS },
	{ "mix", required_argument, NULL, OPTION_MIX },
	{ "pipeline", required_argument, NULL, OPTION_PIPELINE },
	{ "trickle", optional_argument, NULL, OPTION_TRICKLE },
	{ "rcvbuf", required_argument, NULL, OPTION_RCVBUF },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

static int parse_real(const char *text, double min, double max, double *ret_value)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min && value <= max)) {
		fprintf(stderr, "ktax-sample-load: %s is not a number from %g to %g.\n", text, min,
		        max);
		return -EINVAL;
	}
	*ret_value = value;
	return 0;
}

static int parse_count(const char *text, double min, double max, unsigned int *ret_count)
{
	double value;
	int error = parse_real(text, min, max, &value);

	if (!error)
		*ret_count = (unsigned int)value;
	return error;
}

static int parse_requests(const char *text, uint64_t *ret_requests)
{
	double value;
	int error = parse_real(text, 1, 1e12, &value);

	if (!error)
		*ret_requests = (uint64_t)value;
	return error;
}

static int parse_trickle(const char *text, struct load_options *options)
{
	options->trickle_gap_us = TRICKLE_GAP_US;
	return text ? parse_count(text, 1, 1e6, &options->trickle_gap_us) : 0;
}

static int store(int id, const char *argument, struct load_options *options)
{
	switch (id) {
	case OPTION_URL:
		options->url = argument;
		return 0;
	case OPTION_RATE:
		return parse_real(argument, 0, 1e7, &options->rate);
	case OPTION_CONNECTIONS:
		return parse_count(argument, 1, 10000, &options->connections);
	case OPTION_DURATION:
		return parse_real(argument, 0.01, 86400, &options->seconds);
	case OPTION_REQUESTS:
		return parse_requests(argument, &options->requests);
	case OPTION_MIX:
		options->mix = argument;
		return 0;
	case OPTION_PIPELINE:
		return parse_count(argument, 1, 1000, &options->pipeline);
	case OPTION_TRICKLE:
		return parse_trickle(argument, options);
	case OPTION_RCVBUF:
		return parse_count(argument, 1, 1 << 30, &options->rcvbuf);
	case OPTION_LOG:
		options->log = argument;
		return 0;
	case OPTION_HELP:
		options->help = true;
		return 0;
	default: /* getopt has said what is wrong */
		return -EINVAL;
	}
}

int load_options_parse(int argc, char **argv, struct load_options *ret_options)
{
	struct load_options options = {
		.rate = 1000,
		.seconds = 10,
		.connections = 16,
		.pipeline = 1,
	};
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (store(id, optarg, &options))
			return -EINVAL;
	}
	if (optind < argc) {
		fprintf(stderr, "ktax-sample-load: it takes no argument, but got %s.\n",
		        argv[optind]);
		return -EINVAL;
	}
	if (!options.url && !options.help) {
		fprintf(stderr, "ktax-sample-load: --url is needed (see --help).\n");
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}
