/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the frames of a TCP stack in this process come from and go to: an AF_XDP socket, or a port
 * of DPDK. The stack (lwip.c) knows nothing of these, nor they of it.
 *
 * A received frame has a number, and is the stack's until it is released.
 */
#ifndef KTAX_PATH_FRAME_IO_H
#define KTAX_PATH_FRAME_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"

struct frame_io; /* each type's own */

struct frame_io_received {
	uint8_t *data;
	uint32_t size;
	uint32_t number; /* below frame_io_type.numbers */
};

struct frame_io_type {
	unsigned int numbers;
	/* As path_type.open. TCP of the configured port comes in, and what else there is may. */
	int (*open)(const struct path_config *config, struct frame_io **ret_io, char *why,
	            size_t why_size);
	/* The interface's own address; a negative errno. */
	int (*mac)(struct frame_io *io, uint8_t mac[6]);
	/* What has come in, at most @n frames; does not wait. */
	unsigned int (*receive)(struct frame_io *io, struct frame_io_received *frames,
	                        unsigned int n);
	void (*release)(struct frame_io *io, uint32_t number);
	/* Room for a frame of FRAME_MAX bytes to send, the same until it is queued; NULL: none. */
	uint8_t *(*room)(struct frame_io *io);
	/* Queues what was put there; false: it cannot. It leaves with flush, at the latest. */
	bool (*queue)(struct frame_io *io, size_t size);
	void (*flush)(struct frame_io *io);
	/* Received frames that were lost for want of room. */
	uint64_t (*drops)(struct frame_io *io);
	void (*describe)(struct frame_io *io, char *text, size_t size);
	void (*close)(struct frame_io *io);
};

extern const struct frame_io_type frame_io_xsk;
/* The ports of the DPDK paths of the same names. */
extern const struct frame_io_type frame_io_dpdk, frame_io_dpdk_af_packet, frame_io_dpdk_af_xdp;

#endif
