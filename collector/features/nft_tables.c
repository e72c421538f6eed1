// SPDX-License-Identifier: GPL-2.0
/*
 * A set of intervals is, in the kernel, one of points: where an interval begins, and where what
 * began ends (NFT_SET_ELEM_INTERVAL_END), both as keys in network order, so that memcmp() sorts
 * them.
 */
#include "nft_tables.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "netlink_dump.h"

#define INET_INGRESS 5 /* NF_INET_INGRESS, Linux 5.10 */

/* The attributes of a message of this @type of nftables; NULL: it is another one. */
static const void *attributes_of(const struct nlmsghdr *header, unsigned int type,
                                 size_t *ret_length, uint8_t *ret_family)
{
	const struct nfgenmsg *message = mnl_nlmsg_get_payload(header);
	size_t length = mnl_nlmsg_get_payload_len(header), skip = NLMSG_ALIGN(sizeof(*message));

	if (header->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | type) || length < skip)
		return NULL;
	*ret_length = length - skip;
	*ret_family = message->nfgen_family;
	return (const char *)message + skip;
}

static bool find_text(const void *data, size_t length, uint16_t type, char *ret, size_t room)
{
	const struct nlattr *attribute = attribute_find(data, length, type);

	*ret = '\0';
	if (attribute)
		attribute_text(attribute, ret, room);
	return attribute != NULL;
}

/* ---- Chains ------------------------------------------------------------------------------- */

static void add_device(struct nft_chain *chain, const struct nlattr *name)
{
	size_t room = sizeof(chain->devices) / sizeof(chain->devices[0]);

	if (chain->n_devices == room)
		chain->more_devices = true;
	else
		attribute_text(name, chain->devices[chain->n_devices++], sizeof(chain->devices[0]));
}

static void parse_hook(const struct nlattr *nest, struct nft_chain *chain)
{
	const struct nlattr *number = attribute_in(nest, NFTA_HOOK_HOOKNUM);
	const struct nlattr *device = attribute_in(nest, NFTA_HOOK_DEV);
	const struct nlattr *devices = attribute_in(nest, NFTA_HOOK_DEVS);

	chain->base = number && attribute_be32(number, &chain->hook);
	if (device && !devices)
		add_device(chain, device);
	if (devices)
		attributes_for_each_in(device, devices)
			add_device(chain, device);
}

bool nft_chain_parse(const struct nlmsghdr *header, struct nft_chain *ret)
{
	const struct nlattr *hook, *policy;
	struct nft_chain chain = {};
	uint32_t verdict = NF_ACCEPT;
	const void *data;
	size_t length;

	data = attributes_of(header, NFT_MSG_NEWCHAIN, &length, &chain.family);
	if (!data || !find_text(data, length, NFTA_CHAIN_TABLE, chain.table, sizeof(chain.table)) ||
	    !find_text(data, length, NFTA_CHAIN_NAME, chain.name, sizeof(chain.name)))
		return false;
	hook = attribute_find(data, length, NFTA_CHAIN_HOOK);
	policy = attribute_find(data, length, NFTA_CHAIN_POLICY);
	if (hook)
		parse_hook(hook, &chain);
	if (policy)
		attribute_be32(policy, &verdict);
	chain.drops = verdict == NF_DROP;
	*ret = chain;
	return true;
}

static bool on_device(const struct nft_chain *chain, const struct traffic *traffic)
{
	bool hit = chain->more_devices;

	for (size_t i = 0; i < chain->n_devices; i++)
		hit |= traffic_meets_link(traffic, chain->devices[i], sizeof(chain->devices[i])) !=
		       MEETS_NOT;
	return hit;
}

unsigned int nft_chain_hooked(const struct nft_chain *chain, const struct traffic *traffic)
{
	unsigned int received = 1U << RECEIVED, sent = 1U << SENT;

	if (!chain->base)
		return 0;
	if (chain->family == NFPROTO_NETDEV)
		return !on_device(chain, traffic)         ? 0
		       : chain->hook == NF_NETDEV_INGRESS ? received
		                                          : sent;
	if (chain->family == NFPROTO_BRIDGE)
		return received | sent;
	switch (chain->hook) {
	case NF_INET_PRE_ROUTING:
	case NF_INET_LOCAL_IN:
		return received;
	case NF_INET_LOCAL_OUT:
	case NF_INET_POST_ROUTING:
		return sent;
	case INET_INGRESS:
		return on_device(chain, traffic) ? received : 0;
	default:
		return 0; /* forwarding */
	}
}

bool nft_family_sees(uint8_t family, const struct packet *packet)
{
	if (family == NFPROTO_IPV4)
		return !packet->ipv6;
	if (family == NFPROTO_IPV6)
		return packet->ipv6;
	return family == NFPROTO_INET || family == NFPROTO_NETDEV || family == NFPROTO_BRIDGE;
}

const char *nft_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	default:
		return "other";
	}
}

/* ---- Rules -------------------------------------------------------------------------------- */

