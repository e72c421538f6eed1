// SPDX-License-Identifier: GPL-2.0
#include "socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "sentence.h"

#define BUFFER_BYTES (4 << 20) /* what a block may have outstanding fits */
#define CACHE_LINE   64

int socket_slots_init(struct socket_slots *slots, uint32_t max_size)
{
	size_t stride = (max_size + CACHE_LINE) / CACHE_LINE * CACHE_LINE;

	memset(slots, 0, sizeof(*slots));
	slots->memory = aligned_alloc(CACHE_LINE, stride * SOCKET_SLOTS);
	if (!slots->memory)
		return -ENOMEM;
	memset(slots->memory, 0, stride * SOCKET_SLOTS); /* no page faults later */
	slots->max_size = max_size;
	for (uint32_t i = 0; i < SOCKET_SLOTS; i++) {
		slots->slot[i].payload.iov_base = slots->memory + i * stride;
		socket_slot_release(slots, i);
	}
	return 0;
}

void socket_slots_free(struct socket_slots *slots)
{
	free(slots->memory);
	slots->memory = NULL;
}

int socket_slot_take(struct socket_slots *slots)
{
	struct socket_slot *slot;
	uint32_t index;

	if (!slots->n_free)
		return -1;
	index = slots->free[--slots->n_free];
	slot = &slots->slot[index];
	slot->peer_size = sizeof(slot->peer);
	slot->payload.iov_len = slots->max_size + 1;
	return (int)index;
}

void socket_slot_release(struct socket_slots *slots, uint32_t index)
{
	slots->free[slots->n_free++] = index;
}

bool socket_slot_is_request(const struct socket_slots *slots, uint32_t index, size_t size)
{
	return size <= slots->max_size &&
	       frame_payload_mark(slots->slot[index].payload.iov_base, size);
}

void socket_slot_answer(struct socket_slots *slots, uint32_t index, uint32_t size,
                        struct msghdr *ret_header)
{
	struct socket_slot *slot = &slots->slot[index];

	slot->payload.iov_len = size;
	*ret_header = (struct msghdr){
		.msg_name = &slot->peer,
		.msg_namelen = slot->peer_size,
		.msg_iov = &slot->payload,
		.msg_iovlen = 1,
	};
}

/*
 * An IPv4 address takes the first 4 bytes of 16. No host has an IPv6 address that ends in 96 zero
 * bits: that is the anycast address of its subnet's routers (RFC 4291, 2.6.1).
 */
bool socket_is_ipv6(const uint8_t ip[16])
{
	static const uint8_t zeros[12];

	return memcmp(ip + 4, zeros, sizeof(zeros)) != 0;
}

static socklen_t local_address(const struct path_config *config, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (socket_is_ipv6(config->local.ip)) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(config->port);
		memcpy(&ipv6->sin6_addr, config->local.ip, sizeof(ipv6->sin6_addr));
		return sizeof(*ipv6);
	}
	ipv4->sin_family = AF_INET;
	ipv4->sin_port = htons(config->port);
	memcpy(&ipv4->sin_addr, config->local.ip, sizeof(ipv4->sin_addr));
	return sizeof(*ipv4);
}

/* Beyond the host's limit if allowed to, else up to it. */
static void set_buffers(int fd)
{
	int size = BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int socket_set_timeouts(int fd)
{
	struct timeval receive = { .tv_usec = SOCKET_WAIT_MS * 1000 };
	struct timeval send = { .tv_sec = SOCKET_SEND_WAIT_MS / 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send)))
		return -errno;
	return 0;
}

static int open_bound(const struct path_config *config, int type, char *why, size_t why_size)
{
	const char *protocol = type == SOCK_STREAM ? "TCP" : "UDP";
	struct sockaddr_storage local;
	socklen_t size = local_address(config, &local);
	int err, on = 1, fd = socket(local.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return sentence(why, why_size, -errno, "no %s socket: %s", protocol,
		                strerror(errno));
	err = socket_set_timeouts(fd);
	if (!err && type == SOCK_STREAM &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err = -errno;
	if (!err && bind(fd, (struct sockaddr *)&local, size))
		err = -errno;
	if (!err && type == SOCK_STREAM && listen(fd, SOMAXCONN))
		err = -errno;
	if (err) {
		close(fd);
		return sentence(why, why_size, err, "cannot bind %s port %u of %s: %s", protocol,
		                config->port, config->interface, strerror(-err));
	}
	return fd;
}

int socket_open(const struct path_config *config, char *why, size_t why_size)
{
	int fd = open_bound(config, SOCK_DGRAM, why, why_size);

	if (fd >= 0)
		set_buffers(fd);
	return fd;
}

int socket_listen(const struct path_config *config, char *why, size_t why_size)
{
	return open_bound(config, SOCK_STREAM, why, why_size);
}

uint64_t socket_drops(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(memory);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size))
		return 0;
	return memory[SK_MEMINFO_DROPS];
}
