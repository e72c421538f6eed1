/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traffic out of a capture (pcap or pcapng): the packets to a server's UDP port, at the times at
 * which they were captured, on the addresses of the test link.
 *
 * Kept are the gaps, the sizes of the UDP payloads, and which requests were of one flow. Replaced
 * are addresses, ports and contents: the payload begins with the mark. All frames are untagged
 * Ethernet and IPv4, so that an IPv6 request is a frame of 20 bytes less.
 */
#ifndef KTAX_TRACE_H
#define KTAX_TRACE_H

#include "traffic.h"

#define TRACE_SECONDS_MAX 3600 /* of a block */

struct trace_options {
	const char *path;
	uint16_t port; /* of the server: packets to it are requests, packets from it responses */
	double speed;  /* 2: gaps half as long; 1: as they were */
	size_t n_requests; /* of a block; 0: all of them, TRAFFIC_REQUESTS_MAX at most */
	size_t part;       /* which block of n_requests: 0 is the first */
	uint32_t work_ns;
};

/*
 * Makes a block of the trace, and counts in traffic->trace what was not taken as it is. 0 or a
 * negative errno, with a sentence about the file in @why:
 *
 * -ENOENT, -EACCES, -EISDIR ...: cannot be opened; -EINVAL: no regular file, no port or speed;
 * -EBADMSG: no capture, or damaged or cut off; -EPROTONOSUPPORT: a kind of link that is not known;
 * -ENODATA: no requests to that port, or not as many parts; -E2BIG: too many requests or bytes;
 * -ERANGE: the block lasts longer than TRACE_SECONDS_MAX; -ENOMEM.
 *
 * The file is read once from its beginning to its end, the memory taken is 16 bytes per request of
 * the block and its frames.
 */
int traffic_replay(struct traffic *traffic, const struct trace_options *options, char *why,
                   size_t why_size);

#endif
