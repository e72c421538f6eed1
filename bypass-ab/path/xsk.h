/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An AF_XDP socket on queue 0 of an interface, its memory, and the XDP program that feeds it: what
 * the AF_XDP path and the generator's AF_XDP wire have in common.
 *
 * A frame is named by its address in the memory. It belongs to the kernel while it is in the fill
 * or the transmit ring, and to the caller from xsk_receive or xsk_reap until xsk_refill or
 * xsk_queue. The rings have room for all frames, so that giving one back cannot fail.
 */
#ifndef KTAX_XSK_H
#define KTAX_XSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xdp/xsk.h>

#define XSK_FRAMES     4096 /* the first half to receive into, and the rest to send from */
#define XSK_FRAME_SIZE 2048

struct redirect;

struct xsk_config {
	const char *interface;
	uint16_t port;
	bool tcp;                  /* takes TCP, not UDP */
	bool from_port;            /* takes what comes from the port, not what is for it */
	unsigned int busy_poll_us; /* 0: no preferred busy polling */
};

struct xsk {
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons completion, rx;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct redirect *program;
	uint8_t *area;
	int link, fd;
	bool native, zero_copy;
	uint64_t kick_drops; /* transmissions that the driver refused */
};

struct xsk_counts {
	uint64_t ring_drops; /* no free frame, or the receive ring was full */
	uint64_t passed;     /* left to the kernel */
	uint64_t send_drops; /* given to the driver, which dropped them */
};

/*
 * As path_type.open for errors and @why. Right after the interface's last AF_XDP socket was closed
 * it takes up to half a second: the kernel frees its memory later.
 */
int xsk_open(struct xsk *xsk, const struct xsk_config *config, char *why, size_t why_size);
void xsk_close(struct xsk *xsk); /* one that is all zero is fine, and one that was closed */

/* The frames that have come in, at most @n; does not wait. */
unsigned int xsk_receive(struct xsk *xsk, struct xdp_desc *frames, unsigned int n);
void xsk_refill(struct xsk *xsk, const uint64_t *address, unsigned int n);
/* Frames that have been sent, at most @n. */
unsigned int xsk_reap(struct xsk *xsk, uint64_t *address, unsigned int n);
/* Queues a frame to send; false: no room. xsk_kick makes the kernel send what is queued. */
bool xsk_queue(struct xsk *xsk, uint64_t address, uint32_t size);
void xsk_kick(struct xsk *xsk);
/* Makes the driver look for frames to receive, if it waits to be told, or polls by calls. */
void xsk_wake(struct xsk *xsk);

void xsk_counts(struct xsk *xsk, struct xsk_counts *ret_counts);
/* "native, copy": how it runs here. */
void xsk_describe(const struct xsk *xsk, char *text, size_t size);

static inline uint8_t *xsk_data(const struct xsk *xsk, uint64_t address)
{
	return xsk->area + address;
}

/* The start of the frame that an address is in: the driver leaves headroom. */
static inline uint64_t xsk_frame(uint64_t address)
{
	return address & ~(uint64_t)(XSK_FRAME_SIZE - 1);
}

static inline void xsk_refill_one(struct xsk *xsk, uint64_t address)
{
	xsk_refill(xsk, &address, 1);
}

#endif
