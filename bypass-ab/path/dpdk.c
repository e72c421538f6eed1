// SPDX-License-Identifier: GPL-2.0
/*
 * DPDK: the process polls the queues of a port by a driver of its own. The variants are ports:
 *
 *	dpdk            a NIC that is bound to a driver for user space, past the kernel altogether
 *	dpdk-af_packet  an interface of the kernel's through a packet socket
 *	dpdk-af_xdp     the same through an AF_XDP socket
 *	dpdk-pair       memory shared with the generator, which is DPDK too (memif)
 *
 * In the two in the middle the kernel's driver still moves every frame: they show what DPDK's
 * interface costs, not what bypassing the kernel gives, and say so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "dpdk.h"
#include "dpdk_port.h"
#include "sentence.h"

struct path {
	struct dpdk_port port;
	uint16_t udp_port;
	uint64_t received, sent, foreign, failures;
};

/* ---- Opening ------------------------------------------------------------------------------ */

static int open_with(dpdk_port_open_fn open_port, const struct path_config *config,
                     struct path **ret_path, char *why, size_t why_size)
{
	struct path *path = calloc(1, sizeof(*path));
	int err;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = open_port(&path->port, config->interface, why, why_size);
	if (err) {
		free(path);
		return err;
	}
	path->udp_port = config->port;
	*ret_path = path;
	return 0;
}

static int dpdk_open(const struct path_config *config, struct path **ret_path, char *why,
                     size_t why_size)
{
	return open_with(dpdk_port_open_nic, config, ret_path, why, why_size);
}

static int af_packet_open(const struct path_config *config, struct path **ret_path, char *why,
                          size_t why_size)
{
	return open_with(dpdk_port_open_af_packet, config, ret_path, why, why_size);
}

static int af_xdp_open(const struct path_config *config, struct path **ret_path, char *why,
                       size_t why_size)
{
	return open_with(dpdk_port_open_af_xdp, config, ret_path, why, why_size);
}

/* The generator connects to it: @interface is the name of their socket, in no file system. */
static int open_memif(struct dpdk_port *port, const char *interface, char *why, size_t why_size)
{
	char arguments[96];
	const struct dpdk_device device = { "vdev", "net_memif0", arguments,
		                            "memif, no kernel on either side" };

	snprintf(arguments, sizeof(arguments), "role=server,socket-abstract=yes,socket=%s",
	         interface);
	return dpdk_port_open(port, &device, why, why_size);
}

static int pair_open(const struct path_config *config, struct path **ret_path, char *why,
                     size_t why_size)
{
	return open_with(open_memif, config, ret_path, why, why_size);
}

/* ---- Frames ------------------------------------------------------------------------------- */

/* A tag that the driver has taken off is to go back on. */
static void keep_tag(struct rte_mbuf *mbuf)
{
	if (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		mbuf->ol_flags |= RTE_MBUF_F_TX_VLAN;
}

static bool take(struct path *path, struct rte_mbuf *mbuf, struct path_message *message)
{
	const struct frame_mark *mark =
		frame_find_mark(rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->data_len, path->udp_port);
	const struct udphdr *udp = (const struct udphdr *)((const uint8_t *)mark - sizeof(*udp));

	if (!mark) {
		path->foreign++;
		rte_pktmbuf_free(mbuf);
		return false;
	}
	*message = (struct path_message){
		.payload = (void *)mark,
		.size = ntohs(udp->len) - (uint32_t)sizeof(*udp),
		.slot = dpdk_number(mbuf),
	};
	return true;
}

static int dpdk_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	struct rte_mbuf *mbufs[PATH_BURST];
	uint16_t got = rte_eth_rx_burst(path->port.id, 0, mbufs, n < PATH_BURST ? n : PATH_BURST);
	int taken = 0;

	for (uint16_t i = 0; i < got; i++)
		taken += take(path, mbufs[i], &messages[taken]);
	path->received += (uint64_t)taken;
	return taken;
}

static void send_burst(struct path *path, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t sent = dpdk_port_send(&path->port, mbufs, n);

	path->sent += sent;
	path->failures += n - sent;
}

static int dpdk_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	struct rte_mbuf *mbufs[PATH_BURST];
	uint16_t filled = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = path->port.mbuf[messages[i].slot];

		frame_reflect(rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->data_len);
		keep_tag(mbuf);
		mbufs[filled++] = mbuf;
		if (filled == PATH_BURST) {
			send_burst(path, mbufs, filled);
			filled = 0;
		}
	}
	send_burst(path, mbufs, filled);
	return 0;
}

static void dpdk_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		rte_pktmbuf_free(path->port.mbuf[messages[i].slot]);
}

static void dpdk_stats(struct path *path, struct path_stats *ret_stats)
{
	*ret_stats = (struct path_stats){
		.received = path->received,
		.sent = path->sent,
		.foreign = path->foreign,
		.ring_drops = dpdk_port_drops(&path->port),
		.send_failures = path->failures,
	};
	dpdk_port_describe(&path->port, ret_stats->how, sizeof(ret_stats->how));
}

static void dpdk_close(struct path *path)
{
	if (!path)
		return;
	dpdk_port_close(&path->port);
	free(path);
}

const struct path_type path_dpdk = {
	.name = "dpdk",
	.summary = "DPDK poll-mode driver of a NIC that the kernel has given up",
	.polls = true,
	.raw = true,
	.takes_nic = true,
	.open = dpdk_open,
	.receive = dpdk_receive,
	.send = dpdk_send,
	.drop = dpdk_drop,
	.stats = dpdk_stats,
	.close = dpdk_close,
};

const struct path_type path_dpdk_af_packet = {
	.name = "dpdk-af_packet",
	.summary = "DPDK on a packet socket of the kernel; no true bypass",
	.polls = true,
	.raw = true,
	.open = af_packet_open,
	.receive = dpdk_receive,
	.send = dpdk_send,
	.drop = dpdk_drop,
	.stats = dpdk_stats,
	.close = dpdk_close,
};

const struct path_type path_dpdk_af_xdp = {
	.name = "dpdk-af_xdp",
	.summary = "DPDK on an AF_XDP socket of the kernel; no true bypass",
	.polls = true,
	.raw = true,
	.open = af_xdp_open,
	.receive = dpdk_receive,
	.send = dpdk_send,
	.drop = dpdk_drop,
	.stats = dpdk_stats,
	.close = dpdk_close,
};

const struct path_type path_dpdk_pair = {
	.name = "dpdk-pair",
	.summary = "DPDK on both sides of shared memory (memif), without the kernel",
	.polls = true,
	.raw = true,
	.in_memory = true,
	.open = pair_open,
	.receive = dpdk_receive,
	.send = dpdk_send,
	.drop = dpdk_drop,
	.stats = dpdk_stats,
	.close = dpdk_close,
};
