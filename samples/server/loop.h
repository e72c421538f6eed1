/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An event loop: one thread, one epoll, one listening socket. It reads; it handles and writes too
 * unless there is a pool.
 */
#ifndef SAMPLES_LOOP_H
#define SAMPLES_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "connection.h"

struct pool;

struct loop {
	pthread_t thread;
	int epoll_fd;
	int listen_fd;
	int wake_fd;       /* eventfd: something was returned, or stop */
	struct pool *pool; /* NULL: handles by itself */
	struct handler handler;
	struct connection *all;
	uint32_t connections, connections_max;
	pthread_mutex_t returned_mutex;
	struct connection *returned;
	atomic_uint dispatched; /* connections that workers own */
	atomic_bool stop;
	int error; /* of the run */
};

struct loop_options {
	const struct json_library *json;
	const char *io_dir;
	bool logging;
	unsigned int gc_every, gc_us;
	int listen_fd; /* stays the caller's */
	struct pool *pool;
	uint32_t connections_max; /* more are closed on arrival */
};

/* Sets the loop up and starts its thread, named loop-@number. 0 or -errno. */
int loop_start(struct loop *loop, const struct loop_options *options, unsigned int number);
/* Ends the thread once its workers have given their connections back. Then loop_destroy. */
void loop_stop(struct loop *loop);
/* Closes the connections and frees all but the handler's log. */
void loop_destroy(struct loop *loop);

/* For workers, to give a connection back: it has bytes, a response to write, or has failed. */
void loop_return(struct loop *loop, struct connection *connection);
/* The same for one that is idle: wait for its next bytes. */
void loop_rearm(struct loop *loop, struct connection *connection);

#endif
