// SPDX-License-Identifier: GPL-2.0
/*
 * The generator's end of shared memory with a responder that is DPDK too (memif). The responder has
 * made the socket: it is opened first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>

#include "dpdk_port.h"
#include "sentence.h"
#include "wire.h"

#define BURST        64
#define LINK_TRIES   500 /* memif looks for its peer once a second */
#define LINK_WAIT_NS 10000000

struct wire {
	struct dpdk_port port;
};

static bool wait_for_link(const struct dpdk_port *port)
{
	const struct timespec wait = { .tv_nsec = LINK_WAIT_NS };
	struct rte_eth_link link = { 0 };

	for (int i = 0; i < LINK_TRIES; i++) {
		if (!rte_eth_link_get_nowait(port->id, &link) && link.link_status)
			return true;
		nanosleep(&wait, NULL);
	}
	return false;
}

static int wire_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                     size_t why_size)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	char arguments[96];
	const struct dpdk_device device = { "vdev", "net_memif1", arguments, NULL };
	int err;

	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	snprintf(arguments, sizeof(arguments), "role=client,socket-abstract=yes,socket=%s",
	         config->interface);
	err = dpdk_port_open(&wire->port, &device, why, why_size);
	if (!err && !wait_for_link(&wire->port)) {
		dpdk_port_close(&wire->port);
		err = sentence(why, why_size, -ETIMEDOUT, "nobody answers on the memif socket %s",
		               config->interface);
	}
	if (err) {
		free(wire);
		return err;
	}
	*ret_wire = wire;
	return 0;
}

static int wire_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(wire->port.pool);
	char *data = mbuf ? rte_pktmbuf_append(mbuf, (uint16_t)size) : NULL;

	if (!data) {
		rte_pktmbuf_free(mbuf); /* NULL is fine */
		return -EAGAIN;
	}
	memcpy(data, frame, size);
	if (rte_eth_tx_burst(wire->port.id, 0, &mbuf, 1) == 1)
		return 0;
	rte_pktmbuf_free(mbuf);
	return -EAGAIN;
}

static int wire_receive(struct wire *wire, unsigned int most,
                        void (*visit)(void *context, const struct frame_mark *mark), void *context)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t n = rte_eth_rx_burst(wire->port.id, 0, mbufs, most < BURST ? most : BURST);

	for (uint16_t i = 0; i < n; i++) {
		const struct frame_mark *mark = frame_find_mark(
			rte_pktmbuf_mtod(mbufs[i], const uint8_t *), mbufs[i]->data_len, 0);

		if (mark)
			visit(context, mark);
	}
	rte_pktmbuf_free_bulk(mbufs, n);
	return n;
}

static uint64_t wire_drops(struct wire *wire)
{
	struct rte_eth_stats stats = { 0 };

	rte_eth_stats_get(wire->port.id, &stats);
	return stats.imissed + stats.rx_nombuf;
}

static void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	dpdk_port_close(&wire->port);
	free(wire);
}

const struct wire_type wire_dpdk = {
	.name = "DPDK",
	.open = wire_open,
	.send = wire_send,
	.receive = wire_receive,
	.drops = wire_drops,
	.close = wire_close,
};
