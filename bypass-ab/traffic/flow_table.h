/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers for flows, in the order in which they appear; at most TRAFFIC_FLOWS_MAX. */
#ifndef KTAX_FLOW_TABLE_H
#define KTAX_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compared as bytes: leave no byte of it unset. */
struct flow_key {
	uint8_t client[16], server[16];
	uint16_t client_port, server_port;
	uint32_t ipv6;
};

struct flow_table; /* opaque */

/* NULL: out of memory. */
struct flow_table *flow_table_new(void);
void flow_table_free(struct flow_table *table); /* NULL is fine */
/* The flow's number; *ret_shared: there is no room for it, so it is another one's too. */
uint16_t flow_table_number(struct flow_table *table, const struct flow_key *key, bool *ret_shared);
size_t flow_table_size(const struct flow_table *table);

#endif
