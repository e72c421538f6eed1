// SPDX-License-Identifier: GPL-2.0
/*
 * The order of opening matters: the program is attached first, as some drivers take a zero-copy
 * socket only then, and the socket goes into its map last, when there are frames to receive into.
 * All is bound to file descriptors, so that the kernel undoes it however the process ends.
 */
#include "xsk.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "interface.h"
#include "redirect.skel.h"
#include "sentence.h"
#include "xdp_attach.h"

#define AREA_BYTES     ((size_t)XSK_FRAMES * XSK_FRAME_SIZE)
#define RECEIVE_FRAMES (XSK_FRAMES / 2) /* half of the fill ring: a full one stalls drivers */
#define KICKS_MAX      16               /* the kernel sends 32 frames per call */

/* A umem is freed by a work queue after close(2); binding gives EBUSY until then. */
#define BUSY_RETRIES 100
#define BUSY_WAIT_NS 5000000

/* Receive queues of an interface; 1 if its driver does not say. */
static unsigned int receive_queues(const char *interface)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	if (interface_ethtool(interface, &channels) ||
	    channels.combined_count + channels.rx_count == 0)
		return 1;
	return channels.combined_count + channels.rx_count;
}

/* A frame of another queue would go to the kernel, as no socket is there. */
static int check_queues(const char *interface, char *why, size_t why_size)
{
	unsigned int queues = receive_queues(interface);

	if (queues == 1)
		return 0;
	return sentence(why, why_size, -EOPNOTSUPP,
	                "%s has %u receive queues and AF_XDP serves one: ethtool -L %s combined 1",
	                interface, queues, interface);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static int load_program(struct xsk *xsk, const struct xsk_config *config)
{
	libbpf_print_fn_t print = libbpf_set_print(quiet);
	int r;

	xsk->program = redirect__open();
	r = xsk->program ? 0 : -errno;
	if (!r) {
		xsk->program->rodata->port = htons(config->port);
		xsk->program->rodata->protocol = config->tcp ? IPPROTO_TCP : IPPROTO_UDP;
		xsk->program->rodata->from_port = config->from_port;
		r = redirect__load(xsk->program);
	}
	libbpf_set_print(print);
	return r;
}

static int attach_program(struct xsk *xsk, const struct xsk_config *config, char *why,
                          size_t why_size)
{
	int r = load_program(xsk, config);

	if (r)
		return sentence(why, why_size, r == -EPERM ? -EOPNOTSUPP : r,
		                "the XDP program does not load: %s",
		                r == -EPERM ? "needs root (CAP_BPF)" : strerror(-r));
	r = xdp_attach(bpf_program__fd(xsk->program->progs.redirect), config->interface,
	               &xsk->native, why, why_size);
	if (r < 0)
		return r;
	xsk->link = r;
	return 0;
}

static int make_memory(struct xsk *xsk)
{
	const struct xsk_umem_config config = {
		.fill_size = XSK_FRAMES,
		.comp_size = XSK_FRAMES,
		.frame_size = XSK_FRAME_SIZE,
	};
	void *area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (area == MAP_FAILED)
		return -errno;
	/* The kernel writes here for this process, not for its children. */
	madvise(area, AREA_BYTES, MADV_DONTFORK);
	xsk->area = area;
	return xsk_umem__create(&xsk->umem, area, AREA_BYTES, &xsk->fill, &xsk->completion,
	                        &config);
}

/* Zero-copy if the driver has it: that is what no flag asks for. */
static int make_socket(struct xsk *xsk, const char *interface)
{
	const struct xsk_socket_config config = {
		.rx_size = RECEIVE_FRAMES,
		.tx_size = RECEIVE_FRAMES,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	const struct timespec wait = { .tv_nsec = BUSY_WAIT_NS };
	int r;

	for (int i = 0; i < BUSY_RETRIES; i++) {
		r = xsk_socket__create(&xsk->socket, interface, 0, xsk->umem, &xsk->rx, &xsk->tx,
		                       &config);
		if (r != -EBUSY)
			break;
		nanosleep(&wait, NULL);
	}
	return r;
}

static int set_busy_poll(int fd, unsigned int microseconds)
{
	const int prefer = 1, budget = 64, us = (int)microseconds;

	if (setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefer, sizeof(prefer)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)))
		return -errno;
	return 0;
}

static bool is_zero_copy(int fd)
{
	struct xdp_options options = { 0 };
	socklen_t size = sizeof(options);

	return !getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &size) &&
	       options.flags & XDP_OPTIONS_ZEROCOPY;
}

static void fill_all(struct xsk *xsk)
{
	for (unsigned int i = 0; i < RECEIVE_FRAMES; i++)
		xsk_refill_one(xsk, (uint64_t)i * XSK_FRAME_SIZE);
}

