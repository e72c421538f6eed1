// SPDX-License-Identifier: GPL-2.0
/* collector/features: which rules of nftables and iptables meet an endpoint's packets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include "hostile.h"
#include "nft_rule.h"
#include "nft_tables.h"
#include "rule_chains.h"
#include "xt_match.h"
#include "xt_table.h"

static const struct traffic redis = {
	.endpoint = "10.0.0.1:6379/tcp",
	.address = { 10, 0, 0, 1 },
	.port = 6379,
	.links = { { 2, "eth0" } },
	.n_links = 1,
};

static const struct packet received = { &redis, RECEIVED, false };
static const struct packet sent = { &redis, SENT, false };

/* The kernel's own layouts: what follows a member without an end stands right behind it. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#endif

/* ---- Writing rules as the kernel dumps them ----------------------------------------------- */

static char buffer[8192];

static struct nlmsghdr *header(void)
{
	return (struct nlmsghdr *)buffer;
}

static void begin_rule(void)
{
	struct nlmsghdr *new = mnl_nlmsg_put_header(buffer);

	new->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;
	memset(mnl_nlmsg_put_extra_header(new, sizeof(struct nfgenmsg)), 0,
	       sizeof(struct nfgenmsg));
}

static const void *expressions(size_t *ret_length)
{
	size_t skip = NLMSG_ALIGN(sizeof(struct nfgenmsg));

	*ret_length = mnl_nlmsg_get_payload_len(header()) - skip;
	return (const char *)mnl_nlmsg_get_payload(header()) + skip;
}

struct nest {
	struct nlattr *element, *data;
};

static struct nest begin_expression(const char *name)
{
	struct nest nest = { .element = mnl_attr_nest_start(header(), NFTA_LIST_ELEM) };

	mnl_attr_put_strz(header(), NFTA_EXPR_NAME, name);
	nest.data = mnl_attr_nest_start(header(), NFTA_EXPR_DATA);
	return nest;
}

static void end_expression(struct nest nest)
{
	mnl_attr_nest_end(header(), nest.data);
	mnl_attr_nest_end(header(), nest.element);
}

static void put_data(uint16_t type, const void *bytes, size_t length)
{
	struct nlattr *nest = mnl_attr_nest_start(header(), type);

	mnl_attr_put(header(), NFTA_DATA_VALUE, length, bytes);
	mnl_attr_nest_end(header(), nest);
}

static void meta(uint32_t key, uint32_t reg)
{
	struct nest nest = begin_expression("meta");

	mnl_attr_put_u32(header(), NFTA_META_KEY, htonl(key));
	mnl_attr_put_u32(header(), NFTA_META_DREG, htonl(reg));
	end_expression(nest);
}

static void payload(uint32_t base, uint32_t offset, uint32_t length, uint32_t reg)
{
	struct nest nest = begin_expression("payload");

	mnl_attr_put_u32(header(), NFTA_PAYLOAD_DREG, htonl(reg));
	mnl_attr_put_u32(header(), NFTA_PAYLOAD_BASE, htonl(base));
	mnl_attr_put_u32(header(), NFTA_PAYLOAD_OFFSET, htonl(offset));
	mnl_attr_put_u32(header(), NFTA_PAYLOAD_LEN, htonl(length));
	end_expression(nest);
}

static void cmp(uint32_t operation, const void *bytes, size_t length)
{
	struct nest nest = begin_expression("cmp");

	mnl_attr_put_u32(header(), NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header(), NFTA_CMP_OP, htonl(operation));
	put_data(NFTA_CMP_DATA, bytes, length);
	end_expression(nest);
}

static void bitwise(const void *mask, size_t length)
{
	static const uint8_t zero[16];
	struct nest nest = begin_expression("bitwise");

	mnl_attr_put_u32(header(), NFTA_BITWISE_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header(), NFTA_BITWISE_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header(), NFTA_BITWISE_LEN, htonl(length));
	put_data(NFTA_BITWISE_MASK, mask, length);
	put_data(NFTA_BITWISE_XOR, zero, length);
	end_expression(nest);
}

