// SPDX-License-Identifier: GPL-2.0
#include "xt_table.h"

#include <errno.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "nft_rule.h"
#include "xt_match.h"

_Static_assert((int)IPT_INV_SRCIP == (int)IP6T_INV_SRCIP &&
                       (int)IPT_INV_PROTO == (int)IP6T_INV_PROTO,
               "one meaning of inverse flags");

/* What an entry of either family says. Addresses are of 4 or 16 bytes. */
struct entry {
	size_t offset, next; /* in the table */
	uint8_t source[16], target[16], source_mask[16], target_mask[16];
	char in[IFNAMSIZ], out[IFNAMSIZ];
	uint8_t in_mask[IFNAMSIZ], out_mask[IFNAMSIZ];
	uint16_t protocol;
	uint8_t inverse;
	bool fragments; /* only later ones, which a TCP port is never in */
	uint64_t packets;
	const uint8_t *matches;
	size_t matches_length;
	char verb[XT_EXTENSION_MAXNAMELEN]; /* of its target; empty: standard */
	int verdict;                        /* of a standard target */
	char chain[XT_FUNCTION_MAXNAMELEN]; /* of an ERROR target */
};

/* ---- Entries ------------------------------------------------------------------------------ */

static void take_ipv4(const struct ipt_entry *raw, struct entry *entry)
{
	memcpy(entry->source, &raw->ip.src, 4);
	memcpy(entry->target, &raw->ip.dst, 4);
	memcpy(entry->source_mask, &raw->ip.smsk, 4);
	memcpy(entry->target_mask, &raw->ip.dmsk, 4);
	memcpy(entry->in, raw->ip.iniface, IFNAMSIZ);
	memcpy(entry->out, raw->ip.outiface, IFNAMSIZ);
	memcpy(entry->in_mask, raw->ip.iniface_mask, IFNAMSIZ);
	memcpy(entry->out_mask, raw->ip.outiface_mask, IFNAMSIZ);
	entry->protocol = raw->ip.proto;
	entry->inverse = raw->ip.invflags;
	entry->fragments = raw->ip.flags & IPT_F_FRAG;
	entry->packets = raw->counters.pcnt;
}

static void take_ipv6(const struct ip6t_entry *raw, struct entry *entry)
{
	memcpy(entry->source, &raw->ipv6.src, 16);
	memcpy(entry->target, &raw->ipv6.dst, 16);
	memcpy(entry->source_mask, &raw->ipv6.smsk, 16);
	memcpy(entry->target_mask, &raw->ipv6.dmsk, 16);
	memcpy(entry->in, raw->ipv6.iniface, IFNAMSIZ);
	memcpy(entry->out, raw->ipv6.outiface, IFNAMSIZ);
	memcpy(entry->in_mask, raw->ipv6.iniface_mask, IFNAMSIZ);
	memcpy(entry->out_mask, raw->ipv6.outiface_mask, IFNAMSIZ);
	entry->protocol = raw->ipv6.proto;
	entry->inverse = raw->ipv6.invflags;
	entry->packets = raw->counters.pcnt;
}

static int take_target(const uint8_t *at, size_t length, struct entry *entry)
{
	struct xt_standard_target standard;
	struct xt_error_target error;

	if (length < sizeof(struct xt_entry_target))
		return -EBADMSG;
	memcpy(&standard, at, length < sizeof(standard) ? length : sizeof(standard));
	snprintf(entry->verb, sizeof(entry->verb), "%.*s", (int)sizeof(entry->verb) - 1,
	         standard.target.u.user.name);
	if (!entry->verb[0] && length < sizeof(standard))
		return -EBADMSG;
	entry->verdict = standard.verdict;
	if (strcmp(entry->verb, XT_ERROR_TARGET) != 0)
		return 0;
	if (length < sizeof(error))
		return -EBADMSG;
	memcpy(&error, at, sizeof(error));
	snprintf(entry->chain, sizeof(entry->chain), "%.*s", (int)sizeof(entry->chain) - 1,
	         error.errorname);
	return 0;
}

/* The entry at @offset. -EBADMSG: it does not fit. */
static int take_entry(const struct xt_table_blob *blob, size_t offset, struct entry *ret)
{
	size_t size = blob->ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	const uint8_t *at = (const uint8_t *)blob->entries + offset;
	struct ip6t_entry ipv6;
	struct ipt_entry ipv4;
	size_t target, next;

	memset(ret, 0, sizeof(*ret));
	if (offset > blob->length || blob->length - offset < size)
		return -EBADMSG;
	if (blob->ipv6) {
		memcpy(&ipv6, at, sizeof(ipv6));
		take_ipv6(&ipv6, ret);
	} else {
		memcpy(&ipv4, at, sizeof(ipv4));
		take_ipv4(&ipv4, ret);
	}
	target = blob->ipv6 ? ipv6.target_offset : ipv4.target_offset;
	next = blob->ipv6 ? ipv6.next_offset : ipv4.next_offset;
	if (target < size || next < target || next > blob->length - offset)
		return -EBADMSG;
	ret->offset = offset;
	ret->next = offset + next;
	ret->matches = at + size;
	ret->matches_length = target - size;
	return take_target(at + target, next - target, ret);
}

