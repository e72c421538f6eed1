/* SPDX-License-Identifier: GPL-2.0 */
/* Worker threads that handle requests which loops have read. */
#ifndef SAMPLES_POOL_H
#define SAMPLES_POOL_H

#include "loop.h"

struct worker {
	pthread_t thread;
	struct pool *pool;
	struct handler handler;
};

struct pool {
	struct worker *workers;
	unsigned int count;
	bool reader_writes; /* workers hand the response back to the loop */
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct connection *first, **end;
	bool stop;
};

/* Starts @count threads, named worker-N, that take json, io_dir and logging of @options. -errno. */
int pool_start(struct pool *pool, unsigned int count, bool reader_writes,
               const struct loop_options *options);
/* Ends the threads; the loops have been stopped before, so nothing is queued. */
void pool_stop(struct pool *pool);
/* Frees all; the logs are gone after it. Accepts a zeroed pool. */
void pool_destroy(struct pool *pool);

/* Queues @connection, which has a request and now is the pool's. */
void pool_dispatch(struct pool *pool, struct connection *connection);

#endif