static void range(uint16_t from, uint16_t to)
{
	uint16_t first = htons(from), last = htons(to);
	struct nest nest = begin_expression("range");

	mnl_attr_put_u32(header(), NFTA_RANGE_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header(), NFTA_RANGE_OP, htonl(NFT_RANGE_EQ));
	put_data(NFTA_RANGE_FROM_DATA, &first, 2);
	put_data(NFTA_RANGE_TO_DATA, &last, 2);
	end_expression(nest);
}

static void lookup(const char *set, uint32_t flags)
{
	struct nest nest = begin_expression("lookup");

	mnl_attr_put_strz(header(), NFTA_LOOKUP_SET, set);
	mnl_attr_put_u32(header(), NFTA_LOOKUP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header(), NFTA_LOOKUP_FLAGS, htonl(flags));
	end_expression(nest);
}

static void counter(uint64_t packets)
{
	struct nest nest = begin_expression("counter");

	mnl_attr_put_u64(header(), NFTA_COUNTER_PACKETS, htobe64(packets));
	end_expression(nest);
}

static void verdict(int32_t code, const char *chain)
{
	struct nest nest = begin_expression("immediate");
	struct nlattr *data, *inner;

	mnl_attr_put_u32(header(), NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	data = mnl_attr_nest_start(header(), NFTA_IMMEDIATE_DATA);
	inner = mnl_attr_nest_start(header(), NFTA_DATA_VERDICT);
	mnl_attr_put_u32(header(), NFTA_VERDICT_CODE, htonl(code));
	if (chain)
		mnl_attr_put_strz(header(), NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(header(), inner);
	mnl_attr_nest_end(header(), data);
	end_expression(nest);
}

static void simple(const char *name)
{
	end_expression(begin_expression(name));
}

/* "tcp dport PORT", as nft writes it. */
static void tcp_port(uint32_t offset, uint16_t port, uint32_t operation)
{
	uint16_t wanted = htons(port);

	meta(NFT_META_L4PROTO, NFT_REG_1);
	cmp(NFT_CMP_EQ, "\x06", 1);
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, NFT_REG_1);
	cmp(operation, &wanted, 2);
}

/* ---- Judging them ------------------------------------------------------------------------- */

static struct nft_verdict does;

/* Set "ports" has 80 and 6379. */
static enum meets in_set(const char *set, const uint8_t *key, size_t length, void *context)
{
	if (strcmp(set, "ports") != 0)
		return MEETS_MAYBE;
	assert_true(length >= 2);
	return !memcmp(key, "\x00\x50", 2) || !memcmp(key, "\x18\xeb", 2) ? MEETS_ALL : MEETS_NOT;
}

static enum meets judge(const struct packet *packet)
{
	size_t length;
	const void *rule = expressions(&length);

	return nft_rule_meets(rule, length, packet, in_set, NULL, &does);
}

static void test_ports_are_compared_in_their_direction(void **state)
{
	begin_rule();
	tcp_port(2, 6379, NFT_CMP_EQ);
	assert_int_equal(judge(&received), MEETS_ALL);
	assert_int_equal(judge(&sent), MEETS_MAYBE);
	begin_rule();
	tcp_port(0, 6379, NFT_CMP_EQ);
	assert_int_equal(judge(&sent), MEETS_ALL);
	begin_rule();
	tcp_port(2, 80, NFT_CMP_EQ);
	assert_int_equal(judge(&received), MEETS_NOT);
	begin_rule();
	tcp_port(2, 6379, NFT_CMP_NEQ);
	assert_int_equal(judge(&received), MEETS_NOT);
	begin_rule();
	tcp_port(2, 6000, NFT_CMP_GTE);
	assert_int_equal(judge(&received), MEETS_ALL);
	begin_rule();
	tcp_port(2, 6000, NFT_CMP_LT);
	assert_int_equal(judge(&received), MEETS_NOT);
}

static void test_another_protocol_is_never_met(void **state)
{
	uint16_t port = htons(6379);

	begin_rule();
	meta(NFT_META_L4PROTO, NFT_REG_1);
	cmp(NFT_CMP_EQ, "\x11", 1);
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	cmp(NFT_CMP_EQ, &port, 2);
	assert_int_equal(judge(&received), MEETS_NOT);
}

static void test_ranges_and_sets_are_looked_into(void **state)
{
	begin_rule();
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	range(6000, 7000);
	assert_int_equal(judge(&received), MEETS_ALL);
	assert_int_equal(judge(&sent), MEETS_MAYBE);
	begin_rule();
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	range(7000, 8000);
	assert_int_equal(judge(&received), MEETS_NOT);
	begin_rule();
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	lookup("ports", 0);
	assert_int_equal(judge(&received), MEETS_ALL);
	begin_rule();
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	lookup("ports", NFT_LOOKUP_F_INV);
	assert_int_equal(judge(&received), MEETS_NOT);
	begin_rule();
	payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG_1); /* the peer's address */
	lookup("ports", 0);
	assert_int_equal(judge(&received), MEETS_MAYBE);
}

