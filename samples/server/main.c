// SPDX-License-Identifier: GPL-2.0
/*
 * ktax-sample-server: a small real HTTP server whose requests do exactly what they are asked to,
 * and which keeps its own account of it, to try ktax on and to test it against (plan.h has the
 * parameters, request_log.h the log).
 *
 *	main        options, listening sockets, processes, signals
 *	 server     one process: loops, pool, log
 *	  loop      epoll, reading; connection: buffer, request and response of one client
 *	  pool      workers, where asked for
 *	   handler  the phases and endpoints; response: writing in any way, resumable
 *	   json     json-c or jansson
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen.h"
#include "request_log.h"
#include "server.h"

#define LISTENERS_MAX 256

static int fail(const char *what, const char *on, int error)
{
	fprintf(stderr, "ktax-sample-server: cannot %s %s: %s.\n", what, on, strerror(-error));
	return 2;
}

/* Written aside and renamed: who waits for the file never reads half of it. */
static int port_file_write(const char *path, uint16_t port)
{
	char aside[4096];
	FILE *file;

	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	file = fopen(aside, "w");
	if (!file)
		return -errno;
	fprintf(file, "%u\n", port);
	if (fclose(file) || rename(aside, path))
		return -errno;
	return 0;
}

static void signals_block(sigset_t *ret_signals)
{
	signal(SIGPIPE, SIG_IGN); /* a closed connection is an error of write, as with sendfile */
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigprocmask(SIG_BLOCK, ret_signals, NULL);
}

/* The process that waits for the preforked ones: tells them to end, and returns the worst status.
 */
static int supervise(const pid_t *children, unsigned int count, const sigset_t *until)
{
	sigset_t signals = *until;
	int signal, status, worst = 0;

	sigaddset(&signals, SIGCHLD);
	sigwait(&signals, &signal);
	for (unsigned int i = 0; i < count; i++)
		kill(children[i], SIGTERM);
	for (unsigned int i = 0; i < count; i++) {
		if (waitpid(children[i], &status, 0) < 0 || !WIFEXITED(status))
			worst = 2;
		else if (WEXITSTATUS(status) > worst)
			worst = WEXITSTATUS(status);
	}
	return worst;
}

static int serve(const struct server_options *options, const int *fds, int log_fd,
                 const sigset_t *until)
{
	int error = server_run(options, fds, log_fd, until);

	return error ? fail("serve on", options->listen, error) : 0;
}

static int prefork(const struct server_options *options, const int *fds, int log_fd,
                   const sigset_t *until)
{
	pid_t children[LISTENERS_MAX];
	sigset_t child;
	unsigned int count = 0;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	for (; count < options->processes; count++) {
		pid_t pid = fork();

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			_exit(serve(options, fds, log_fd, until));
		}
		if (pid < 0) {
			fail("fork a process for", options->listen, -errno);
			kill(getpid(), SIGTERM); /* blocked: ends the wait of supervise */
			break;
		}
		children[count] = pid;
	}
	return supervise(children, count, until);
}

static int listen_and_serve(const struct server_options *options, int log_fd)
{
	int fds[LISTENERS_MAX], error;
	sigset_t until;
	uint16_t port;

	signals_block(&until);
	error = listen_open(options->listen, fds, options->threads, &port);
	if (error)
		return fail("listen on", options->listen, error);
	if (options->port_file)
		error = port_file_write(options->port_file, port);
	if (error)
		return fail("write", options->port_file, error);
	printf("listening on %.*s:%u\n", (int)(strrchr(options->listen, ':') - options->listen),
	       options->listen, port);
	fflush(stdout);
	if (options->processes > 1)
		return prefork(options, fds, log_fd, &until);
	return serve(options, fds, log_fd, &until);
}

int main(int argc, char **argv)
{
	struct server_options options;
	int log_fd = -1;

	if (server_options_parse(argc, argv, &options))
		return 1;
	if (options.help) {
		server_options_help();
		return 0;
	}
	if (options.log) {
		log_fd = request_log_create(options.log);
		if (log_fd < 0)
			return fail("write", options.log, log_fd);
	}
	return listen_and_serve(&options, log_fd);
}
