// SPDX-License-Identifier: GPL-2.0
/*
 * The paths through a UDP socket and plain system calls. They differ in how they wait:
 *
 *	kernel		sleeps in epoll_wait, then receives until nothing is left
 *	kernel-spin	asks the socket again and again
 *
 * All receive and send in bursts (recvmmsg, sendmmsg). The headers for receiving stay prepared from
 * one call to the next, each with a free slot, so that asking an empty socket costs next to nothing
 * besides the system call.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "socket.h"

struct path {
	int fd;
	int epoll;    /* -1: none */
	bool drained; /* the last receive left nothing in the socket */
	struct mmsghdr in[PATH_BURST], out[PATH_BURST];
	uint32_t in_slot[PATH_BURST];
	unsigned int n_in; /* prepared */
	struct socket_slots slots;
	struct path_stats stats;
};

/* ---- opening and closing ----------------------------------------------------------------------*/

static void kernel_close(struct path *path)
{
	if (!path)
		return;
	if (path->epoll >= 0)
		close(path->epoll);
	if (path->fd >= 0)
		close(path->fd);
	socket_slots_free(&path->slots);
	free(path);
}

static struct path *path_new(const struct path_config *config)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	path->fd = path->epoll = -1;
	if (socket_slots_init(&path->slots, config->max_size)) {
		free(path);
		return NULL;
	}
	return path;
}

static int kernel_spin_open(const struct path_config *config, struct path **ret_path, char *why,
                            size_t why_size)
{
	struct path *path = path_new(config);
	int fd;

	if (!path) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	fd = path->fd = socket_open(config, why, why_size);
	if (fd < 0) {
		kernel_close(path);
		return fd;
	}
	*ret_path = path;
	return 0;
}

static int epoll_open(struct path *path, char *why, size_t why_size)
{
	struct epoll_event event = { .events = EPOLLIN };

	path->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (path->epoll >= 0 && !epoll_ctl(path->epoll, EPOLL_CTL_ADD, path->fd, &event))
		return 0;
	snprintf(why, why_size, "no epoll: %m");
	return -errno;
}

static int kernel_open(const struct path_config *config, struct path **ret_path, char *why,
                       size_t why_size)
{
	struct path *path;
	int err = kernel_spin_open(config, &path, why, why_size);

	if (err)
		return err;
	err = epoll_open(path, why, why_size);
	if (err) {
		kernel_close(path);
		return err;
	}
	path->drained = true;
	*ret_path = path;
	return 0;
}

/* ---- receiving --------------------------------------------------------------------------------*/

static void prepare(struct path *path)
{
	int index;

	while (path->n_in < PATH_BURST && (index = socket_slot_take(&path->slots)) >= 0) {
		struct socket_slot *slot = &path->slots.slot[index];

		path->in_slot[path->n_in] = (uint32_t)index;
		path->in[path->n_in++].msg_hdr = (struct msghdr){
			.msg_name = &slot->peer,
			.msg_namelen = sizeof(slot->peer),
			.msg_iov = &slot->payload,
			.msg_iovlen = 1,
		};
	}
}

/* The first @used headers have given their slots away: those at the end take their place. */
static void close_gap(struct path *path, unsigned int used)
{
	for (unsigned int i = 0; i < used && path->n_in - 1 - i >= used; i++) {
		path->in[i] = path->in[path->n_in - 1 - i];
		path->in_slot[i] = path->in_slot[path->n_in - 1 - i];
	}
	path->n_in -= used;
}

/* Hands the received message @i out as *@message, unless it is no request. */
static bool accept_message(struct path *path, unsigned int i, struct path_message *message)
{
	uint32_t slot = path->in_slot[i], size = path->in[i].msg_len;

	if (!socket_slot_is_request(&path->slots, slot, size)) {
		path->stats.foreign++;
		socket_slot_release(&path->slots, slot);
		return false;
	}
	path->slots.slot[slot].peer_size = path->in[i].msg_hdr.msg_namelen;
	message->payload = path->slots.slot[slot].payload.iov_base;
	message->size = size;
	message->slot = slot;
	return true;
}

static int receive(struct path *path, struct path_message *messages, unsigned int n, int flags)
{
	unsigned int requests = 0;
	int received;

	prepare(path);
	if (n > path->n_in)
		n = path->n_in;
	received = recvmmsg(path->fd, path->in, n, flags, NULL);
	path->drained = received < (int)n;
	if (received < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (unsigned int i = 0; i < (unsigned int)received; i++)
		requests += accept_message(path, i, &messages[requests]);
	close_gap(path, (unsigned int)received);
	path->stats.received += requests;
	return (int)requests;
}

static int kernel_spin_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	return receive(path, messages, n, MSG_DONTWAIT);
}

static int kernel_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	struct epoll_event event;

	if (path->drained && epoll_wait(path->epoll, &event, 1, SOCKET_WAIT_MS) <= 0)
		return 0;
	return receive(path, messages, n, MSG_DONTWAIT);
}

/* ---- sending ----------------------------------------------------------------------------------*/

static void kernel_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		socket_slot_release(&path->slots, messages[i].slot);
}

/* A message that is refused does not keep those behind it. */
static void send_burst(struct path *path, unsigned int n)
{
	for (unsigned int done = 0; done < n;) {
		int sent = sendmmsg(path->fd, path->out + done, n - done, 0);

		if (sent > 0) {
			path->stats.sent += (unsigned int)sent;
			done += (unsigned int)sent;
		} else if (errno != EINTR) {
			path->stats.send_failures++;
			done++;
		}
	}
}

static int kernel_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int at = 0; at < n; at += PATH_BURST) {
		unsigned int burst = n - at < PATH_BURST ? n - at : PATH_BURST;

		for (unsigned int i = 0; i < burst; i++)
			socket_slot_answer(&path->slots, messages[at + i].slot,
			                   messages[at + i].size, &path->out[i].msg_hdr);
		send_burst(path, burst);
	}
	kernel_drop(path, messages, n);
	return 0;
}

static void kernel_stats(struct path *path, struct path_stats *ret_stats)
{
	*ret_stats = path->stats;
	ret_stats->ring_drops = socket_drops(path->fd);
}

const struct path_type path_kernel = {
	.name = "kernel",
	.summary = "UDP socket, sleeps in epoll_wait",
	.open = kernel_open,
	.receive = kernel_receive,
	.send = kernel_send,
	.drop = kernel_drop,
	.stats = kernel_stats,
	.close = kernel_close,
};

const struct path_type path_kernel_spin = {
	.name = "kernel-spin",
	.summary = "UDP socket, asked again and again without sleeping",
	.polls = true,
	.open = kernel_spin_open,
	.receive = kernel_spin_receive,
	.send = kernel_send,
	.drop = kernel_drop,
	.stats = kernel_stats,
	.close = kernel_close,
};