static void test_a_prefix_of_the_own_address_is_decided_one_of_the_peers_is_not(void **state)
{
	begin_rule();
	payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, NFT_REG_1);
	bitwise("\xff\x00\x00\x00", 4);
	cmp(NFT_CMP_EQ, "\x0a\x00\x00\x00", 4);
	assert_int_equal(judge(&received), MEETS_ALL);
	assert_int_equal(judge(&sent), MEETS_MAYBE);
	begin_rule();
	payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, NFT_REG_1);
	bitwise("\xff\x00\x00\x00", 4);
	cmp(NFT_CMP_EQ, "\x0b\x00\x00\x00", 4);
	assert_int_equal(judge(&received), MEETS_NOT);
}

static void test_connection_states_that_all_have_are_met(void **state)
{
	uint32_t common = 1 << 1 | 1 << 2, invalid = 1, zero = 0; /* established, related */
	struct nest nest;

	for (int i = 0; i < 2; i++) {
		begin_rule();
		nest = begin_expression("ct");
		mnl_attr_put_u32(header(), NFTA_CT_KEY, htonl(NFT_CT_STATE));
		mnl_attr_put_u32(header(), NFTA_CT_DREG, htonl(NFT_REG_1));
		end_expression(nest);
		bitwise(i ? &invalid : &common, 4);
		cmp(NFT_CMP_NEQ, &zero, 4);
		assert_int_equal(judge(&received), i ? MEETS_MAYBE : MEETS_ALL);
		assert_true(does.effects & EFFECT_STATE);
	}
}

