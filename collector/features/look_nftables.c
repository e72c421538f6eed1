// SPDX-License-Identifier: GPL-2.0
/* The rules of nftables (those of iptables-nft among them), held against each endpoint's traffic.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "kernel_part.h"
#include "netlink_dump.h"
#include "nft_tables.h"
#include "rule_chains.h"

#define RULE_BYTES_MAX ((size_t)8 << 20) /* of all expressions */
#define SETS_MAX       256

/* A rule with its own copy of its expressions. */
struct kept_rule {
	struct nft_rule rule;
	size_t chain;
};

struct ruleset {
	struct nft_chain *nft_chains; /* as .chains.chains */
	struct rule_chains chains;
	struct kept_rule *rules;
	size_t n_rules, rule_bytes;
	struct nft_set *sets; /* those that were asked for */
	size_t n_sets;
	const struct nft_rule *current; /* whose sets are asked for */
};

static int fail(int err)
{
	errno = -err;
	return MNL_CB_ERROR;
}

/* ---- Reading ------------------------------------------------------------------------------ */

static size_t find_chain(const struct ruleset *ruleset, uint8_t family, const char *table,
                         const char *name)
{
	for (size_t i = 0; i < ruleset->chains.n_chains; i++) {
		const struct nft_chain *chain = &ruleset->nft_chains[i];

		if (chain->family == family && !strcmp(chain->name, name) &&
		    !strcmp(chain->table, table))
			return i;
	}
	return CHAIN_NONE;
}

/* The number of the first chain of the same table stands for the table. */
static unsigned int table_of(const struct ruleset *ruleset, size_t n)
{
	const struct nft_chain *own = &ruleset->nft_chains[n];

	for (size_t i = 0; i < n; i++)
		if (ruleset->nft_chains[i].family == own->family &&
		    !strcmp(ruleset->nft_chains[i].table, own->table))
			return i;
	return n;
}

static int on_chain(const struct nlmsghdr *header, void *context)
{
	struct ruleset *ruleset = context;
	size_t n = ruleset->chains.n_chains;
	struct rule_chain *chain;
	struct nft_chain found;
	int err;

	if (!nft_chain_parse(header, &found) || found.family == NFPROTO_ARP)
		return MNL_CB_OK;
	if (array_grow(&ruleset->nft_chains, n, sizeof(found)))
		return fail(-ENOMEM);
	ruleset->nft_chains[n] = found;
	err = rule_chains_add(&ruleset->chains, &chain);
	if (err)
		return err == -ENOSPC ? MNL_CB_STOP : fail(err);
	snprintf(chain->where, sizeof(chain->where), "%s %.60s %.60s",
	         nft_family_name(found.family), found.table, found.name);
	chain->drops = found.base && found.drops;
	chain->table = table_of(ruleset, n);
	return MNL_CB_OK;
}

static int keep_rule(struct ruleset *ruleset, const struct nft_rule *rule, size_t chain)
{
	struct kept_rule kept = { *rule, chain };
	void *copy;

	if (ruleset->n_rules == RULES_MAX || ruleset->rule_bytes + rule->length > RULE_BYTES_MAX) {
		ruleset->chains.more = true;
		return -ENOSPC;
	}
	copy = malloc(rule->length + 1);
	if (!copy || array_grow(&ruleset->rules, ruleset->n_rules, sizeof(kept))) {
		free(copy);
		return -ENOMEM;
	}
	if (rule->length)
		memcpy(copy, rule->expressions, rule->length);
	kept.rule.expressions = copy;
	ruleset->rules[ruleset->n_rules++] = kept;
	ruleset->rule_bytes += rule->length;
	return 0;
}

static int on_rule(const struct nlmsghdr *header, void *context)
{
	struct ruleset *ruleset = context;
	struct nft_rule rule;
	size_t chain;
	int err;

	if (!nft_rule_parse(header, &rule))
		return MNL_CB_OK;
	chain = find_chain(ruleset, rule.family, rule.table, rule.chain);
	if (chain == CHAIN_NONE)
		return MNL_CB_OK;
	err = keep_rule(ruleset, &rule, chain);
	if (err == -ENOSPC)
		return MNL_CB_STOP;
	return err ? fail(err) : MNL_CB_OK;
}

static int on_elements(const struct nlmsghdr *header, void *context)
{
	int err = nft_elements_parse(header, context);

	return err ? fail(err) : MNL_CB_OK;
}

/* Dumps all of @type; the elements of @set only where it is given. */
static int dump(unsigned int type, const struct nft_set *set, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = netlink_open(NETLINK_NETFILTER);
	char buffer[1024];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *request;
	int err;

	if (!socket)
		return -errno;
	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->nfgen_family = set ? set->family : NFPROTO_UNSPEC;
	request->version = NFNETLINK_V0;
	if (set) {
		mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, set->table);
		mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set->name);
	}
	err = netlink_dump(socket, header, callback, context);
	mnl_socket_close(socket);
	return err;
}

/* ---- Sets, when they are asked for -------------------------------------------------------- */

