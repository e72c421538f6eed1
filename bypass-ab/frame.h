/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frames of an A/B run: what is on the wire between the generator and a responder.
 *
 *	Ethernet [VLAN] | IPv4 or IPv6 | UDP | mark | filling
 *
 * The mark begins the UDP payload and tells which request a frame is. A response is the request
 * with addresses and ports swapped, so its checksum is the request's: sums do not mind the order.
 * Nothing in a frame depends on the arm, nor on when it is sent: times stay in the generator.
 * The epoch comes with its complement, so that changing it leaves the checksum as it is.
 */
#ifndef KTAX_FRAME_H
#define KTAX_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX       1514 /* bytes, without FCS */
#define FRAME_MARK      0x4b544158u
#define FRAME_MARK_SIZE 16

enum frame_kind {
	FRAME_REQUEST,
	FRAME_STOP, /* tells the responder that the block is over; it is not answered */
};

/* All big-endian. */
struct frame_mark {
	uint32_t magic;
	uint32_t id; /* index of the request within its block */
	uint16_t epoch;
	uint16_t epoch_complement;
	uint8_t kind; /* enum frame_kind */
	uint8_t pad;
	uint16_t flow;
} __attribute__((packed));

_Static_assert(sizeof(struct frame_mark) == FRAME_MARK_SIZE, "mark");

/* One end of the test link. Addresses in network byte order; IPv4 in the first 4 bytes of ip. */
struct frame_end {
	uint8_t mac[6];
	uint8_t ip[16];
	uint16_t port; /* host byte order */
};

/* The addresses of a flow: its client's port differs from those of other flows. */
struct frame_flow {
	struct frame_end client, server;
	bool ipv6;
};

/*
 * Writes the request @id of @flow with @payload_size bytes of UDP payload (FRAME_MARK_SIZE at
 * least) into @frame, of FRAME_MAX bytes. Returns its length, or -EMSGSIZE.
 */
int frame_build(uint8_t *frame, const struct frame_flow *flow, enum frame_kind kind, uint32_t id,
                uint16_t flow_number, size_t payload_size);

/* The longest payload of a frame. */
size_t frame_payload_max(bool ipv6);

/* Sets the epoch of a frame that frame_build made. */
void frame_set_epoch(uint8_t *frame, size_t length, uint16_t epoch);

/* What a frame is, as far as its headers tell. */
enum frame_class {
	FRAME_UDP,
	FRAME_NOT_IP,
	FRAME_NOT_UDP,
	FRAME_FRAGMENT,
	FRAME_DAMAGED, /* headers that contradict each other, or end before they are complete */
};

/* Where the headers of a UDP datagram are: offsets from the start of the frame. */
struct frame_layout {
	uint16_t ip, udp, payload;
	uint8_t protocol;      /* of FRAME_NOT_UDP: above IP (IPPROTO_TCP ...), at .udp */
	uint16_t payload_size; /* by the UDP header; the frame may have been cut before its end */
	uint8_t vlan_tags;
	bool ipv6;
};

/*
 * Reads the headers of @frame, of which @length bytes are there. Understands VLAN tags and the
 * extension headers of IPv6. *ret_layout is filled for FRAME_UDP, and as far as .udp for
 * FRAME_NOT_UDP.
 */
enum frame_class frame_parse(const uint8_t *frame, size_t length, struct frame_layout *ret_layout);
/* The same for frames without an Ethernet header: an IP header is at @offset. */
enum frame_class frame_parse_ip(const uint8_t *frame, size_t length, size_t offset,
                                struct frame_layout *ret_layout);

/*
 * The mark of a received frame, or NULL: not UDP, not for @port (destination, host byte order; 0:
 * any), or none in it. VLAN tags and IPv6 are understood; fragments have none.
 */
const struct frame_mark *frame_find_mark(const uint8_t *frame, size_t length, uint16_t port);
/* The mark at the start of a UDP payload, or NULL. */
const struct frame_mark *frame_payload_mark(const void *payload, size_t length);

uint32_t frame_mark_id(const struct frame_mark *mark);
uint16_t frame_mark_epoch(const struct frame_mark *mark);

/* Gives a request that frame_build made other addresses, of the same version of IP. */
void frame_set_ends(uint8_t *frame, size_t length, const struct frame_flow *flow);

/* Turns a request into its response, in place; leaves what is no UDP as it is. */
void frame_reflect(uint8_t *frame, size_t length);

#endif
