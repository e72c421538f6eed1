// SPDX-License-Identifier: GPL-2.0
/*
 * Parent and child talk over a socket pair in fixed messages, and share one page for what must not
 * cost a system call (the wish to stop) and for the counts.
 */
#include "responder.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "link.h"
#include "nursery.h"
#include "own_time.h"
#include "sentence.h"
#include "tsc.h"

#define OPEN_TIMEOUT_MS  20000 /* DPDK takes seconds to start */
#define BEGIN_TIMEOUT_MS 2000
#define END_TIMEOUT_MS   500 /* then the stop frame was lost */
#define STOP_TIMEOUT_MS  2000

struct responder_shared {
	volatile int stop; /* the parent gives up waiting for the stop frame */
	struct responder_counts counts;
};

/* Parent to child: a block of this epoch begins, or leave. Child to parent: done, or a failure. */
struct message {
	bool leave;
	int err; /* negative errno */
	uint16_t epoch;
	char why[256];
};

static struct responder_shared *map_shared(int memory)
{
	void *shared = mmap(NULL, sizeof(struct responder_shared), PROT_READ | PROT_WRITE,
	                    MAP_SHARED, memory, 0);

	return shared == MAP_FAILED ? NULL : shared;
}

/* ---- The child ---------------------------------------------------------------------------- */

struct child {
	const struct path_type *type;
	struct path *path;
	struct responder_shared *shared;
	const struct traffic *traffic;
	struct tsc tsc;
	uint16_t epoch;
	uint64_t first_cpu_ns; /* CPU time when the block's first burst had come, 0: none has */
	bool stopped;
};

/* What a server would do with the request: the same for every path. */
static bool work(struct child *child, uint32_t id)
{
	const struct traffic *traffic = child->traffic;
	uint32_t work_ns = id < traffic->n_requests ? traffic->request[id].work_ns : 0;
	uint64_t until;

	if (!work_ns)
		return false;
	until = tsc_now_ns(&child->tsc) + work_ns;
	while (tsc_now_ns(&child->tsc) < until)
		;
	return true;
}

static void answer(struct child *child, struct path_message *messages, unsigned int n)
{
	if (!n)
		return;
	child->type->send(child->path, messages, n);
	child->shared->counts.answered += n;
}

/* Is this a request of the block at hand? Notes its end. */
static bool is_wanted(struct child *child, const struct frame_mark *mark)
{
	if (!mark || frame_mark_epoch(mark) != child->epoch) {
		child->shared->counts.stale++;
		return false;
	}
	if (mark->kind == FRAME_STOP) {
		child->stopped = true;
		return false;
	}
	child->shared->counts.received++;
	return true;
}

/* Answers a burst; what took work is answered at once, the rest together. */
static void serve(struct child *child, struct path_message *messages, unsigned int n)
{
	unsigned int first = 0, i;

	for (i = 0; i < n; i++) {
		const struct frame_mark *mark =
			frame_payload_mark(messages[i].payload, messages[i].size);

		if (!is_wanted(child, mark)) {
			answer(child, messages + first, i - first);
			child->type->drop(child->path, &messages[i], 1);
			first = i + 1;
		} else if (work(child, frame_mark_id(mark))) {
			answer(child, messages + first, i + 1 - first);
			first = i + 1;
		}
	}
	answer(child, messages + first, n - first);
}

static int serve_block(struct child *child)
{
	struct path_message messages[PATH_BURST];
	int n;

	child->stopped = false;
	while (!child->stopped && !child->shared->stop) {
		n = child->type->receive(child->path, messages, PATH_BURST);
		if (n < 0 && n != -EINTR && n != -EAGAIN)
			return n;
		if (n > 0 && !child->first_cpu_ns)
			child->first_cpu_ns = own_time_cpu_ns();
		if (n > 0)
			serve(child, messages, n);
	}
	return 0;
}

