/* SPDX-License-Identifier: GPL-2.0 */
/* When the packets of a capture (pcap or pcapng) came to a server's port, TCP and UDP. */
#ifndef KTAX_TRACE_TIMES_H
#define KTAX_TRACE_TIMES_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_TIMES_MAX (64u << 20) /* packets */

struct trace_times {
	uint64_t *at_ns; /* since the epoch, ascending */
	size_t n;
	uint64_t packets;   /* of the file, all of them */
	uint64_t reordered; /* they were not in the order of time */
};

/*
 * Errors as of traffic_replay() (trace.h), with a sentence in @why that does not name the file;
 * -E2BIG: more than TRACE_TIMES_MAX. @ret is to be freed after 0.
 */
int trace_times_read(const char *path, uint16_t port, struct trace_times *ret, char *why,
                     size_t why_size);
void trace_times_free(struct trace_times *times);

#endif
