/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of iptables-legacy or ip6tables-legacy, as the kernel gives it in one piece: entries one
 * behind the other, each with its conditions, matches and a target. A chain begins where a hook
 * points to, or behind an entry whose target ERROR carries its name.
 */
#ifndef KTAX_XT_TABLE_H
#define KTAX_XT_TABLE_H

#include <linux/netfilter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rule_chains.h"
#include "traffic.h"

struct xt_table_blob {
	const char *name; /* "filter" */
	bool ipv6;
	unsigned int hooks; /* bits 1 << NF_INET_*: those that are there */
	unsigned int entry[NF_INET_NUMHOOKS], underflow[NF_INET_NUMHOOKS]; /* offsets */
	const void *entries;
	size_t length;
};

/*
 * Adds the table's chains and rules, held against @traffic, to @chains. -EBADMSG: it is not laid
 * out as such a table; -ENOSPC, -ENOMEM.
 */
int xt_table_judge(const struct xt_table_blob *blob, const struct traffic *traffic,
                   struct rule_chains *chains);

#endif