/* Where a program in the kernel answers, there is only the end to wait for. */
static int sit_out_block(struct child *child)
{
	while (!child->shared->stop)
		usleep(1000);
	return 0;
}

/*
 * A path that polls does so from before its first request on, for longer if the generator is on
 * another host: its CPU time counts from there.
 */
static void note_block(struct child *child, const struct own_time *before,
                       const struct path_stats *path_before)
{
	struct responder_counts *counts = &child->shared->counts;
	struct own_time after;

	own_time_read(&after);
	counts->cpu_ns =
		after.cpu_ns - (child->first_cpu_ns ? child->first_cpu_ns : before->cpu_ns);
	counts->wait_ns = after.wait_ns - before->wait_ns;
	counts->switches = after.switches - before->switches;
	child->type->stats(child->path, &counts->path);
	counts->path.received -= path_before->received;
	counts->path.sent -= path_before->sent;
	counts->path.foreign -= path_before->foreign;
	counts->path.ring_drops -= path_before->ring_drops;
	counts->path.send_failures -= path_before->send_failures;
}

static int do_block(struct child *child, uint16_t epoch)
{
	struct path_stats path_before;
	struct own_time before;
	int err;

	child->epoch = epoch;
	child->first_cpu_ns = 0;
	child->shared->counts = (struct responder_counts){};
	child->type->stats(child->path, &path_before);
	own_time_read(&before);
	err = child->type->in_kernel ? sit_out_block(child) : serve_block(child);
	note_block(child, &before, &path_before);
	return err;
}

static int enter(int ns, int cpu, char *why, size_t why_size)
{
	cpu_set_t set;
	int err = ns < 0 ? 0 : link_enter(ns);

	if (err)
		return sentence(why, why_size, err, "cannot enter the link's namespace: %s",
		                strerror(-err));
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return sentence(why, why_size, -errno, "cannot run on CPU %d: %s", cpu,
		                strerror(errno));
	return 0;
}

static bool say(int control, const struct message *message)
{
	return send(control, message, sizeof(*message), MSG_NOSIGNAL) == sizeof(*message);
}

/* Answers the parent's messages until it goes away. */
static void obey(struct child *child, int control)
{
	struct message message;

	while (recv(control, &message, sizeof(message), 0) == sizeof(message) && !message.leave) {
		uint16_t epoch = message.epoch;

		message = (struct message){ .epoch = epoch };
		if (!say(control, &message))
			return;
		message.err = do_block(child, epoch);
		if (!say(control, &message))
			return;
	}
}

/* What a responder is started with; beside it CONTROL, SHARED and, if has_link, LINK. */
struct start {
	const struct path_type *type;
	struct path_config config;
	const struct traffic *traffic;
	pid_t parent;
	int cpu;
	bool has_link;
};

enum { CONTROL, SHARED, LINK, START_FDS };

static void run_child(const void *request, const int *fds)
{
	const struct start *start = request;
	struct child child = { .type = start->type, .traffic = start->traffic };
	struct message message = {};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != start->parent) /* killed before that */
		_exit(0);
	prctl(PR_SET_NAME, "ktax-responder");
	signal(SIGINT, SIG_IGN); /* the parent's business, as is the next */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	child.shared = map_shared(fds[SHARED]);
	if (!child.shared)
		_exit(1);
	tsc_calibrate(&child.tsc);
	message.err = enter(start->has_link ? fds[LINK] : -1, start->cpu, message.why,
	                    sizeof(message.why));
	if (!message.err)
		message.err = child.type->open(&start->config, &child.path, message.why,
		                               sizeof(message.why));
	if (say(fds[CONTROL], &message) && !message.err)
		obey(&child, fds[CONTROL]);
	if (child.path)
		child.type->close(child.path);
	_exit(0);
}

/* ---- The parent --------------------------------------------------------------------------- */