static void test_links_are_compared_by_name_and_direction(void **state)
{
	struct traffic two = redis;
	struct packet packet = { &two, RECEIVED, false };

	begin_rule();
	meta(NFT_META_IIFNAME, NFT_REG_1);
	cmp(NFT_CMP_EQ, "eth0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(judge(&received), MEETS_ALL);
	assert_int_equal(judge(&sent), MEETS_NOT);
	two.links[1] = (struct traffic_link){ 1, "lo" };
	two.n_links = 2;
	assert_int_equal(judge(&packet), MEETS_MAYBE);
	begin_rule();
	meta(NFT_META_IIFNAME, NFT_REG_1);
	cmp(NFT_CMP_EQ, "eth", 3); /* "eth*" */
	assert_int_equal(judge(&received), MEETS_ALL);
	begin_rule();
	meta(NFT_META_IIFNAME, NFT_REG_1);
	cmp(NFT_CMP_EQ, "eth\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(judge(&received), MEETS_NOT);
	begin_rule();
	meta(NFT_META_IIF, NFT_REG_1);
	cmp(NFT_CMP_NEQ, "\x02\0\0\0", 4);
	assert_int_equal(judge(&received), MEETS_NOT);
}

static void test_what_is_not_understood_leaves_a_rule_open(void **state)
{
	begin_rule();
	tcp_port(2, 6379, NFT_CMP_EQ);
	simple("fib");
	assert_int_equal(judge(&received), MEETS_MAYBE);
	begin_rule();
	tcp_port(2, 80, NFT_CMP_EQ);
	simple("fib");
	assert_int_equal(judge(&received), MEETS_NOT);
	/* What was in the register before an unknown expression is not to be trusted after it. */
	begin_rule();
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	simple("hash");
	cmp(NFT_CMP_EQ, "\x00\x50", 2);
	assert_int_equal(judge(&received), MEETS_MAYBE);
}

static void test_a_rule_tells_what_it_does_and_counts(void **state)
{
	char text[80];

	begin_rule();
	tcp_port(2, 6379, NFT_CMP_EQ);
	simple("limit");
	simple("log");
	counter(1200000);
	verdict(NF_DROP, NULL);
	assert_int_equal(judge(&received), MEETS_ALL);
	assert_true(does.counted);
	assert_int_equal(does.packets, 1200000);
	rule_effects_describe(does.effects, text, sizeof(text));
	assert_string_equal(text, "drop, limit, log");
	begin_rule();
	verdict(NFT_JUMP, "sub");
	assert_int_equal(judge(&received), MEETS_ALL);
	assert_string_equal(does.jump, "sub");
}

static void parse_anything(void *bytes, size_t length, void *context)
{
	const struct packet *packets[] = { &received, &sent };
	struct nft_verdict ignored;

	for (int i = 0; i < 2; i++)
		nft_rule_meets(bytes, length, packets[i], in_set, NULL, &ignored);
}

static enum meets maybe(const char *set, const uint8_t *key, size_t length, void *context)
{
	assert_true(length <= NFT_KEY_MAX);
	return key[length - 1] ? MEETS_ALL : MEETS_MAYBE;
}

static void parse_registers(void *bytes, size_t length, void *context)
{
	struct nft_verdict ignored;

	nft_rule_meets(bytes, length, &received, maybe, NULL, &ignored);
}

static void test_hostile_rules_do_no_harm(void **state)
{
	size_t length;
	const void *rule;

	begin_rule();
	meta(NFT_META_IIFNAME, NFT_REG_2);
	tcp_port(2, 6379, NFT_CMP_EQ);
	payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, NFT_REG_1);
	bitwise("\xff\x00\x00\x00", 4);
	range(6000, 7000);
	counter(1);
	verdict(NFT_JUMP, "sub");
	rule = expressions(&length);
	hostile_variants(rule, length, parse_anything, NULL);
	begin_rule();
	payload(NFT_PAYLOAD_NETWORK_HEADER, 0, 40, NFT_REG_1);
	payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG32_15);
	lookup("any", 0);
	simple("match");
	rule = expressions(&length);
	hostile_variants(rule, length, parse_registers, NULL);
}

/* ---- Chains and sets ---------------------------------------------------------------------- */

