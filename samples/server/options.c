// SPDX-License-Identifier: GPL-2.0
/* Options as a table for getopt_long, each with its one way to be stored. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define THREADS_MAX  256
#define GC_EVERY_MAX 1000000
#define GC_US_MAX    1000000

static const char help_text[] =
	"Usage: ktax-sample-server [OPTIONS]\n"
	"A small HTTP/1.1 and JSON server to try ktax on.\n"
	"\n"
	"  --listen ADDR:PORT   default 127.0.0.1:8080; [::]:8080 takes IPv4 and IPv6; port 0: any\n"
	"  --port-file FILE     write the port there once it listens\n"
	"  --json LIBRARY       json-c (default) or jansson\n"
	"  --threads N          event loops, each with its own listening socket (1)\n"
	"  --processes N        preforked processes that share the listening sockets (1)\n"
	"  --workers N          threads that handle and write what the loops have read (0: none)\n"
	"  --pool-writes WHO    worker (default) or reader: who writes where there are workers\n"
	"  --gc-every N         a pause, as of a garbage collector, in each N-th request of a thread (0)\n"
	"  --gc-us N            its length in us (5000)\n"
	"  --io-dir DIR         where io_kb writes (/var/tmp)\n"
	"  --log FILE           the truth about every request, written at the end\n"
	"  --help\n"
	"\n"
	"GET /items?n=50              a JSON list\n"
	"POST /echo                   the JSON body, parsed and dumped again\n"
	"GET /work?PHASE=N&...        does what is asked for, in this order:\n"
	"  spin_us json_us annotate_us syscall_us lock_us io_kb sleep_us\n"
	"  and answers bytes=N by how=write|writev|sendfile in chunks=N with chunk_gap_us=N\n"
	"\n"
	"SIGTERM and SIGINT end it.\n";

void server_options_help(void)
{
	fputs(help_text, stdout);
}

enum option_id {
	OPTION_LISTEN = 256,
	OPTION_PORT_FILE,
	OPTION_JSON,
	OPTION_THREADS,
	OPTION_PROCESSES,
	OPTION_WORKERS,
	OPTION_POOL_WRITES,
	OPTION_GC_EVERY,
	OPTION_GC_US,
	OPTION_IO_DIR,
	OPTION_LOG,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "port-file", required_argument, NULL, OPTION_PORT_FILE },
	{ "json", required_argument, NULL, OPTION_JSON },
	{ "threads", required_argument, NULL, OPTION_THREADS },
	{ "processes", required_argument, NULL, OPTION_PROCESSES },
	{ "workers", required_argument, NULL, OPTION_WORKERS },
	{ "pool-writes", required_argument, NULL, OPTION_POOL_WRITES },
	{ "gc-every", required_argument, NULL, OPTION_GC_EVERY },
	{ "gc-us", required_argument, NULL, OPTION_GC_US },
	{ "io-dir", required_argument, NULL, OPTION_IO_DIR },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

static int parse_count(const char *text, unsigned int min, unsigned int max,
                       unsigned int *ret_count)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (end == text || *end || count < min || count > max) {
		fprintf(stderr, "ktax-sample-server: %s is not a number from %u to %u.\n", text,
		        min, max);
		return -EINVAL;
	}
	*ret_count = (unsigned int)count;
	return 0;
}

static int parse_json(const char *name, struct server_options *options)
{
	options->json = json_library_by_name(name);
	if (options->json)
		return 0;
	fprintf(stderr, "ktax-sample-server: --json is json-c or jansson, not %s.\n", name);
	return -EINVAL;
}

static int parse_pool_writes(const char *who, struct server_options *options)
{
	options->reader_writes = strcmp(who, "reader") == 0;
	if (options->reader_writes || strcmp(who, "worker") == 0)
		return 0;
	fprintf(stderr, "ktax-sample-server: --pool-writes is worker or reader, not %s.\n", who);
	return -EINVAL;
}

static int store(int id, const char *argument, struct server_options *options)
{
	switch (id) {
	case OPTION_LISTEN:
		options->listen = argument;
		return 0;
	case OPTION_PORT_FILE:
		options->port_file = argument;
		return 0;
	case OPTION_JSON:
		return parse_json(argument, options);
	case OPTION_THREADS:
		return parse_count(argument, 1, THREADS_MAX, &options->threads);
	case OPTION_PROCESSES:
		return parse_count(argument, 1, THREADS_MAX, &options->processes);
	case OPTION_WORKERS:
		return parse_count(argument, 0, THREADS_MAX, &options->workers);
	case OPTION_POOL_WRITES:
		return parse_pool_writes(argument, options);
	case OPTION_GC_EVERY:
		return parse_count(argument, 0, GC_EVERY_MAX, &options->gc_every);
	case OPTION_GC_US:
		return parse_count(argument, 0, GC_US_MAX, &options->gc_us);
	case OPTION_IO_DIR:
		options->io_dir = argument;
		return 0;
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

int server_options_parse(int argc, char **argv, struct server_options *ret_options)
{
	struct server_options options = {
		.listen = "127.0.0.1:8080",
		.io_dir = "/var/tmp",
		.json = &json_library_json_c,
		.threads = 1,
		.processes = 1,
		.gc_us = 5000,
	};
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (store(id, optarg, &options))
			return -EINVAL;
	}
	if (optind < argc) {
		fprintf(stderr, "ktax-sample-server: it takes no argument, but got %s.\n",
		        argv[optind]);
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}
