// SPDX-License-Identifier: GPL-2.0
/*
 * TCP without the kernel's: frames come and go through an AF_XDP socket, and lwIP, in this process
 * and called by nobody else, makes byte streams of them. It spins on the receive ring.
 *
 * lwIP hands out data within its own call for the frame that brought it (on_data), where it goes
 * into the connection's buffer; records are taken from the buffers afterwards, so that nothing but
 * these buffers changes under lwIP. A buffer has room for lwIP's whole window, and the window opens
 * again when records are taken.
 *
 * A received frame is a pbuf of lwIP's without being copied; it goes back to the fill ring when
 * lwIP frees it. What is sent is copied, into frames of the other half of the memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <immintrin.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <net/if.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lwip_path.h"
#include "record.h"
#include "sentence.h"
#include "socket.h"
#include "xsk.h"

#define CONNECTIONS  256
#define RECEIVED     (XSK_FRAMES / 2) /* frames that are received into: the first half */
#define MTU          1500
#define TIMERS_EVERY 1024 /* receive calls: reading the clock costs more than an empty one */

struct connection {
	struct path *path;
	struct tcp_pcb *pcb; /* NULL: free */
	uint32_t generation; /* how many were here before */
	struct record_buffer in;
	bool is_ready; /* in path->ready */
	bool ended;    /* by its peer */
};

/* A received frame while it is lwIP's. */
struct frame_pbuf {
	struct pbuf_custom pbuf;
	struct path *path;
};

struct path {
	struct xsk xsk;
	struct netif netif;
	struct eth_addr peer;
	struct tcp_pcb *listener;
	struct frame_pbuf frame[XSK_FRAMES];  /* by number */
	uint64_t free[XSK_FRAMES - RECEIVED]; /* to send from */
	unsigned int n_free;
	unsigned int calls;
	uint32_t max_size;
	struct connection connection[CONNECTIONS];
	struct connection *ready[CONNECTIONS]; /* those with something to look at: a ring */
	unsigned int first_ready, n_ready;
	struct socket_slots slots;
	uint64_t slot_key[SOCKET_SLOTS]; /* where its message came from */
	struct path_stats stats;
};

/* ---- Connections ---------------------------------------------------------------------------- */

/* Tells a connection from a later one in its place. */
static uint64_t key_of(const struct connection *connection)
{
	return (uint64_t)(connection - connection->path->connection) << 32 | connection->generation;
}

/* NULL: it is closed. */
static struct connection *find_connection(struct path *path, uint64_t key)
{
	struct connection *connection = &path->connection[key >> 32];

	return connection->pcb && connection->generation == (uint32_t)key ? connection : NULL;
}

static void set_ready(struct connection *connection)
{
	struct path *path = connection->path;

	if (connection->is_ready)
		return;
	connection->is_ready = true;
	path->ready[(path->first_ready + path->n_ready++) % CONNECTIONS] = connection;
}

/* Its place is free; it may still be in path->ready. */
static void forget(struct connection *connection)
{
	record_buffer_free(&connection->in);
	connection->pcb = NULL;
	connection->ended = false;
	connection->generation++;
}

/* Not within a call of lwIP's. */
static void close_connection(struct connection *connection)
{
	struct tcp_pcb *pcb = connection->pcb;

	forget(connection);
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
	struct connection *connection = context;
	uint8_t *at;

	set_ready(connection);
	if (!data) {
		connection->ended = true;
		return ERR_OK;
	}
	if (record_make_room(&connection->in, &at) < data->tot_len)
		return ERR_MEM; /* beyond the window: lwIP keeps it */
	connection->in.end += pbuf_copy_partial(data, at, data->tot_len, 0);
	pbuf_free(data);
	return ERR_OK;
}

static struct connection *free_connection(struct path *path)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (!path->connection[i].pcb)
			return &path->connection[i];
	return NULL;
}

/* One that there is no room for is reset. */
static err_t on_connection(void *context, struct tcp_pcb *pcb, err_t error)
{
	struct path *path = context;
	struct connection *connection = free_connection(path);

	if (error != ERR_OK || !pcb)
		return ERR_VAL;
	if (!connection || record_buffer_init(&connection->in, TCP_WND)) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	connection->path = path;
	connection->pcb = pcb;
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, connection);
	tcp_recv(pcb, on_data);
	tcp_err(pcb, on_error);
	return ERR_OK;
}

/* ---- Frames --------------------------------------------------------------------------------- */

static void on_freed(struct pbuf *pbuf)
{
	struct frame_pbuf *frame = (struct frame_pbuf *)pbuf;
	struct path *path = frame->path;

	xsk_refill_one(&path->xsk, (uint64_t)(frame - path->frame) * XSK_FRAME_SIZE);
}

