// SPDX-License-Identifier: GPL-2.0
#include "uring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sentence.h"

#define CACHE_LINE   64
#define BUSY_POLL_US 64

/* From linux/io_uring.h of 6.9, which liburing 2.3 does not have. */
#define REGISTER_NAPI 27
struct register_napi {
	uint32_t busy_poll_us;
	uint8_t prefer_busy_poll;
	uint8_t pad[3];
	uint64_t reserved;
};

/* ---- Opening and closing -------------------------------------------------------------------- */

/* Task work at our own time takes Linux 6.1. */
static int make_ring(struct uring *uring, char *why, size_t why_size)
{
	struct io_uring_params deferred = { .flags = IORING_SETUP_CQSIZE |
		                                     IORING_SETUP_SINGLE_ISSUER |
		                                     IORING_SETUP_DEFER_TASKRUN,
		                            .cq_entries = 4 * URING_BUFFERS };
	struct io_uring_params plain = { .flags = IORING_SETUP_CQSIZE,
		                         .cq_entries = 4 * URING_BUFFERS };
	int err = io_uring_queue_init_params(2 * PATH_BURST, &uring->ring, &deferred);

	uring->defers = !err;
	if (err == -EINVAL)
		err = io_uring_queue_init_params(2 * PATH_BURST, &uring->ring, &plain);
	uring->has_ring = !err;
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

static int make_buffers(struct uring *uring, size_t bytes, char *why, size_t why_size)
{
	struct io_uring_buf_reg registration = { .ring_entries = URING_BUFFERS,
		                                 .bgid = URING_BUFFER_GROUP };
	size_t ring_bytes = URING_BUFFERS * sizeof(struct io_uring_buf);
	int err;

	uring->buffer_bytes = (uint32_t)bytes;
	uring->stride = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	uring->memory = aligned_alloc(CACHE_LINE, uring->stride * URING_BUFFERS);
	uring->buffer_ring = aligned_alloc((size_t)sysconf(_SC_PAGESIZE), ring_bytes);
	if (!uring->memory || !uring->buffer_ring)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	memset(uring->memory, 0, uring->stride * URING_BUFFERS); /* no page faults later */
	memset(uring->buffer_ring, 0, ring_bytes);
	registration.ring_addr = (uintptr_t)uring->buffer_ring;
	err = io_uring_register_buf_ring(&uring->ring, &registration, 0);
	if (err == -EINVAL)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel's io_uring has no buffer rings (Linux 5.19)");
	if (err)
		return sentence(why, why_size, err, "cannot register buffers with io_uring: %s",
		                strerror(-err));
	for (uint32_t i = 0; i < URING_BUFFERS; i++)
		uring_give(uring, i, i);
	uring_publish(uring, URING_BUFFERS);
	return 0;
}

int uring_open(struct uring *uring, size_t buffer_bytes, char *why, size_t why_size)
{
	int err = make_ring(uring, why, why_size);

	return err ? err : make_buffers(uring, buffer_bytes, why, why_size);
}

static int register_napi(struct uring *uring, char *why, size_t why_size)
{
	struct register_napi napi = { .busy_poll_us = BUSY_POLL_US, .prefer_busy_poll = 1 };

	if (!syscall(__NR_io_uring_register, uring->ring.ring_fd, REGISTER_NAPI, &napi, 1))
		return 0;
	if (errno == EINVAL || errno == EOPNOTSUPP)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel's io_uring does not poll busily "
		                "(IORING_REGISTER_NAPI, Linux 6.9)");
	return sentence(why, why_size, -errno, "cannot set busy polling of io_uring: %s",
	                strerror(errno));
}

int uring_poll_busily(struct uring *uring, const char *interface, char *why, size_t why_size)
{
	int err = register_napi(uring, why, why_size);

	uring->polls_napi = true;
	return err ? err : napi_require(&uring->napi, interface, why, why_size);
}

void uring_close(struct uring *uring)
{
	if (uring->has_ring)
		io_uring_queue_exit(&uring->ring);
	napi_close(&uring->napi);
	free(uring->buffer_ring);
	free(uring->memory);
}

/* ---- Requests and completions --------------------------------------------------------------- */

struct io_uring_sqe *uring_request(struct uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (sqe)
		return sqe;
	io_uring_submit(&uring->ring);
	return io_uring_get_sqe(&uring->ring);
}

int uring_submit(struct uring *uring)
{
	int submitted = io_uring_sq_ready(&uring->ring) ? io_uring_submit(&uring->ring) : 0;

	return submitted < 0 ? submitted : 0;
}

int uring_wait(struct uring *uring)
{
	struct __kernel_timespec wait = { .tv_nsec = SOCKET_WAIT_MS * 1000000LL };
	struct io_uring_cqe *cqe;
	int err = io_uring_wait_cqe_timeout(&uring->ring, &cqe, &wait);

	return err == -ETIME || err == -EINTR ? 0 : err;
}

int uring_look(struct uring *uring)
{
	int err = uring->defers ? io_uring_get_events(&uring->ring) : 0;

	return err < 0 ? err : 0;
}

/* ---- Buffers -------------------------------------------------------------------------------- */

uint32_t uring_take(struct uring *uring, const struct io_uring_cqe *cqe)
{
	uring->n_free--;
	return cqe->flags >> IORING_CQE_BUFFER_SHIFT;
}

void uring_give(struct uring *uring, uint32_t buffer, unsigned int nth)
{
	io_uring_buf_ring_add(uring->buffer_ring, uring_buffer(uring, buffer), uring->buffer_bytes,
	                      (unsigned short)buffer, io_uring_buf_ring_mask(URING_BUFFERS),
	                      (int)nth);
}

void uring_publish(struct uring *uring, unsigned int n)
{
	io_uring_buf_ring_advance(uring->buffer_ring, (int)n);
	uring->n_free += n;
}

void uring_give_back(struct uring *uring, uint32_t buffer)
{
	uring_give(uring, buffer, 0);
	uring_publish(uring, 1);
}

void uring_describe(const struct uring *uring, int fd, char *text, size_t size)
{
	const char *how = uring->defers ? "" : "without DEFER_TASKRUN";

	if (uring->polls_napi)
		how = napi_of_socket(&uring->napi, fd);
	snprintf(text, size, "%s", how);
}
