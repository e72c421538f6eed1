// SPDX-License-Identifier: GPL-2.0
/*
 * The paths through TCP sockets and plain system calls: the kernel tells which connections have
 * something, and each is read once before the next. They differ in how they wait:
 *
 *	kernel			sleeps in epoll_wait
 *	kernel-blocking		sleeps in recv where there is one connection, else in poll; one
 *				record at a time
 *	kernel-spin		asks epoll again and again
 *	kernel-awake		as kernel, while the CPUs poll instead of halting when they are idle
 *	kernel-busypoll		as kernel, but epoll_wait polls the NIC before it sleeps
 *	kernel-irqsuspend	as kernel-busypoll; as long as records keep coming, the NIC's
 *				interrupt stays off
 *
 * A connection is known to epoll by its key. Answers are written whole: a peer that takes none for
 * SOCKET_SEND_WAIT_MS loses its connection.
 */
#include "stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "busy_poll.h"
#include "connections.h"
#include "napi.h"
#include "sentence.h"

#define RECORDS      16         /* of the longest, that a connection's buffer holds */
#define LISTENER     UINT64_MAX /* its events' data; a connection's is its key */
#define LISTEN_EVERY 1024       /* receive calls of kernel-blocking with one connection */

struct path {
	int listener, epoll; /* epoll -1: none */
	int (*wait)(struct path *path);
	int wait_ms;
	unsigned int most; /* messages at once */
	size_t buffer_bytes;
	struct connections connections;
	int fd[CONNECTIONS];
	int recv_flags;
	uint64_t event[CONNECTIONS + 1]; /* who has something to read: keys, or LISTENER */
	int n_events, next_event;
	uint64_t current;   /* key of the connection that was read last */
	unsigned int calls; /* of wait_blocking since something else than recv was waited for */
	bool polls_napi;
	struct napi napi;
	struct path_stats stats;
};

/* ---- Connections ---------------------------------------------------------------------------- */

static void close_connection(struct path *path, int number)
{
	close(path->fd[number]);
	connections_remove(&path->connections, number);
}

