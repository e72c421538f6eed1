// SPDX-License-Identifier: GPL-2.0
/*
 * The paths through TCP sockets: epoll tells which connections have something, and each is read
 * once before the next. `kernel` sleeps in epoll_wait, `kernel-spin` does not.
 *
 * A connection's buffer holds what has been read and not handed out. A message is copied into a
 *slot of its own, with its length before it, so that its answer is one write. Answers are written
 * whole: a peer that takes none for SOCKET_WAIT_MS loses its connection.
 *
 *	slot:	length | payload
 */
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "record.h"
#include "sentence.h"
#include "socket.h"

#define CONNECTIONS 256
#define RECORDS     16         /* of the longest, that a connection's buffer holds */
#define LISTENER    UINT64_MAX /* its events' data; a connection's is its key */

struct connection {
	int fd;              /* -1: free */
	uint32_t generation; /* how many were here before */
	struct record_buffer in;
};

struct path {
	int listener, epoll;
	int wait_ms;
	uint32_t max_size;
	size_t buffer_bytes;
	struct connection connection[CONNECTIONS];
	struct epoll_event event[PATH_BURST];
	int n_events, next_event;
	uint64_t current; /* key of the connection that was read last */
	struct socket_slots slots;
	uint64_t slot_key[SOCKET_SLOTS]; /* where its message came from */
	struct path_stats stats;
};

/* ---- Connections ---------------------------------------------------------------------------- */

/* Tells a connection from a later one in its place. */
static uint64_t key_of(const struct path *path, const struct connection *connection)
{
	return (uint64_t)(connection - path->connection) << 32 | connection->generation;
}

/* NULL: it is closed. */
static struct connection *find_connection(struct path *path, uint64_t key)
{
	struct connection *connection;

	if (key >> 32 >= CONNECTIONS)
		return NULL;
	connection = &path->connection[key >> 32];
	return connection->fd >= 0 && connection->generation == (uint32_t)key ? connection : NULL;
}

static void close_connection(struct connection *connection)
{
	close(connection->fd);
	record_buffer_free(&connection->in);
	connection->fd = -1;
	connection->generation++;
}

static struct connection *free_connection(struct path *path)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (path->connection[i].fd < 0)
			return &path->connection[i];
	return NULL;
}

static int add_connection(struct path *path, int fd)
{
	struct connection *connection = free_connection(path);
	struct epoll_event event = { .events = EPOLLIN };
	int on = 1;

	if (!connection)
		return -EMFILE;
	if (record_buffer_init(&connection->in, path->buffer_bytes))
		return -ENOMEM;
	event.data.u64 = key_of(path, connection);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) || socket_set_timeouts(fd) ||
	    epoll_ctl(path->epoll, EPOLL_CTL_ADD, fd, &event)) {
		record_buffer_free(&connection->in);
		return -EIO;
	}
	connection->fd = fd;
	return 0;
}

/* One that there is no room for is closed. */
static void accept_connection(struct path *path)
{
	int fd = accept4(path->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 && add_connection(path, fd))
		close(fd);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static void stream_close(struct path *path)
{
	if (!path)
		return;
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (path->connection[i].fd >= 0)
			close_connection(&path->connection[i]);
	if (path->epoll >= 0)
		close(path->epoll);
	if (path->listener >= 0)
		close(path->listener);
	socket_slots_free(&path->slots);
	free(path);
}

static struct path *stream_new(const struct path_config *config, int wait_ms)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	path->listener = path->epoll = -1;
	path->wait_ms = wait_ms;
	path->max_size = config->max_size;
	path->buffer_bytes = RECORDS * (RECORD_LENGTH_BYTES + config->max_size);
	path->current = LISTENER;
	for (size_t i = 0; i < CONNECTIONS; i++)
		path->connection[i].fd = -1;
	if (socket_slots_init(&path->slots, RECORD_LENGTH_BYTES + config->max_size)) {
		free(path);
		return NULL;
	}
	return path;
}

static int stream_open(const struct path_config *config, int wait_ms, struct path **ret_path,
                       char *why, size_t why_size)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = LISTENER };
	struct path *path = stream_new(config, wait_ms);
	int err = 0;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	path->listener = socket_listen(config, why, why_size);
	if (path->listener < 0) {
		err = path->listener;
	} else {
		path->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (path->epoll < 0 ||
		    epoll_ctl(path->epoll, EPOLL_CTL_ADD, path->listener, &event))
			err = sentence(why, why_size, -errno, "no epoll: %s", strerror(errno));
	}
	if (err)
		stream_close(path);
	else
		*ret_path = path;
	return err;
}

