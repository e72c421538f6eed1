/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of ktax-sample-load. */
#ifndef SAMPLES_LOAD_OPTIONS_H
#define SAMPLES_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct load_options {
	const char *url;
	const char *mix; /* file, NULL: GET of the URL */
	const char *log; /* file, NULL: none */
	double rate;     /* requests per second, 0: closed loop */
	double seconds;
	uint64_t requests; /* end after so many, 0: by time only */
	unsigned int connections;
	unsigned int pipeline;       /* requests sent in one write */
	unsigned int rcvbuf;         /* bytes, 0: the system's default */
	unsigned int trickle_gap_us; /* between the parts of a request, 0: sent in one */
	bool help;
};

/* Reads the command line. 0, or -EINVAL after saying on stderr what is wrong. */
int load_options_parse(int argc, char **argv, struct load_options *ret_options);
void load_options_help(void);

#endif
