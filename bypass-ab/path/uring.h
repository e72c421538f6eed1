/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the io_uring paths share: the ring, buffers that the kernel takes from it to receive into,
 * and how completions are waited for. Buffers are numbered.
 */
#ifndef KTAX_PATH_URING_H
#define KTAX_PATH_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <liburing.h>

#include "napi.h"
#include "path.h"
#include "socket.h"

#define URING_BUFFERS      SOCKET_SLOTS /* a power of 2 */
#define URING_BUFFER_GROUP 0

struct uring {
	struct io_uring ring;
	bool has_ring, defers;
	struct io_uring_buf_ring *buffer_ring;
	uint8_t *memory; /* of the buffers */
	size_t stride;
	uint32_t buffer_bytes;
	unsigned int n_free; /* buffers that the kernel may fill */
	bool polls_napi;
	struct napi napi;
};

/* As path_type.open for errors and @why, both. A uring that is all zero can be closed. */
int uring_open(struct uring *uring, size_t buffer_bytes, char *why, size_t why_size);
/* Waiting polls the NIC of @interface before it sleeps. */
int uring_poll_busily(struct uring *uring, const char *interface, char *why, size_t why_size);
void uring_close(struct uring *uring);

/* A submission entry; where there is none, what is queued is submitted first. NULL: still none. */
struct io_uring_sqe *uring_request(struct uring *uring);
/* Submits what is queued, if anything; a negative errno. */
int uring_submit(struct uring *uring);
/* Waits for a completion, SOCKET_WAIT_MS at most; or, not to sleep, has the kernel look for one. */
int uring_wait(struct uring *uring);
int uring_look(struct uring *uring);

/* The buffer that a completion names, which is the caller's from now on. */
uint32_t uring_take(struct uring *uring, const struct io_uring_cqe *cqe);
/* Gives a buffer back, as the @nth since publishing; the kernel has it when it is published. */
void uring_give(struct uring *uring, uint32_t buffer, unsigned int nth);
void uring_publish(struct uring *uring, unsigned int n);
/* Both at once. */
void uring_give_back(struct uring *uring, uint32_t buffer);

/* How it runs here; @fd: a socket that has received. */
void uring_describe(const struct uring *uring, int fd, char *text, size_t size);

static inline uint8_t *uring_buffer(const struct uring *uring, uint32_t buffer)
{
	return uring->memory + buffer * uring->stride;
}

#endif