/* Gives a frame to lwIP. Answers go back to the station that it came from, without ARP. */
static void put_frame(struct path *path, const struct xdp_desc *received)
{
	uint8_t *data = xsk_data(&path->xsk, received->addr);
	struct frame_pbuf *frame = &path->frame[received->addr / XSK_FRAME_SIZE];
	struct pbuf *pbuf;

	frame->path = path;
	frame->pbuf.custom_free_function = on_freed;
	pbuf = pbuf_alloced_custom(PBUF_RAW, (uint16_t)received->len, PBUF_REF, &frame->pbuf, data,
	                           (uint16_t)received->len);
	if (!pbuf || received->len < sizeof(struct eth_hdr)) {
		xsk_refill_one(&path->xsk, received->addr);
		return;
	}
	memcpy(&path->peer, ((struct eth_hdr *)data)->src.addr, sizeof(path->peer));
	if (path->netif.input(pbuf, &path->netif) != ERR_OK)
		pbuf_free(pbuf);
}

/* Queues a frame; it leaves with xsk_kick. One that there is no room for, TCP sends again. */
static err_t put_out(struct netif *netif, struct pbuf *pbuf)
{
	struct path *path = netif->state;
	uint64_t address;

	path->n_free += xsk_reap(&path->xsk, path->free + path->n_free,
	                         XSK_FRAMES - RECEIVED - path->n_free);
	if (!path->n_free)
		return ERR_MEM;
	address = path->free[path->n_free - 1];
	pbuf_copy_partial(pbuf, xsk_data(&path->xsk, address), pbuf->tot_len, 0);
	if (!xsk_queue(&path->xsk, address, pbuf->tot_len))
		return ERR_MEM;
	path->n_free--;
	return ERR_OK;
}

static err_t put_out_ip4(struct netif *netif, struct pbuf *pbuf, const ip4_addr_t *to)
{
	struct path *path = netif->state;

	return ethernet_output(netif, pbuf, (struct eth_addr *)netif->hwaddr, &path->peer,
	                       ETHTYPE_IP);
}

static err_t put_out_ip6(struct netif *netif, struct pbuf *pbuf, const ip6_addr_t *to)
{
	struct path *path = netif->state;

	return ethernet_output(netif, pbuf, (struct eth_addr *)netif->hwaddr, &path->peer,
	                       ETHTYPE_IPV6);
}

