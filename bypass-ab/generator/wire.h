/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generator's way to the wire: raw frames, so that the bytes are the same for each arm. One
 * kind is chosen per run, by what costs the least here, and serves all of its arms.
 */
#ifndef KTAX_WIRE_H
#define KTAX_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "frame.h"

struct wire;

struct wire_type {
	const char *name; /* "AF_XDP", "AF_PACKET" */
	/*
	 * On @interface of the calling thread's namespace. Frames that come back must be UDP from
	 * @port. As path_type.open for errors and @why.
	 */
	int (*open)(const char *interface, uint16_t port, struct wire **ret_wire, char *why,
	            size_t why_size);
	/* Sends one frame at once; -EAGAIN: no room. */
	int (*send)(struct wire *wire, const uint8_t *frame, size_t size);
	/*
	 * Calls @visit for the frames that have come in, at most @most; returns their number
	 * without waiting.
	 */
	int (*receive)(struct wire *wire, unsigned int most,
	               void (*visit)(void *context, const uint8_t *frame, size_t size),
	               void *context);
	uint64_t (*drops)(struct wire *wire); /* frames lost on the way up so far */
	void (*close)(struct wire *wire);
};

extern const struct wire_type wire_af_xdp, wire_packet;
/* For in_memory paths: @interface is the socket's name, and the responder opens its path first. */
extern const struct wire_type wire_dpdk;

/* All of them, NULL at the end; the one called @name in any case of letters, or NULL. */
extern const struct wire_type *const wire_types[];
const struct wire_type *wire_by_name(const char *name);

/*
 * The kind that takes the least time to send a frame here, tried on test links of its own for some
 * 20 ms each. -EOPNOTSUPP: none of them can.
 */
int wire_choose(const struct frame_flow *flow, const struct wire_type **ret_type, char *why,
                size_t why_size);

#endif