bool nft_rule_parse(const struct nlmsghdr *header, struct nft_rule *ret)
{
	const struct nlattr *expressions;
	struct nft_rule rule = {};
	const void *data;
	size_t length;

	data = attributes_of(header, NFT_MSG_NEWRULE, &length, &rule.family);
	if (!data || !find_text(data, length, NFTA_RULE_TABLE, rule.table, sizeof(rule.table)) ||
	    !find_text(data, length, NFTA_RULE_CHAIN, rule.chain, sizeof(rule.chain)))
		return false;
	expressions = attribute_find(data, length, NFTA_RULE_EXPRESSIONS);
	rule.expressions = expressions ? mnl_attr_get_payload(expressions) : NULL;
	rule.length = expressions ? mnl_attr_get_payload_len(expressions) : 0;
	*ret = rule;
	return true;
}

/* ---- Sets --------------------------------------------------------------------------------- */

static bool read_key(const struct nlattr *nest, uint16_t type, uint8_t *ret, uint8_t *ret_length)
{
	const struct nlattr *key = attribute_in(nest, type), *value;

	value = key ? attribute_in(key, NFTA_DATA_VALUE) : NULL;
	if (!value || mnl_attr_get_payload_len(value) > NFT_KEY_MAX)
		return false;
	*ret_length = mnl_attr_get_payload_len(value);
	memcpy(ret, mnl_attr_get_payload(value), *ret_length);
	return true;
}

static bool element_parse(const struct nlattr *nest, struct nft_element *ret)
{
	const struct nlattr *flags = attribute_in(nest, NFTA_SET_ELEM_FLAGS);
	struct nft_element element = {};
	uint32_t bits = 0;
	uint8_t length;

	if (flags)
		attribute_be32(flags, &bits);
	element.interval_end = bits & NFT_SET_ELEM_INTERVAL_END;
	if (!read_key(nest, NFTA_SET_ELEM_KEY, element.key, &element.length))
		return false;
	element.range = read_key(nest, NFTA_SET_ELEM_KEY_END, element.end, &length) &&
	                length == element.length;
	*ret = element;
	return true;
}

int nft_elements_parse(const struct nlmsghdr *header, struct nft_set *set)
{
	const struct nlattr *list, *nest;
	const void *data;
	uint8_t family;
	size_t length;

	data = attributes_of(header, NFT_MSG_NEWSETELEM, &length, &family);
	list = data ? attribute_find(data, length, NFTA_SET_ELEM_LIST_ELEMENTS) : NULL;
	if (!list)
		return 0;
	attributes_for_each_in(nest, list) {
		struct nft_element element;

		if (!element_parse(nest, &element))
			continue;
		if (set->n == NFT_ELEMENTS_MAX)
			return -ENOSPC;
		if (array_grow(&set->elements, set->n, sizeof(element)))
			return -ENOMEM;
		set->elements[set->n++] = element;
	}
	return 0;
}

/* By key; where one interval ends and the next begins, the end first. */
static int compare_elements(const void *a, const void *b)
{
	const struct nft_element *first = a, *second = b;
	int order = memcmp(first->key, second->key, NFT_KEY_MAX);

	return order ? order : second->interval_end - first->interval_end;
}

void nft_set_sort(struct nft_set *set)
{
	if (set->n)
		qsort(set->elements, set->n, sizeof(*set->elements), compare_elements);
}

static bool has_intervals(const struct nft_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->elements[i].interval_end)
			return true;
	return false;
}

/* The last point that is not above the key decides. */
static enum meets intervals_have(const struct nft_set *set, const uint8_t *key)
{
	const struct nft_element *last = NULL;

	for (size_t i = 0; i < set->n; i++)
		if (memcmp(set->elements[i].key, key, set->elements[i].length) <= 0)
			last = &set->elements[i];
	return last && !last->interval_end ? MEETS_ALL : MEETS_NOT;
}

static bool element_has(const struct nft_element *element, const uint8_t *key)
{
	if (!element->range)
		return !memcmp(element->key, key, element->length);
	return memcmp(element->key, key, element->length) <= 0 &&
	       memcmp(key, element->end, element->length) <= 0;
}

enum meets nft_set_has(const struct nft_set *set, const uint8_t *key, size_t length)
{
	bool composed = false;

	if (set->unreadable)
		return MEETS_MAYBE;
	for (size_t i = 0; i < set->n; i++) {
		if (set->elements[i].length > length)
			return MEETS_MAYBE;
		/* Ranges of several fields are one per field. */
		composed |= set->elements[i].range && set->elements[i].length > 16;
	}
	if (composed)
		return MEETS_MAYBE;
	if (has_intervals(set))
		return intervals_have(set, key);
	for (size_t i = 0; i < set->n; i++)
		if (element_has(&set->elements[i], key))
			return MEETS_ALL;
	return MEETS_NOT;
}

void nft_set_free(struct nft_set *set)
{
	free(set->elements);
	set->elements = NULL;
	set->n = 0;
}
