// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP: the driver hook hands frames to the process through rings in shared memory, past the
 * network stack. A request is answered in the frame it came in, which is given back to receive
 * into once it is sent. The variants differ in how they wait for frames:
 *
 *	af_xdp           spins on the receive ring
 *	af_xdp-poll      sleeps in poll(2)
 *	af_xdp-busypoll  drives the NIC's NAPI from the process (preferred busy polling), so that
 *	                 both run on one core
 */
#include <arpa/inet.h>
#include <errno.h>
#include <immintrin.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "af_xdp.h"
#include "sentence.h"
#include "xsk.h"

#define WAIT_MS      100
#define BUSY_POLL_US 20

struct path {
	struct xsk xsk;
	uint16_t port;
	bool busy_polls;
	uint64_t received, sent, foreign, failures;
	struct xdp_desc frame[XSK_FRAMES]; /* received, by number (slot) */
};

static int open_path(const struct path_config *config, unsigned int busy_poll_us,
                     struct path **ret_path, char *why, size_t why_size)
{
	const struct xsk_config options = {
		.interface = config->interface,
		.port = config->port,
		.busy_poll_us = busy_poll_us,
	};
	struct path *path = calloc(1, sizeof(*path));
	int r;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	r = xsk_open(&path->xsk, &options, why, why_size);
	if (r) {
		free(path);
		return r;
	}
	path->port = config->port;
	path->busy_polls = busy_poll_us;
	*ret_path = path;
	return 0;
}

static int af_xdp_open(const struct path_config *config, struct path **ret_path, char *why,
                       size_t why_size)
{
	return open_path(config, 0, ret_path, why, why_size);
}

static int busypoll_open(const struct path_config *config, struct path **ret_path, char *why,
                         size_t why_size)
{
	return open_path(config, BUSY_POLL_US, ret_path, why, why_size);
}

/* Responses that have left make room for requests. */
static void recycle(struct path *path)
{
	uint64_t address[PATH_BURST];
	unsigned int n;

	while ((n = xsk_reap(&path->xsk, address, PATH_BURST)))
		xsk_refill(&path->xsk, address, n);
}

/* The message that a frame holds; false: it is no request, and was given back. */
static bool take(struct path *path, const struct xdp_desc *frame, struct path_message *message)
{
	uint8_t *data = xsk_data(&path->xsk, frame->addr);
	const struct frame_mark *mark = frame_find_mark(data, frame->len, path->port);
	const struct udphdr *udp = (const struct udphdr *)((const uint8_t *)mark - sizeof(*udp));

	if (!mark) {
		path->foreign++;
		xsk_refill_one(&path->xsk, frame->addr);
		return false;
	}
	*message = (struct path_message){
		.payload = (void *)mark,
		.size = ntohs(udp->len) - (uint32_t)sizeof(*udp),
		.slot = (uint32_t)(frame->addr / XSK_FRAME_SIZE),
	};
	path->frame[message->slot] = *frame;
	return true;
}

static int take_all(struct path *path, struct path_message *messages, unsigned int n)
{
	struct xdp_desc frames[PATH_BURST];
	unsigned int got = xsk_receive(&path->xsk, frames, n < PATH_BURST ? n : PATH_BURST);
	int taken = 0;

	for (unsigned int i = 0; i < got; i++)
		taken += take(path, &frames[i], &messages[taken]);
	path->received += (uint64_t)taken;
	return taken;
}

/* Nothing has come in: what is left to send, and a driver that waits to be told. */
static void idle(struct path *path)
{
	recycle(path);
	xsk_kick(&path->xsk);
	if (xsk_ring_prod__needs_wakeup(&path->xsk.fill))
		xsk_wake(&path->xsk);
}

static int af_xdp_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	int taken = take_all(path, messages, n);

	if (!taken) {
		idle(path);
		_mm_pause();
	}
	return taken;
}

static int poll_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	struct pollfd fd = { .fd = path->xsk.fd, .events = POLLIN };
	int taken = take_all(path, messages, n);

	if (taken)
		return taken;
	idle(path);
	if (poll(&fd, 1, WAIT_MS) < 0 && errno != EINTR)
		return -errno;
	return take_all(path, messages, n);
}

/* The call polls the NIC; it returns at once where the socket does not know its NAPI. */
static int busypoll_receive(struct path *path, struct path_message *messages, unsigned int n)
{
	int taken = take_all(path, messages, n);

	if (taken)
		return taken;
	idle(path);
	xsk_wake(&path->xsk);
	return take_all(path, messages, n);
}

static int af_xdp_send(struct path *path, const struct path_message *messages, unsigned int n)
{
	recycle(path);
	for (unsigned int i = 0; i < n; i++) {
		struct xdp_desc *frame = &path->frame[messages[i].slot];

		frame_reflect(xsk_data(&path->xsk, frame->addr), frame->len);
		if (xsk_queue(&path->xsk, frame->addr, frame->len)) {
			path->sent++;
			continue;
		}
		path->failures++;
		xsk_refill_one(&path->xsk, frame->addr);
	}
	xsk_kick(&path->xsk);
	return 0;
}

static void af_xdp_drop(struct path *path, const struct path_message *messages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		xsk_refill_one(&path->xsk, path->frame[messages[i].slot].addr);
}

static bool knows_napi(int fd)
{
	unsigned int id = 0;
	socklen_t size = sizeof(id);

	return !getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &size) && id;
}

static void af_xdp_stats(struct path *path, struct path_stats *ret_stats)
{
	struct xsk_counts counts;
	char how[64];

	xsk_counts(&path->xsk, &counts);
	*ret_stats = (struct path_stats){
		.received = path->received,
		.sent = path->sent - counts.send_drops,
		.foreign = path->foreign + counts.passed,
		.ring_drops = counts.ring_drops,
		.send_failures = path->failures + counts.send_drops,
	};
	xsk_describe(&path->xsk, how, sizeof(how));
	snprintf(ret_stats->how, sizeof(ret_stats->how), "%s%s", how,
	         path->busy_polls && !knows_napi(path->xsk.fd) ? ", no NAPI to busy-poll" : "");
}

static void af_xdp_close(struct path *path)
{
	if (!path)
		return;
	xsk_close(&path->xsk);
	free(path);
}

const struct path_type path_af_xdp = {
	.name = "af_xdp",
	.summary = "AF_XDP socket, spinning on its receive ring",
	.polls = true,
	.raw = true,
	.open = af_xdp_open,
	.receive = af_xdp_receive,
	.send = af_xdp_send,
	.drop = af_xdp_drop,
	.stats = af_xdp_stats,
	.close = af_xdp_close,
};

const struct path_type path_af_xdp_poll = {
	.name = "af_xdp-poll",
	.summary = "AF_XDP socket, sleeping in poll(2)",
	.raw = true,
	.open = af_xdp_open,
	.receive = poll_receive,
	.send = af_xdp_send,
	.drop = af_xdp_drop,
	.stats = af_xdp_stats,
	.close = af_xdp_close,
};

const struct path_type path_af_xdp_busypoll = {
	.name = "af_xdp-busypoll",
	.summary = "AF_XDP socket, preferred busy polling of the NIC's NAPI",
	.polls = true,
	.raw = true,
	.open = busypoll_open,
	.receive = busypoll_receive,
	.send = af_xdp_send,
	.drop = af_xdp_drop,
	.stats = af_xdp_stats,
	.close = af_xdp_close,
};