static void put_chain(uint8_t family, uint32_t hook, const char *device)
{
	struct nlmsghdr *new = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *message;
	struct nlattr *nest;

	new->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN;
	message = mnl_nlmsg_put_extra_header(new, sizeof(*message));
	message->nfgen_family = family;
	mnl_attr_put_strz(new, NFTA_CHAIN_TABLE, "filter");
	mnl_attr_put_strz(new, NFTA_CHAIN_NAME, "input");
	nest = mnl_attr_nest_start(new, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(new, NFTA_HOOK_HOOKNUM, htonl(hook));
	if (device)
		mnl_attr_put_strz(new, NFTA_HOOK_DEV, device);
	mnl_attr_nest_end(new, nest);
	mnl_attr_put_u32(new, NFTA_CHAIN_POLICY, htonl(NF_DROP));
}

static void parse_chain(void *bytes, size_t length, void *context)
{
	struct nlmsghdr *whole = bytes;
	struct nft_chain chain;

	if (length < sizeof(*whole))
		return;
	whole->nlmsg_len = length;
	if (nft_chain_parse(whole, &chain))
		nft_chain_hooked(&chain, &redis);
}

static unsigned int hooked(uint8_t family, uint32_t hook, const char *device)
{
	struct nft_chain chain;

	put_chain(family, hook, device);
	assert_true(nft_chain_parse(header(), &chain));
	assert_true(chain.drops);
	return nft_chain_hooked(&chain, &redis);
}

static void test_hooks_lead_packets_of_their_direction_and_device(void **state)
{
	assert_int_equal(hooked(NFPROTO_INET, NF_INET_LOCAL_IN, NULL), 1 << RECEIVED);
	assert_int_equal(hooked(NFPROTO_IPV4, NF_INET_POST_ROUTING, NULL), 1 << SENT);
	assert_int_equal(hooked(NFPROTO_INET, NF_INET_FORWARD, NULL), 0);
	assert_int_equal(hooked(NFPROTO_NETDEV, NF_NETDEV_INGRESS, "eth0"), 1 << RECEIVED);
	assert_int_equal(hooked(NFPROTO_NETDEV, NF_NETDEV_INGRESS, "eth1"), 0);
	hostile_variants(buffer, header()->nlmsg_len, parse_chain, NULL);
}

static void put_element(uint16_t key, uint32_t flags)
{
	struct nlattr *nest = mnl_attr_nest_start(header(), NFTA_LIST_ELEM);
	uint16_t bytes = htons(key);

	put_data(NFTA_SET_ELEM_KEY, &bytes, 2);
	mnl_attr_put_u32(header(), NFTA_SET_ELEM_FLAGS, htonl(flags));
	mnl_attr_nest_end(header(), nest);
}

/* 443, 8000 to 8100, and their ends; in the order that the kernel's tree gives them. */
static void put_intervals(void)
{
	struct nlmsghdr *new = mnl_nlmsg_put_header(buffer);
	struct nlattr *nest;

	new->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM;
	memset(mnl_nlmsg_put_extra_header(new, sizeof(struct nfgenmsg)), 0,
	       sizeof(struct nfgenmsg));
	nest = mnl_attr_nest_start(new, NFTA_SET_ELEM_LIST_ELEMENTS);
	put_element(8101, NFT_SET_ELEM_INTERVAL_END);
	put_element(8000, 0);
	put_element(444, NFT_SET_ELEM_INTERVAL_END);
	put_element(443, 0);
	put_element(0, NFT_SET_ELEM_INTERVAL_END);
	mnl_attr_nest_end(new, nest);
}

static enum meets set_has(const struct nft_set *set, uint16_t port)
{
	uint8_t key[4] = { port >> 8, port & 0xff };

	return nft_set_has(set, key, sizeof(key));
}

static void parse_elements(void *bytes, size_t length, void *context)
{
	struct nlmsghdr *whole = bytes;
	struct nft_set set = {};

	if (length < sizeof(*whole))
		return;
	whole->nlmsg_len = length;
	nft_elements_parse(whole, &set);
	nft_set_sort(&set);
	set_has(&set, 6379);
	nft_set_free(&set);
}

static void test_sets_of_intervals_have_what_lies_between(void **state)
{
	struct nft_set set = {};

	put_intervals();
	assert_int_equal(nft_elements_parse(header(), &set), 0);
	nft_set_sort(&set);
	assert_int_equal(set_has(&set, 442), MEETS_NOT);
	assert_int_equal(set_has(&set, 443), MEETS_ALL);
	assert_int_equal(set_has(&set, 444), MEETS_NOT);
	assert_int_equal(set_has(&set, 8000), MEETS_ALL);
	assert_int_equal(set_has(&set, 8100), MEETS_ALL);
	assert_int_equal(set_has(&set, 8101), MEETS_NOT);
	set.unreadable = true;
	assert_int_equal(set_has(&set, 443), MEETS_MAYBE);
	nft_set_free(&set);
	hostile_variants(buffer, header()->nlmsg_len, parse_elements, NULL);
}

static struct rule_chain *add_chain(struct rule_chains *chains, unsigned int leads)
{
	struct rule_chain *chain;

	assert_int_equal(rule_chains_add(chains, &chain), 0);
	chain->hooked = leads;
	return chain;
}

static void add_rule(struct rule_chains *chains, size_t chain, size_t jump, enum meets meets,
                     uint64_t packets)
{
	struct chain_rule *rule;

	assert_int_equal(rule_chains_add_rule(chains, &rule), 0);
	rule->chain = chain;
	rule->jump = jump;
	rule->meets[RECEIVED] = meets;
	rule->counted = true;
	rule->packets = packets;
}

static void test_chains_are_reached_through_jumps_that_are_met(void **state)
{
	struct rule_chains chains = {};

	add_chain(&chains, 1 << RECEIVED);
	add_chain(&chains, 0);
	add_chain(&chains, 0);
	add_chain(&chains, 0);
	add_rule(&chains, 3, CHAIN_NONE, MEETS_ALL, 5); /* before anything leads there */
	add_rule(&chains, 0, 1, MEETS_ALL, 7);
	add_rule(&chains, 0, 2, MEETS_NOT, 0);
	add_rule(&chains, 1, 3, MEETS_MAYBE, 0);
	add_rule(&chains, 2, CHAIN_NONE, MEETS_ALL, 9);
	rule_chains_follow(&chains);
	assert_int_equal(chains.chains[0].n_all, 1);
	assert_int_equal(chains.chains[0].packets, 7);
	assert_int_equal(chains.chains[1].n_maybe, 1);
	assert_int_equal(chains.chains[2].n_all + chains.chains[2].n_maybe, 0);
	assert_int_equal(chains.chains[3].n_maybe, 1);
	assert_int_equal(chains.chains[3].packets, 0);
	rule_chains_free(&chains);
}

static void test_a_verdict_map_may_lead_to_any_chain_of_its_table(void **state)
{
	struct rule_chains chains = {};

	add_chain(&chains, 1 << RECEIVED);
	add_chain(&chains, 0);
	add_chain(&chains, 0)->table = 7;
	add_rule(&chains, 0, CHAIN_ANY, MEETS_ALL, 0);
	add_rule(&chains, 1, CHAIN_NONE, MEETS_ALL, 0);
	add_rule(&chains, 2, CHAIN_NONE, MEETS_ALL, 0);
	rule_chains_follow(&chains);
	assert_int_equal(chains.chains[1].n_maybe, 1);
	assert_int_equal(chains.chains[2].n_maybe, 0);
	rule_chains_free(&chains);
}

static void test_rules_that_jump_in_a_circle_end(void **state)
{
	struct rule_chains chains = {};

	add_chain(&chains, 1 << RECEIVED);
	add_chain(&chains, 0);
	add_rule(&chains, 0, 1, MEETS_ALL, 0);
	add_rule(&chains, 1, 0, MEETS_ALL, 0);
	rule_chains_follow(&chains);
	assert_int_equal(chains.chains[1].n_all, 1);
	rule_chains_free(&chains);
}

/* ---- iptables ----------------------------------------------------------------------------- */

static void test_xt_matches_hold_ports(void **state)
{
	struct xt_tcp tcp = { .spts = { 0, 0xffff }, .dpts = { 6000, 7000 } };
	struct xt_multiport_v1 ports = { .flags = XT_MULTIPORT_DESTINATION,
		                         .count = 3,
		                         .ports = { 80, 6000, 7000 },
		                         .pflags = { 0, 1, 0 } };

	assert_int_equal(xt_match_meets("tcp", &tcp, sizeof(tcp), &received), MEETS_ALL);
	assert_int_equal(xt_match_meets("tcp", &tcp, sizeof(tcp), &sent), MEETS_MAYBE);
	assert_int_equal(xt_match_meets("tcp", &tcp, 3, &received), MEETS_MAYBE);
	tcp.invflags = XT_TCP_INV_DSTPT;
	assert_int_equal(xt_match_meets("tcp", &tcp, sizeof(tcp), &received), MEETS_NOT);
	assert_int_equal(xt_match_meets("multiport", &ports, sizeof(ports), &received), MEETS_ALL);
	ports.invert = 1;
	assert_int_equal(xt_match_meets("multiport", &ports, sizeof(ports), &received), MEETS_NOT);
	assert_int_equal(xt_match_meets("owner", NULL, 0, &received), MEETS_MAYBE);
	assert_int_equal(xt_match_meets("udp", NULL, 0, &received), MEETS_NOT);
}

/* A table of one hook, INPUT: a rule for a port, its policy, and the end. */
struct table {
	struct {
		struct ipt_entry entry;
		struct xt_entry_match match;
		struct xt_tcp tcp __attribute__((aligned(8)));
		struct xt_standard_target target;
	} __attribute__((aligned(8))) rule;
	struct {
		struct ipt_entry entry;
		struct xt_standard_target target;
	} __attribute__((aligned(8))) policy;
	struct {
		struct ipt_entry entry;
		struct xt_error_target target;
	} __attribute__((aligned(8))) end;
};

static struct table make_table(uint16_t port)
{
	struct table table = {};

	table.rule.entry.target_offset = offsetof(typeof(table.rule), target);
	table.rule.entry.next_offset = sizeof(table.rule);
	table.rule.entry.ip.proto = IPPROTO_TCP;
	table.rule.entry.counters.pcnt = 42;
	table.rule.match.u.match_size =
		offsetof(typeof(table.rule), target) - offsetof(typeof(table.rule), match);
	strcpy(table.rule.match.u.user.name, "tcp");
	table.rule.tcp = (struct xt_tcp){ .spts = { 0, 0xffff }, .dpts = { port, port } };
	table.rule.target.verdict = -NF_DROP - 1;
	table.policy.entry.target_offset = offsetof(typeof(table.policy), target);
	table.policy.entry.next_offset = sizeof(table.policy);
	table.policy.target.verdict = -NF_ACCEPT - 1;
	table.end.entry.target_offset = offsetof(typeof(table.end), target);
	table.end.entry.next_offset = sizeof(table.end);
	strcpy(table.end.target.target.u.user.name, XT_ERROR_TARGET);
	strcpy(table.end.target.errorname, "ERROR");
	return table;
}

static struct xt_table_blob blob_of(const void *bytes, size_t length)
{
	return (struct xt_table_blob){
		.name = "filter",
		.hooks = 1 << NF_INET_LOCAL_IN,
		.underflow = { [NF_INET_LOCAL_IN] = offsetof(struct table, policy) },
		.entries = bytes,
		.length = length,
	};
}

static void test_a_legacy_table_is_held_against_the_traffic(void **state)
{
	struct table table = make_table(6379);
	struct xt_table_blob blob = blob_of(&table, sizeof(table));
	struct rule_chains chains = {};

	assert_int_equal(xt_table_judge(&blob, &redis, &chains), 0);
	rule_chains_follow(&chains);
	assert_int_equal(chains.n_chains, 1);
	assert_string_equal(chains.chains[0].where, "ip filter INPUT (legacy)");
	assert_int_equal(chains.chains[0].n_rules, 1);
	assert_int_equal(chains.chains[0].n_all, 1);
	assert_int_equal(chains.chains[0].packets, 42);
	assert_int_equal(chains.chains[0].effects, EFFECT_DROP);
	assert_false(chains.chains[0].drops);
	rule_chains_free(&chains);
	table = make_table(80);
	assert_int_equal(xt_table_judge(&blob, &redis, &chains), 0);
	rule_chains_follow(&chains);
	assert_int_equal(chains.chains[0].n_all + chains.chains[0].n_maybe, 0);
	rule_chains_free(&chains);
}

static void parse_table(void *bytes, size_t length, void *context)
{
	struct xt_table_blob blob = blob_of(bytes, length);
	struct rule_chains chains = {};

	if (!xt_table_judge(&blob, &redis, &chains))
		rule_chains_follow(&chains);
	rule_chains_free(&chains);
	blob.ipv6 = true;
	xt_table_judge(&blob, &redis, &chains);
	rule_chains_free(&chains);
}

static void test_hostile_tables_do_no_harm(void **state)
{
	struct table table = make_table(6379);

	hostile_variants(&table, sizeof(table), parse_table, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_are_compared_in_their_direction),
		cmocka_unit_test(test_another_protocol_is_never_met),
		cmocka_unit_test(test_ranges_and_sets_are_looked_into),
		cmocka_unit_test(
			test_a_prefix_of_the_own_address_is_decided_one_of_the_peers_is_not),
		cmocka_unit_test(test_connection_states_that_all_have_are_met),
		cmocka_unit_test(test_links_are_compared_by_name_and_direction),
		cmocka_unit_test(test_what_is_not_understood_leaves_a_rule_open),
		cmocka_unit_test(test_a_rule_tells_what_it_does_and_counts),
		cmocka_unit_test(test_hostile_rules_do_no_harm),
		cmocka_unit_test(test_hooks_lead_packets_of_their_direction_and_device),
		cmocka_unit_test(test_sets_of_intervals_have_what_lies_between),
		cmocka_unit_test(test_chains_are_reached_through_jumps_that_are_met),
		cmocka_unit_test(test_a_verdict_map_may_lead_to_any_chain_of_its_table),
		cmocka_unit_test(test_rules_that_jump_in_a_circle_end),
		cmocka_unit_test(test_xt_matches_hold_ports),
		cmocka_unit_test(test_a_legacy_table_is_held_against_the_traffic),
		cmocka_unit_test(test_hostile_tables_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
