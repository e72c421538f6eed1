// SPDX-License-Identifier: GPL-2.0
/* Frames by an AF_XDP socket: the first half of its memory to receive into, the rest to send from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_io.h"
#include "interface.h"
#include "sentence.h"
#include "xsk.h"

#define RECEIVED (XSK_FRAMES / 2)
#define TO_SEND  (XSK_FRAMES - RECEIVED)

struct frame_io {
	struct xsk xsk;
	char interface[16];
	uint64_t free[TO_SEND]; /* addresses: a stack */
	unsigned int n_free;
};

static int io_open(const struct path_config *config, struct frame_io **ret_io, char *why,
                   size_t why_size)
{
	const struct xsk_config options = { .interface = config->interface,
		                            .port = config->port,
		                            .tcp = true };
	struct frame_io *io = calloc(1, sizeof(*io));
	int err;

	if (!io)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	snprintf(io->interface, sizeof(io->interface), "%s", config->interface);
	err = xsk_open(&io->xsk, &options, why, why_size);
	if (err) {
		free(io);
		return err;
	}
	for (uint64_t i = RECEIVED; i < XSK_FRAMES; i++)
		io->free[io->n_free++] = i * XSK_FRAME_SIZE;
	*ret_io = io;
	return 0;
}

static void io_close(struct frame_io *io)
{
	xsk_close(&io->xsk);
	free(io);
}

static int io_mac(struct frame_io *io, uint8_t mac[6])
{
	return interface_mac(io->interface, mac);
}

static unsigned int io_receive(struct frame_io *io, struct frame_io_received *frames,
                               unsigned int n)
{
	struct xdp_desc received[PATH_BURST];
	unsigned int got = xsk_receive(&io->xsk, received, n < PATH_BURST ? n : PATH_BURST);

	for (unsigned int i = 0; i < got; i++)
		frames[i] = (struct frame_io_received){
			.data = xsk_data(&io->xsk, received[i].addr),
			.size = received[i].len,
			.number = (uint32_t)(received[i].addr / XSK_FRAME_SIZE),
		};
	if (!got && xsk_ring_prod__needs_wakeup(&io->xsk.fill))
		xsk_wake(&io->xsk);
	return got;
}

static void io_release(struct frame_io *io, uint32_t number)
{
	xsk_refill_one(&io->xsk, (uint64_t)number * XSK_FRAME_SIZE);
}

static uint8_t *io_room(struct frame_io *io)
{
	io->n_free += xsk_reap(&io->xsk, io->free + io->n_free, TO_SEND - io->n_free);
	return io->n_free ? xsk_data(&io->xsk, io->free[io->n_free - 1]) : NULL;
}

static bool io_queue(struct frame_io *io, size_t size)
{
	if (!xsk_queue(&io->xsk, io->free[io->n_free - 1], (uint32_t)size))
		return false;
	io->n_free--;
	return true;
}

static void io_flush(struct frame_io *io)
{
	xsk_kick(&io->xsk);
}

static uint64_t io_drops(struct frame_io *io)
{
	struct xsk_counts counts;

	xsk_counts(&io->xsk, &counts);
	return counts.ring_drops;
}

static void io_describe(struct frame_io *io, char *text, size_t size)
{
	xsk_describe(&io->xsk, text, size);
}

const struct frame_io_type frame_io_xsk = {
	.numbers = XSK_FRAMES,
	.open = io_open,
	.mac = io_mac,
	.receive = io_receive,
	.release = io_release,
	.room = io_room,
	.queue = io_queue,
	.flush = io_flush,
	.drops = io_drops,
	.describe = io_describe,
	.close = io_close,
};
