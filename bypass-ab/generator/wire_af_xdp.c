// SPDX-License-Identifier: GPL-2.0
/*
 * The generator's AF_XDP wire. The second half of the socket's frames is to send from: they are
 * kept on a stack, so that the one sent last, which is in the cache, is the next.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "wire.h"
#include "xsk.h"

#define SEND_FRAMES (XSK_FRAMES / 2)
#define BURST       64

struct wire {
	struct xsk xsk;
	uint64_t free[SEND_FRAMES];
	unsigned int n_free;
};

static int wire_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                     size_t why_size)
{
	const struct xsk_config options = { .interface = config->interface,
		                            .port = config->flow->server.port,
		                            .from_port = true };
	struct wire *wire = calloc(1, sizeof(*wire));
	int r;

	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	r = xsk_open(&wire->xsk, &options, why, why_size);
	if (r) {
		free(wire);
		return r;
	}
	for (unsigned int i = SEND_FRAMES; i < XSK_FRAMES; i++)
		wire->free[wire->n_free++] = (uint64_t)i * XSK_FRAME_SIZE;
	*ret_wire = wire;
	return 0;
}

static void reap(struct wire *wire)
{
	unsigned int n;

	while ((n = xsk_reap(&wire->xsk, wire->free + wire->n_free, SEND_FRAMES - wire->n_free)))
		wire->n_free += n;
}

static int wire_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	uint64_t address, drops;

	if (size > XSK_FRAME_SIZE)
		return -EMSGSIZE;
	reap(wire);
	if (!wire->n_free) {
		xsk_kick(&wire->xsk);
		return -EAGAIN;
	}
	address = wire->free[wire->n_free - 1];
	memcpy(xsk_data(&wire->xsk, address), frame, size);
	if (!xsk_queue(&wire->xsk, address, (uint32_t)size)) {
		xsk_kick(&wire->xsk);
		return -EAGAIN;
	}
	wire->n_free--;
	drops = wire->xsk.kick_drops;
	xsk_kick(&wire->xsk);
	return wire->xsk.kick_drops == drops ? 0 : -EAGAIN;
}

/* What the driver had no room for, and a driver that waits to be told. */
static void idle(struct wire *wire)
{
	xsk_kick(&wire->xsk);
	if (xsk_ring_prod__needs_wakeup(&wire->xsk.fill))
		xsk_wake(&wire->xsk);
}

static int wire_receive(struct wire *wire, unsigned int most,
                        void (*visit)(void *context, const struct frame_mark *mark), void *context)
{
	struct xdp_desc frames[BURST];
	unsigned int n = xsk_receive(&wire->xsk, frames, most < BURST ? most : BURST);

	if (!n)
		idle(wire);
	for (unsigned int i = 0; i < n; i++) {
		const struct frame_mark *mark =
			frame_find_mark(xsk_data(&wire->xsk, frames[i].addr), frames[i].len, 0);

		if (mark)
			visit(context, mark);
		xsk_refill_one(&wire->xsk, frames[i].addr);
	}
	return (int)n;
}

static uint64_t wire_drops(struct wire *wire)
{
	struct xsk_counts counts;

	xsk_counts(&wire->xsk, &counts);
	return counts.ring_drops;
}

static void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	xsk_close(&wire->xsk);
	free(wire);
}

const struct wire_type wire_af_xdp = {
	.name = "AF_XDP",
	.takes_xdp = true,
	.open = wire_open,
	.send = wire_send,
	.receive = wire_receive,
	.drops = wire_drops,
	.close = wire_close,
};