static int open_socket(struct xsk *xsk, const struct xsk_config *config, char *why, size_t why_size)
{
	const uint32_t queue = 0;
	int r = make_memory(xsk);

	if (r)
		return sentence(why, why_size, r, "memory for AF_XDP: %s", strerror(-r));
	r = make_socket(xsk, config->interface);
	if (r == -EBUSY)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "AF_XDP on %s: another program has a socket on its queue 0",
		                config->interface);
	if (r)
		return sentence(why, why_size, r, "AF_XDP on %s: %s", config->interface,
		                strerror(-r));
	xsk->fd = xsk_socket__fd(xsk->socket);
	xsk->zero_copy = is_zero_copy(xsk->fd);
	if (config->busy_poll_us && (r = set_busy_poll(xsk->fd, config->busy_poll_us)))
		return sentence(why, why_size, -EOPNOTSUPP,
		                "preferred busy polling of AF_XDP sockets needs Linux 5.11 and "
		                "CAP_NET_ADMIN: %s",
		                strerror(-r));
	fill_all(xsk);
	r = bpf_map_update_elem(bpf_map__fd(xsk->program->maps.sockets), &queue, &xsk->fd, 0);
	return r ? sentence(why, why_size, r, "AF_XDP socket map: %s", strerror(-r)) : 0;
}

int xsk_open(struct xsk *xsk, const struct xsk_config *config, char *why, size_t why_size)
{
	int r;

	*xsk = (struct xsk){ .link = -1, .fd = -1 };
	r = check_queues(config->interface, why, why_size);
	if (!r)
		r = attach_program(xsk, config, why, why_size);
	if (!r)
		r = open_socket(xsk, config, why, why_size);
	if (r)
		xsk_close(xsk);
	return r;
}

void xsk_close(struct xsk *xsk)
{
	/* First the program, so that no frame is on its way to a socket that goes. */
	if (xsk->program && xsk->link >= 0)
		close(xsk->link);
	redirect__destroy(xsk->program);
	if (xsk->socket)
		xsk_socket__delete(xsk->socket);
	if (xsk->umem)
		xsk_umem__delete(xsk->umem);
	if (xsk->area)
		munmap(xsk->area, AREA_BYTES);
	*xsk = (struct xsk){ .link = -1, .fd = -1 };
}

unsigned int xsk_receive(struct xsk *xsk, struct xdp_desc *frames, unsigned int n)
{
	uint32_t first, got = xsk_ring_cons__peek(&xsk->rx, n, &first);

	if (!got)
		return 0;
	for (uint32_t i = 0; i < got; i++)
		frames[i] = *xsk_ring_cons__rx_desc(&xsk->rx, first + i);
	xsk_ring_cons__release(&xsk->rx, got);
	return got;
}

void xsk_refill(struct xsk *xsk, const uint64_t *address, unsigned int n)
{
	uint32_t first;

	if (!n || xsk_ring_prod__reserve(&xsk->fill, n, &first) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&xsk->fill, first + i) = xsk_frame(address[i]);
	xsk_ring_prod__submit(&xsk->fill, n);
}

unsigned int xsk_reap(struct xsk *xsk, uint64_t *address, unsigned int n)
{
	uint32_t first, got = xsk_ring_cons__peek(&xsk->completion, n, &first);

	if (!got)
		return 0;
	for (uint32_t i = 0; i < got; i++)
		address[i] = xsk_frame(*xsk_ring_cons__comp_addr(&xsk->completion, first + i));
	xsk_ring_cons__release(&xsk->completion, got);
	return got;
}

bool xsk_queue(struct xsk *xsk, uint64_t address, uint32_t size)
{
	uint32_t index;

	if (xsk_ring_prod__reserve(&xsk->tx, 1, &index) != 1)
		return false;
	*xsk_ring_prod__tx_desc(&xsk->tx, index) =
		(struct xdp_desc){ .addr = address, .len = size };
	xsk_ring_prod__submit(&xsk->tx, 1);
	return true;
}

/* Has the kernel not taken all that was queued? */
static bool is_queued(struct xsk *xsk)
{
	return __atomic_load_n(xsk->tx.consumer, __ATOMIC_ACQUIRE) != *xsk->tx.producer;
}

/* EBUSY: it took one and dropped it. EAGAIN: no more in this call, or the driver has no room. */
void xsk_kick(struct xsk *xsk)
{
	for (int i = 0; i < KICKS_MAX && is_queued(xsk); i++) {
		if (!xsk_ring_prod__needs_wakeup(&xsk->tx))
			return;
		if (sendto(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
			continue;
		if (errno == EBUSY)
			xsk->kick_drops++;
		else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return;
	}
}

void xsk_wake(struct xsk *xsk)
{
	recvfrom(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/*
 * In copy mode a packet without a free frame is both in rx_dropped and in
 * rx_fill_ring_empty_descs (net/xdp/xsk.c, xsk_copy_xdp), and with zero-copy the latter counts
 * attempts of the driver, not packets.
 */
void xsk_counts(struct xsk *xsk, struct xsk_counts *ret_counts)
{
	struct xdp_statistics statistics = { 0 };
	socklen_t size = sizeof(statistics);

	getsockopt(xsk->fd, SOL_XDP, XDP_STATISTICS, &statistics, &size);
	*ret_counts = (struct xsk_counts){
		.ring_drops = statistics.rx_dropped + statistics.rx_ring_full,
		.passed = xdp_sum(bpf_map__fd(xsk->program->maps.passed), 0),
		.send_drops = xsk->kick_drops + statistics.tx_invalid_descs,
	};
}

void xsk_describe(const struct xsk *xsk, char *text, size_t size)
{
	snprintf(text, size, "%s, %s", xsk->native ? "native XDP" : "generic XDP",
	         xsk->zero_copy ? "zero-copy" : "copy");
}
