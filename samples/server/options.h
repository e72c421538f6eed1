/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of ktax-sample-server. */
#ifndef SAMPLES_SERVER_OPTIONS_H
#define SAMPLES_SERVER_OPTIONS_H

#include <stdbool.h>

#include "json.h"

struct server_options {
	const char *listen;
	const char *io_dir;
	const char *log;       /* NULL: none */
	const char *port_file; /* NULL: none */
	const struct json_library *json;
	unsigned int threads, processes, workers;
	unsigned int gc_every, gc_us;
	bool reader_writes;
	bool help;
};

/* Reads the command line. 0, or -EINVAL after saying on stderr what is wrong. */
int server_options_parse(int argc, char **argv, struct server_options *ret_options);
void server_options_help(void);

#endif
