// SPDX-License-Identifier: GPL-2.0
/*
 * TCP without the kernel's: frames come and go through an AF_XDP socket or a port of DPDK
 * (frame_io.h), and lwIP, in this process and called by nobody else, makes byte streams of them. It
 * spins on what it receives from.
 *
 * lwIP hands out data within its own call for the frame that brought it (on_data), where it goes
 * into the connection's buffer; records are taken from the buffers afterwards, so that nothing but
 * these buffers changes under lwIP. A buffer has room for lwIP's whole window, and the window opens
 * again when records are taken.
 *
 * A received frame is a pbuf of lwIP's without being copied; it is released when lwIP frees it.
 * What is sent is copied.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <immintrin.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"
#include "frame_io.h"
#include "lwip_path.h"
#include "sentence.h"

#define MTU          1500
#define TIMERS_EVERY 1024 /* receive calls: reading the clock costs more than an empty one */

/* The peer of a connection, by the connection's number. */
struct peer {
	struct path *path;
	struct tcp_pcb *pcb;
	bool is_ready; /* in path->ready */
	bool ended;    /* it has ended the connection */
};

/* A received frame while it is lwIP's. */
struct frame_pbuf {
	struct pbuf_custom pbuf;
	struct path *path;
};

struct path {
	const struct frame_io_type *io_type;
	struct frame_io *io;
	struct netif netif;
	bool has_netif;
	struct eth_addr station; /* the frames come from */
	struct tcp_pcb *listener;
	struct frame_pbuf *frame; /* by number */
	unsigned int calls;
	struct connections connections;
	struct peer peer[CONNECTIONS];
	int ready[CONNECTIONS]; /* numbers of those with something to look at: a ring */
	unsigned int first_ready, n_ready;
	struct path_stats stats;
};

/* ---- Connections ---------------------------------------------------------------------------- */

static int number_of(const struct peer *peer)
{
	return (int)(peer - peer->path->peer);
}

static void set_ready(struct peer *peer)
{
	struct path *path = peer->path;

	if (peer->is_ready)
		return;
	peer->is_ready = true;
	path->ready[(path->first_ready + path->n_ready++) % CONNECTIONS] = number_of(peer);
}

/* Its number is free; it may still be in path->ready. */
static void forget(struct peer *peer)
{
	connections_remove(&peer->path->connections, number_of(peer));
	peer->pcb = NULL;
	peer->ended = false;
}

