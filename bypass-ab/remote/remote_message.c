// SPDX-License-Identifier: GPL-2.0
#include "remote_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

int remote_send(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int remote_receive(int fd, void *data, size_t size)
{
	char *at = data;

	while (size) {
		ssize_t n = read(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

void remote_hello(struct remote_hello *ret)
{
	struct utsname name = {};

	*ret = (struct remote_hello){ .magic = REMOTE_MAGIC,
		                      .version = KTAX_VERSION,
		                      .request_size = sizeof(struct remote_request),
		                      .answer_size = sizeof(struct remote_answer) };
	uname(&name);
	snprintf(ret->machine, sizeof(ret->machine), "%.31s", name.machine);
	snprintf(ret->host.name, sizeof(ret->host.name), "%.63s", name.nodename);
	snprintf(ret->host.kernel, sizeof(ret->host.kernel), "%.63s", name.release);
}
