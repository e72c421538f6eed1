// SPDX-License-Identifier: GPL-2.0
/*
 * serve_path PATH INTERFACE PORT [ADDRESS [tcp]]: opens a path where it is started and answers
 * until SIGTERM, as a responder without work and without blocks. Prints "ready HOW", and its counts
 * when it ends, as a line of NAME=VALUE. Exit status 2: the path cannot run here, and why.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path.h"

static volatile sig_atomic_t done;

static void on_signal(int number)
{
	done = 1;
}

/* Answers requests and drops what is a stop frame. */
static void serve(const struct path_type *type, struct path *path, struct path_message *messages,
                  int n)
{
	for (int i = 0; i < n; i++) {
		const struct frame_mark *mark =
			frame_payload_mark(messages[i].payload, messages[i].size);

		if (mark && mark->kind == FRAME_REQUEST)
			type->send(path, &messages[i], 1);
		else
			type->drop(path, &messages[i], 1);
	}
}

static int serve_until_done(const struct path_type *type, struct path *path)
{
	struct path_message messages[PATH_BURST];
	int n;

	while (!done) {
		if (type->in_kernel) {
			usleep(10000);
			continue;
		}
		n = type->receive(path, messages, PATH_BURST);
		if (n < 0)
			return n;
		serve(type, path, messages, n);
	}
	return 0;
}

static void print_stats(const struct path_type *type, struct path *path)
{
	struct path_stats stats;

	type->stats(path, &stats);
	printf("received=%llu sent=%llu foreign=%llu ring_drops=%llu send_failures=%llu "
	       "stops=%llu\n",
	       (unsigned long long)stats.received, (unsigned long long)stats.sent,
	       (unsigned long long)stats.foreign, (unsigned long long)stats.ring_drops,
	       (unsigned long long)stats.send_failures, (unsigned long long)stats.stops);
	printf("how=%s\n", stats.how);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct path_type *type = argc >= 4 && argc <= 6 ? path_by_name(argv[1]) : NULL;
	struct path_config config = { .max_size = FRAME_MAX };
	struct path *path = NULL;
	char why[256] = "";
	int r;

	if (type && argc == 6)
		type = type->stream;
	if (!type) {
		fprintf(stderr, "usage: serve_path PATH INTERFACE PORT [ADDRESS [tcp]]\n");
		return 1;
	}
	snprintf(config.interface, sizeof(config.interface), "%s", argv[2]);
	config.port = (uint16_t)atoi(argv[3]);
	if (argc >= 5)
		inet_pton(strchr(argv[4], ':') ? AF_INET6 : AF_INET, argv[4], config.local.ip);
	sigaction(SIGTERM, &action, NULL);
	r = type->open(&config, &path, why, sizeof(why));
	if (r) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return r == -EOPNOTSUPP ? 2 : 1;
	}
	puts("ready");
	fflush(stdout);
	r = serve_until_done(type, path);
	print_stats(type, path);
	type->close(path);
	if (r)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
	return r ? 1 : 0;
}