/* Not within a call of lwIP's. */
static void close_connection(struct path *path, int number)
{
	struct tcp_pcb *pcb = path->peer[number].pcb;

	forget(&path->peer[number]);
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_err(pcb, NULL);
	if (tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

/* lwIP has freed it: it was reset, or timed out. */
static void on_error(void *context, err_t error)
{
	forget(context);
}

/* @data NULL: the peer has ended the connection. */
static err_t on_data(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
	struct peer *peer = context;
	struct record_buffer *in = &peer->path->connections.at[number_of(peer)].in;
	uint8_t *at;

	set_ready(peer);
	if (!data) {
		peer->ended = true;
		return ERR_OK;
	}
	if (record_make_room(in, &at) < data->tot_len)
		return ERR_MEM; /* beyond the window: lwIP keeps it */
	in->end += pbuf_copy_partial(data, at, data->tot_len, 0);
	pbuf_free(data);
	return ERR_OK;
}

/* One that there is no room for is reset. */
static err_t on_connection(void *context, struct tcp_pcb *pcb, err_t error)
{
	struct path *path = context;
	struct peer *peer;
	int number;

	if (error != ERR_OK || !pcb)
		return ERR_VAL;
	number = connections_add(&path->connections, TCP_WND);
	if (number < 0) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	peer = &path->peer[number];
	peer->path = path;
	peer->pcb = pcb;
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, peer);
	tcp_recv(pcb, on_data);
	tcp_err(pcb, on_error);
	return ERR_OK;
}

/* ---- Frames --------------------------------------------------------------------------------- */

static void on_freed(struct pbuf *pbuf)
{
	struct frame_pbuf *frame = (struct frame_pbuf *)pbuf;
	struct path *path = frame->path;

	path->io_type->release(path->io, (uint32_t)(frame - path->frame));
}

/* Answers go back to the station that a frame for this one came from, without ARP. */
static void note_station(struct path *path, const struct eth_hdr *header)
{
	if (!memcmp(header->dest.addr, path->netif.hwaddr, ETH_HWADDR_LEN))
		memcpy(&path->station, header->src.addr, sizeof(path->station));
}

/* Gives a frame to lwIP. */
static void put_frame(struct path *path, const struct frame_io_received *received)
{
	struct frame_pbuf *frame = &path->frame[received->number];
	uint16_t size = (uint16_t)received->size;
	struct pbuf *pbuf;

	frame->path = path;
	frame->pbuf.custom_free_function = on_freed;
	pbuf = pbuf_alloced_custom(PBUF_RAW, size, PBUF_REF, &frame->pbuf, received->data, size);
	if (!pbuf || size < sizeof(struct eth_hdr)) {
		path->io_type->release(path->io, received->number);
		return;
	}
	note_station(path, (const struct eth_hdr *)received->data);
	if (path->netif.input(pbuf, &path->netif) != ERR_OK)
		pbuf_free(pbuf);
}

/* One that there is no room for, TCP sends again. */
static err_t put_out(struct netif *netif, struct pbuf *pbuf)
{
	struct path *path = netif->state;
	uint8_t *room = path->io_type->room(path->io);

	if (!room)
		return ERR_MEM;
	pbuf_copy_partial(pbuf, room, pbuf->tot_len, 0);
	return path->io_type->queue(path->io, pbuf->tot_len) ? ERR_OK : ERR_MEM;
}

static err_t put_out_ip4(struct netif *netif, struct pbuf *pbuf, const ip4_addr_t *to)
{
	struct path *path = netif->state;

	return ethernet_output(netif, pbuf, (struct eth_addr *)netif->hwaddr, &path->station,
	                       ETHTYPE_IP);
}

static err_t put_out_ip6(struct netif *netif, struct pbuf *pbuf, const ip6_addr_t *to)
{
	struct path *path = netif->state;

	return ethernet_output(netif, pbuf, (struct eth_addr *)netif->hwaddr, &path->station,
	                       ETHTYPE_IPV6);
}

/* Lets lwIP see what has come in, and sends what it says to that. */
static void run_stack(struct path *path)
{
	struct frame_io_received frames[PATH_BURST];
	unsigned int n = path->io_type->receive(path->io, frames, PATH_BURST);

	for (unsigned int i = 0; i < n; i++)
		put_frame(path, &frames[i]);
	if (++path->calls % TIMERS_EVERY == 0)
		sys_check_timeouts();
	path->io_type->flush(path->io);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static void stream_close(struct path *path)
{
	if (!path)
		return;
	for (int i = 0; i < CONNECTIONS; i++)
		if (path->connections.at[i].is_open)
			close_connection(path, i);
	if (path->listener)
		tcp_close(path->listener);
	if (path->has_netif)
		netif_remove(&path->netif);
	if (path->io) {
		path->io_type->flush(path->io);
		path->io_type->close(path->io);
	}
	connections_free(&path->connections);
	free(path->frame);
	free(path);
}

/*
 * Nobody is asked for an address. With AF_XDP the frames of ARP and of IPv6's neighbour discovery
 * go to the kernel, with DPDK to lwIP, which answers them. It takes IPv4 only from where it speaks
 * ARP, and announces itself once.
 */
static err_t set_up_netif(struct netif *netif)
{
	netif->name[0] = 'x';
	netif->name[1] = 'd';
	netif->mtu = netif->mtu6 = MTU;
	netif->flags = NETIF_FLAG_ETHERNET | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
	netif->output = put_out_ip4;
	netif->output_ip6 = put_out_ip6;
	netif->linkoutput = put_out;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	netif->ip6_autoconfig_enabled = 0;
	netif->rs_count = 0;
	return ERR_OK;
}

/* lwIP has one set of everything per process: a second path in one would share it. */
static int start_stack(struct path *path, const struct path_config *config)
{
	ip4_addr_t ip4 = {}, none = {};
	ip6_addr_t ip6 = {};
	s8_t index;
	int err;

	lwip_init();
	if (!socket_is_ipv6(config->local.ip))
		memcpy(&ip4.addr, config->local.ip, sizeof(ip4.addr));
	if (!netif_add(&path->netif, &ip4, &none, &none, path, set_up_netif, ethernet_input))
		return -ENOMEM;
	path->has_netif = true;
	err = path->io_type->mac(path->io, path->netif.hwaddr);
	if (err)
		return err;
	if (socket_is_ipv6(config->local.ip)) {
		memcpy(ip6.addr, config->local.ip, sizeof(ip6.addr));
		if (netif_add_ip6_address(&path->netif, &ip6, &index) != ERR_OK)
			return -EADDRNOTAVAIL;
		netif_ip6_addr_set_state(&path->netif, index, IP6_ADDR_PREFERRED);
	}
	netif_set_default(&path->netif);
	netif_set_up(&path->netif);
	return 0;
}

static int start_listening(struct path *path, uint16_t port)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY), *listener;

	if (!pcb)
		return -ENOMEM;
	if (tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK || !(listener = tcp_listen(pcb))) {
		tcp_abort(pcb);
		return -EADDRINUSE;
	}
	path->listener = listener;
	tcp_arg(listener, path);
	tcp_accept(listener, on_connection);
	return 0;
}