/* The child's next message; -EPIPE: it has ended; -EINTR: the run is to end. */
static int listen_to(struct responder *responder, struct message *ret_message, int timeout_ms)
{
	struct pollfd poll_for = { .fd = responder->control, .events = POLLIN };
	int n;

	n = poll(&poll_for, 1, timeout_ms);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	if (recv(responder->control, ret_message, sizeof(*ret_message), 0) != sizeof(*ret_message))
		return -EPIPE;
	return 0;
}

int responder_start(struct responder *responder, const struct path_type *type,
                    const struct path_config *config, int ns, int cpu,
                    const struct traffic *traffic, char *why, size_t why_size)
{
	const struct start start = { .type = type,
		                     .config = *config,
		                     .traffic = traffic,
		                     .parent = getpid(),
		                     .cpu = cpu,
		                     .has_link = ns >= 0 };
	int control[2] = { -1, -1 }, memory = memfd_create("ktax-responder", MFD_CLOEXEC), err = 0;
	struct message message = {};

	*responder = (struct responder){ .type = type, .control = -1 };
	if (memory < 0 || ftruncate(memory, sizeof(*responder->shared)) ||
	    !(responder->shared = map_shared(memory)) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control))
		err = -errno;
	if (!err) {
		const int fds[START_FDS] = { control[1], memory, ns };

		responder->pid = nursery_fork(run_child, &start, sizeof(start), fds,
		                              ns >= 0 ? START_FDS : LINK);
		err = responder->pid < 0 ? responder->pid : 0;
	}
	responder->control = control[0];
	if (memory >= 0)
		close(memory);
	if (control[1] >= 0)
		close(control[1]);
	if (!err)
		err = listen_to(responder, &message, OPEN_TIMEOUT_MS);
	if (!err && !message.err)
		return 0;
	responder_stop(responder);
	if (!err)
		return sentence(why, why_size, message.err, "%s", message.why);
	return sentence(why, why_size, err, "the responder of path %s did not start: %s",
	                type->name, strerror(-err));
}

int responder_begin(struct responder *responder, uint16_t epoch)
{
	struct message message = { .epoch = epoch };

	responder->shared->stop = 0;
	if (!say(responder->control, &message))
		return -EPIPE;
	return listen_to(responder, &message, BEGIN_TIMEOUT_MS);
}

int responder_end(struct responder *responder, struct responder_counts *ret_counts)
{
	struct message message;
	int err = -ETIMEDOUT;

	if (!responder->type->in_kernel)
		err = listen_to(responder, &message, END_TIMEOUT_MS);
	if (err == -ETIMEDOUT) {
		responder->shared->stop = 1;
		err = listen_to(responder, &message, STOP_TIMEOUT_MS);
	}
	if (!err)
		err = message.err;
	*ret_counts = responder->shared->counts;
	return err;
}

bool responder_is_gone(const struct responder *responder)
{
	struct pollfd poll_for = { .fd = responder->control };

	return poll(&poll_for, 1, 0) == 1 && poll_for.revents & (POLLHUP | POLLERR);
}

/* Not by the end of the control socket: children that were forked later hold it too. */
static void end_child(struct responder *responder)
{
	struct message message = { .leave = true };

	responder->shared->stop = 1;
	say(responder->control, &message);
	close(responder->control);
	for (int i = 0; i < STOP_TIMEOUT_MS / 10; i++) {
		if (waitpid(responder->pid, NULL, WNOHANG) == responder->pid)
			return;
		usleep(10000);
	}
	kill(responder->pid, SIGKILL);
	waitpid(responder->pid, NULL, 0);
}

void responder_stop(struct responder *responder)
{
	if (!responder || !responder->type)
		return;
	if (responder->pid > 0)
		end_child(responder);
	else if (responder->control >= 0)
		close(responder->control);
	if (responder->shared)
		munmap(responder->shared, sizeof(*responder->shared));
	*responder = (struct responder){ .control = -1 };
}
