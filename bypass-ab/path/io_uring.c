// SPDX-License-Identifier: GPL-2.0
/*
 * The paths through a UDP socket and io_uring. One multishot recvmsg fills buffers of a ring that
 * is shared with the kernel; a buffer is its message's slot, and goes back into the ring when the
 * message is dropped or its answer has left. They differ in how they wait:
 *
 *	io_uring		sleeps until there is a completion
 *	io_uring-spin		has the kernel look again and again (the ring's task work runs only
 *				when it is entered: IORING_SETUP_DEFER_TASKRUN)
 *	io_uring-busypoll	as io_uring, but the wait polls the NIC before it sleeps
 *
 * Answers are submitted at once. Most are complete then, and what is complete frees its buffer.
 *
 *	buffer:	struct io_uring_recvmsg_out | peer's address | payload
 */
#include "io_uring.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sentence.h"
#include "uring.h"

#define NAME_BYTES      32 /* sockaddr_in6, aligned */
#define PAYLOAD_AT      (sizeof(struct io_uring_recvmsg_out) + NAME_BYTES)
#define RECEIVE_REQUEST UINT64_MAX /* user_data; that of an answer is its slot */

struct answer {
	struct msghdr header;
	struct iovec payload;
};

struct path {
	int fd;
	struct uring uring;
	bool armed; /* the multishot receive is under way */
	uint32_t max_size;
	struct msghdr shape; /* of what is received: how long a name to expect */
	struct path_message ready[URING_BUFFERS]; /* received, not handed out: a queue */
	unsigned int ready_first, ready_end;
	struct answer answer[URING_BUFFERS];
	struct path_stats stats;
};

/* ---- Completions ---------------------------------------------------------------------------- */

static void note_received(struct path *path, const struct io_uring_cqe *cqe)
{
	uint32_t slot = uring_take(&path->uring, cqe), size;
	struct io_uring_recvmsg_out *out;
	void *payload;

	out = io_uring_recvmsg_validate(uring_buffer(&path->uring, slot), cqe->res, &path->shape);
	payload = out ? io_uring_recvmsg_payload(out, &path->shape) : NULL;
	size = out ? io_uring_recvmsg_payload_length(out, cqe->res, &path->shape) : 0;
	if (!out || size > path->max_size || !frame_payload_mark(payload, size)) {
		path->stats.foreign++;
		uring_give_back(&path->uring, slot);
		return;
	}
	path->ready[path->ready_end++ % URING_BUFFERS] =
		(struct path_message){ .payload = payload, .size = size, .slot = slot };
}

/* Without a buffer it tells that the receive has ended, as it does when there are none. */
static void note_receive(struct path *path, const struct io_uring_cqe *cqe)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		path->armed = false;
	if (cqe->res >= 0 && cqe->flags & IORING_CQE_F_BUFFER)
		note_received(path, cqe);
}

static void note_answer(struct path *path, const struct io_uring_cqe *cqe)
{
	if (cqe->res < 0)
		path->stats.send_failures++;
	else
		path->stats.sent++;
	uring_give_back(&path->uring, (uint32_t)cqe->user_data);
}

/* Takes all completions off the ring. */
static void reap(struct path *path)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&path->uring.ring, head, cqe)
	{
		if (cqe->user_data == RECEIVE_REQUEST)
			note_receive(path, cqe);
		else
			note_answer(path, cqe);
		n++;
	}
	io_uring_cq_advance(&path->uring.ring, n);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static int arm(struct path *path)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&path->uring.ring);
	int submitted;

	if (!sqe)
		return -EBUSY;
	io_uring_prep_recvmsg_multishot(sqe, path->fd, &path->shape, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = URING_BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, RECEIVE_REQUEST);
	path->armed = true;
	submitted = io_uring_submit(&path->uring.ring);
	return submitted < 0 ? submitted : 0;
}

/* Older kernels refuse it by a completion. */
static int arm_first(struct path *path, char *why, size_t why_size)
{
	struct io_uring_cqe *cqe;
	int err = arm(path);

	if (!err && !io_uring_peek_cqe(&path->uring.ring, &cqe) &&
	    cqe->user_data == RECEIVE_REQUEST && cqe->res < 0 && cqe->res != -ENOBUFS)
		err = cqe->res;
	if (err == -EINVAL)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel's io_uring has no multishot recvmsg (Linux 6.0)");
	if (err)
		return sentence(why, why_size, err, "cannot receive with io_uring: %s",
		                strerror(-err));
	return 0;
}

static void io_uring_close(struct path *path)
{
	if (!path)
		return;
	uring_close(&path->uring);
	if (path->fd >= 0)
		close(path->fd);
	free(path);
}

