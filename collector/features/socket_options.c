// SPDX-License-Identifier: GPL-2.0
#include "socket_options.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 65536 /* looked at */

static int find_descriptor(pid_t pid, uint32_t inode)
{
	char path[64], link[64], wanted[32];
	struct dirent *entry;
	int fd = -ESRCH, left = DESCRIPTORS_MAX;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);
	fds = opendir(path);
	if (!fds)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fd < 0 && left-- && (entry = readdir(fds))) {
		ssize_t length = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		if (!strcmp(link, wanted))
			fd = atoi(entry->d_name);
	}
	closedir(fds);
	return fd;
}

int socket_borrow(pid_t pid, uint32_t inode)
{
	int theirs = find_descriptor(pid, inode), process, fd;

	if (theirs < 0)
		return theirs;
	process = syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, process, theirs, 0);
	fd = fd < 0 ? -errno : fd;
	close(process);
	return fd;
}

/* ---- Options ------------------------------------------------------------------------------ */

/* Numbers whose default is 0. */
static const struct {
	int level, option;
	const char *name;
} numbers[] = {
	{ SOL_SOCKET, SO_MARK, "SO_MARK" },
	{ SOL_SOCKET, SO_PRIORITY, "SO_PRIORITY" },
	{ SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT" },
	{ SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE" },
	{ SOL_SOCKET, SO_BUSY_POLL, "SO_BUSY_POLL" },
	{ SOL_SOCKET, SO_ZEROCOPY, "SO_ZEROCOPY" },
	{ SOL_SOCKET, SO_TIMESTAMPING, "SO_TIMESTAMPING" },
	{ IPPROTO_TCP, TCP_FASTOPEN, "TCP_FASTOPEN" },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT" },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT" },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT" },
	{ IPPROTO_TCP, TCP_SAVE_SYN, "TCP_SAVE_SYN" },
	{ IPPROTO_IP, IP_TOS, "IP_TOS" },
	{ IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT" },
	{ IPPROTO_IP, IP_FREEBIND, "IP_FREEBIND" },
	{ IPPROTO_IPV6, IPV6_TCLASS, "IPV6_TCLASS" },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, "IPV6_TRANSPARENT" },
};

static void append(char *ret, size_t room, const char *text)
{
	size_t length = strlen(ret);

	snprintf(ret + length, room - length, "%s%s", length ? ", " : "", text);
}

static void append_number(int fd, size_t i, char *ret, size_t room)
{
	socklen_t size = sizeof(int);
	int value = 0;
	char text[64];

	if (getsockopt(fd, numbers[i].level, numbers[i].option, &value, &size) || value <= 0)
		return;
	snprintf(text, sizeof(text), "%s %d", numbers[i].name, value);
	append(ret, room, text);
}

/* Texts: @usual is the default. */
static void append_text(int fd, int level, int option, const char *name, const char *usual,
                        char *ret, size_t room)
{
	char value[32] = "", text[64];
	socklen_t size = sizeof(value) - 1;

	if (getsockopt(fd, level, option, value, &size) || !value[0] || !strcmp(value, usual))
		return;
	snprintf(text, sizeof(text), "%s %s", name, value);
	append(ret, room, text);
}

static void append_pacing(int fd, char *ret, size_t room)
{
	unsigned int rate = ~0U;
	socklen_t size = sizeof(rate);
	char text[64];

	if (getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &size) || rate == ~0U)
		return;
	snprintf(text, sizeof(text), "SO_MAX_PACING_RATE %u", rate);
	append(ret, room, text);
}

void socket_options(int fd, const char *congestion, char *ret, size_t room)
{
	*ret = '\0';
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		append_number(fd, i, ret, room);
	append_pacing(fd, ret, room);
	append_text(fd, SOL_SOCKET, SO_BINDTODEVICE, "SO_BINDTODEVICE", "", ret, room);
	append_text(fd, IPPROTO_TCP, TCP_ULP, "TCP_ULP", "", ret, room);
	if (*congestion)
		append_text(fd, IPPROTO_TCP, TCP_CONGESTION, "TCP_CONGESTION", congestion, ret,
		            room);
}

/* The kernel gives a classic filter back, and refuses to where it was eBPF from the start. */
enum socket_filter socket_filter(int fd, unsigned int *ret_length)
{
	socklen_t length = 0;

	*ret_length = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &length))
		return errno == EACCES ? FILTER_EBPF : FILTER_UNKNOWN;
	*ret_length = length;
	return length ? FILTER_CLASSIC : FILTER_NONE;
}
