/* SPDX-License-Identifier: GPL-2.0 */
/* Chains, rules and sets of nftables, from messages of NFNL_SUBSYS_NFTABLES. */
#ifndef KTAX_NFT_TABLES_H
#define KTAX_NFT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft_rule.h"

struct nlmsghdr;

struct nft_chain {
	uint8_t family; /* NFPROTO_* */
	char table[NFT_NAME_MAX], name[NFT_NAME_MAX];
	bool base;
	uint32_t hook;
	bool drops;          /* by its policy */
	char devices[4][16]; /* of family netdev, or at inet's ingress */
	size_t n_devices;
	bool more_devices;
};

/* A rule: where it stands, and its expressions, inside of the message. */
struct nft_rule {
	uint8_t family;
	char table[NFT_NAME_MAX], chain[NFT_NAME_MAX];
	const void *expressions;
	size_t length;
};

bool nft_chain_parse(const struct nlmsghdr *header, struct nft_chain *ret);
bool nft_rule_parse(const struct nlmsghdr *header, struct nft_rule *ret);
/* Bits 1 << RECEIVED, 1 << SENT: the packets of @traffic that its hook leads to a base chain. */
unsigned int nft_chain_hooked(const struct nft_chain *chain, const struct traffic *traffic);
/* Whether rules of this family see such a packet. */
bool nft_family_sees(uint8_t family, const struct packet *packet);
const char *nft_family_name(uint8_t family);

/* ---- Sets --------------------------------------------------------------------------------- */

#define NFT_ELEMENTS_MAX 20000

struct nft_element {
	uint8_t key[NFT_KEY_MAX], end[NFT_KEY_MAX]; /* both included; .end only with .range */
	uint8_t length;
	bool range;
	bool interval_end; /* what began before it ends here, and this is outside */
};

struct nft_set {
	uint8_t family;
	char table[NFT_NAME_MAX], name[NFT_NAME_MAX];
	bool unreadable; /* or too large: all are open */
	struct nft_element *elements;
	size_t n;
};

/* Adds the elements of one message. -errno. */
int nft_elements_parse(const struct nlmsghdr *header, struct nft_set *set);
/* Once all are added: whether the key is among them. */
void nft_set_sort(struct nft_set *set);
enum meets nft_set_has(const struct nft_set *set, const uint8_t *key, size_t length);
void nft_set_free(struct nft_set *set);

#endif
