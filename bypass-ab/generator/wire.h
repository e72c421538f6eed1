/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generator's way to the wire, which serves all arms of a run. Over UDP it is raw frames, so
 * that the bytes are the same for each arm, of the kind that costs the least here; over TCP the
 * kernel's sockets.
 */
#ifndef KTAX_WIRE_H
#define KTAX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

struct ports;
struct wire;

struct wire_config {
	const char *interface;         /* of the calling thread's namespace */
	const struct frame_flow *flow; /* of the traffic; all have the same server */
	size_t n_flows;
};

struct wire_type {
	const char *name; /* "AF_XDP", "AF_PACKET", "DPDK" */
	bool reliable;    /* what was sent arrives */
	bool takes_xdp;   /* where it can, it has an XDP program on the interface */
	bool starts_dpdk; /* in the process that opens it (nursery.h) */
	/*
	 * Frames that come back must be from the server's port. As path_type.open for errors and
	 * @why.
	 */
	int (*open)(const struct wire_config *config, struct wire **ret_wire, char *why,
	            size_t why_size);
	/* Sends one frame of the traffic at once; -EAGAIN: no room. */
	int (*send)(struct wire *wire, const uint8_t *frame, size_t size);
	/*
	 * Looks at what has come in without waiting, at most @most frames or records; calls @visit
	 * for the mark of each that has one. Returns how many it has looked at.
	 */
	int (*receive)(struct wire *wire, unsigned int most,
	               void (*visit)(void *context, const struct frame_mark *mark), void *context);
	uint64_t (*drops)(struct wire *wire); /* frames lost on the way up so far */
	void (*close)(struct wire *wire);
};

extern const struct wire_type wire_af_xdp, wire_packet;
/* DPDK on an interface of the kernel's: by its AF_XDP driver, or the one of packet sockets. */
extern const struct wire_type wire_dpdk;
/* For in_memory paths: @interface is the socket's name, and the responder opens its path first. */
extern const struct wire_type wire_memif;
/*
 * A connection of the kernel's per flow, WIRE_TCP_FLOWS at most, over which the UDP payloads of
 * frames are sent as records (path.h). The interface has the client's address, and the server is
 * listening and serves while this is opened.
 */
extern const struct wire_type wire_tcp;

#define WIRE_TCP_FLOWS 256

/* All of them, NULL at the end; the one called @name in any case of letters, or NULL. */
extern const struct wire_type *const wire_types[];
const struct wire_type *wire_by_name(const char *name);

/*
 * The kind that takes the least time to send a frame of @flow on @ports, or on test links of its
 * own if that is NULL: tried for some 20 ms each, in a process of its own, while nobody answers. One
 * that stands after another in wire_types has to take a tenth less. -EOPNOTSUPP: none of them can.
 */
int wire_choose(const struct frame_flow *flow, const struct ports *ports,
                const struct wire_type **ret_type, char *why, size_t why_size);

#endif
