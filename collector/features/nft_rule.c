// SPDX-License-Identifier: GPL-2.0
#include "nft_rule.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <stdio.h>
#include <string.h>

#include "netlink_dump.h"
#include "xt_match.h"

#define WORDS (NFT_KEY_MAX / 4)
/* Bits of the register that "ct state" loads; every connection has packets of the first two. */
#define STATE_NEW_OR_ESTABLISHED (NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_NEW))

/* What a word of the registers holds besides bytes. */
enum content { BYTES, LINK_INDEX, LINK_NAME, CONNECTION_STATE };

struct registers {
	uint8_t bytes[NFT_KEY_MAX], known[NFT_KEY_MAX];
	uint8_t content[WORDS];
	uint32_t state_mask; /* that CONNECTION_STATE was masked with */
};

struct run {
	const struct packet *packet;
	struct packet_image image;
	struct registers registers;
	nft_lookup_t lookup;
	void *context;
	struct nft_verdict *verdict;
};

/* ---- Registers ---------------------------------------------------------------------------- */

/* Where the register in @attribute begins, if @length bytes have room there; else -1. */
static int register_at(const struct nlattr *attribute, size_t length)
{
	uint32_t number;
	size_t at;

	if (!attribute || !attribute_be32(attribute, &number) || length > NFT_KEY_MAX)
		return -1;
	if (number >= NFT_REG_1 && number <= NFT_REG_4)
		at = (number - NFT_REG_1) * NFT_REG_SIZE;
	else if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		at = (number - NFT_REG32_00) * NFT_REG32_SIZE;
	else
		return -1;
	return at + length <= NFT_KEY_MAX ? (int)at : -1;
}

static void forget_all(struct run *run)
{
	memset(&run->registers, 0, sizeof(run->registers));
}

/* A register gets something unknown, which may be as long as all of them. */
static void forget_from(struct run *run, int at)
{
	memset(run->registers.known + at, 0, NFT_KEY_MAX - at);
	memset(run->registers.content + at / 4, BYTES, WORDS - at / 4);
}

/* ... or bytes, of which @known are (NULL: all). Up to the next word they are zero. */
static void load(struct run *run, int at, const void *bytes, const uint8_t *known, size_t length)
{
	struct registers *registers = &run->registers;
	size_t padded = (length + 3) & ~3U;

	memset(registers->bytes + at, 0, padded);
	memset(registers->known + at, 1, padded);
	memset(registers->content + at / 4, BYTES, padded / 4);
	memcpy(registers->bytes + at, bytes, length);
	if (known)
		memcpy(registers->known + at, known, length);
}

static const struct nlattr *data_value(const struct nlattr *expression, uint16_t type)
{
	const struct nlattr *data = expression ? attribute_in(expression, type) : NULL;

	return data ? attribute_in(data, NFTA_DATA_VALUE) : NULL;
}

/* ---- Loading ------------------------------------------------------------------------------ */

/* Whether a packet in this direction has come in over a link, or goes out over one. */
static bool has_link(const struct run *run, uint32_t key)
{
	bool in = key == NFT_META_IIF || key == NFT_META_IIFNAME;

	return in == (run->packet->direction == RECEIVED);
}

static enum meets load_meta(struct run *run, int at, uint32_t key)
{
	bool ipv6 = run->packet->ipv6;
	uint16_t protocol = htons(ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	uint8_t byte = key == NFT_META_NFPROTO ? (ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4) : IPPROTO_TCP;

	forget_from(run, at);
	switch (key) {
	case NFT_META_NFPROTO:
	case NFT_META_L4PROTO:
		load(run, at, &byte, NULL, sizeof(byte));
		break;
	case NFT_META_PROTOCOL:
		load(run, at, &protocol, NULL, sizeof(protocol));
		break;
	case NFT_META_IIF:
	case NFT_META_OIF:
		run->registers.content[at / 4] = LINK_INDEX;
		return has_link(run, key) ? MEETS_ALL : MEETS_NOT;
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
		run->registers.content[at / 4] = LINK_NAME;
		return has_link(run, key) ? MEETS_ALL : MEETS_NOT;
	}
	return MEETS_ALL;
}

static enum meets run_meta(struct run *run, const struct nlattr *data)
{
	const struct nlattr *attribute = attribute_in(data, NFTA_META_KEY);
	uint32_t key;
	int at;

