// SPDX-License-Identifier: GPL-2.0
/*
 * The paths through TCP sockets and io_uring: one multishot accept, and a multishot recv for each
 * connection, which fill buffers that all of them share. They wait as the paths of the same names
 * do over UDP (io_uring.c).
 *
 * What has come in stays in its buffers, a queue per connection, until the connection's records
 * before it are taken. If no buffer is left the recvs end, and go on when there are some.
 *
 * A connection's answers leave in order: those that gather while a send is under way go with the
 * next, which is a single one for all of them. A peer that takes none for SOCKET_SEND_WAIT_MS loses
 * its connection. One that is closing keeps its number until its last request is complete.
 */
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connections.h"
#include "io_uring.h"
#include "sentence.h"
#include "uring.h"

#define BUFFER_BYTES 4096
#define RECORDS      16 /* of the longest, that a connection's buffer holds: more than a buffer */
#define PIECES       PATH_BURST /* answers in a send */
#define NONE         (-1)       /* the end of a queue */

enum request { ACCEPT, RECEIVE, SEND }; /* in user_data, above the connection's number */
#define REQUEST_SHIFT 32

/* Of buffers, or slots, by number; what follows a number is in path->buffer_after, slot_after. */
struct queue {
	int first, last;
};

/* The peer of a connection, by the connection's number. */
struct peer {
	int fd;
	bool is_ready;     /* in path->ready */
	bool is_receiving; /* its recv is under way */
	bool ended;        /* it has ended the connection, or the connection is broken */
	bool closing;
	struct queue received; /* buffers */
	struct queue waiting;  /* slots of answers */
	/* The send that is under way: */
	uint32_t slot[PIECES];
	struct iovec piece[PIECES];
	struct msghdr header;
	unsigned int n_pieces; /* 0: there is none */
	int bytes;
	uint64_t since_ms;
};

struct path {
	struct uring uring;
	int (*wait)(struct uring *uring);
	int listener;
	bool is_accepting;
	bool has_idle; /* some connection's recv has ended for want of a buffer */
	size_t buffer_bytes;
	struct connections connections;
	struct peer peer[CONNECTIONS];
	int buffer_after[URING_BUFFERS];
	uint32_t buffer_size[URING_BUFFERS]; /* of what is in it */
	int slot_after[SOCKET_SLOTS];
	uint32_t slot_size[SOCKET_SLOTS]; /* of the answer in it */
	int ready[CONNECTIONS];           /* numbers of those with something to look at: a ring */
	unsigned int first_ready, n_ready;
	unsigned int n_sending; /* sends under way */
	struct path_stats stats;
};

/* ---- Queues --------------------------------------------------------------------------------- */

static void put(struct queue *queue, int *after, int number)
{
	after[number] = NONE;
	if (queue->first == NONE)
		queue->first = number;
	else
		after[queue->last] = number;
	queue->last = number;
}

/* NONE: it is empty. */
static int take_first(struct queue *queue, const int *after)
{
	int number = queue->first;

	if (number != NONE)
		queue->first = after[number];
	return number;
}

static void set_ready(struct path *path, int number)
{
	if (path->peer[number].is_ready)
		return;
	path->peer[number].is_ready = true;
	path->ready[(path->first_ready + path->n_ready++) % CONNECTIONS] = number;
}

/* ---- Requests ------------------------------------------------------------------------------- */

static void set_request(struct io_uring_sqe *sqe, enum request request, int number)
{
	io_uring_sqe_set_data64(sqe, (uint64_t)request << REQUEST_SHIFT | (uint64_t)number);
}

static void start_accepting(struct path *path)
{
	struct io_uring_sqe *sqe = uring_request(&path->uring);

	if (!sqe)
		return;
	io_uring_prep_multishot_accept(sqe, path->listener, NULL, NULL, SOCK_CLOEXEC);
	set_request(sqe, ACCEPT, 0);
	path->is_accepting = true;
}

