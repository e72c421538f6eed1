// SPDX-License-Identifier: GPL-2.0
/* The first socket decides about the port, which the others then ask for by number. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

#define BACKLOG 1024

struct endpoint_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

static int parse_address(const char *text, struct endpoint_address *ret_address)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		                  .ai_socktype = SOCK_STREAM,
		                  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	const char *colon = strrchr(text, ':');
	struct addrinfo *found;
	char host[64];
	size_t length;

	if (!colon)
		return -EINVAL;
	length = (size_t)(colon - text);
	if (length > 1 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (!length || length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	memcpy(&ret_address->any, found->ai_addr, found->ai_addrlen);
	ret_address->length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static uint16_t *port_of(struct endpoint_address *address)
{
	return address->any.sa_family == AF_INET6 ? &address->v6.sin6_port : &address->v4.sin_port;
}

static int bind_and_listen(int fd, struct endpoint_address *address, int share)
{
	int on = 1, off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
		return -errno;
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &address->any, address->length) || listen(fd, BACKLOG))
		return -errno;
	if (getsockname(fd, &address->any, &address->length))
		return -errno;
	return 0;
}

static int open_one(struct endpoint_address *address, int share, int *ret_fd)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = bind_and_listen(fd, address, share);
	if (error)
		close(fd);
	else
		*ret_fd = fd;
	return error;
}

int listen_open(const char *text, int *fds, size_t count, uint16_t *ret_port)
{
	struct endpoint_address address = { 0 };
	int error = parse_address(text, &address);

	for (size_t i = 0; i < count && !error; i++) {
		error = open_one(&address, count > 1, &fds[i]);
		while (error && i)
			close(fds[--i]);
		if (error)
			break;
	}
	if (!error)
		*ret_port = ntohs(*port_of(&address));
	return error;
}
