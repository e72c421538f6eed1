// SPDX-License-Identifier: GPL-2.0
#include "ab_responder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "ab_host.h"
#include "error.h"
#include "remote_serve.h"

/*
 * Takes standard input and output for itself: what a library prints goes to standard error then,
 * and is not taken for an answer. 0, or a negative errno.
 */
static int take_streams(int *ret_in, int *ret_out)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	*ret_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	*ret_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (nothing < 0 || *ret_in < 0 || *ret_out < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return -errno;
	close(nothing);
	return 0;
}

/* An interrupt that was to be ignored, from the terminal of the generator, still is. */
static int take_host(struct journal **ret_journal)
{
	struct sigaction interrupt;
	int exit_code;

	sigaction(SIGINT, NULL, &interrupt);
	exit_code = ab_host_take(ret_journal);
	if (interrupt.sa_handler == SIG_IGN)
		sigaction(SIGINT, &interrupt, NULL);
	return exit_code;
}

int ab_responder(void)
{
	int in, out, exit_code, err = take_streams(&in, &out);
	struct journal *journal;
	char why[512];

	if (err)
		return error_print(&(struct failure){ .error = err });
	exit_code = take_host(&journal);
	if (exit_code >= 0)
		return exit_code;
	err = remote_serve(in, out, journal, &ab_interrupted, why, sizeof(why));
	return err ? error_print(&(struct failure){ .error = err, .cause = why }) : KTAX_EXIT_FINE;
}
