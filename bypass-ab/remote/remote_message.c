// SPDX-License-Identifier: GPL-2.0
#include "remote_message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What can be written at once, without waiting, if poll says that anything can (pipe(7)). */
#define PART_MOST 4096

static int wait_until_ready(int fd, short events)
{
	struct pollfd poll_for = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&poll_for, 1, REMOTE_STALL_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n ? -errno : -ETIMEDOUT;
}

/* Does @move of parts until all is moved. */
static int move_all(int fd, char *at, size_t size, short events,
                    ssize_t (*move)(int, void *, size_t))
{
	while (size) {
		int err = wait_until_ready(fd, events);
		ssize_t n = err ? 0 : move(fd, at, size < PART_MOST ? size : PART_MOST);

		if (err)
			return err;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static ssize_t write_part(int fd, void *data, size_t size)
{
	return write(fd, data, size);
}

int remote_send(int fd, const void *data, size_t size)
{
	return move_all(fd, (char *)data, size, POLLOUT, write_part);
}

int remote_receive(int fd, void *data, size_t size)
{
	return move_all(fd, data, size, POLLIN, read);
}

void remote_greet(struct remote_greeting *ret)
{
	struct utsname name = {};

	*ret = (struct remote_greeting){ .magic = REMOTE_MAGIC,
		                         .version = KTAX_VERSION,
		                         .protocol = REMOTE_PROTOCOL,
		                         .request_size = sizeof(struct remote_request),
		                         .answer_size = sizeof(struct remote_answer) };
	uname(&name);
	snprintf(ret->machine, sizeof(ret->machine), "%.31s", name.machine);
}