static int set_up(struct path *path, const struct path_config *config, char *why, size_t why_size)
{
	int err;

	path->max_size = config->max_size;
	path->shape.msg_namelen = NAME_BYTES;
	path->fd = socket_open(config, why, why_size);
	if (path->fd < 0)
		return path->fd;
	/* A byte more than the longest payload tells longer ones. */
	err = uring_open(&path->uring, PAYLOAD_AT + path->max_size + 1, why, why_size);
	return err ? err : arm_first(path, why, why_size);
}

static int io_uring_open(const struct path_config *config, struct path **ret_path, char *why,
                         size_t why_size)
{
	struct path *path = calloc(1, sizeof(*path));
	int err;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	path->fd = -1;
	err = set_up(path, config, why, why_size);
	if (err)
		io_uring_close(path);
	else
		*ret_path = path;
	return err;
}

static int io_uring_busypoll_open(const struct path_config *config, struct path **ret_path,
                                  char *why, size_t why_size)
{
	struct path *path;
	int err = io_uring_open(config, &path, why, why_size);

	if (err)
		return err;
	err = uring_poll_busily(&path->uring, config->interface, why, why_size);
	if (err)
		io_uring_close(path);
	else
		*ret_path = path;
	return err;
}

/* ---- Receiving and sending ------------------------------------------------------------------ */

static int take_ready(struct path *path, struct path_message *messages, unsigned int n)
{
	unsigned int taken = 0;

	while (taken < n && path->ready_first != path->ready_end)
		messages[taken++] = path->ready[path->ready_first++ % URING_BUFFERS];
	path->stats.received += taken;
	return (int)taken;
}

/* The receive ends when it finds no buffer: it goes on when there are some. */
static int keep_armed(struct path *path)
{
	return path->armed || !path->uring.n_free ? 0 : arm(path);
}

static int io_uring_spin_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	int err = 0;

	if (path->ready_first == path->ready_end) {
		err = keep_armed(path);
		if (!err)
			err = uring_look(&path->uring);
		reap(path);
	}
	return err < 0 ? err : take_ready(path, messages, n);
}

static int io_uring_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	int err = 0;

	if (path->ready_first == path->ready_end) {
		err = keep_armed(path);
		if (!err)
			err = uring_wait(&path->uring);
		reap(path);
	}
	return err < 0 ? err : take_ready(path, messages, n);
}

static void io_uring_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		uring_give(&path->uring, messages[i].slot, i);
	uring_publish(&path->uring, n);
}

/* As the message's buffer has it: its address precedes its payload. */
static void prepare_answer(struct path *path, const struct path_message *message)
{
	struct io_uring_recvmsg_out *out = (void *)uring_buffer(&path->uring, message->slot);
	struct answer *answer = &path->answer[message->slot];

	answer->payload = (struct iovec){ .iov_base = message->payload, .iov_len = message->size };
	answer->header = (struct msghdr){
		.msg_name = io_uring_recvmsg_name(out),
		.msg_namelen = out->namelen,
		.msg_iov = &answer->payload,
		.msg_iovlen = 1,
	};
}

static int submit_answer(struct path *path, const struct path_message *message)
{
	struct io_uring_sqe *sqe = uring_request(&path->uring);

	if (!sqe)
		return -EBUSY;
	prepare_answer(path, message);
	io_uring_prep_sendmsg(sqe, path->fd, &path->answer[message->slot].header, 0);
	io_uring_sqe_set_data64(sqe, message->slot);
	return 0;
}

static int io_uring_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	int err;

	for (unsigned int i = 0; i < n; i++) {
		err = submit_answer(path, &messages[i]);
		if (err)
			return err;
	}
	err = io_uring_submit(&path->uring.ring);
	reap(path);
	return err < 0 ? err : 0;
}

static void io_uring_stats(struct path *path, struct path_stats *ret_stats)
{
	reap(path);
	*ret_stats = path->stats;
	ret_stats->ring_drops = socket_drops(path->fd);
	if (path->stats.received)
		uring_describe(&path->uring, path->fd, ret_stats->how, sizeof(ret_stats->how));
}

#define COMMON                                                                                     \
	.send = io_uring_send, .drop = io_uring_drop, .stats = io_uring_stats,                     \
	.close = io_uring_close

const struct path_type path_io_uring = {
	.name = "io_uring",
	.summary = "UDP socket and io_uring, sleeps until there is a completion",
	.open = io_uring_open,
	.receive = io_uring_receive,
	.stream = &path_io_uring_stream,
	COMMON,
};

const struct path_type path_io_uring_spin = {
	.name = "io_uring-spin",
	.summary = "UDP socket and io_uring, asked again and again without sleeping",
	.polls = true,
	.open = io_uring_open,
	.receive = io_uring_spin_receive,
	.stream = &path_io_uring_spin_stream,
	COMMON,
};

const struct path_type path_io_uring_busypoll = {
	.name = "io_uring-busypoll",
	.summary = "UDP socket and io_uring: polls the NIC for a while, then sleeps",
	.open = io_uring_busypoll_open,
	.receive = io_uring_receive,
	.stream = &path_io_uring_busypoll_stream,
	COMMON,
};