/* ---- Conditions --------------------------------------------------------------------------- */

static enum meets inverted(enum meets meets, bool inverse)
{
	if (!inverse || meets == MEETS_MAYBE)
		return meets;
	return meets == MEETS_ALL ? MEETS_NOT : MEETS_ALL;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

/* The name as far as the mask reaches: "eth+" has a short one. */
static enum meets link_meets(const char *name, const uint8_t *mask, bool inverse, bool here,
                             const struct traffic *traffic)
{
	size_t length = 0;

	while (length < IFNAMSIZ && mask[length])
		length++;
	if (!length)
		return MEETS_ALL;
	if (!here) /* a packet that is received goes out nowhere yet */
		return inverted(MEETS_NOT, inverse);
	return inverted(traffic_meets_link(traffic, name, length), inverse);
}

static enum meets address_meets(const uint8_t *address, const uint8_t *mask, bool inverse, bool own,
                                const struct packet *packet)
{
	const struct traffic *traffic = packet->traffic;
	bool known = own && !traffic->any_address && traffic->ipv6 == packet->ipv6;
	size_t width = packet->ipv6 ? 16 : 4;
	uint8_t bytes_known[16];

	if (is_zero(mask, width))
		return MEETS_ALL;
	memset(bytes_known, known, sizeof(bytes_known));
	return inverted(bytes_equal(traffic->address, bytes_known, mask, address, width), inverse);
}

static enum meets addresses_meet(const struct entry *entry, const struct packet *packet)
{
	bool received = packet->direction == RECEIVED;
	enum meets source, target;

	source = address_meets(entry->source, entry->source_mask, entry->inverse & IPT_INV_SRCIP,
	                       !received, packet);
	target = address_meets(entry->target, entry->target_mask, entry->inverse & IPT_INV_DSTIP,
	                       received, packet);
	return meets_both(source, target);
}

static enum meets links_meet(const struct entry *entry, const struct packet *packet)
{
	bool received = packet->direction == RECEIVED;

	return meets_both(link_meets(entry->in, entry->in_mask, entry->inverse & IPT_INV_VIA_IN,
	                             received, packet->traffic),
	                  link_meets(entry->out, entry->out_mask, entry->inverse & IPT_INV_VIA_OUT,
	                             !received, packet->traffic));
}

static enum meets matches_meet(const struct entry *entry, const struct packet *packet)
{
	enum meets meets = MEETS_ALL;
	struct xt_entry_match head;

	for (size_t at = 0; entry->matches_length - at >= sizeof(head);) {
		char name[XT_EXTENSION_MAXNAMELEN];
		size_t size;

		memcpy(&head, entry->matches + at, sizeof(head));
		size = head.u.match_size;
		if (size < sizeof(head) || size > entry->matches_length - at)
			return meets_both(meets, MEETS_MAYBE);
		snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, head.u.user.name);
		meets = meets_both(meets, xt_match_meets(name, entry->matches + at + sizeof(head),
		                                         size - sizeof(head), packet));
		at += size;
	}
	return meets;
}

static enum meets entry_meets(const struct entry *entry, const struct packet *packet)
{
	enum meets protocol =
		!entry->protocol || entry->protocol == IPPROTO_TCP ? MEETS_ALL : MEETS_NOT;

	if (entry->protocol)
		protocol = inverted(protocol, entry->inverse & IPT_INV_PROTO);
	if (entry->fragments)
		protocol = MEETS_NOT;
	return meets_both(meets_both(protocol, addresses_meet(entry, packet)),
	                  meets_both(links_meet(entry, packet), matches_meet(entry, packet)));
}

/* ---- Chains ------------------------------------------------------------------------------- */

/* A chain, and where its first rule is. */
struct start {
	size_t offset, chain;
};

struct reading {
	const struct xt_table_blob *blob;
	const struct traffic *traffic;
	struct rule_chains *chains;
	unsigned int table; /* the number that its chains share */
	struct start *starts;
	size_t n_starts;
};

