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
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "napi.h"
#include "sentence.h"
#include "socket.h"

#define BUFFERS         SOCKET_SLOTS /* a power of 2 */
#define BUFFER_GROUP    0
#define NAME_BYTES      32 /* sockaddr_in6, aligned */
#define PAYLOAD_AT      (sizeof(struct io_uring_recvmsg_out) + NAME_BYTES)
#define CACHE_LINE      64
#define RECEIVE_REQUEST UINT64_MAX /* user_data; that of an answer is its slot */
#define BUSY_POLL_US    64

/* From linux/io_uring.h of 6.9, which liburing 2.3 does not have. */
#define REGISTER_NAPI 27
struct register_napi {
	uint32_t busy_poll_us;
	uint8_t prefer_busy_poll;
	uint8_t pad[3];
	uint64_t reserved;
};

struct answer {
	struct msghdr header;
	struct iovec payload;
};

struct path {
	int fd;
	struct io_uring ring;
	bool has_ring, defers;
	bool armed; /* the multishot receive is under way */
	bool polls_napi;
	struct napi napi;
	struct io_uring_buf_ring *buffer_ring;
	uint8_t *memory; /* of the buffers */
	size_t stride;
	uint32_t max_size;
	unsigned int n_free;                /* buffers that the kernel may fill */
	struct msghdr shape;                /* of what is received: how long a name to expect */
	struct path_message ready[BUFFERS]; /* received, not handed out: a queue */
	unsigned int ready_first, ready_end;
	struct answer answer[BUFFERS];
	struct path_stats stats;
};

/* ---- Buffers -------------------------------------------------------------------------------- */

static uint8_t *buffer_of(const struct path *path, uint32_t slot)
{
	return path->memory + slot * path->stride;
}

/* To the kernel, at the next call of publish. */
static void give_buffer(struct path *path, uint32_t slot, unsigned int nth)
{
	io_uring_buf_ring_add(path->buffer_ring, buffer_of(path, slot),
	                      (unsigned int)(PAYLOAD_AT + path->max_size + 1), (unsigned short)slot,
	                      io_uring_buf_ring_mask(BUFFERS), (int)nth);
}

static void publish(struct path *path, unsigned int n)
{
	io_uring_buf_ring_advance(path->buffer_ring, (int)n);
	path->n_free += n;
}

static void release(struct path *path, uint32_t slot)
{
	give_buffer(path, slot, 0);
	publish(path, 1);
}

/* A byte more than the longest payload tells longer ones. */
static int make_buffers(struct path *path, char *why, size_t why_size)
{
	struct io_uring_buf_reg registration = { .ring_entries = BUFFERS, .bgid = BUFFER_GROUP };
	size_t ring_bytes = BUFFERS * sizeof(struct io_uring_buf);
	int err;

	path->stride = (PAYLOAD_AT + path->max_size + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
	path->memory = aligned_alloc(CACHE_LINE, path->stride * BUFFERS);
	path->buffer_ring = aligned_alloc((size_t)sysconf(_SC_PAGESIZE), ring_bytes);
	if (!path->memory || !path->buffer_ring)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	memset(path->memory, 0, path->stride * BUFFERS); /* no page faults later */
	memset(path->buffer_ring, 0, ring_bytes);
	registration.ring_addr = (uintptr_t)path->buffer_ring;
	err = io_uring_register_buf_ring(&path->ring, &registration, 0);
	if (err == -EINVAL)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel's io_uring has no buffer rings (Linux 5.19)");
	if (err)
		return sentence(why, why_size, err, "cannot register buffers with io_uring: %s",
		                strerror(-err));
	for (uint32_t i = 0; i < BUFFERS; i++)
		give_buffer(path, i, i);
	publish(path, BUFFERS);
	return 0;
}

/* ---- Completions ---------------------------------------------------------------------------- */

static void note_received(struct path *path, const struct io_uring_cqe *cqe)
{
	uint32_t slot = cqe->flags >> IORING_CQE_BUFFER_SHIFT, size;
	struct io_uring_recvmsg_out *out;
	void *payload;

	path->n_free--;
	out = io_uring_recvmsg_validate(buffer_of(path, slot), cqe->res, &path->shape);
	payload = out ? io_uring_recvmsg_payload(out, &path->shape) : NULL;
	size = out ? io_uring_recvmsg_payload_length(out, cqe->res, &path->shape) : 0;
	if (!out || size > path->max_size || !frame_payload_mark(payload, size)) {
		path->stats.foreign++;
		release(path, slot);
		return;
	}
	path->ready[path->ready_end++ % BUFFERS] =
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
	release(path, (uint32_t)cqe->user_data);
}

/* Takes all completions off the ring. */
static void reap(struct path *path)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&path->ring, head, cqe)
	{
		if (cqe->user_data == RECEIVE_REQUEST)
			note_receive(path, cqe);
		else
			note_answer(path, cqe);
		n++;
	}
	io_uring_cq_advance(&path->ring, n);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static int arm(struct path *path)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&path->ring);
	int submitted;

	if (!sqe)
		return -EBUSY;
	io_uring_prep_recvmsg_multishot(sqe, path->fd, &path->shape, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, RECEIVE_REQUEST);
	path->armed = true;
	submitted = io_uring_submit(&path->ring);
	return submitted < 0 ? submitted : 0;
}

