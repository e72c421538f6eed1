/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chains of rules, of nftables or iptables alike: which of them a traffic gets to, through hooks
 * and jumps, and how many of their rules meet it.
 *
 * That an earlier rule may have ended the way of a packet is left out: a rule counts by its own
 * conditions.
 */
#ifndef KTAX_RULE_CHAINS_H
#define KTAX_RULE_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "look.h"
#include "traffic.h"

#define CHAIN_NONE SIZE_MAX
#define CHAIN_ANY  (SIZE_MAX - 1) /* any of the same table that no hook leads to */
#define CHAINS_MAX 4096
#define RULES_MAX  20000

struct rule_chain {
	char where[160];     /* "inet filter input" */
	unsigned int table;  /* chains of a table have the same number */
	unsigned int hooked; /* bits 1 << RECEIVED, 1 << SENT: a hook leads packets here */
	bool drops;          /* what no rule has decided on */
	/* For one traffic: */
	enum meets reached[DIRECTIONS];
	size_t n_rules, n_all, n_maybe;
	uint64_t packets; /* counted by those that meet it */
	unsigned int effects;
	size_t n_counted; /* of .n_all: those that count */
};

/* A rule, for one traffic. */
struct chain_rule {
	size_t chain;
	size_t jump; /* a chain, CHAIN_NONE or CHAIN_ANY */
	enum meets meets[DIRECTIONS];
	unsigned int effects; /* enum rule_effect */
	bool counted;
	uint64_t packets;
};

struct rule_chains {
	struct rule_chain *chains;
	size_t n_chains;
	struct chain_rule *rules;
	size_t n_rules;
	bool more; /* than there is room for: these were left out */
};

/* -ENOMEM; -ENOSPC beyond the maxima, and .more is set. *ret is the new one's. */
int rule_chains_add(struct rule_chains *chains, struct rule_chain **ret);
int rule_chains_add_rule(struct rule_chains *chains, struct chain_rule **ret);
void rule_chains_free(struct rule_chains *chains);

/* Sets what stands there for one traffic in each chain, from the rules. */
void rule_chains_follow(struct rule_chains *chains);
/* Tells of each chain that meets @traffic. */
void rule_chains_tell(const struct rule_chains *chains, struct look *look, enum service service,
                      const struct traffic *traffic);

#endif