static int kernel_stream_open(const struct path_config *config, struct path **ret_path, char *why,
                              size_t why_size)
{
	return stream_open(config, SOCKET_WAIT_MS, ret_path, why, why_size);
}

static int kernel_spin_stream_open(const struct path_config *config, struct path **ret_path,
                                   char *why, size_t why_size)
{
	return stream_open(config, 0, ret_path, why, why_size);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* Closes the connection at its end. Room is made first: a record is never longer than a buffer. */
static void read_connection(struct connection *connection)
{
	uint8_t *at;
	size_t room = record_make_room(&connection->in, &at);
	ssize_t n = recv(connection->fd, at, room, MSG_DONTWAIT);

	if (n > 0)
		connection->in.end += (size_t)n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		close_connection(connection);
}

/* Copies a whole record into @slot. */
static bool take_record(struct path *path, struct connection *connection, uint32_t length,
                        uint32_t slot, struct path_message *message)
{
	uint8_t *record = path->slots.slot[slot].payload.iov_base;

	memcpy(record, record_take(&connection->in, length), RECORD_LENGTH_BYTES + length);
	if (!frame_payload_mark(record + RECORD_LENGTH_BYTES, length))
		return false;
	path->slot_key[slot] = key_of(path, connection);
	message->payload = record + RECORD_LENGTH_BYTES;
	message->size = length;
	message->slot = slot;
	return true;
}

/* The current connection's next message. False: it has none, or is closed, or slots are used up. */
static bool take_message(struct path *path, struct path_message *message)
{
	struct connection *connection = find_connection(path, path->current);
	int64_t length;
	int slot;

	while (connection && (length = record_next(&connection->in, path->max_size))) {
		if (length < 0) {
			path->stats.foreign++;
			close_connection(connection);
			return false;
		}
		slot = socket_slot_take(&path->slots);
		if (slot < 0)
			return false;
		if (take_record(path, connection, (uint32_t)length, (uint32_t)slot, message))
			return true;
		path->stats.foreign++;
		socket_slot_release(&path->slots, (uint32_t)slot);
	}
	return false;
}

/* Makes the connection of the next event the current one. False: there is no event left. */
static bool next_connection(struct path *path)
{
	struct connection *connection;

	if (path->next_event >= path->n_events)
		return false;
	path->current = path->event[path->next_event++].data.u64;
	if (path->current == LISTENER) {
		accept_connection(path);
		return true;
	}
	connection = find_connection(path, path->current);
	if (connection)
		read_connection(connection);
	return true;
}

static unsigned int take_messages(struct path *path, struct path_message *messages, unsigned int n)
{
	unsigned int taken = 0;

	while (taken < n && path->slots.n_free) {
		if (take_message(path, &messages[taken]))
			taken++;
		else if (!next_connection(path))
			break;
	}
	path->stats.received += taken;
	return taken;
}

static int stream_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	unsigned int taken = take_messages(path, messages, n);

	if (taken || !path->slots.n_free)
		return (int)taken;
	path->next_event = 0;
	path->n_events = epoll_wait(path->epoll, path->event, PATH_BURST, path->wait_ms);
	if (path->n_events < 0)
		return errno == EINTR ? 0 : -errno;
	return (int)take_messages(path, messages, n);
}

/* ---- Sending -------------------------------------------------------------------------------- */

static void stream_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		socket_slot_release(&path->slots, messages[i].slot);
}

static bool write_whole(int fd, const uint8_t *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = send(fd, bytes + done, size - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

static bool answer(struct path *path, const struct path_message *message)
{
	struct connection *connection = find_connection(path, path->slot_key[message->slot]);
	uint8_t *record = path->slots.slot[message->slot].payload.iov_base;

	if (!connection)
		return false;
	if (write_whole(connection->fd, record, record_set_length(record, message->size)))
		return true;
	close_connection(connection);
	return false;
}

static int stream_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (answer(path, &messages[i]))
			path->stats.sent++;
		else
			path->stats.send_failures++;
	}
	stream_drop(path, messages, n);
	return 0;
}

static void stream_stats(struct path *path, struct path_stats *ret_stats)
{
	*ret_stats = path->stats;
}

#define COMMON                                                                                     \
	.receive = stream_receive, .send = stream_send, .drop = stream_drop,                       \
	.stats = stream_stats, .close = stream_close

const struct path_type path_kernel_stream = {
	.name = "kernel",
	.summary = "TCP sockets, sleeps in epoll_wait",
	.open = kernel_stream_open,
	COMMON,
};

const struct path_type path_kernel_spin_stream = {
	.name = "kernel-spin",
	.summary = "TCP sockets, asked again and again without sleeping",
	.polls = true,
	.open = kernel_spin_stream_open,
	COMMON,
};