static void start_receiving(struct path *path, int number)
{
	struct io_uring_sqe *sqe = uring_request(&path->uring);

	if (!sqe) {
		path->has_idle = true;
		return;
	}
	io_uring_prep_recv_multishot(sqe, path->peer[number].fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = URING_BUFFER_GROUP;
	set_request(sqe, RECEIVE, number);
	path->peer[number].is_receiving = true;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* All answers that wait, in one send. */
static void fill_pieces(struct path *path, struct peer *peer)
{
	int slot;

	peer->bytes = 0;
	while (peer->n_pieces < PIECES &&
	       (slot = take_first(&peer->waiting, path->slot_after)) != NONE) {
		struct iovec piece = connections_answer(&path->connections, (uint32_t)slot,
		                                        path->slot_size[slot]);

		peer->slot[peer->n_pieces] = (uint32_t)slot;
		peer->piece[peer->n_pieces++] = piece;
		peer->bytes += (int)piece.iov_len;
	}
}

static void start_sending(struct path *path, int number)
{
	struct peer *peer = &path->peer[number];
	struct io_uring_sqe *sqe;

	if (peer->n_pieces || peer->waiting.first == NONE || !(sqe = uring_request(&path->uring)))
		return;
	fill_pieces(path, peer);
	peer->header = (struct msghdr){ .msg_iov = peer->piece, .msg_iovlen = peer->n_pieces };
	if (peer->n_pieces == 1)
		io_uring_prep_send(sqe, peer->fd, peer->piece[0].iov_base, peer->piece[0].iov_len,
		                   MSG_NOSIGNAL | MSG_WAITALL);
	else
		io_uring_prep_sendmsg(sqe, peer->fd, &peer->header, MSG_NOSIGNAL | MSG_WAITALL);
	set_request(sqe, SEND, number);
	peer->since_ms = now_ms();
	path->n_sending++;
}

/* ---- Connections ---------------------------------------------------------------------------- */

static void add_connection(struct path *path, int fd)
{
	int number = connections_add(&path->connections, path->buffer_bytes), on = 1;
	struct peer *peer;

	if (number < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))) {
		if (number >= 0)
			connections_remove(&path->connections, number);
		close(fd);
		return;
	}
	peer = &path->peer[number];
	*peer = (struct peer){ .fd = fd,
		               .is_ready = peer->is_ready,
		               .received = { NONE, NONE },
		               .waiting = { NONE, NONE } };
	start_receiving(path, number);
}

static void finish_closing(struct path *path, int number)
{
	const struct peer *peer = &path->peer[number];

	if (!peer->closing || peer->is_receiving || peer->n_pieces)
		return;
	close(peer->fd);
	connections_remove(&path->connections, number);
}

/* An answer that was not sent. */
static void give_up(struct path *path, uint32_t slot)
{
	path->stats.send_failures++;
	socket_slot_release(&path->connections.slots, slot);
}

/* Ends what is under way; the connection goes when that is complete. */
static void close_connection(struct path *path, int number)
{
	struct peer *peer = &path->peer[number];
	int next;

	if (peer->closing)
		return;
	peer->closing = true;
	shutdown(peer->fd, SHUT_RDWR);
	while ((next = take_first(&peer->received, path->buffer_after)) != NONE)
		uring_give_back(&path->uring, (uint32_t)next);
	while ((next = take_first(&peer->waiting, path->slot_after)) != NONE)
		give_up(path, (uint32_t)next);
	finish_closing(path, number);
}

/* ---- Completions ---------------------------------------------------------------------------- */

static void note_accepted(struct path *path, const struct io_uring_cqe *cqe)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		path->is_accepting = false;
	if (cqe->res >= 0)
		add_connection(path, cqe->res);
}

static void note_buffer(struct path *path, int number, const struct io_uring_cqe *cqe)
{
	uint32_t buffer = uring_take(&path->uring, cqe);

	if (cqe->res <= 0 || path->peer[number].closing) {
		uring_give_back(&path->uring, buffer);
		return;
	}
	path->buffer_size[buffer] = (uint32_t)cqe->res;
	put(&path->peer[number].received, path->buffer_after, (int)buffer);
}

static void note_received(struct path *path, int number, const struct io_uring_cqe *cqe)
{
	struct peer *peer = &path->peer[number];

	if (cqe->flags & IORING_CQE_F_BUFFER)
		note_buffer(path, number, cqe);
	if (cqe->res == 0 || (cqe->res < 0 && cqe->res != -ENOBUFS && cqe->res != -EINTR))
		peer->ended = true;
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		peer->is_receiving = false;
		path->has_idle = true;
	}
	set_ready(path, number);
	finish_closing(path, number);
}