	if (attribute_in(data, NFTA_META_SREG)) {
		run->verdict->effects |= EFFECT_MARK;
		return MEETS_ALL;
	}
	at = register_at(attribute_in(data, NFTA_META_DREG), 4);
	if (at < 0 || !attribute || !attribute_be32(attribute, &key)) {
		forget_all(run);
		return MEETS_MAYBE;
	}
	return load_meta(run, at, key);
}

static bool read_be32(const struct nlattr *data, uint16_t type, uint32_t *ret)
{
	const struct nlattr *attribute = attribute_in(data, type);

	return attribute && attribute_be32(attribute, ret);
}

static enum meets run_payload(struct run *run, const struct nlattr *data)
{
	uint32_t base, offset, length;
	int at;

	if (attribute_in(data, NFTA_PAYLOAD_SREG)) {
		run->verdict->effects |= EFFECT_MARK;
		return MEETS_ALL;
	}
	if (!read_be32(data, NFTA_PAYLOAD_BASE, &base) ||
	    !read_be32(data, NFTA_PAYLOAD_OFFSET, &offset) ||
	    !read_be32(data, NFTA_PAYLOAD_LEN, &length) ||
	    (at = register_at(attribute_in(data, NFTA_PAYLOAD_DREG), length)) < 0) {
		forget_all(run);
		return MEETS_MAYBE;
	}
	forget_from(run, at);
	if (offset > sizeof(run->image.bytes))
		return MEETS_ALL;
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		offset += run->image.transport;
	else if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return MEETS_ALL;
	if (offset + length <= sizeof(run->image.bytes))
		load(run, at, run->image.bytes + offset, run->image.known + offset, length);
	return MEETS_ALL;
}

static enum meets run_ct(struct run *run, const struct nlattr *data)
{
	int at = register_at(attribute_in(data, NFTA_CT_DREG), 4);
	uint32_t key;

	if (attribute_in(data, NFTA_CT_SREG)) {
		run->verdict->effects |= EFFECT_MARK;
		return MEETS_ALL;
	}
	run->verdict->effects |= EFFECT_STATE;
	if (at < 0 || !read_be32(data, NFTA_CT_KEY, &key)) {
		forget_all(run);
		return MEETS_MAYBE;
	}
	forget_from(run, at);
	if (key == NFT_CT_STATE) {
		run->registers.content[at / 4] = CONNECTION_STATE;
		run->registers.state_mask = UINT32_MAX;
	}
	return MEETS_ALL;
}

/* dreg = (sreg & mask) ^ xor: where the mask is 0 the byte is known after it. */
static void mask_bytes(struct run *run, int from, int to, const uint8_t *mask, const uint8_t *flip,
                       size_t length)
{
	uint8_t bytes[NFT_KEY_MAX], known[NFT_KEY_MAX];

	for (size_t i = 0; i < length; i++) {
		bytes[i] = (run->registers.bytes[from + i] & mask[i]) ^ flip[i];
		known[i] = run->registers.known[from + i] || !mask[i];
		bytes[i] = known[i] ? bytes[i] : 0;
	}
	load(run, to, bytes, known, length);
}

static enum meets run_bitwise(struct run *run, const struct nlattr *data)
{
	const struct nlattr *mask = data_value(data, NFTA_BITWISE_MASK);
	const struct nlattr *flip = data_value(data, NFTA_BITWISE_XOR);
	uint32_t length = 0;
	int from, to;

	read_be32(data, NFTA_BITWISE_LEN, &length);
	from = register_at(attribute_in(data, NFTA_BITWISE_SREG), length);
	to = register_at(attribute_in(data, NFTA_BITWISE_DREG), length);
	if (from < 0 || to < 0 || !length || !mask || !flip ||
	    mnl_attr_get_payload_len(mask) < length || mnl_attr_get_payload_len(flip) < length) {
		forget_all(run); /* a shift, or nothing that is known here */
		return MEETS_ALL;
	}
	if (run->registers.content[from / 4] == CONNECTION_STATE && from == to && length == 4) {
		attribute_u32(mask, &run->registers.state_mask);
		return MEETS_ALL;
	}
	mask_bytes(run, from, to, mnl_attr_get_payload(mask), mnl_attr_get_payload(flip), length);
	return MEETS_ALL;
}

/* ---- Comparing ---------------------------------------------------------------------------- */

static enum meets meets_inverted(enum meets meets)
{
	return meets == MEETS_MAYBE ? MEETS_MAYBE : meets == MEETS_ALL ? MEETS_NOT : MEETS_ALL;
}

static enum meets compare_index(const struct run *run, const struct nlattr *value)
{
	const struct traffic *traffic = run->packet->traffic;
	uint32_t index;

