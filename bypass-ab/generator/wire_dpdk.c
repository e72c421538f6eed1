// SPDX-License-Identifier: GPL-2.0
/*
 * The generator's DPDK wires: on an interface of the kernel's, and in memory that is shared with a
 * responder that is DPDK too (memif). That one has made the socket: it is opened first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "dpdk_port.h"
#include "link.h"
#include "port.h"
#include "sentence.h"
#include "wire.h"

#define BURST    64
#define SIBLINGS 16 /* an arm each */

struct wire {
	struct dpdk_port port;
	int ns; /* of its interface, in which it has to be closed; -1: it has none */
};

static struct wire *wire_new(int ns)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (wire)
		wire->ns = ns;
	return wire;
}

/* ---- In memory ---------------------------------------------------------------------------- */

static int memif_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                      size_t why_size)
{
	struct wire *wire = wire_new(-1);
	char arguments[96];
	const struct dpdk_device device = { "vdev", "net_memif1", arguments, NULL, 0 };
	int err;

	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	snprintf(arguments, sizeof(arguments), "role=client,socket-abstract=yes,socket=%s",
	         config->interface);
	err = dpdk_port_open(&wire->port, &device, why, why_size);
	if (!err && !dpdk_port_await_link(&wire->port)) {
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

/* ---- On an interface ---------------------------------------------------------------------- */

/* Each port has a name of its own. */
static int open_port(struct dpdk_port *port, const char *driver, const char *format,
                     const char *interface, char *why, size_t why_size)
{
	static unsigned int made;
	char name[32], arguments[64];
	const struct dpdk_device device = { "vdev", name, arguments, NULL, SIBLINGS };

	snprintf(name, sizeof(name), "%s%u", driver, made++);
	snprintf(arguments, sizeof(arguments), format, interface);
	return dpdk_port_open(port, &device, why, why_size);
}

static int wire_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                     size_t why_size)
{
	struct wire *wire = wire_new(link_here());
	int err;

	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = open_port(&wire->port, "net_af_xdp", "iface=%s", config->interface, why, why_size);
	if (err)
		err = open_port(&wire->port, "net_af_packet", "iface=%s,qdisc_bypass=1",
		                config->interface, why, why_size);
	if (err) {
		close(wire->ns);
		free(wire);
		return err;
	}
	*ret_wire = wire;
	return 0;
}

/* ---- Both --------------------------------------------------------------------------------- */

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

/* The driver knows its interface by a number, which is another one's in another namespace. */
static void wire_close(struct wire *wire)
{
	int home;

	if (!wire)
		return;
	home = wire->ns < 0 ? -1 : namespace_visit(wire->ns);
	if (wire->ns < 0 || home >= 0)
		dpdk_port_close(&wire->port);
	if (home >= 0)
		namespace_leave(home);
	if (wire->ns >= 0)
		close(wire->ns);
	free(wire);
}

const struct wire_type wire_memif = {
	.name = "DPDK",
	.starts_dpdk = true,
	.open = memif_open,
	.send = wire_send,
	.receive = wire_receive,
	.drops = wire_drops,
	.close = wire_close,
};

const struct wire_type wire_dpdk = {
	.name = "DPDK",
	.takes_xdp = true,
	.starts_dpdk = true,
	.open = wire_open,
	.send = wire_send,
	.receive = wire_receive,
	.drops = wire_drops,
	.close = wire_close,
};
