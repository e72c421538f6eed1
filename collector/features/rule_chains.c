// SPDX-License-Identifier: GPL-2.0
#include "rule_chains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "nft_rule.h"

int rule_chains_add(struct rule_chains *chains, struct rule_chain **ret)
{
	if (chains->n_chains == CHAINS_MAX) {
		chains->more = true;
		return -ENOSPC;
	}
	if (array_grow(&chains->chains, chains->n_chains, sizeof(**ret)))
		return -ENOMEM;
	*ret = &chains->chains[chains->n_chains++];
	memset(*ret, 0, sizeof(**ret));
	return 0;
}

int rule_chains_add_rule(struct rule_chains *chains, struct chain_rule **ret)
{
	if (chains->n_rules == RULES_MAX) {
		chains->more = true;
		return -ENOSPC;
	}
	if (array_grow(&chains->rules, chains->n_rules, sizeof(**ret)))
		return -ENOMEM;
	*ret = &chains->rules[chains->n_rules++];
	memset(*ret, 0, sizeof(**ret));
	(*ret)->jump = CHAIN_NONE;
	return 0;
}

void rule_chains_free(struct rule_chains *chains)
{
	free(chains->chains);
	free(chains->rules);
	*chains = (struct rule_chains){};
}

/* ---- Following ---------------------------------------------------------------------------- */

static void begin(struct rule_chain *chain)
{
	for (int direction = 0; direction < DIRECTIONS; direction++)
		chain->reached[direction] = chain->hooked & 1U << direction ? MEETS_ALL : MEETS_NOT;
	chain->n_rules = chain->n_all = chain->n_maybe = 0;
	chain->packets = 0;
	chain->effects = 0;
	chain->n_counted = 0;
}

static bool reach(struct rule_chain *chain, int direction, enum meets meets)
{
	if (meets <= chain->reached[direction])
		return false;
	chain->reached[direction] = meets;
	return true;
}

/* Chains of @from's table that a verdict map may name: which, is not known. */
static bool reach_any(struct rule_chains *chains, const struct rule_chain *from, int direction)
{
	bool changed = false;

	for (size_t i = 0; i < chains->n_chains; i++)
		if (chains->chains[i].table == from->table && !chains->chains[i].hooked)
			changed |= reach(&chains->chains[i], direction, MEETS_MAYBE);
	return changed;
}

static bool follow_rule(struct rule_chains *chains, const struct chain_rule *rule)
{
	const struct rule_chain *from = &chains->chains[rule->chain];
	bool changed = false;

	for (int direction = 0; direction < DIRECTIONS; direction++) {
		enum meets meets = meets_both(from->reached[direction], rule->meets[direction]);

		if (meets == MEETS_NOT)
			continue;
		if (rule->jump == CHAIN_ANY)
			changed |= reach_any(chains, from, direction);
		else
			changed |= reach(&chains->chains[rule->jump], direction, meets);
	}
	return changed;
}

static void count_rule(struct rule_chains *chains, const struct chain_rule *rule)
{
	struct rule_chain *chain = &chains->chains[rule->chain];
	enum meets meets = MEETS_NOT;

	chain->n_rules++;
	for (int direction = 0; direction < DIRECTIONS; direction++)
		meets = meets_either(meets,
		                     meets_both(chain->reached[direction], rule->meets[direction]));
	chain->n_all += meets == MEETS_ALL;
	chain->n_maybe += meets == MEETS_MAYBE;
	if (meets != MEETS_NOT)
		chain->effects |= rule->effects;
	if (meets != MEETS_ALL || !rule->counted)
		return;
	chain->n_counted++;
	chain->packets += rule->packets;
}

void rule_chains_follow(struct rule_chains *chains)
{
	bool changed = true;

	for (size_t i = 0; i < chains->n_chains; i++)
		begin(&chains->chains[i]);
	/* Jumps have no loops, and a chain's reach only grows: it ends. */
	while (changed) {
		changed = false;
		for (size_t i = 0; i < chains->n_rules; i++)
			if (chains->rules[i].jump != CHAIN_NONE)
				changed |= follow_rule(chains, &chains->rules[i]);
	}
	for (size_t i = 0; i < chains->n_rules; i++)
		count_rule(chains, &chains->rules[i]);
}

/* ---- Telling ------------------------------------------------------------------------------ */

static bool is_reached(const struct rule_chain *chain)
{
	return chain->reached[RECEIVED] != MEETS_NOT || chain->reached[SENT] != MEETS_NOT;
}

/* Rules before them may keep all packets from those that would meet them: their counters tell. */
static bool never_met(const struct rule_chain *chain)
{
	return chain->n_counted == chain->n_all && !chain->packets;
}

/* NULL: it is sure that the chain acts on the traffic. */
static const char *doubt(const struct rule_chain *chain)
{
	if (chain->drops && is_reached(chain))
		return NULL;
	if (!chain->n_all)
		return "the conditions of its rules are not all known before a packet is";
	return never_met(chain) ? "no packet has got to these rules, as their counters say" : NULL;
}

static void tell_chain(const struct rule_chain *chain, struct look *look, enum service service,
                       const struct traffic *traffic)
{
	const char *why = doubt(chain);
	char effects[80], counted[64] = "";

	rule_effects_describe(chain->effects, effects, sizeof(effects));
	if (chain->n_counted)
		snprintf(counted, sizeof(counted), "; they counted %llu packets",
		         (unsigned long long)chain->packets);
	look_tell(look, service, why ? STATE_MAY_APPLY : STATE_FOUND, chain->where,
	          traffic->endpoint, why, "%zu rule%s: %zu meet%s its packets, %zu may%s%s%s%s%s",
	          chain->n_rules, chain->n_rules == 1 ? "" : "s", chain->n_all,
	          chain->n_all == 1 ? "s" : "", chain->n_maybe, *effects ? " (" : "", effects,
	          *effects ? ")" : "", counted, chain->drops ? "; what they leave is dropped" : "");
}

void rule_chains_tell(const struct rule_chains *chains, struct look *look, enum service service,
                      const struct traffic *traffic)
{
	for (size_t i = 0; i < chains->n_chains; i++) {
		const struct rule_chain *chain = &chains->chains[i];

		if (chain->n_all || chain->n_maybe || (chain->drops && is_reached(chain)))
			tell_chain(chain, look, service, traffic);
	}
}
