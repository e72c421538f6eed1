// SPDX-License-Identifier: GPL-2.0
/*
 * The conversation, over a socket pair: one byte '0' or '1' asks, one byte answers: 0 or an errno.
 * The statistics are on as long as a descriptor is open, so also a child that is killed leaves them
 * off; and it ends when its parent does, since its end of the socket is then closed.
 */
#include "stats_switch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privileges.h"

/* ---- The child ---------------------------------------------------------------------------- */

static unsigned char follow(char asked, int *stats)
{
	if (asked == '1' && *stats < 0) {
		*stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
		return *stats < 0 ? errno : 0;
	}
	if (asked == '0' && *stats >= 0) {
		close(*stats);
		*stats = -1;
	}
	return 0;
}

/* Ctrl-C goes to the child too: it is for the parent to end it. */
static void ignore_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static _Noreturn void child_main(int fd)
{
	int stats = -1;
	char asked;

	ignore_signals();
	prctl(PR_SET_NAME, "ktax-stats");
	if (dup2(fd, 0) < 0 || close_range(1, ~0U, 0) || privileges_keep_admin_only())
		_exit(1);
	while (read(0, &asked, 1) == 1) {
		unsigned char answer = follow(asked, &stats);

		if (write(0, &answer, 1) != 1)
			break;
	}
	_exit(0);
}

/* ---- The parent --------------------------------------------------------------------------- */

int stats_switch_open(struct stats_switch *ret)
{
	struct stats_switch stats = STATS_SWITCH_NONE;
	int pair[2], err;

	*ret = stats;
	if (!privileges_have_admin())
		return -EPERM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	stats.child = fork();
	if (!stats.child)
		child_main(pair[1]);
	err = stats.child < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	stats.fd = pair[0];
	err = stats_switch_set(&stats, true);
	if (!err)
		err = stats_switch_set(&stats, false);
	if (err)
		stats_switch_close(&stats);
	else
		*ret = stats;
	return err;
}

bool stats_switch_works(const struct stats_switch *stats)
{
	return stats->fd >= 0;
}

int stats_switch_set(const struct stats_switch *stats, bool on)
{
	unsigned char answer;

	if (stats->fd < 0)
		return -EPERM;
	if (send(stats->fd, on ? "1" : "0", 1, MSG_NOSIGNAL) != 1 ||
	    recv(stats->fd, &answer, 1, 0) != 1)
		return -EPIPE;
	return -answer;
}

void stats_switch_close(struct stats_switch *stats)
{
	if (stats->fd < 0)
		return;
	close(stats->fd);
	waitpid(stats->child, NULL, 0);
	*stats = STATS_SWITCH_NONE;
}
