// SPDX-License-Identifier: GPL-2.0
/*
 * Order of the end, so that every request that was answered is in the log: the loops stop reading
 * and wait for what their workers have; the workers end; the logs are written; all is freed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "loop.h"
#include "pool.h"
#include "server.h"

/* Descriptors that are not connections: listeners, epoll, files; generously. */
#define DESCRIPTORS_OTHER 128

struct server {
	struct loop *loops;
	unsigned int running;
	struct pool pool;
	unsigned int workers;
};

/* How many connections each loop may hold, once the limit is as high as it may go. */
static uint32_t connections_per_loop(unsigned int loops, unsigned int threads)
{
	struct rlimit limit;
	rlim_t other = DESCRIPTORS_OTHER + 4ULL * threads;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 256;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > 1U << 20)
		limit.rlim_cur = 1U << 20;
	return limit.rlim_cur > other + loops ? (uint32_t)((limit.rlim_cur - other) / loops) : 1;
}

static int server_start(struct server *server, const struct server_options *options,
                        const int *listen_fds, bool logging)
{
	struct loop_options loop_options = {
		.json = options->json,
		.io_dir = options->io_dir,
		.logging = logging,
		.gc_every = options->gc_every,
		.gc_us = options->gc_us,
		.connections_max =
			connections_per_loop(options->threads, options->threads + options->workers),
	};
	int error;

	if (options->workers) {
		error = pool_start(&server->pool, options->workers, options->reader_writes,
		                   &loop_options);
		if (error)
			return error;
		server->workers = options->workers;
		loop_options.pool = &server->pool;
	}
	for (; server->running < options->threads; server->running++) {
		loop_options.listen_fd = listen_fds[server->running];
		error = loop_start(&server->loops[server->running], &loop_options, server->running);
		if (error)
			return error;
	}
	return 0;
}

static void server_stop(struct server *server)
{
	for (unsigned int i = 0; i < server->running; i++)
		loop_stop(&server->loops[i]);
	if (server->workers)
		pool_stop(&server->pool);
}

static int server_write_log(const struct server *server, int log_fd)
{
	uint64_t lost = 0;
	int error = 0;

	for (unsigned int i = 0; i < server->running && !error; i++) {
		error = request_log_write(&server->loops[i].handler.log, log_fd);
		lost += server->loops[i].handler.log.lost;
	}
	for (unsigned int i = 0; i < server->workers && !error; i++) {
		error = request_log_write(&server->pool.workers[i].handler.log, log_fd);
		lost += server->pool.workers[i].handler.log.lost;
	}
	if (lost)
		fprintf(stderr, "ktax-sample-server: the log lacks %llu requests (no memory).\n",
		        (unsigned long long)lost);
	return error;
}

static void server_destroy(struct server *server)
{
	for (unsigned int i = 0; i < server->running; i++) {
		loop_destroy(&server->loops[i]);
		request_log_destroy(&server->loops[i].handler.log);
	}
	pool_destroy(&server->pool);
	free(server->loops);
}

int server_run(const struct server_options *options, const int *listen_fds, int log_fd,
               const sigset_t *until)
{
	struct server server = { .loops = calloc(options->threads, sizeof(*server.loops)) };
	int error, signal;

	if (!server.loops)
		return -ENOMEM;
	error = response_filler_open();
	if (!error)
		error = server_start(&server, options, listen_fds, log_fd >= 0);
	if (!error)
		sigwait(until, &signal);
	server_stop(&server);
	if (!error && log_fd >= 0)
		error = server_write_log(&server, log_fd);
	server_destroy(&server);
	response_filler_close();
	return error;
}
