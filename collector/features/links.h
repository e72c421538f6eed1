/* SPDX-License-Identifier: GPL-2.0 */
/* The links of a network namespace, their addresses, and which of them an endpoint's packets use.
 */
#ifndef KTAX_LINKS_H
#define KTAX_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traffic.h"

struct nlmsghdr;

enum xdp_mode { XDP_NONE, XDP_NATIVE, XDP_GENERIC, XDP_OFFLOADED, XDP_SEVERAL };

struct link {
	uint32_t index;
	char name[16];
	char qdisc[32];
	char kind[16];   /* "veth", "vlan", ...; empty: a device */
	uint32_t master; /* bridge, bond: 0 where none */
	uint32_t lower;  /* of a vlan or the like, in the same namespace */
	bool up, loopback, physical;
	enum xdp_mode xdp;
	uint32_t xdp_program; /* its id */
};

struct link_address {
	uint32_t link;
	bool ipv6;
	uint8_t address[16];
};

struct links {
	struct link *links;
	size_t n;
	struct link_address *addresses;
	size_t n_addresses;
};

/* Reads those of the current namespace. -errno; links_free() in any case. */
int links_read(struct links *links);
void links_free(struct links *links);

/* One message each of RTM_GETLINK and RTM_GETADDR. False where it is none, or too short. */
bool link_parse(const struct nlmsghdr *header, struct link *ret);
bool link_address_parse(const struct nlmsghdr *header, struct link_address *ret);

/* Sets .links of @traffic, whose address is set. */
void links_of_traffic(const struct links *links, struct traffic *traffic);

#endif
