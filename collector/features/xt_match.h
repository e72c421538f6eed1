/* SPDX-License-Identifier: GPL-2.0 */
/* Matches and targets of iptables (xtables), as iptables-legacy and iptables-nft hand them over. */
#ifndef KTAX_XT_MATCH_H
#define KTAX_XT_MATCH_H

#include <stddef.h>

#include "traffic.h"

/* Whether the match @name, with its @length bytes at @info, meets @packet. */
enum meets xt_match_meets(const char *name, const void *info, size_t length,
                          const struct packet *packet);
/* What a target does: bits of enum rule_effect. */
unsigned int xt_target_effect(const char *name);

#endif
