// SPDX-License-Identifier: GPL-2.0
#include "proc_net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

#define TCP_LISTEN_STATE 10 /* as in netlink.c */

static int open_file(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int proc_net_open(pid_t pid, struct proc_net *ret)
{
	struct proc_net net = { .tcp = open_file(pid, "tcp") };

	if (net.tcp < 0)
		return -errno;
	net.tcp6 = open_file(pid, "tcp6");
	*ret = net;
	return 0;
}

void proc_net_close(struct proc_net *net)
{
	if (net->tcp >= 0)
		close(net->tcp);
	if (net->tcp6 >= 0)
		close(net->tcp6);
	*net = PROC_NET_CLOSED;
}

/* "0100007F": each 32 bits of an address as the number that the host sees in them. */
static void parse_address(const char *text, struct ktax_listener *key)
{
	size_t words = strlen(text) / 8;

	key->family = words == 4 ? 6 : 4;
	for (size_t i = 0; i < words; i++) {
		char digits[9] = "";
		uint32_t word;

		memcpy(digits, text + 8 * i, 8);
		word = strtoul(digits, NULL, 16);
		memcpy(key->address + 4 * i, &word, sizeof(word));
	}
}

/* "0: ADDRESS:PORT PEER:PORT STATE QUEUES TIMER RETRIES UID TIMEOUT INODE ..." */
int proc_net_parse(const char *line, struct netlink_listener *ret)
{
	struct netlink_listener listener = {};
	char address[33];
	unsigned int port, state;

	if (sscanf(line,
	           " %*u: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %u",
	           address, &port, &state, &listener.inode) != 4)
		return -EINVAL;
	if (port > UINT16_MAX || (strlen(address) != 8 && strlen(address) != 32))
		return -EINVAL;
	if (state != TCP_LISTEN_STATE)
		return -ENOENT;
	listener.key.port = port;
	parse_address(address, &listener.key);
	*ret = listener;
	return 0;
}

struct found {
	struct netlink_listener *listeners;
	size_t n;
};

static int add_line(const char *line, uint32_t netns, struct found *found)
{
	struct netlink_listener listener;
	int err = proc_net_parse(line, &listener);

	if (!err)
		err = array_grow(&found->listeners, found->n, sizeof(listener));
	if (err)
		return err;
	listener.key.netns = netns;
	found->listeners[found->n++] = listener;
	return 0;
}

static int read_file(int fd, uint32_t netns, struct found *found)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), err = 0;
	FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
	char line[512];

	if (!file) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	rewind(file);
	if (!fgets(line, sizeof(line), file)) /* the heading */
		err = ferror(file) ? -EIO : 0;
	while (!err && fgets(line, sizeof(line), file))
		err = add_line(line, netns, found);
	fclose(file);
	return err == -ENOENT ? 0 : err; /* the first connection: there are no more listeners */
}

int proc_net_listeners(const struct proc_net *net, uint32_t netns, struct netlink_listener **ret,
                       size_t *ret_n)
{
	struct found found = {};
	int err = read_file(net->tcp, netns, &found);

	if (!err && net->tcp6 >= 0)
		err = read_file(net->tcp6, netns, &found);
	if (err) {
		free(found.listeners);
		return err;
	}
	*ret = found.listeners;
	*ret_n = found.n;
	return 0;
}
