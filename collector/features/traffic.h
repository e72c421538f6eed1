/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The traffic of an endpoint, as far as it is known before a packet is seen, for rules to be held
 * against: what is not known leaves it open whether a rule applies.
 */
#ifndef KTAX_TRAFFIC_H
#define KTAX_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRAFFIC_LINKS_MAX 32

/* Whether the packets of an endpoint meet a condition. The order counts: the worse the smaller. */
enum meets {
	MEETS_NOT,
	MEETS_MAYBE, /* some may, or it could not be decided */
	MEETS_ALL,   /* each, or those of every connection's beginning or rest */
};

static inline enum meets meets_both(enum meets a, enum meets b)
{
	return a < b ? a : b;
}

static inline enum meets meets_either(enum meets a, enum meets b)
{
	return a > b ? a : b;
}

/* A link that its packets come over. Indices are those of its namespace. */
struct traffic_link {
	uint32_t index;
	char name[16];
};

struct traffic {
	const char *endpoint;
	uint8_t address[16]; /* as sent; all zero: any of the namespace */
	bool ipv6, any_address;
	bool both; /* an IPv6 socket that takes IPv4 too */
	uint16_t port;
	pid_t pid;      /* owner of the socket, 0: not known */
	uint32_t inode; /* of the listening socket, 0: not known */
	bool md5;       /* which has keys for TCP MD5 signatures */
	/* The links that have its address, or all that are up; and those below them (vlan, bond).
	 */
	struct traffic_link links[TRAFFIC_LINKS_MAX];
	size_t n_links;
	bool more_links; /* than there is room for */
};

enum direction { RECEIVED, SENT, DIRECTIONS };

/* One kind of packet of a traffic. */
struct packet {
	const struct traffic *traffic;
	enum direction direction;
	bool ipv6;
};

#define TRAFFIC_PACKETS_MAX 4

/* The kinds of packets there are: each direction, and each family. Returns their number. */
size_t traffic_packets(const struct traffic *traffic, struct packet ret[TRAFFIC_PACKETS_MAX]);

/*
 * The headers of a packet from the network layer on (IPv4 without options), and which bytes of them
 * are the same in each of its kind. Ports begin at .transport.
 */
struct packet_image {
	uint8_t bytes[48], known[48]; /* known: 0 or 1 */
	size_t transport;
};

void packet_image(const struct packet *packet, struct packet_image *ret);
/* How a condition holds where @n bytes, masked, are to be @wanted. @known: as of the image. */
enum meets bytes_equal(const uint8_t *bytes, const uint8_t *known, const uint8_t *mask,
                       const uint8_t *wanted, size_t n);

bool traffic_uses(const struct traffic *traffic, uint32_t link);
/* Whether it comes over links whose name begins with the first @length bytes of @name. */
enum meets traffic_meets_link(const struct traffic *traffic, const char *name, size_t length);

#endif