static void note_sent(struct path *path, int number, int result)
{
	struct peer *peer = &path->peer[number];
	unsigned int n = peer->n_pieces;

	peer->n_pieces = 0;
	path->n_sending--;
	for (unsigned int i = 0; i < n; i++) {
		if (result != peer->bytes) {
			give_up(path, peer->slot[i]);
			continue;
		}
		path->stats.sent++;
		socket_slot_release(&path->connections.slots, peer->slot[i]);
	}
	if (result != peer->bytes)
		close_connection(path, number);
	else
		start_sending(path, number);
	finish_closing(path, number);
}

/* Takes all completions off the ring. */
static void reap(struct path *path)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&path->uring.ring, head, cqe)
	{
		int number = (int)(uint32_t)cqe->user_data;

		switch ((enum request)(cqe->user_data >> REQUEST_SHIFT)) {
		case ACCEPT:
			note_accepted(path, cqe);
			break;
		case RECEIVE:
			note_received(path, number, cqe);
			break;
		case SEND:
			note_sent(path, number, cqe->res);
			break;
		}
		n++;
	}
	io_uring_cq_advance(&path->uring.ring, n);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* Appends the next buffer to what has been read. All records were taken: there is room for it. */
static bool read_buffer(struct path *path, int number)
{
	struct record_buffer *in = &path->connections.at[number].in;
	int buffer = take_first(&path->peer[number].received, path->buffer_after);
	uint8_t *at;

	if (buffer == NONE)
		return false;
	record_make_room(in, &at);
	memcpy(at, uring_buffer(&path->uring, (uint32_t)buffer), path->buffer_size[buffer]);
	in->end += path->buffer_size[buffer];
	uring_give_back(&path->uring, (uint32_t)buffer);
	return true;
}

/* The connection's next message. False: it has none, or is closed, or slots are used up. */
static bool take_message(struct path *path, int number, struct path_message *message)
{
	const struct peer *peer = &path->peer[number];
	int taken = 0;

	if (!path->connections.at[number].is_open || peer->closing)
		return false;
	do {
		taken = connections_take(&path->connections, number, message);
	} while (!taken && path->connections.slots.n_free && read_buffer(path, number));
	if (taken < 0 || (!taken && peer->ended && path->connections.slots.n_free))
		close_connection(path, number);
	return taken > 0;
}

static unsigned int take_messages(struct path *path, struct path_message *messages, unsigned int n)
{
	const struct socket_slots *slots = &path->connections.slots;
	unsigned int taken = 0;

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
	path->stats.received += taken;
	return taken;
}

/* What has ended for want of a buffer, or a submission entry, goes on. */
static void resume(struct path *path)
{
	if (!path->is_accepting)
		start_accepting(path);
	if (!path->has_idle || !path->uring.n_free)
		return;
	path->has_idle = false;
	for (int i = 0; i < CONNECTIONS; i++)
		if (path->connections.at[i].is_open && !path->peer[i].is_receiving &&
		    !path->peer[i].ended && !path->peer[i].closing)
			start_receiving(path, i);
}

/* Its send completes then, and fails. */
static void cut_off_stuck_peers(struct path *path)
{
	uint64_t now = path->n_sending ? now_ms() : 0;

	for (int i = 0; i < CONNECTIONS && path->n_sending; i++)
		if (path->connections.at[i].is_open && path->peer[i].n_pieces &&
		    now - path->peer[i].since_ms > SOCKET_SEND_WAIT_MS)
			close_connection(path, i);
}

static int stream_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	unsigned int taken = take_messages(path, messages, n);
	int err;

	if (taken)
		return (int)taken;
	resume(path);
	err = uring_submit(&path->uring);
	if (!err)
		err = path->wait(&path->uring);
	reap(path);
	cut_off_stuck_peers(path);
	return err < 0 ? err : (int)take_messages(path, messages, n);
}

/* ---- Sending -------------------------------------------------------------------------------- */

static void queue_answer(struct path *path, const struct path_message *message)
{
	int number = connections_of_slot(&path->connections, message->slot);

	if (number < 0 || path->peer[number].closing) {
		give_up(path, message->slot);
		return;
	}
	path->slot_size[message->slot] = message->size;
	put(&path->peer[number].waiting, path->slot_after, (int)message->slot);
}