/* Lets lwIP see what has come in, and sends what it says to that. */
static void run_stack(struct path *path)
{
	struct xdp_desc frames[PATH_BURST];
	unsigned int n = xsk_receive(&path->xsk, frames, PATH_BURST);

	for (unsigned int i = 0; i < n; i++)
		put_frame(path, &frames[i]);
	if (++path->calls % TIMERS_EVERY == 0)
		sys_check_timeouts();
	xsk_kick(&path->xsk);
	if (!n && xsk_ring_prod__needs_wakeup(&path->xsk.fill))
		xsk_wake(&path->xsk);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static void stream_close(struct path *path)
{
	if (!path)
		return;
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (path->connection[i].pcb)
			close_connection(&path->connection[i]);
	if (path->listener)
		tcp_close(path->listener);
	if (path->xsk.socket) {
		xsk_kick(&path->xsk);
		netif_remove(&path->netif);
	}
	xsk_close(&path->xsk);
	socket_slots_free(&path->slots);
	free(path);
}

/*
 * Nobody is asked for an address: the frames of ARP and of IPv6's neighbour discovery go to the
 * kernel. lwIP takes IPv4 only from where it speaks ARP, and announces itself once.
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
	netif->ip6_autoconfig_enabled = 0;
	netif->rs_count = 0;
	return ERR_OK;
}

static int read_mac(const char *interface, struct netif *netif)
{
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		err = -errno;
	close(fd);
	memcpy(netif->hwaddr, request.ifr_hwaddr.sa_data, ETH_HWADDR_LEN);
	netif->hwaddr_len = ETH_HWADDR_LEN;
	return err;
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
	err = read_mac(config->interface, &path->netif);
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

static int stream_open(const struct path_config *config, struct path **ret_path, char *why,
                       size_t why_size)
{
	const struct xsk_config options = { .interface = config->interface,
		                            .port = config->port,
		                            .tcp = true };
	struct path *path = calloc(1, sizeof(*path));
	int err;

	if (!path || socket_slots_init(&path->slots, RECORD_LENGTH_BYTES + config->max_size)) {
		free(path);
		return sentence(why, why_size, -ENOMEM, "out of memory");
	}
	path->max_size = config->max_size;
	err = xsk_open(&path->xsk, &options, why, why_size);
	if (err) {
		stream_close(path);
		return err;
	}
	for (uint64_t i = RECEIVED; i < XSK_FRAMES; i++)
		path->free[path->n_free++] = i * XSK_FRAME_SIZE;
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

/* ---- Receiving ------------------------------------------------------------------------------ */

/* Copies a whole record into @slot. False: it is no request. */
static bool take_record(struct connection *connection, uint32_t length, uint32_t slot,
                        struct path_message *message)
{
	struct path *path = connection->path;
	uint8_t *record = path->slots.slot[slot].payload.iov_base;

	memcpy(record, record_take(&connection->in, length), RECORD_LENGTH_BYTES + length);
	tcp_recved(connection->pcb, (uint16_t)(RECORD_LENGTH_BYTES + length));
	path->slot_key[slot] = key_of(connection);
	*message = (struct path_message){ record + RECORD_LENGTH_BYTES, length, slot };
	return frame_payload_mark(message->payload, length);
}

/* The connection's next message. False: it has none, or is closed, or slots are used up. */
static bool take_message(struct connection *connection, struct path_message *message)
{
	struct path *path = connection->path;
	int64_t length;
	int slot;

	while (connection->pcb && (length = record_next(&connection->in, path->max_size))) {
		if (length < 0) {
			path->stats.foreign++;
			close_connection(connection);
			return false;
		}
		slot = socket_slot_take(&path->slots);
		if (slot < 0)
			return false;
		if (take_record(connection, (uint32_t)length, (uint32_t)slot, message))
			return true;
		path->stats.foreign++;
		socket_slot_release(&path->slots, (uint32_t)slot);
	}
	if (connection->pcb && connection->ended)
		close_connection(connection);
	return false;
}

static int stream_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	unsigned int taken = 0;

	run_stack(path);
	while (taken < n && path->n_ready && path->slots.n_free) {
		struct connection *connection = path->ready[path->first_ready];

		if (take_message(connection, &messages[taken])) {
			taken++;
		} else if (path->slots.n_free) {
			connection->is_ready = false;
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

/* lwIP takes a record whole or not at all; a peer that takes none for SOCKET_WAIT_MS is cut off. */
static bool write_record(struct path *path, uint64_t key, const uint8_t *record, size_t size)
{
	struct connection *connection;
	uint32_t start_ms = 0;
	err_t error;

	while ((connection = find_connection(path, key))) {
		error = tcp_write(connection->pcb, record, (uint16_t)size, TCP_WRITE_FLAG_COPY);
		if (error == ERR_OK)
			return true;
		if (!start_ms)
			start_ms = sys_now();
		if (error != ERR_MEM || sys_now() - start_ms > SOCKET_WAIT_MS) {
			close_connection(connection);
			return false;
		}
		tcp_output(connection->pcb);
		run_stack(path);
	}
	return false;
}

static void output(struct path *path, uint32_t slot)
{
	struct connection *connection = find_connection(path, path->slot_key[slot]);

	if (connection)
		tcp_output(connection->pcb);
}

static int stream_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t slot = messages[i].slot;
		uint8_t *record = path->slots.slot[slot].payload.iov_base;
		size_t size = record_set_length(record, messages[i].size);

		if (write_record(path, path->slot_key[slot], record, size))
			path->stats.sent++;
		else
			path->stats.send_failures++;
	}
	for (unsigned int i = 0; i < n; i++) {
		output(path, messages[i].slot);
		socket_slot_release(&path->slots, messages[i].slot);
	}
	xsk_kick(&path->xsk);
	return 0;
}

/*
 * Nothing may be sent after this for long, so it is acknowledged now: the peer would send it again,
 * and more slowly from then on.
 */
static void stream_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct connection *connection =
			find_connection(path, path->slot_key[messages[i].slot]);

		if (connection) {
			tcp_set_flags(connection->pcb, TF_ACK_NOW);
			tcp_output(connection->pcb);
		}
		socket_slot_release(&path->slots, messages[i].slot);
	}
	xsk_kick(&path->xsk);
}

static void stream_stats(struct path *path, struct path_stats *ret_stats)
{
	struct xsk_counts counts;
	char how[64];

	xsk_counts(&path->xsk, &counts);
	xsk_describe(&path->xsk, how, sizeof(how));
	*ret_stats = path->stats;
	ret_stats->ring_drops = counts.ring_drops;
	snprintf(ret_stats->how, sizeof(ret_stats->how), "%s, lwIP %s", how, LWIP_VERSION_STRING);
}

static const struct path_type path_af_xdp_lwip_stream = {
	.name = "af_xdp-lwip",
	.summary = "AF_XDP socket with lwIP's TCP, spinning on its receive ring",
	.polls = true,
	.raw = true,
	.open = stream_open,
	.receive = stream_receive,
	.send = stream_send,
	.drop = stream_drop,
	.stats = stream_stats,
	.close = stream_close,
};

const struct path_type path_af_xdp_lwip = {
	.name = "af_xdp-lwip",
	.summary = "AF_XDP socket with lwIP's TCP, spinning on its receive ring",
	.polls = true,
	.raw = true,
	.stream = &path_af_xdp_lwip_stream,
};