	if (!attribute_u32(value, &index))
		return MEETS_MAYBE;
	if (!traffic_uses(traffic, index))
		return traffic->more_links ? MEETS_MAYBE : MEETS_NOT;
	return traffic->n_links == 1 ? MEETS_ALL : MEETS_MAYBE;
}

/* The names of links are compared whole, or "eth*" as far as it goes. */
static enum meets compare_name(const struct run *run, const struct nlattr *value)
{
	char name[16] = "";
	size_t length = mnl_attr_get_payload_len(value);

	memcpy(name, mnl_attr_get_payload(value), length < sizeof(name) ? length : sizeof(name));
	return traffic_meets_link(run->packet->traffic, name,
	                          length < sizeof(name) ? length : sizeof(name));
}

/* "ct state established,related": mask and compare with 0. */
static enum meets compare_state(const struct run *run, uint32_t operation)
{
	bool common = run->registers.state_mask & STATE_NEW_OR_ESTABLISHED;

	return operation == NFT_CMP_NEQ && common && run->registers.state_mask != UINT32_MAX
	               ? MEETS_ALL
	               : MEETS_MAYBE;
}

static enum meets compare_bytes(const struct run *run, int at, const struct nlattr *value)
{
	static const uint8_t mask[NFT_KEY_MAX] = { [0 ... NFT_KEY_MAX - 1] = 0xff };

	return bytes_equal(run->registers.bytes + at, run->registers.known + at, mask,
	                   mnl_attr_get_payload(value), mnl_attr_get_payload_len(value));
}

/* memcmp() of the register with @value in *ret_order; false where it is not all known. */
static bool order_of(const struct run *run, int at, const struct nlattr *value, int *ret_order)
{
	size_t length = mnl_attr_get_payload_len(value);

	if (memchr(run->registers.known + at, 0, length) || run->registers.content[at / 4] != BYTES)
		return false;
	*ret_order = memcmp(run->registers.bytes + at, mnl_attr_get_payload(value), length);
	return true;
}

static enum meets compare_order(const struct run *run, int at, uint32_t operation,
                                const struct nlattr *value)
{
	int order;

	if (!order_of(run, at, value, &order))
		return MEETS_MAYBE;
	switch (operation) {
	case NFT_CMP_LT:
		return order < 0 ? MEETS_ALL : MEETS_NOT;
	case NFT_CMP_LTE:
		return order <= 0 ? MEETS_ALL : MEETS_NOT;
	case NFT_CMP_GT:
		return order > 0 ? MEETS_ALL : MEETS_NOT;
	case NFT_CMP_GTE:
		return order >= 0 ? MEETS_ALL : MEETS_NOT;
	default:
		return MEETS_MAYBE;
	}
}

static enum meets run_cmp(struct run *run, const struct nlattr *data)
{
	const struct nlattr *value = data_value(data, NFTA_CMP_DATA);
	enum meets meets;
	uint32_t operation;
	int at;

	if (!value || !read_be32(data, NFTA_CMP_OP, &operation))
		return MEETS_MAYBE;
	at = register_at(attribute_in(data, NFTA_CMP_SREG), mnl_attr_get_payload_len(value));
	if (at < 0)
		return MEETS_MAYBE;
	if (run->registers.content[at / 4] == CONNECTION_STATE)
		return compare_state(run, operation);
	if (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ)
		return compare_order(run, at, operation, value);
	if (run->registers.content[at / 4] == LINK_INDEX)
		meets = compare_index(run, value);
	else if (run->registers.content[at / 4] == LINK_NAME)
		meets = compare_name(run, value);
	else
		meets = compare_bytes(run, at, value);
	return operation == NFT_CMP_EQ ? meets : meets_inverted(meets);
}

static enum meets run_range(struct run *run, const struct nlattr *data)
{
	const struct nlattr *from = data_value(data, NFTA_RANGE_FROM_DATA);
	const struct nlattr *to = data_value(data, NFTA_RANGE_TO_DATA);
	uint32_t operation = NFT_RANGE_EQ;
	int at, above, below;
	enum meets meets;