/* What it needs besides frames. */
static struct path *stream_new(const struct frame_io_type *io_type, uint32_t max_size)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	path->io_type = io_type;
	path->frame = calloc(io_type->numbers, sizeof(*path->frame));
	if (!path->frame || connections_init(&path->connections, max_size)) {
		free(path->frame);
		free(path);
		return NULL;
	}
	return path;
}

static int open_over(const struct frame_io_type *io_type, const struct path_config *config,
                     struct path **ret_path, char *why, size_t why_size)
{
	struct path *path = stream_new(io_type, config->max_size);
	int err;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = io_type->open(config, &path->io, why, why_size);
	if (err) {
		stream_close(path);
		return err;
	}
	err = start_stack(path, config);
	if (!err)
		err = start_listening(path, config->port);
	if (err) {
		stream_close(path);
		return sentence(why, why_size, err, "lwIP does not start: %s", strerror(-err));
	}
	*ret_path = path;
	return 0;
}

static int af_xdp_open(const struct path_config *config, struct path **ret_path, char *why,
                       size_t why_size)
{
	return open_over(&frame_io_xsk, config, ret_path, why, why_size);
}

static int dpdk_open(const struct path_config *config, struct path **ret_path, char *why,
                     size_t why_size)
{
	return open_over(&frame_io_dpdk, config, ret_path, why, why_size);
}

static int dpdk_af_packet_open(const struct path_config *config, struct path **ret_path, char *why,
                               size_t why_size)
{
	return open_over(&frame_io_dpdk_af_packet, config, ret_path, why, why_size);
}