static int set_up_connection(struct path *path, int number)
{
	struct epoll_event event = { .events = EPOLLIN,
		                     .data.u64 = connections_key(&path->connections, number) };
	int on = 1, fd = path->fd[number];

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return -errno;
	if (path->epoll >= 0 && epoll_ctl(path->epoll, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return socket_set_timeouts(fd);
}

/* One that there is no room for is closed. */
static void accept_connection(struct path *path)
{
	int fd = accept4(path->listener, NULL, NULL, SOCK_CLOEXEC), number;

	if (fd < 0)
		return;
	number = connections_add(&path->connections, path->buffer_bytes);
	if (number < 0) {
		close(fd);
		return;
	}
	path->fd[number] = fd;
	if (set_up_connection(path, number))
		close_connection(path, number);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static int wait_epoll(struct path *path)
{
	struct epoll_event events[PATH_BURST];
	int n = epoll_wait(path->epoll, events, PATH_BURST, path->wait_ms);

	for (int i = 0; i < n; i++)
		path->event[i] = events[i].data.u64;
	return n;
}

/* The listener and all connections, and in @keys who each is. Returns how many. */
static nfds_t list_all(const struct path *path, struct pollfd *fds, uint64_t *keys)
{
	nfds_t n = 1;

	fds[0] = (struct pollfd){ .fd = path->listener, .events = POLLIN };
	keys[0] = LISTENER;
	for (int i = 0; i < CONNECTIONS; i++) {
		if (!path->connections.at[i].is_open)
			continue;
		fds[n] = (struct pollfd){ .fd = path->fd[i], .events = POLLIN };
		keys[n++] = connections_key(&path->connections, i);
	}
	return n;
}

static int wait_poll(struct path *path)
{
	struct pollfd fds[CONNECTIONS + 1];
	uint64_t keys[CONNECTIONS + 1];
	nfds_t n = list_all(path, fds, keys);
	int ready = 0;

	if (poll(fds, n, path->wait_ms) < 0)
		return -1;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents)
			path->event[ready++] = keys[i];
	path->recv_flags = MSG_DONTWAIT;
	return ready;
}

/* An only connection is received from without asking, and the listener is looked at now and then.
 */
static int wait_blocking(struct path *path)
{
	int number = 0;

	if (path->connections.n_open != 1 || ++path->calls % LISTEN_EVERY == 0)
		return wait_poll(path);
	while (!path->connections.at[number].is_open)
		number++;
	path->event[0] = connections_key(&path->connections, number);
	path->recv_flags = 0;
	return 1;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* Closes the connection at its end. Room is made first: a record is never longer than a buffer. */
static void read_connection(struct path *path, int number)
{
	struct record_buffer *in = &path->connections.at[number].in;
	uint8_t *at;
	size_t room = record_make_room(in, &at);
	ssize_t n = recv(path->fd[number], at, room, path->recv_flags);

	if (n > 0)
		in->end += (size_t)n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		close_connection(path, number);
	else
		path->calls = LISTEN_EVERY - 1;
}

/* The current connection's next message. False: it has none, or is closed, or slots are used up. */
static bool take_message(struct path *path, struct path_message *message)
{
	int number = connections_find(&path->connections, path->current);
	int taken = number < 0 ? 0 : connections_take(&path->connections, number, message);

	if (taken < 0)
		close_connection(path, number);
	return taken > 0;
}

/* Makes the connection of the next event the current one. False: there is no event left. */
static bool next_connection(struct path *path)
{
	int number;

	if (path->next_event >= path->n_events)
		return false;
	path->current = path->event[path->next_event++];
	if (path->current == LISTENER) {
		accept_connection(path);
		return true;
	}
	number = connections_find(&path->connections, path->current);
	if (number >= 0)
		read_connection(path, number);
	return true;
}

static unsigned int take_messages(struct path *path, struct path_message *messages, unsigned int n)
{
	unsigned int taken = 0;

	while (taken < n && path->connections.slots.n_free) {
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
	unsigned int taken;

	if (n > path->most)
		n = path->most;
	taken = take_messages(path, messages, n);
	if (taken || !path->connections.slots.n_free)
		return (int)taken;
	path->next_event = 0;
	path->n_events = path->wait(path);
	if (path->n_events < 0)
		return errno == EINTR ? 0 : -errno;
	return (int)take_messages(path, messages, n);
}

/* ---- Sending -------------------------------------------------------------------------------- */

static void stream_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	connections_release(&path->connections, messages, n);
}

static bool write_whole(int fd, const struct iovec *answer)
{
	for (size_t done = 0; done < answer->iov_len;) {
		ssize_t n = send(fd, (const uint8_t *)answer->iov_base + done,
		                 answer->iov_len - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

static bool answer(struct path *path, const struct path_message *message)
{
	int number = connections_of_slot(&path->connections, message->slot);
	struct iovec record = connections_answer(&path->connections, message->slot, message->size);

	if (number < 0)
		return false;
	if (write_whole(path->fd[number], &record))
		return true;
	close_connection(path, number);
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

/* ---- Counting ------------------------------------------------------------------------------- */

/* As one of the connections says. */
static const char *polls_how(const struct path *path)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (path->connections.at[i].is_open)
			return napi_of_socket(&path->napi, path->fd[i]);
	return "";
}

static void stream_stats(struct path *path, struct path_stats *ret_stats)
{
	*ret_stats = path->stats;
	ret_stats->foreign = path->connections.foreign;
	if (path->polls_napi)
		snprintf(ret_stats->how, sizeof(ret_stats->how), "%s", polls_how(path));
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static void stream_close(struct path *path)
{
	if (!path)
		return;
	napi_close(&path->napi);
	for (int i = 0; i < CONNECTIONS; i++)
		if (path->connections.at[i].is_open)
			close_connection(path, i);
	if (path->epoll >= 0)
		close(path->epoll);
	if (path->listener >= 0)
		close(path->listener);
	connections_free(&path->connections);
	free(path);
}

static struct path *stream_new(const struct path_config *config)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	path->listener = path->epoll = -1;
	path->wait_ms = SOCKET_WAIT_MS;
	path->most = PATH_BURST;
	path->recv_flags = MSG_DONTWAIT;
	path->buffer_bytes = RECORDS * (RECORD_LENGTH_BYTES + config->max_size);
	path->current = LISTENER;
	if (connections_init(&path->connections, config->max_size)) {
		free(path);
		return NULL;
	}
	return path;
}

/* How a path waits. As path_type.open. */
typedef int (*extend_fn)(struct path *path, const struct path_config *config, char *why,
                         size_t why_size);

static int open_with(extend_fn extend, const struct path_config *config, struct path **ret_path,
                     char *why, size_t why_size)
{
	struct path *path = stream_new(config);
	int err;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	path->listener = socket_listen(config, why, why_size);
	err = path->listener < 0 ? path->listener : extend(path, config, why, why_size);
	if (err)
		stream_close(path);
	else
		*ret_path = path;
	return err;
}

static int use_epoll(struct path *path, const struct path_config *config, char *why,
                     size_t why_size)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = LISTENER };

	path->wait = wait_epoll;
	path->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (path->epoll >= 0 && !epoll_ctl(path->epoll, EPOLL_CTL_ADD, path->listener, &event))
		return 0;
	return sentence(why, why_size, -errno, "no epoll: %s", strerror(errno));
}

static int kernel_stream_open(const struct path_config *config, struct path **ret_path, char *why,
                              size_t why_size)
{
	return open_with(use_epoll, config, ret_path, why, why_size);
}

static int use_epoll_spinning(struct path *path, const struct path_config *config, char *why,
                              size_t why_size)
{
	path->wait_ms = 0;
	return use_epoll(path, config, why, why_size);
}

static int kernel_spin_stream_open(const struct path_config *config, struct path **ret_path,
                                   char *why, size_t why_size)
{
	return open_with(use_epoll_spinning, config, ret_path, why, why_size);
}

static int use_blocking(struct path *path, const struct path_config *config, char *why,
                        size_t why_size)
{
	path->wait = wait_blocking;
	path->most = 1;
	return 0;
}

static int kernel_blocking_stream_open(const struct path_config *config, struct path **ret_path,
                                       char *why, size_t why_size)
{
	return open_with(use_blocking, config, ret_path, why, why_size);
}

/* A socket's own busy polling is in recv, which comes after epoll_wait: that has to poll, too. */
static int use_busy_epoll(struct path *path, const struct path_config *config, char *why,
                          size_t why_size)
{
	int err = use_epoll(path, config, why, why_size);

	path->polls_napi = true;
	if (!err)
		err = busy_poll_socket(path->listener, why, why_size);
	if (!err)
		err = busy_poll_epoll(path->epoll, why, why_size);
	return err ? err : napi_require(&path->napi, config->interface, why, why_size);
}

static int kernel_busypoll_stream_open(const struct path_config *config, struct path **ret_path,
                                       char *why, size_t why_size)
{
	return open_with(use_busy_epoll, config, ret_path, why, why_size);
}

static int use_irq_suspension(struct path *path, const struct path_config *config, char *why,
                              size_t why_size)
{
	int err = use_busy_epoll(path, config, why, why_size);

	return err ? err : busy_poll_suspend_irqs(&path->napi, why, why_size);
}

static int kernel_irqsuspend_stream_open(const struct path_config *config, struct path **ret_path,
                                         char *why, size_t why_size)
{
	return open_with(use_irq_suspension, config, ret_path, why, why_size);
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

const struct path_type path_kernel_awake_stream = {
	.name = "kernel-awake",
	.summary = "as kernel, with /dev/cpu_dma_latency held at 0: no CPU goes to an idle state",
	.awake = true,
	.open = kernel_stream_open,
	COMMON,
};

const struct path_type path_kernel_blocking_stream = {
	.name = "kernel-blocking",
	.summary = "TCP sockets, sleeps in poll, or in recv where there is one connection",
	.open = kernel_blocking_stream_open,
	COMMON,
};

const struct path_type path_kernel_spin_stream = {
	.name = "kernel-spin",
	.summary = "TCP sockets, asked again and again without sleeping",
	.polls = true,
	.open = kernel_spin_stream_open,
	COMMON,
};

const struct path_type path_kernel_busypoll_stream = {
	.name = "kernel-busypoll",
	.summary = "TCP sockets: epoll_wait polls the NIC for a while, then sleeps",
	.open = kernel_busypoll_stream_open,
	COMMON,
};

const struct path_type path_kernel_irqsuspend_stream = {
	.name = "kernel-irqsuspend",
	.summary = "TCP sockets: busy polling, interrupts suspended while there is traffic",
	.open = kernel_irqsuspend_stream_open,
	COMMON,
};
