/* SPDX-License-Identifier: GPL-2.0 */
/* Connections as conntrack knows them (ctnetlink). */
#ifndef KTAX_CONNTRACK_ENTRIES_H
#define KTAX_CONNTRACK_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "traffic.h"

struct nlmsghdr;

struct conntrack_entry {
	bool ipv6, tcp, translated;
	uint16_t port;       /* that the answers come from: the server's own, also behind NAT */
	uint8_t address[16]; /* likewise */
};

/* False where it is no such message, or lacks one of these. */
bool conntrack_entry_parse(const struct nlmsghdr *header, struct conntrack_entry *ret);
bool conntrack_entry_is_of(const struct conntrack_entry *entry, const struct traffic *traffic);

#endif