	if (!from || !to || mnl_attr_get_payload_len(from) != mnl_attr_get_payload_len(to))
		return MEETS_MAYBE;
	read_be32(data, NFTA_RANGE_OP, &operation);
	at = register_at(attribute_in(data, NFTA_RANGE_SREG), mnl_attr_get_payload_len(from));
	if (at < 0 || !order_of(run, at, from, &above) || !order_of(run, at, to, &below))
		return MEETS_MAYBE;
	meets = above >= 0 && below <= 0 ? MEETS_ALL : MEETS_NOT;
	return operation == NFT_RANGE_EQ ? meets : meets_inverted(meets);
}

/* ---- Sets --------------------------------------------------------------------------------- */

/* The key is as long as the set's, which is not told here: all that is known from the register on.
 */
static enum meets look_up(const struct run *run, int at, const char *set)
{
	size_t length = 0;

	while (at + length < NFT_KEY_MAX && run->registers.known[at + length])
		length++;
	if (!length || run->registers.content[at / 4] != BYTES)
		return MEETS_MAYBE;
	return run->lookup(set, run->registers.bytes + at, length, run->context);
}

static enum meets run_lookup(struct run *run, const struct nlattr *data)
{
	const struct nlattr *name = attribute_in(data, NFTA_LOOKUP_SET);
	int at = register_at(attribute_in(data, NFTA_LOOKUP_SREG), 4), to;
	uint32_t flags = 0, target;
	enum meets meets = MEETS_MAYBE;
	char set[NFT_NAME_MAX];

	if (at >= 0 && name) {
		attribute_text(name, set, sizeof(set));
		meets = look_up(run, at, set);
	}
	read_be32(data, NFTA_LOOKUP_FLAGS, &flags);
	if (flags & NFT_LOOKUP_F_INV)
		meets = meets_inverted(meets);
	if (!read_be32(data, NFTA_LOOKUP_DREG, &target))
		return meets;
	to = register_at(attribute_in(data, NFTA_LOOKUP_DREG), 4);
	if (target == NFT_REG_VERDICT)
		run->verdict->jumps_by_map = true;
	else if (to >= 0)
		forget_from(run, to);
	else
		forget_all(run);
	return meets;
}

/* ---- Doing -------------------------------------------------------------------------------- */

static void run_verdict(struct run *run, const struct nlattr *verdict)
{
	const struct nlattr *chain = attribute_in(verdict, NFTA_VERDICT_CHAIN);
	uint32_t code;

	if (!read_be32(verdict, NFTA_VERDICT_CODE, &code))
		return;
	if (code == NF_DROP)
		run->verdict->effects |= EFFECT_DROP;
	else if (code == NF_ACCEPT)
		run->verdict->effects |= EFFECT_ACCEPT;
	else if ((code & NF_VERDICT_MASK) == NF_QUEUE && (int32_t)code > 0)
		run->verdict->effects |= EFFECT_QUEUE;
	if (!chain || ((int32_t)code != NFT_JUMP && (int32_t)code != NFT_GOTO))
		return;
	run->verdict->effects |= EFFECT_JUMP;
	attribute_text(chain, run->verdict->jump, sizeof(run->verdict->jump));
}

static enum meets run_immediate(struct run *run, const struct nlattr *data)
{
	const struct nlattr *value = data_value(data, NFTA_IMMEDIATE_DATA);
	const struct nlattr *content = attribute_in(data, NFTA_IMMEDIATE_DATA);
	const struct nlattr *verdict = content ? attribute_in(content, NFTA_DATA_VERDICT) : NULL;
	int at;

	if (verdict)
		run_verdict(run, verdict);
	if (!value)
		return MEETS_ALL;
	at = register_at(attribute_in(data, NFTA_IMMEDIATE_DREG), mnl_attr_get_payload_len(value));
	if (at >= 0)
		load(run, at, mnl_attr_get_payload(value), NULL, mnl_attr_get_payload_len(value));
	else
		forget_all(run);
	return MEETS_ALL;
}

static enum meets run_counter(struct run *run, const struct nlattr *data)
{
	const struct nlattr *packets = attribute_in(data, NFTA_COUNTER_PACKETS);

