/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client that runs through a whole series of windows: one thread on a CPU of its own, many
 * connections, one request that is repeated and always answered by the same number of bytes.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct client;

struct client_options {
	const char *request; /* its bytes */
	uint16_t port;       /* on 127.0.0.1 */
	unsigned int connections;
	double rate; /* requests per second, Poisson arrivals; 0: closed loop */
	int cpu;
	uint64_t seed;
};

/* Connects, sends one request to learn the response's length, and starts. -errno. */
int client_start(const struct client_options *options, struct client **ret_client);
void client_stop(struct client *client);

/* What the client leaves at a mark: where in its list of latencies, and how fast its CPU was. */
struct client_mark {
	size_t latencies;  /* in the list, before the mark */
	uint64_t probe_ns; /* speed.h */
};

#define CLIENT_MARKS_MAX 8192

/* Begins an empty list of latencies and of marks, or ends it; -errno that ended the client. */
int client_record(struct client *client, bool on);
/* Asks for a mark, which follows within a turn of the client's loop. */
void client_mark(struct client *client);
/* After the end of recording. */
const uint64_t *client_latencies(const struct client *client);
const struct client_mark *client_marks(const struct client *client);
/* How many marks there are by now. */
size_t client_marks_done(const struct client *client);

pid_t client_tid(const struct client *client);
uint64_t client_done(const struct client *client);   /* responses so far */
uint64_t client_cpu_ns(const struct client *client); /* of its thread, exact */
int client_error(const struct client *client);       /* -errno that ended it, 0: none */

#endif