static int dpdk_af_xdp_open(const struct path_config *config, struct path **ret_path, char *why,
                            size_t why_size)
{
	return open_over(&frame_io_dpdk_af_xdp, config, ret_path, why, why_size);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* The connection's next message. False: it has none, or is closed, or slots are used up. */
static bool take_message(struct path *path, int number, struct path_message *message)
{
	const struct record_buffer *in = &path->connections.at[number].in;
	struct peer *peer = &path->peer[number];
	size_t begin = in->begin;
	int taken;

	if (!peer->pcb)
		return false;
	taken = connections_take(&path->connections, number, message);
	if (in->begin > begin)
		tcp_recved(peer->pcb, (uint16_t)(in->begin - begin));
	if (taken < 0 || (!taken && peer->ended && path->connections.slots.n_free))
		close_connection(path, number);
	return taken > 0;
}

static int stream_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	const struct socket_slots *slots = &path->connections.slots;
	unsigned int taken = 0;

	run_stack(path);
	while (taken < n && path->n_ready && slots->n_free) {
		int number = path->ready[path->first_ready];

		if (take_message(path, number, &messages[taken])) {
			taken++;
		} else if (slots->n_free) {
			path->peer[number].is_ready = false;
			path->first_ready = (path->first_ready + 1) % CONNECTIONS;
			path->n_ready--;
		}
	}
	if (!taken)
		_mm_pause();
	path->stats.received += taken;
	return (int)taken;
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* lwIP takes a record whole or not at all; a peer that takes none is cut off in the end. */
static bool write_record(struct path *path, const struct path_message *message)
{
	struct iovec record = connections_answer(&path->connections, message->slot, message->size);
	uint32_t start_ms = 0;
	err_t error;
	int number;

	while ((number = connections_of_slot(&path->connections, message->slot)) >= 0) {
		struct tcp_pcb *pcb = path->peer[number].pcb;

		error = tcp_write(pcb, record.iov_base, (uint16_t)record.iov_len,
		                  TCP_WRITE_FLAG_COPY);
		if (error == ERR_OK)
			return true;
		if (!start_ms)
			start_ms = sys_now();
		if (error != ERR_MEM || sys_now() - start_ms > SOCKET_SEND_WAIT_MS) {
			close_connection(path, number);
			return false;
		}
		tcp_output(pcb);
		run_stack(path);
	}
	return false;
}

/* @flags: of lwIP's connection. */
static void output(struct path *path, const struct path_message *message, tcpflags_t flags)
{
	int number = connections_of_slot(&path->connections, message->slot);

	if (number < 0)
		return;
	tcp_set_flags(path->peer[number].pcb, flags);
	tcp_output(path->peer[number].pcb);
}

static int stream_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (write_record(path, &messages[i]))
			path->stats.sent++;
		else
			path->stats.send_failures++;
	}
	for (unsigned int i = 0; i < n; i++)
		output(path, &messages[i], 0);
	connections_release(&path->connections, messages, n);
	path->io_type->flush(path->io);
	return 0;
}

/*
 * Nothing may be sent after this for long, so it is acknowledged now: the peer would send it again,
 * and more slowly from then on.
 */
static void stream_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		output(path, &messages[i], TF_ACK_NOW);
	connections_release(&path->connections, messages, n);
	path->io_type->flush(path->io);
}

static void stream_stats(struct path *path, struct path_stats *ret_stats)
{
	char how[64];

	path->io_type->describe(path->io, how, sizeof(how));
	*ret_stats = path->stats;
	ret_stats->foreign = path->connections.foreign;
	ret_stats->ring_drops = path->io_type->drops(path->io);
	snprintf(ret_stats->how, sizeof(ret_stats->how), "%s, lwIP %s", how, LWIP_VERSION_STRING);
}

/* A path's two types: over TCP, and, as it has nothing else, that alone. */
#define LWIP_PATH(type, name_, summary_, open_)                                                    \
	static const struct path_type type##_stream = {                                            \
		.name = name_,                                                                     \
		.summary = summary_,                                                               \
		.polls = true,                                                                     \
		.raw = true,                                                                       \
		.open = open_,                                                                     \
		.receive = stream_receive,                                                         \
		.send = stream_send,                                                               \
		.drop = stream_drop,                                                               \
		.stats = stream_stats,                                                             \
		.close = stream_close,                                                             \
	};                                                                                         \
	const struct path_type type = {                                                            \
		.name = name_,                                                                     \
		.summary = summary_,                                                               \
		.polls = true,                                                                     \
		.raw = true,                                                                       \
		.stream = &type##_stream,                                                          \
	}

LWIP_PATH(path_af_xdp_lwip, "af_xdp-lwip",
          "AF_XDP socket with lwIP's TCP, spinning on its receive ring", af_xdp_open);
LWIP_PATH(path_dpdk_lwip, "dpdk-lwip",
          "DPDK poll-mode driver of a NIC that the kernel has given up, with lwIP's TCP",
          dpdk_open);
LWIP_PATH(path_dpdk_af_packet_lwip, "dpdk-packet-lwip",
          "DPDK on a packet socket of the kernel, with lwIP's TCP; no true bypass",
          dpdk_af_packet_open);
LWIP_PATH(path_dpdk_af_xdp_lwip, "dpdk-xdp-lwip",
          "DPDK on an AF_XDP socket of the kernel, with lwIP's TCP; no true bypass",
          dpdk_af_xdp_open);