/* Older kernels refuse it by a completion. */
static int arm_first(struct path *path, char *why, size_t why_size)
{
	struct io_uring_cqe *cqe;
	int err = arm(path);

	if (!err && !io_uring_peek_cqe(&path->ring, &cqe) && cqe->user_data == RECEIVE_REQUEST &&
	    cqe->res < 0 && cqe->res != -ENOBUFS)
		err = cqe->res;
	if (err == -EINVAL)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel's io_uring has no multishot recvmsg (Linux 6.0)");
	if (err)
		return sentence(why, why_size, err, "cannot receive with io_uring: %s",
		                strerror(-err));
	return 0;
}

/* Task work at our own time takes Linux 6.1. */
static int make_ring(struct path *path, char *why, size_t why_size)
{
	struct io_uring_params deferred = { .flags = IORING_SETUP_CQSIZE |
		                                     IORING_SETUP_SINGLE_ISSUER |
		                                     IORING_SETUP_DEFER_TASKRUN,
		                            .cq_entries = 4 * BUFFERS };
	struct io_uring_params plain = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 4 * BUFFERS };
	int err = io_uring_queue_init_params(2 * PATH_BURST, &path->ring, &deferred);

	path->defers = !err;
	if (err == -EINVAL)
		err = io_uring_queue_init_params(2 * PATH_BURST, &path->ring, &plain);
	path->has_ring = !err;
	if (err == -ENOSYS)
		return sentence(why, why_size, -EOPNOTSUPP, "the kernel has no io_uring");
	if (err == -EPERM)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "io_uring is forbidden here (sysctl kernel.io_uring_disabled, or "
		                "a seccomp filter)");
	if (err)
		return sentence(why, why_size, err, "no io_uring: %s", strerror(-err));
	return 0;
}

static void io_uring_close(struct path *path)
{
	if (!path)
		return;
	if (path->has_ring)
		io_uring_queue_exit(&path->ring);
	napi_close(&path->napi);
	if (path->fd >= 0)
		close(path->fd);
	free(path->buffer_ring);
	free(path->memory);
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
	err = make_ring(path, why, why_size);
	if (!err)
		err = make_buffers(path, why, why_size);
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

static int register_napi(struct path *path, char *why, size_t why_size)
{
	struct register_napi napi = { .busy_poll_us = BUSY_POLL_US, .prefer_busy_poll = 1 };

	if (!syscall(__NR_io_uring_register, path->ring.ring_fd, REGISTER_NAPI, &napi, 1))
		return 0;
	if (errno == EINVAL || errno == EOPNOTSUPP)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel's io_uring does not poll busily "
		                "(IORING_REGISTER_NAPI, Linux 6.9)");
	return sentence(why, why_size, -errno, "cannot set busy polling of io_uring: %s",
	                strerror(errno));
}

