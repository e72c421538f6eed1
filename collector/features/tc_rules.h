/* SPDX-License-Identifier: GPL-2.0 */
/* Queueing discipline and filter messages of rtnetlink, and whom a filter meets. */
#ifndef KTAX_TC_RULES_H
#define KTAX_TC_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traffic.h"

struct nlmsghdr;

struct tc_qdisc {
	char kind[16];
	uint32_t link, handle, parent;
	uint64_t packets;  /* sent through it, so far */
	bool shared_block; /* its filters are kept in a block that several links share */
};

struct tc_filter {
	char kind[16];
	char action[16];  /* the first; empty: none, or not known */
	char program[64]; /* bpf: its name, or empty */
	uint32_t program_id;
	enum meets meets;
};

/* False where it is none, or too short. */
bool tc_qdisc_parse(const struct nlmsghdr *header, struct tc_qdisc *ret);
/* @direction: of the packets at the hook where the filter is. False too where it cannot match. */
bool tc_filter_parse(const struct nlmsghdr *header, const struct traffic *traffic,
                     enum direction direction, struct tc_filter *ret);

/* Whether it is one that does no more than keep packets in order. */
bool tc_qdisc_is_plain(const char *kind);

#endif
