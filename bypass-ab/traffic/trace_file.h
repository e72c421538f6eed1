/* SPDX-License-Identifier: GPL-2.0 */
/* A capture file, packet by packet, with the headers read (libpcap). */
#ifndef KTAX_TRACE_FILE_H
#define KTAX_TRACE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "flow_table.h"
#include "frame.h"

struct trace_file; /* opaque */

/* Whether frames of libpcap's link type @link (DLT_...) are understood. */
bool trace_link_is_known(int link);
/* frame_parse() of such a frame. */
enum frame_class trace_parse(int link, const uint8_t *bytes, size_t length,
                             struct frame_layout *ret_layout);

struct trace_packet {
	enum frame_class class;
	bool tcp; /* of FRAME_NOT_UDP: it has a time and a flow too */
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
