// SPDX-License-Identifier: GPL-2.0
/* Frames by a port of DPDK. A received frame's number is that of its mbuf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "dpdk_port.h"
#include "frame_io.h"
#include "sentence.h"

struct frame_io {
	struct dpdk_port port;
	struct rte_mbuf *next; /* to send in, as room has given it; or NULL */
	struct rte_mbuf *queued[PATH_BURST];
	uint16_t n_queued;
};

static int open_with(dpdk_port_open_fn open_port, const struct path_config *config,
                     struct frame_io **ret_io, char *why, size_t why_size)
{
	struct frame_io *io = calloc(1, sizeof(*io));
	int err;

	if (!io)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = open_port(&io->port, config->interface, why, why_size);
	if (err)
		free(io);
	else
		*ret_io = io;
	return err;
}

static int open_nic(const struct path_config *config, struct frame_io **ret_io, char *why,
                    size_t why_size)
{
	if (!strchr(config->interface, ':')) /* as a PCI address has it */
		return sentence(
			why, why_size, -EOPNOTSUPP,
			"it takes a NIC from the kernel, which ktax ab does not do for TCP");
	return open_with(dpdk_port_open_nic, config, ret_io, why, why_size);
}

static int open_af_packet(const struct path_config *config, struct frame_io **ret_io, char *why,
                          size_t why_size)
{
	return open_with(dpdk_port_open_af_packet, config, ret_io, why, why_size);
}

static int open_af_xdp(const struct path_config *config, struct frame_io **ret_io, char *why,
                       size_t why_size)
{
	return open_with(dpdk_port_open_af_xdp, config, ret_io, why, why_size);
}

static int io_mac(struct frame_io *io, uint8_t mac[6])
{
	struct rte_ether_addr address;
	int err = rte_eth_macaddr_get(io->port.id, &address);

	if (!err)
		memcpy(mac, address.addr_bytes, sizeof(address.addr_bytes));
	return err;
}

static unsigned int io_receive(struct frame_io *io, struct frame_io_received *frames,
                               unsigned int n)
{
	struct rte_mbuf *mbufs[PATH_BURST];
	uint16_t got = rte_eth_rx_burst(io->port.id, 0, mbufs, n < PATH_BURST ? n : PATH_BURST);

	for (uint16_t i = 0; i < got; i++)
		frames[i] = (struct frame_io_received){
			.data = rte_pktmbuf_mtod(mbufs[i], uint8_t *),
			.size = mbufs[i]->data_len,
			.number = dpdk_number(mbufs[i]),
		};
	return got;
}

static void io_release(struct frame_io *io, uint32_t number)
{
	rte_pktmbuf_free(io->port.mbuf[number]);
}

static uint8_t *io_room(struct frame_io *io)
{
	if (!io->next)
		io->next = rte_pktmbuf_alloc(io->port.pool);
	return io->next ? rte_pktmbuf_mtod(io->next, uint8_t *) : NULL;
}

/* What does not leave is lost, and TCP sends it again. */
static void io_flush(struct frame_io *io)
{
	if (io->n_queued)
		dpdk_port_send(&io->port, io->queued, io->n_queued);
	io->n_queued = 0;
}

static bool io_queue(struct frame_io *io, size_t size)
{
	if (io->n_queued == PATH_BURST)
		io_flush(io);
	io->next->data_len = (uint16_t)size;
	io->next->pkt_len = (uint32_t)size;
	io->queued[io->n_queued++] = io->next;
	io->next = NULL;
	return true;
}

static uint64_t io_drops(struct frame_io *io)
{
	return dpdk_port_drops(&io->port);
}

static void io_describe(struct frame_io *io, char *text, size_t size)
{
	dpdk_port_describe(&io->port, text, size);
}

static void io_close(struct frame_io *io)
{
	rte_pktmbuf_free(io->next); /* NULL is fine */
	dpdk_port_close(&io->port);
	free(io);
}

#define COMMON                                                                                     \
	.numbers = DPDK_MBUFS, .mac = io_mac, .receive = io_receive, .release = io_release,        \
	.room = io_room, .queue = io_queue, .flush = io_flush, .drops = io_drops,                  \
	.describe = io_describe, .close = io_close

const struct frame_io_type frame_io_dpdk = { .open = open_nic, COMMON };
const struct frame_io_type frame_io_dpdk_af_packet = { .open = open_af_packet, COMMON };
const struct frame_io_type frame_io_dpdk_af_xdp = { .open = open_af_xdp, COMMON };