static const struct nft_set *find_set(struct ruleset *ruleset, const char *name)
{
	const struct nft_rule *rule = ruleset->current;
	struct nft_set *set;

	for (size_t i = 0; i < ruleset->n_sets; i++)
		if (ruleset->sets[i].family == rule->family &&
		    !strcmp(ruleset->sets[i].name, name) &&
		    !strcmp(ruleset->sets[i].table, rule->table))
			return &ruleset->sets[i];
	if (ruleset->n_sets == SETS_MAX ||
	    array_grow(&ruleset->sets, ruleset->n_sets, sizeof(*set)))
		return NULL;
	set = &ruleset->sets[ruleset->n_sets++];
	*set = (struct nft_set){ .family = rule->family };
	snprintf(set->table, sizeof(set->table), "%s", rule->table);
	snprintf(set->name, sizeof(set->name), "%s", name);
	set->unreadable = dump(NFT_MSG_GETSETELEM, set, on_elements, set) != 0;
	nft_set_sort(set);
	return set;
}

static enum meets look_up(const char *name, const uint8_t *key, size_t length, void *context)
{
	const struct nft_set *set = find_set(context, name);

	return set ? nft_set_has(set, key, length) : MEETS_MAYBE;
}

/* ---- Rules against a traffic -------------------------------------------------------------- */

static size_t target_of(const struct ruleset *ruleset, const struct nft_rule *rule,
                        const struct nft_verdict *verdict)
{
	if (verdict->jumps_by_map)
		return CHAIN_ANY;
	if (!verdict->jump[0])
		return CHAIN_NONE;
	return find_chain(ruleset, rule->family, rule->table, verdict->jump);
}

static int judge_rule(struct ruleset *ruleset, const struct kept_rule *kept,
                      const struct traffic *traffic)
{
	struct packet packets[TRAFFIC_PACKETS_MAX];
	size_t n = traffic_packets(traffic, packets);
	struct nft_verdict verdict;
	struct chain_rule *rule;
	int err = rule_chains_add_rule(&ruleset->chains, &rule);

	if (err)
		return err;
	rule->chain = kept->chain;
	ruleset->current = &kept->rule;
	for (size_t i = 0; i < n; i++) {
		enum meets *meets = &rule->meets[packets[i].direction];
		enum meets one = nft_rule_meets(kept->rule.expressions, kept->rule.length,
		                                &packets[i], look_up, ruleset, &verdict);

		if (!nft_family_sees(kept->rule.family, &packets[i]))
			one = MEETS_NOT;
		if (kept->rule.family == NFPROTO_BRIDGE) /* if it is bridged at all */
			one = meets_both(one, MEETS_MAYBE);
		*meets = meets_either(*meets, one);
	}
	rule->jump = target_of(ruleset, &kept->rule, &verdict);
	rule->effects = verdict.effects;
	rule->counted = verdict.counted;
	rule->packets = verdict.packets;
	return 0;
}

static int judge(struct look *look, struct ruleset *ruleset, const struct traffic *traffic)
{
	int err = 0;

	ruleset->chains.n_rules = 0;
	for (size_t i = 0; i < ruleset->chains.n_chains; i++)
		ruleset->chains.chains[i].hooked =
			nft_chain_hooked(&ruleset->nft_chains[i], traffic);
	for (size_t i = 0; !err && i < ruleset->n_rules; i++)
		err = judge_rule(ruleset, &ruleset->rules[i], traffic);
	if (err)
		return err;
	rule_chains_follow(&ruleset->chains);
	rule_chains_tell(&ruleset->chains, look, SERVICE_NFTABLES, traffic);
	return 0;
}

static void ruleset_free(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->n_rules; i++)
		free((void *)ruleset->rules[i].rule.expressions);
	for (size_t i = 0; i < ruleset->n_sets; i++)
		nft_set_free(&ruleset->sets[i]);
	free(ruleset->rules);
	free(ruleset->sets);
	free(ruleset->nft_chains);
	rule_chains_free(&ruleset->chains);
}

static int read_ruleset(struct ruleset *ruleset)
{
	int err = dump(NFT_MSG_GETCHAIN, NULL, on_chain, ruleset);

	return err || !ruleset->chains.n_chains ? err
	                                        : dump(NFT_MSG_GETRULE, NULL, on_rule, ruleset);
}

void look_for_nftables(struct look *look)
{
	enum kernel_part part = kernel_part("nf_tables");
	struct ruleset ruleset = {};
	int err;

	if (part == PART_ABSENT)
		return;
	if (part == PART_UNKNOWN) {
		look_tell(look, SERVICE_NFTABLES, STATE_UNKNOWN, look->space, NULL,
		          "whether the kernel has it loaded is not known", NULL);
		return;
	}
	err = read_ruleset(&ruleset);
	if (err == -EINTR) { /* it was changed meanwhile: once more */
		ruleset_free(&ruleset);
		ruleset = (struct ruleset){};
		err = read_ruleset(&ruleset);
	}
	for (size_t i = 0; !err && i < look->n_traffics; i++)
		err = judge(look, &ruleset, &look->traffics[i]);
	if (ruleset.chains.more)
		look_tell(look, SERVICE_NFTABLES, STATE_UNKNOWN, look->space, NULL,
		          "there are more chains or rules than are looked at", NULL);
	else if (err)
		look_tell_unknown(look, SERVICE_NFTABLES, err);
	ruleset_free(&ruleset);
}
