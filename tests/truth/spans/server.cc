/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ktax-truth-span-server PORT_FILE: a thread per connection on 127.0.0.1, a line per request (see
 * requests.h). Two requests are handled in the frame of the loop over a connection's requests:
 *
 *	inlined_skipped_end   the end of an annotation is skipped, and no frame is left by that
 *	exit                  answers within a span, whose thread then ends
 *
 * One more thread never touches a socket.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <ktax/ktax.h>

#include "requests.h"
#include "spin.h"
#include "work.h"

static volatile int yes = 1;
static thread_local FILE *connection;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void answer(const char *name)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "%s\n", name);

	if (write(fileno(connection), line, (size_t)length) != length)
		pthread_exit(nullptr);
}

static void answer_and_exit()
{
	spin(100);
	answer("exit");
	fclose(connection);
	pthread_exit(nullptr);
}

static inline __attribute__((always_inline)) void skip_end_inlined()
{
	KTAX_SPAN_BEGIN(serialize);
	spin(100);
	if (yes)
		return;
	KTAX_SPAN_END(serialize);
}

static void serve_connection(int fd)
{
	char line[64];

	connection = fdopen(fd, "r+");
	while (connection && fgets(line, sizeof(line), connection)) {
		line[strcspn(line, "\n")] = '\0';
		const struct request_kind *kind = request_kind_find(line);

		if (kind)
			kind->handle();
		else if (!strcmp(line, "inlined_skipped_end"))
			skip_end_inlined();
		else if (!strcmp(line, "exit"))
			span_work(answer_and_exit);
		answer(line);
	}
	fclose(connection);
}

static int listen_on_loopback(in_port_t *ret_port)
{
	struct sockaddr_in address = {};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&address, &length))
		fail("listen");
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void write_port(const char *path, in_port_t port)
{
	FILE *file = fopen(path, "w");

	if (!file || fprintf(file, "%u\n", port) < 0 || fclose(file))
		fail(path);
}

int main(int argc, char **argv)
{
	in_port_t port;
	int listener;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PORT_FILE\n", argv[0]);
		return 1;
	}
	spin_calibrate();
	listener = listen_on_loopback(&port);
	write_port(argv[1], port);
	std::thread(background).detach();
	for (;;) {
		int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);

		if (fd >= 0)
			std::thread(serve_connection, fd).detach();
	}
}
