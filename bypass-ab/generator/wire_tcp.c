// SPDX-License-Identifier: GPL-2.0
/*
 * A TCP connection of the kernel's for each flow, for every arm alike: what differs between them is
 * the responder's stack only. Requests are records of a byte stream; one that the socket takes only
 * in part is finished before anything else is sent on that connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record.h"
#include "sentence.h"
#include "wire.h"

#define CONNECT_TIMEOUT_MS 3000
#define SEND_BUFFER_BYTES  (1 << 20) /* what a responder that stands still is sent meanwhile */
#define RECEIVE_BYTES      (1 << 16)
#define RECORD_MAX         (RECORD_LENGTH_BYTES + FRAME_MAX)
#define EVENTS             64

struct connection {
	int fd;
	uint8_t out[RECORD_MAX]; /* the rest of a record */
	size_t out_begin, out_end;
	struct record_buffer in;
};

struct wire {
	struct connection *connection;
	size_t n_connections;
	int epoll;
	struct epoll_event event[EVENTS];
	int n_events, next_event;
	struct connection *current; /* that was read last, may have more; or NULL */
};

/* ---- Opening and closing -------------------------------------------------------------------- */

/* By a reset, so that nothing keeps the next connection from having the same ports. */
static void close_at_once(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void tcp_close(struct wire *wire)
{
	if (!wire)
		return;
	for (size_t i = 0; i < wire->n_connections; i++) {
		close_at_once(wire->connection[i].fd);
		record_buffer_free(&wire->connection[i].in);
	}
	if (wire->epoll >= 0)
		close(wire->epoll);
	free(wire->connection);
	free(wire);
}

static struct wire *tcp_new(size_t n_flows)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return NULL;
	wire->epoll = epoll_create1(EPOLL_CLOEXEC);
	wire->connection = calloc(n_flows, sizeof(*wire->connection));
	if (!wire->connection || wire->epoll < 0) {
		tcp_close(wire);
		return NULL;
	}
	wire->n_connections = n_flows;
	for (size_t i = 0; i < n_flows; i++)
		wire->connection[i].fd = -1;
	return wire;
}

static socklen_t socket_address(const struct frame_end *end, bool is_ipv6,
                                struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (is_ipv6) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(end->port);
		memcpy(&ipv6->sin6_addr, end->ip, sizeof(ipv6->sin6_addr));
		return sizeof(*ipv6);
	}
	ipv4->sin_family = AF_INET;
	ipv4->sin_port = htons(end->port);
	memcpy(&ipv4->sin_addr, end->ip, sizeof(ipv4->sin_addr));
	return sizeof(*ipv4);
}

static int set_options(int fd)
{
	int on = 1, bytes = SEND_BUFFER_BYTES;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

/* From the flow's own port, as its frames are over UDP. Does not wait until it is connected. */
static int start_connecting(struct connection *connection, const struct frame_flow *flow)
{
	struct sockaddr_storage local, peer;
	socklen_t size = socket_address(&flow->client, flow->ipv6, &local);
	int err;

	socket_address(&flow->server, flow->ipv6, &peer);
	connection->fd = socket(local.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection->fd < 0)
		return -errno;
	err = set_options(connection->fd);
	if (err)
		return err;
	if (bind(connection->fd, (struct sockaddr *)&local, size))
		return -errno;
	if (connect(connection->fd, (struct sockaddr *)&peer, size) && errno != EINPROGRESS)
		return -errno;
	return record_buffer_init(&connection->in, RECEIVE_BYTES);
}

static int finish_connecting(struct wire *wire, struct connection *connection)
{
	struct pollfd writable = { .fd = connection->fd, .events = POLLOUT };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	int err = 0, n;
	socklen_t size = sizeof(err);

	n = poll(&writable, 1, CONNECT_TIMEOUT_MS);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &err, &size))
		return -errno;
	if (err)
		return -err;
	return epoll_ctl(wire->epoll, EPOLL_CTL_ADD, connection->fd, &event) ? -errno : 0;
}

static int connect_all(struct wire *wire, const struct frame_flow *flow)
{
	int err = 0;

	for (size_t i = 0; i < wire->n_connections && !err; i++)
		err = start_connecting(&wire->connection[i], &flow[i]);
	for (size_t i = 0; i < wire->n_connections && !err; i++)
		err = finish_connecting(wire, &wire->connection[i]);
	return err;
}