static int add_chain(struct reading *reading, const char *name, size_t offset, unsigned int hooked)
{
	struct rule_chain *chain;
	int err = array_grow(&reading->starts, reading->n_starts, sizeof(struct start));

	if (!err)
		err = rule_chains_add(reading->chains, &chain);
	if (err)
		return err;
	snprintf(chain->where, sizeof(chain->where), "%s %.32s %.32s (legacy)",
	         reading->blob->ipv6 ? "ip6" : "ip", reading->blob->name, name);
	chain->table = reading->table;
	chain->hooked = hooked;
	reading->starts[reading->n_starts++] =
		(struct start){ offset, reading->chains->n_chains - 1 };
	return 0;
}

static int hook_at(const struct xt_table_blob *blob, size_t offset)
{
	for (int hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		if (blob->hooks & 1U << hook && blob->entry[hook] == offset)
			return hook;
	return -1;
}

static unsigned int directions_of(int hook)
{
	switch (hook) {
	case NF_INET_PRE_ROUTING:
	case NF_INET_LOCAL_IN:
		return 1U << RECEIVED;
	case NF_INET_LOCAL_OUT:
	case NF_INET_POST_ROUTING:
		return 1U << SENT;
	default:
		return 0;
	}
}

static const char *hook_name(int hook)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
		                             "POSTROUTING" };

	return names[hook];
}

/* Finds the chains, since rules jump forward too. */
static int find_chains(struct reading *reading)
{
	struct entry entry;
	int err = 0;

	for (size_t offset = 0; !err && offset < reading->blob->length; offset = entry.next) {
		int hook = hook_at(reading->blob, offset);

		err = take_entry(reading->blob, offset, &entry);
		if (!err && hook >= 0)
			err = add_chain(reading, hook_name(hook), offset, directions_of(hook));
		/* The last one marks the end of the table. */
		if (!err && entry.chain[0] && entry.next < reading->blob->length)
			err = add_chain(reading, entry.chain, entry.next, 0);
	}
	return err;
}

static size_t chain_at(const struct reading *reading, size_t offset)
{
	for (size_t i = 0; i < reading->n_starts; i++)
		if (reading->starts[i].offset == offset)
			return reading->starts[i].chain;
	return CHAIN_NONE;
}

static bool is_policy(const struct xt_table_blob *blob, size_t offset)
{
	for (int hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		if (blob->hooks & 1U << hook && blob->underflow[hook] == offset)
			return true;
	return false;
}

static unsigned int effects_of(const struct entry *entry)
{
	if (entry->verb[0])
		return xt_target_effect(entry->verb);
	if (entry->verdict == -NF_DROP - 1)
		return EFFECT_DROP;
	return entry->verdict == -NF_ACCEPT - 1 ? EFFECT_ACCEPT : 0;
}

static int add_rule(struct reading *reading, const struct entry *entry, size_t chain)
{
	struct packet packets[TRAFFIC_PACKETS_MAX];
	size_t n = traffic_packets(reading->traffic, packets);
	struct chain_rule *rule;
	int err = rule_chains_add_rule(reading->chains, &rule);

	if (err)
		return err;
	rule->chain = chain;
	rule->effects = effects_of(entry);
	rule->counted = true;
	rule->packets = entry->packets;
	if (!entry->verb[0] && entry->verdict > 0 && (size_t)entry->verdict != entry->next)
		rule->jump = chain_at(reading, entry->verdict);
	for (size_t i = 0; i < n; i++) {
		enum meets *meets = &rule->meets[packets[i].direction];

		if (packets[i].ipv6 == reading->blob->ipv6)
			*meets = meets_either(*meets, entry_meets(entry, &packets[i]));
	}
	return 0;
}

/* A user's chain ends with a rule that returns: that is none of anybody's. */
static bool is_return(const struct entry *entry)
{
	return !entry->verb[0] && entry->verdict == XT_RETURN;
}

static int take_rules(struct reading *reading)
{
	size_t chain = CHAIN_NONE;
	struct entry entry;
	int err = 0;

	for (size_t offset = 0; !err && offset < reading->blob->length; offset = entry.next) {
		size_t begins = chain_at(reading, offset);

		err = take_entry(reading->blob, offset, &entry);
		chain = begins != CHAIN_NONE ? begins : chain;
		if (err || entry.chain[0] || chain == CHAIN_NONE)
			continue;
		if (is_policy(reading->blob, offset))
			reading->chains->chains[chain].drops = effects_of(&entry) == EFFECT_DROP;
		else if (!is_return(&entry))
			err = add_rule(reading, &entry, chain);
	}
	return err;
}

int xt_table_judge(const struct xt_table_blob *blob, const struct traffic *traffic,
                   struct rule_chains *chains)
{
	struct reading reading = {
		.blob = blob, .traffic = traffic, .chains = chains, .table = chains->n_chains
	};
	int err = find_chains(&reading);

	if (!err)
		err = take_rules(&reading);
	free(reading.starts);
	return err;
}
