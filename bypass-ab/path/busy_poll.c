// SPDX-License-Identifier: GPL-2.0
#include "busy_poll.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sentence.h"

#define BUSY_POLL_US           64
#define BUSY_POLL_BUDGET       64 /* packets; more takes a privilege */
#define IRQ_SUSPEND_TIMEOUT_NS 20000000

/* From linux/eventpoll.h of 6.9, which Debian 12 does not have. */
struct epoll_busy_poll {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	uint8_t prefer_busy_poll;
	uint8_t pad;
};
#define EPOLL_SET_BUSY_POLL _IOW(0x8a, 1, struct epoll_busy_poll)

static int set_socket(int fd)
{
	int us = BUSY_POLL_US, prefer = 1, budget = BUSY_POLL_BUDGET;

	if (setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us)) ||
	    setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefer, sizeof(prefer)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)))
		return -errno;
	return 0;
}

int busy_poll_socket(int fd, char *why, size_t why_size)
{
	int err = set_socket(fd);

	if (err == -ENOPROTOOPT)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel has no busy polling of sockets "
		                "(CONFIG_NET_RX_BUSY_POLL, Linux 5.11)");
	if (err == -EPERM)
		return sentence(why, why_size, -EOPNOTSUPP, "busy polling takes CAP_NET_ADMIN");
	if (err)
		return sentence(why, why_size, err, "cannot set busy polling: %s", strerror(-err));
	return 0;
}

int busy_poll_epoll(int epoll, char *why, size_t why_size)
{
	struct epoll_busy_poll parameters = { .busy_poll_usecs = BUSY_POLL_US,
		                              .busy_poll_budget = BUSY_POLL_BUDGET,
		                              .prefer_busy_poll = 1 };

	if (!ioctl(epoll, EPOLL_SET_BUSY_POLL, &parameters))
		return 0;
	if (errno == ENOTTY || errno == EINVAL || errno == EOPNOTSUPP)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the kernel has no busy polling per epoll instance "
		                "(EPIOCSPARAMS, Linux 6.9)");
	return sentence(why, why_size, -errno, "cannot set busy polling of epoll: %s",
	                strerror(errno));
}

/*
 * Without deferral (gro_flush_timeout): what comes after a pause would wait for its timer, up to
 * the whole of it.
 */
int busy_poll_suspend_irqs(struct napi *napi, char *why, size_t why_size)
{
	const struct napi_settings settings = { .irq_suspend_timeout_ns = IRQ_SUSPEND_TIMEOUT_NS };
	int err = napi_set(napi, &settings);

	if (err == -EOPNOTSUPP)
		return sentence(why, why_size, err,
		                "the kernel cannot suspend interrupts "
		                "(irq-suspend-timeout of NAPI, Linux 6.13)");
	if (err)
		return sentence(why, why_size, err, "cannot set the NAPI instances of %s: %s",
		                napi->interface, strerror(-err));
	return 0;
}