static int tcp_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                    size_t why_size)
{
	struct wire *wire;
	int err;

	if (config->n_flows > WIRE_TCP_FLOWS)
		return sentence(
			why, why_size, -E2BIG,
			"the traffic has %zu flows, and there are %d TCP connections at most",
			config->n_flows, WIRE_TCP_FLOWS);
	wire = tcp_new(config->n_flows);
	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = connect_all(wire, config->flow);
	if (err) {
		tcp_close(wire);
		return sentence(why, why_size, err, "cannot connect to the responder: %s",
		                strerror(-err));
	}
	*ret_wire = wire;
	return 0;
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* Bytes that the socket took, 0 if it has no room; negative errno: the connection is broken. */
static ssize_t send_some(const struct connection *connection, const uint8_t *bytes, size_t size)
{
	ssize_t n = send(connection->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* 0: nothing is left of the last record. */
static int flush(struct wire *wire, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	ssize_t n;

	if (connection->out_begin == connection->out_end)
		return 0;
	n = send_some(connection, connection->out + connection->out_begin,
	              connection->out_end - connection->out_begin);
	if (n < 0)
		return (int)n;
	connection->out_begin += (size_t)n;
	if (connection->out_begin < connection->out_end)
		return -EAGAIN;
	connection->out_begin = connection->out_end = 0;
	epoll_ctl(wire->epoll, EPOLL_CTL_MOD, connection->fd, &event);
	return 0;
}

/* From @done on it is sent when there is room, as receiving tells. */
static void keep_rest(struct wire *wire, struct connection *connection, size_t done, size_t size)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = connection };

	connection->out_begin = done;
	connection->out_end = size;
	epoll_ctl(wire->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static int tcp_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	const struct frame_mark *mark = frame_find_mark(frame, size, 0);
	struct connection *connection;
	size_t length;
	ssize_t n;
	int err;

	if (!mark || ntohs(mark->flow) >= wire->n_connections)
		return -EINVAL;
	length = size - (size_t)((const uint8_t *)mark - frame);
	connection = &wire->connection[ntohs(mark->flow)];
	err = flush(wire, connection);
	if (err)
		return err;
	memcpy(connection->out + RECORD_LENGTH_BYTES, mark, length);
	size = record_set_length(connection->out, (uint32_t)length);
	n = send_some(connection, connection->out, size);
	if (n <= 0)
		return n ? (int)n : -EAGAIN;
	if ((size_t)n < size)
		keep_rest(wire, connection, (size_t)n, size);
	return 0;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static void forget(struct wire *wire, struct connection *connection)
{
	epoll_ctl(wire->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->in.begin = connection->in.end = 0;
}

static void read_connection(struct wire *wire, struct connection *connection)
{
	uint8_t *at;
	size_t room = record_make_room(&connection->in, &at);
	ssize_t n = recv(connection->fd, at, room, MSG_DONTWAIT);

	if (n > 0)
		connection->in.end += (size_t)n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		forget(wire, connection);
}

/* The current connection's next record; false: it has none that is whole. */
static bool next_payload(struct wire *wire, const uint8_t **ret_payload, size_t *ret_size)
{
	struct connection *connection = wire->current;
	int64_t length = connection ? record_next(&connection->in, FRAME_MAX) : 0;

	if (length < 0)
		forget(wire, connection);
	if (length <= 0)
		return false;
	*ret_payload = record_take(&connection->in, (uint32_t)length) + RECORD_LENGTH_BYTES;
	*ret_size = (size_t)length;
	return true;
}

/* Reads the connection of the next event. False: there are none. */
static bool next_connection(struct wire *wire)
{
	struct epoll_event *event;

	if (wire->next_event >= wire->n_events)
		return false;
	event = &wire->event[wire->next_event++];
	wire->current = event->data.ptr;
	if (event->events & EPOLLOUT)
		flush(wire, wire->current);
	if (event->events & ~EPOLLOUT)
		read_connection(wire, wire->current);
	return true;
}

static unsigned int take_records(struct wire *wire, unsigned int most,
                                 void (*visit)(void *context, const struct frame_mark *mark),
                                 void *context)
{
	unsigned int n = 0;

	while (n < most) {
		const struct frame_mark *mark;
		const uint8_t *payload;
		size_t size;

		if (!next_payload(wire, &payload, &size)) {
			if (!next_connection(wire))
				break;
			continue;
		}
		n++;
		mark = frame_payload_mark(payload, size);
		if (mark)
			visit(context, mark);
	}
	return n;
}

static int tcp_receive(struct wire *wire, unsigned int most,
                       void (*visit)(void *context, const struct frame_mark *mark), void *context)
{
	unsigned int n = take_records(wire, most, visit, context);

	if (n)
		return (int)n;
	wire->next_event = 0;
	wire->n_events = epoll_wait(wire->epoll, wire->event, EVENTS, 0);
	return (int)take_records(wire, most, visit, context);
}

static uint64_t tcp_drops(struct wire *wire)
{
	return 0;
}

const struct wire_type wire_tcp = {
	.name = "TCP sockets",
	.reliable = true,
	.open = tcp_open,
	.send = tcp_send,
	.receive = tcp_receive,
	.drops = tcp_drops,
	.close = tcp_close,
};