static int io_uring_busypoll_open(const struct path_config *config, struct path **ret_path,
                                  char *why, size_t why_size)
{
	struct path *path;
	int err = io_uring_open(config, &path, why, why_size);

	if (err)
		return err;
	path->polls_napi = true;
	err = register_napi(path, why, why_size);
	if (!err)
		err = napi_require(&path->napi, config->interface, why, why_size);
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
		messages[taken++] = path->ready[path->ready_first++ % BUFFERS];
	path->stats.received += taken;
	return (int)taken;
}

/* The receive ends when it finds no buffer: it goes on when there are some. */
static int keep_armed(struct path *path)
{
	return path->armed || !path->n_free ? 0 : arm(path);
}

static int io_uring_spin_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	int err = 0;

	if (path->ready_first == path->ready_end) {
		err = keep_armed(path);
		if (!err && path->defers)
			err = io_uring_get_events(&path->ring);
		reap(path);
	}
	return err < 0 ? err : take_ready(path, messages, n);
}

static int io_uring_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	struct __kernel_timespec wait = { .tv_nsec = SOCKET_WAIT_MS * 1000000LL };
	struct io_uring_cqe *cqe;
	int err = 0;

	if (path->ready_first == path->ready_end) {
		err = keep_armed(path);
		if (!err)
			err = io_uring_wait_cqe_timeout(&path->ring, &cqe, &wait);
		if (err == -ETIME || err == -EINTR)
			err = 0;
		reap(path);
	}
	return err < 0 ? err : take_ready(path, messages, n);
}

static void io_uring_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		give_buffer(path, messages[i].slot, i);
	publish(path, n);
}

/* As the message's buffer has it: its address precedes its payload. */
static void prepare_answer(struct path *path, const struct path_message *message)
{
	struct io_uring_recvmsg_out *out = (void *)buffer_of(path, message->slot);
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
	struct io_uring_sqe *sqe = io_uring_get_sqe(&path->ring);

	if (!sqe) {
		int submitted = io_uring_submit(&path->ring);

		sqe = io_uring_get_sqe(&path->ring);
		if (submitted < 0 || !sqe)
			return submitted < 0 ? submitted : -EBUSY;
	}
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
	err = io_uring_submit(&path->ring);
	reap(path);
	return err < 0 ? err : 0;
}

static void io_uring_stats(struct path *path, struct path_stats *ret_stats)
{
	reap(path);
	*ret_stats = path->stats;
	ret_stats->ring_drops = socket_drops(path->fd);
	if (path->polls_napi && path->stats.received)
		snprintf(ret_stats->how, sizeof(ret_stats->how), "%s",
		         napi_of_socket(&path->napi, path->fd));
	else if (!path->defers)
		snprintf(ret_stats->how, sizeof(ret_stats->how), "without DEFER_TASKRUN");
}

#define COMMON                                                                                     \
	.send = io_uring_send, .drop = io_uring_drop, .stats = io_uring_stats,                     \
	.close = io_uring_close

const struct path_type path_io_uring = {
	.name = "io_uring",
	.summary = "UDP socket and io_uring, sleeps until there is a completion",
	.open = io_uring_open,
	.receive = io_uring_receive,
	COMMON,
};

const struct path_type path_io_uring_spin = {
	.name = "io_uring-spin",
	.summary = "UDP socket and io_uring, asked again and again without sleeping",
	.polls = true,
	.open = io_uring_open,
	.receive = io_uring_spin_receive,
	COMMON,
};

const struct path_type path_io_uring_busypoll = {
	.name = "io_uring-busypoll",
	.summary = "UDP socket and io_uring: polls the NIC for a while, then sleeps",
	.open = io_uring_busypoll_open,
	.receive = io_uring_receive,
	COMMON,
};