static int stream_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	int err;

	for (unsigned int i = 0; i < n; i++)
		queue_answer(path, &messages[i]);
	for (unsigned int i = 0; i < n; i++) {
		int number = connections_of_slot(&path->connections, messages[i].slot);

		if (number >= 0)
			start_sending(path, number);
	}
	err = uring_submit(&path->uring);
	reap(path);
	return err;
}

static void stream_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	connections_release(&path->connections, messages, n);
}

static void stream_stats(struct path *path, struct path_stats *ret_stats)
{
	reap(path);
	*ret_stats = path->stats;
	ret_stats->foreign = path->connections.foreign;
	for (int i = 0; i < CONNECTIONS && !*ret_stats->how; i++)
		if (path->connections.at[i].is_open)
			uring_describe(&path->uring, path->peer[i].fd, ret_stats->how,
			               sizeof(ret_stats->how));
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static void stream_close(struct path *path)
{
	if (!path)
		return;
	uring_close(&path->uring);
	for (int i = 0; i < CONNECTIONS; i++)
		if (path->connections.at[i].is_open)
			close(path->peer[i].fd);
	if (path->listener >= 0)
		close(path->listener);
	connections_free(&path->connections);
	free(path);
}

/* Zero-copy sending came with the multishot recv, which cannot be asked for. */
static int check_kernel(const struct uring *uring, char *why, size_t why_size)
{
	struct io_uring_probe *probe =
		io_uring_get_probe_ring((struct io_uring *)(uintptr_t)&uring->ring);
	bool is_there = probe && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	io_uring_free_probe(probe);
	if (is_there)
		return 0;
	return sentence(why, why_size, -EOPNOTSUPP,
	                "the kernel's io_uring has no multishot recv (Linux 6.0)");
}

static int set_up(struct path *path, const struct path_config *config, char *why, size_t why_size)
{
	int err;

	path->buffer_bytes = RECORDS * (RECORD_LENGTH_BYTES + config->max_size);
	path->listener = socket_listen(config, why, why_size);
	if (path->listener < 0)
		return path->listener;
	err = uring_open(&path->uring, BUFFER_BYTES, why, why_size);
	if (!err)
		err = check_kernel(&path->uring, why, why_size);
	return err;
}

static int open_with(int (*wait)(struct uring *uring), const struct path_config *config,
                     struct path **ret_path, char *why, size_t why_size)
{
	struct path *path = calloc(1, sizeof(*path));
	int err;

	if (!path || connections_init(&path->connections, config->max_size)) {
		free(path);
		return sentence(why, why_size, -ENOMEM, "out of memory");
	}
	path->wait = wait;
	err = set_up(path, config, why, why_size);
	if (err)
		stream_close(path);
	else
		*ret_path = path;
	return err;
}

static int io_uring_stream_open(const struct path_config *config, struct path **ret_path, char *why,
                                size_t why_size)
{
	return open_with(uring_wait, config, ret_path, why, why_size);
}

static int io_uring_spin_stream_open(const struct path_config *config, struct path **ret_path,
                                     char *why, size_t why_size)
{
	return open_with(uring_look, config, ret_path, why, why_size);
}

static int io_uring_busypoll_stream_open(const struct path_config *config, struct path **ret_path,
                                         char *why, size_t why_size)
{
	struct path *path;
	int err = open_with(uring_wait, config, &path, why, why_size);

	if (err)
		return err;
	err = uring_poll_busily(&path->uring, config->interface, why, why_size);
	if (err)
		stream_close(path);
	else
		*ret_path = path;
	return err;
}

#define COMMON                                                                                     \
	.receive = stream_receive, .send = stream_send, .drop = stream_drop,                       \
	.stats = stream_stats, .close = stream_close

const struct path_type path_io_uring_stream = {
	.name = "io_uring",
	.summary = "TCP sockets and io_uring, sleeps until there is a completion",
	.open = io_uring_stream_open,
	COMMON,
};

const struct path_type path_io_uring_spin_stream = {
	.name = "io_uring-spin",
	.summary = "TCP sockets and io_uring, asked again and again without sleeping",
	.polls = true,
	.open = io_uring_spin_stream_open,
	COMMON,
};

const struct path_type path_io_uring_busypoll_stream = {
	.name = "io_uring-busypoll",
	.summary = "TCP sockets and io_uring: polls the NIC for a while, then sleeps",
	.open = io_uring_busypoll_stream_open,
	COMMON,
};
