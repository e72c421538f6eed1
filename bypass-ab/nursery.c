// SPDX-License-Identifier: GPL-2.0
/*
 * The nursery forks a go-between, which forks the process and ends: an orphan becomes the child of
 * the nearest ancestor that takes orphans (PR_SET_CHILD_SUBREAPER), which is who asked for it.
 */
#include "nursery.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sentence.h"

struct order {
	void (*run)(const void *request, const int *fds);
	size_t n_fds;
	char request[NURSERY_REQUEST_MAX];
};

static pid_t nursery;
static int control = -1;

/* ---- The nursery's side ------------------------------------------------------------------- */

static bool receive_order(int from, struct order *order, int fds[NURSERY_FDS_MAX])
{
	char room[CMSG_SPACE(NURSERY_FDS_MAX * sizeof(int))];
	struct iovec part = { order, sizeof(*order) };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = room,
		                  .msg_controllen = sizeof(room) };
	const struct cmsghdr *header;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != sizeof(*order))
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header)
		memcpy(fds, CMSG_DATA(header), order->n_fds * sizeof(int));
	return header || !order->n_fds;
}

static void __attribute__((noreturn))
be_born(const struct order *order, const int *fds, pid_t between, int from)
{
	close(from);
	while (getppid() == between)
		sched_yield();
	order->run(order->request, fds);
	_exit(0);
}

static void __attribute__((noreturn))
go_between(const struct order *order, const int *fds, int from)
{
	pid_t self = getpid(), pid = fork();

	if (!pid)
		be_born(order, fds, self, from);
	pid = pid < 0 ? -errno : pid;
	send(from, &pid, sizeof(pid), MSG_NOSIGNAL);
	_exit(0);
}

static void __attribute__((noreturn)) serve(pid_t parent, int from)
{
	struct order order;
	int fds[NURSERY_FDS_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	prctl(PR_SET_NAME, "ktax-nursery");
	signal(SIGINT, SIG_IGN); /* the parent's business */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	while (receive_order(from, &order, fds)) {
		pid_t pid = fork();

		if (!pid)
			go_between(&order, fds, from);
		if (pid < 0) {
			pid = -errno;
			send(from, &pid, sizeof(pid), MSG_NOSIGNAL);
		} else {
			waitpid(pid, NULL, 0);
		}
		for (size_t i = 0; i < order.n_fds; i++)
			close(fds[i]);
	}
	_exit(0);
}

/* ---- The other side ------------------------------------------------------------------------ */

int nursery_start(char *why, size_t why_size)
{
	pid_t parent = getpid();
	int ends[2];

	if (nursery)
		return 0;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return sentence(why, why_size, -errno, "cannot start responders: %s",
		                strerror(errno));
	nursery = fork();
	if (!nursery) {
		close(ends[0]);
		serve(parent, ends[1]);
	}
	close(ends[1]);
	control = ends[0];
	if (nursery > 0)
		return 0;
	nursery = 0;
	close(control);
	return sentence(why, why_size, -EAGAIN, "cannot start responders: no more processes");
}

void nursery_stop(void)
{
	if (!nursery)
		return;
	close(control);
	control = -1;
	while (waitpid(nursery, NULL, 0) < 0 && errno == EINTR)
		;
	nursery = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static pid_t ask(const struct order *order, const int *fds)
{
	char room[CMSG_SPACE(NURSERY_FDS_MAX * sizeof(int))] = {};
	struct iovec part = { (void *)order, sizeof(*order) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	pid_t pid;

	if (order->n_fds) {
		struct cmsghdr *header;

		message.msg_control = room;
		message.msg_controllen = CMSG_SPACE(order->n_fds * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(order->n_fds * sizeof(int)),
			                    .cmsg_level = SOL_SOCKET,
			                    .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(header), fds, order->n_fds * sizeof(int));
	}
	if (sendmsg(control, &message, MSG_NOSIGNAL) != sizeof(*order) ||
	    recv(control, &pid, sizeof(pid), 0) != sizeof(pid))
		return -EPIPE;
	return pid;
}

pid_t nursery_fork(void (*run)(const void *request, const int *fds), const void *request,
                   size_t size, const int *fds, size_t n_fds)
{
	struct order order = { .run = run, .n_fds = n_fds };
	pid_t pid;

	if (size > sizeof(order.request) || n_fds > NURSERY_FDS_MAX)
		return -E2BIG;
	memcpy(order.request, request, size);
	if (nursery)
		return ask(&order, fds);
	pid = fork();
	if (!pid) {
		run(order.request, fds);
		_exit(0);
	}
	return pid < 0 ? -errno : pid;
}
