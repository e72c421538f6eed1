// SPDX-License-Identifier: GPL-2.0
/*
 * One queue under one mutex, the way most thread pools are built, because that hand-off (futex,
 * wakeup of another thread) is what a tracer has to get right here.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool.h"

/* A client that takes nothing for so long is given up, or it would hold the worker. */
#define WRITE_TIMEOUT_MS 10000

static struct connection *pool_take(struct pool *pool)
{
	struct connection *connection;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->first && !pool->stop)
		pthread_cond_wait(&pool->filled, &pool->mutex);
	connection = pool->first;
	if (connection) {
		pool->first = connection->next;
		if (!pool->first)
			pool->end = &pool->first;
	}
	pthread_mutex_unlock(&pool->mutex);
	return connection;
}

void pool_dispatch(struct pool *pool, struct connection *connection)
{
	connection->next = NULL;
	pthread_mutex_lock(&pool->mutex);
	*pool->end = connection;
	pool->end = &connection->next;
	pthread_mutex_unlock(&pool->mutex);
	pthread_cond_signal(&pool->filled);
}

/* Writes to the end, waiting for room. */
static int worker_write(struct worker *worker, struct connection *connection)
{
	int error;

	while ((error = connection_respond(connection, &worker->handler)) == -EAGAIN) {
		struct pollfd room = { .fd = connection->fd, .events = POLLOUT };

		if (poll(&room, 1, WRITE_TIMEOUT_MS) == 0)
			return -ETIMEDOUT;
	}
	return error;
}

static void worker_serve(struct worker *worker, struct connection *connection)
{
	struct loop *loop = connection->loop;

	connection_handle(connection, &worker->handler, loop->handler.tid);
	if (worker->pool->reader_writes) {
		loop_return(loop, connection);
		return;
	}
	connection->failed = worker_write(worker, connection) != 0;
	if (connection->failed || connection->in_length)
		loop_return(loop, connection);
	else
		loop_rearm(loop, connection);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	struct connection *connection;

	worker->handler.tid = gettid();
	while ((connection = pool_take(worker->pool)))
		worker_serve(worker, connection);
	return NULL;
}

static int worker_start(struct worker *worker, struct pool *pool, unsigned int number,
                        const struct loop_options *options)
{
	char name[24];
	int error =
		handler_init(&worker->handler, options->json, options->io_dir, options->logging);

	worker->pool = pool;
	worker->handler.gc_every = options->gc_every;
	worker->handler.gc_us = options->gc_us;
	if (!error)
		error = -pthread_create(&worker->thread, NULL, worker_run, worker);
	if (error) {
		handler_destroy(&worker->handler);
		request_log_destroy(&worker->handler.log);
		return error;
	}
	snprintf(name, sizeof(name), "worker-%u", number);
	pthread_setname_np(worker->thread, name);
	return 0;
}

int pool_start(struct pool *pool, unsigned int count, bool reader_writes,
               const struct loop_options *options)
{
	int error = 0;

	*pool = (struct pool){ .reader_writes = reader_writes };
	pool->end = &pool->first;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->filled, NULL);
	pool->workers = calloc(count, sizeof(*pool->workers));
	if (!pool->workers)
		return -ENOMEM;
	while (pool->count < count && !error) {
		error = worker_start(&pool->workers[pool->count], pool, pool->count, options);
		if (!error)
			pool->count++;
	}
	if (error)
		pool_stop(pool);
	return error;
}

void pool_stop(struct pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->stop = true;
	pthread_mutex_unlock(&pool->mutex);
	pthread_cond_broadcast(&pool->filled);
	for (unsigned int i = 0; i < pool->count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		handler_destroy(&pool->workers[i].handler);
	}
}

void pool_destroy(struct pool *pool)
{
	if (!pool->workers)
		return;
	for (unsigned int i = 0; i < pool->count; i++)
		request_log_destroy(&pool->workers[i].handler.log);
	free(pool->workers);
	pool->workers = NULL;
	pthread_cond_destroy(&pool->filled);
	pthread_mutex_destroy(&pool->mutex);
}
