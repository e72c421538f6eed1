/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the expressions of an nftables rule meet packets of a known traffic.
 *
 * A rule is a list of expressions on registers, run from left to right until one breaks. Here they
 * are run on what is known of a packet: each byte of a register is known or not. A comparison of
 * known bytes decides; one with unknown bytes, or an expression that is not understood, leaves the
 * rule open.
 */
#ifndef KTAX_NFT_RULE_H
#define KTAX_NFT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traffic.h"

#define NFT_NAME_MAX 256 /* NFT_NAME_MAXLEN: of chains, tables and sets, with the end */
#define NFT_KEY_MAX  64  /* NFT_DATA_VALUE_MAXLEN, the size of all registers */

/* What a rule does. Bits. */
enum rule_effect {
	EFFECT_DROP = 1 << 0,
	EFFECT_ACCEPT = 1 << 1,
	EFFECT_NAT = 1 << 2,
	EFFECT_LIMIT = 1 << 3,
	EFFECT_LOG = 1 << 4,
	EFFECT_MARK = 1 << 5,
	EFFECT_QUEUE = 1 << 6,
	EFFECT_STATE = 1 << 7, /* it asks for the state of the connection */
	EFFECT_JUMP = 1 << 8,
};

/* Whether a key is in the set or map with that name; asked only for keys that are known. */
typedef enum meets (*nft_lookup_t)(const char *set, const uint8_t *key, size_t length,
                                   void *context);

struct nft_verdict {
	unsigned int effects;
	bool counted;
	uint64_t packets;        /* where .counted: since the rule or its counter was made */
	char jump[NFT_NAME_MAX]; /* the chain that it goes to, or empty */
	bool jumps_by_map;       /* to chains that a verdict map names */
};

/*
 * @expressions: the content of NFTA_RULE_EXPRESSIONS, @length bytes that may be anything. @ret gets
 * what the rule does, also where it is not met.
 */
enum meets nft_rule_meets(const void *expressions, size_t length, const struct packet *packet,
                          nft_lookup_t lookup, void *context, struct nft_verdict *ret);

/* "drop, NAT, log", of @effects; empty: none of note. */
void rule_effects_describe(unsigned int effects, char *ret, size_t room);

#endif
