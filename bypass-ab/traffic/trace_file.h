/* SPDX-License-Identifier: GPL-2.0 */
/* A capture file, packet by packet, with the headers read (libpcap). */
#ifndef KTAX_TRACE_FILE_H
#define KTAX_TRACE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "flow_table.h"
#include "frame.h"

struct trace_file; /* opaque */

struct trace_packet {
	enum frame_class class;
	/* Of FRAME_UDP. */
	uint64_t at_ns; /* since the epoch */
	struct flow_key flow;
	size_t payload_size;
	bool truncated; /* not all of it was captured */
	bool vlan;
};

/* Errors as of traffic_replay. @ret_sha256: of the whole file, in hexadecimal. */
int trace_open(const char *path, struct trace_file **ret_file, char ret_sha256[65], char *why,
               size_t why_size);
/* 1: a packet; 0: the end; or -EBADMSG with a sentence. */
int trace_next(struct trace_file *file, struct trace_packet *ret_packet, char *why,
               size_t why_size);
void trace_close(struct trace_file *file); /* NULL is fine */

#endif