	run->verdict->counted = packets && attribute_be64(packets, &run->verdict->packets);
	return MEETS_ALL;
}

/* A match of iptables, as iptables-nft writes those that nftables has no expression for. */
static enum meets run_match(struct run *run, const struct nlattr *data)
{
	const struct nlattr *name = attribute_in(data, NFTA_MATCH_NAME);
	const struct nlattr *info = attribute_in(data, NFTA_MATCH_INFO);
	char text[32];

	if (!name || !info)
		return MEETS_MAYBE;
	attribute_text(name, text, sizeof(text));
	return xt_match_meets(text, mnl_attr_get_payload(info), mnl_attr_get_payload_len(info),
	                      run->packet);
}

static enum meets run_target(struct run *run, const struct nlattr *data)
{
	const struct nlattr *name = attribute_in(data, NFTA_TARGET_NAME);
	char text[32] = "";

	if (name)
		attribute_text(name, text, sizeof(text));
	run->verdict->effects |= xt_target_effect(text);
	return MEETS_ALL;
}

/* Expressions that do something and let the rule go on. */
static const struct {
	const char *name;
	unsigned int effects;
} doing[] = {
	{ "log", EFFECT_LOG },
	{ "limit", EFFECT_LIMIT },
	{ "quota", EFFECT_LIMIT },
	{ "connlimit", EFFECT_LIMIT },
	{ "nat", EFFECT_NAT },
	{ "masq", EFFECT_NAT },
	{ "redir", EFFECT_NAT },
	{ "tproxy", EFFECT_NAT },
	{ "reject", EFFECT_DROP },
	{ "queue", EFFECT_QUEUE },
	{ "synproxy", EFFECT_STATE },
	{ "notrack", EFFECT_STATE },
	{ "dup", 0 },
	{ "fwd", 0 },
	{ "last", 0 },
	{ "objref", 0 },
	{ "flow_offload", 0 },
	{ "dynset", 0 },
};

static const struct {
	const char *name;
	enum meets (*run)(struct run *run, const struct nlattr *data);
} expressions_run[] = {
	{ "meta", run_meta },       { "payload", run_payload },
	{ "ct", run_ct },           { "bitwise", run_bitwise },
	{ "cmp", run_cmp },         { "range", run_range },
	{ "lookup", run_lookup },   { "immediate", run_immediate },
	{ "counter", run_counter }, { "match", run_match },
	{ "target", run_target },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum meets run_expression(struct run *run, const struct nlattr *expression)
{
	const struct nlattr *name = attribute_in(expression, NFTA_EXPR_NAME);
	const struct nlattr *data = attribute_in(expression, NFTA_EXPR_DATA);
	char text[32] = "";

	if (name)
		attribute_text(name, text, sizeof(text));
	for (size_t i = 0; i < COUNT(doing); i++)
		if (!strcmp(doing[i].name, text)) {
			run->verdict->effects |= doing[i].effects;
			return MEETS_ALL;
		}
	for (size_t i = 0; data && i < COUNT(expressions_run); i++)
		if (!strcmp(expressions_run[i].name, text))
			return expressions_run[i].run(run, data);
	forget_all(run); /* whatever it does */
	return MEETS_MAYBE;
}

enum meets nft_rule_meets(const void *expressions, size_t length, const struct packet *packet,
                          nft_lookup_t lookup, void *context, struct nft_verdict *ret)
{
	struct run run = { .packet = packet, .lookup = lookup, .context = context, .verdict = ret };
	enum meets meets = MEETS_ALL;
	const struct nlattr *expression;

	memset(ret, 0, sizeof(*ret));
	packet_image(packet, &run.image);
	attributes_for_each(expression, expressions, length)
		meets = meets_both(meets, run_expression(&run, expression));
	return meets;
}

void rule_effects_describe(unsigned int effects, char *ret, size_t room)
{
	static const char *const names[] = { "drop", "accept", "NAT",   "limit", "log",
		                             "mark", "queue",  "state", "jump" };

	*ret = '\0';
	for (size_t i = 0; i < COUNT(names); i++) {
		size_t n = strlen(ret);

		if (effects & 1U << i)
			snprintf(ret + n, room - n, "%s%s", n ? ", " : "", names[i]);
	}
}
