// SPDX-License-Identifier: GPL-2.0
/*
 * Filters are read as far as their conditions are about addresses, ports and protocol. A condition
 * that is not understood leaves it open whether the filter meets the traffic.
 */
#include "tc_rules.h"

#include <arpa/inet.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink_dump.h"

/* ---- Queueing disciplines ----------------------------------------------------------------- */

static void parse_statistics(const struct nlattr *nest, struct tc_qdisc *qdisc)
{
	const struct nlattr *basic = attribute_in(nest, TCA_STATS_BASIC);
	struct gnet_stats_basic counted;

	if (!basic || mnl_attr_get_payload_len(basic) < sizeof(counted))
		return;
	memcpy(&counted, mnl_attr_get_payload(basic), sizeof(counted));
	qdisc->packets = counted.packets;
}

bool tc_qdisc_parse(const struct nlmsghdr *header, struct tc_qdisc *ret)
{
	const struct tcmsg *message = mnl_nlmsg_get_payload(header);
	size_t length = mnl_nlmsg_get_payload_len(header), skip = NLMSG_ALIGN(sizeof(*message));
	const struct nlattr *attribute;
	struct tc_qdisc qdisc = {};

	if (header->nlmsg_type != RTM_NEWQDISC || length < skip)
		return false;
	qdisc.link = message->tcm_ifindex;
	qdisc.handle = message->tcm_handle;
	qdisc.parent = message->tcm_parent;
	attributes_for_each(attribute, (const char *)message + skip, length - skip) {
		uint16_t type = mnl_attr_get_type(attribute);

		if (type == TCA_KIND)
			attribute_text(attribute, qdisc.kind, sizeof(qdisc.kind));
		else if (type == TCA_STATS2)
			parse_statistics(attribute, &qdisc);
		else if (type == TCA_INGRESS_BLOCK || type == TCA_EGRESS_BLOCK)
			qdisc.shared_block = true;
	}
	*ret = qdisc;
	return qdisc.kind[0] != '\0';
}

bool tc_qdisc_is_plain(const char *kind)
{
	static const char *const plain[] = { "noqueue", "pfifo_fast", "pfifo", "bfifo", "mq" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(kind, plain[i]))
			return true;
	return false;
}

/* ---- u32 ---------------------------------------------------------------------------------- */

/* A key compares 32 bits at an offset from the network header. */
static enum meets key_meets(const struct tc_u32_key *key, const struct packet_image *image)
{
	uint8_t mask[4], wanted[4];

	memcpy(mask, &key->mask, sizeof(mask));
	memcpy(wanted, &key->val, sizeof(wanted));
	if (key->offmask || key->off < 0 || (size_t)key->off + 4 > sizeof(image->bytes))
		return MEETS_MAYBE;
	return bytes_equal(image->bytes + key->off, image->known + key->off, mask, wanted, 4);
}

static enum meets u32_meets(const struct nlattr *options, const struct packet *packet)
{
	const struct nlattr *value = attribute_in(options, TCA_U32_SEL);
	enum meets meets = MEETS_ALL;
	struct packet_image image;
	struct tc_u32_sel selector;
	struct tc_u32_key key;
	size_t length;

	if (!value)
		return MEETS_NOT; /* a hash table of filters, that come themselves */
	length = mnl_attr_get_payload_len(value);
	if (length < sizeof(selector))
		return MEETS_MAYBE;
	memcpy(&selector, mnl_attr_get_payload(value), sizeof(selector));
	if (length < sizeof(selector) + selector.nkeys * sizeof(key) || selector.offmask)
		return MEETS_MAYBE;
	packet_image(packet, &image);
	for (size_t i = 0; i < selector.nkeys; i++) {
		memcpy(&key,
		       (const char *)mnl_attr_get_payload(value) + sizeof(selector) +
		               i * sizeof(key),
		       sizeof(key));
		meets = meets_both(meets, key_meets(&key, &image));
	}
	return meets;
}

/* ---- flower ------------------------------------------------------------------------------- */

/* A value of flower, and where it stands in an IPv4 packet; 0 bytes: it decides nothing here. */
static enum meets flower_bytes(const struct nlattr *value, const struct packet_image *image,
                               size_t offset, size_t bytes)
{
	static const uint8_t mask[4] = { 0xff, 0xff, 0xff, 0xff };

	if (mnl_attr_get_payload_len(value) < bytes)
		return MEETS_MAYBE;
	return bytes_equal(image->bytes + offset, image->known + offset, mask,
	                   mnl_attr_get_payload(value), bytes);
}

static enum meets flower_protocol(const struct nlattr *value, const struct packet *packet)
{
	const uint8_t *bytes = mnl_attr_get_payload(value);
	uint16_t type;

	if (mnl_attr_get_payload_len(value) < 2)
		return MEETS_MAYBE;
	type = bytes[0] << 8 | bytes[1];
	return type == (packet->ipv6 ? ETH_P_IPV6 : ETH_P_IP) ? MEETS_ALL : MEETS_NOT;
}

static enum meets flower_key(const struct nlattr *value, const struct packet *packet,
                             const struct packet_image *image)
{
	uint16_t type = mnl_attr_get_type(value);

	if (type == TCA_FLOWER_KEY_ETH_TYPE)
		return flower_protocol(value, packet);
	if (type == TCA_FLOWER_KEY_IP_PROTO)
		return flower_bytes(value, image, packet->ipv6 ? 6 : 9, 1);
	if (type == TCA_FLOWER_KEY_TCP_SRC)
		return flower_bytes(value, image, image->transport, 2);
	if (type == TCA_FLOWER_KEY_TCP_DST)
		return flower_bytes(value, image, image->transport + 2, 2);
	if (type > TCA_FLOWER_ACT && type != TCA_FLOWER_FLAGS && type != TCA_FLOWER_IN_HW_COUNT)
		return MEETS_MAYBE; /* addresses, masks, and what else there is */
	return MEETS_ALL;
}

/* A mask, of ports for example, may let more through than the value that it comes with. */
static bool flower_has_port_mask(const struct nlattr *options)
{
	static const uint16_t types[] = { TCA_FLOWER_KEY_TCP_SRC_MASK,
		                          TCA_FLOWER_KEY_TCP_DST_MASK };
	uint16_t mask = 0xffff;

	for (size_t i = 0; i < 2; i++) {
		const struct nlattr *value = attribute_in(options, types[i]);

		if (value && mnl_attr_get_payload_len(value) >= 2)
			memcpy(&mask, mnl_attr_get_payload(value), 2);
		if (mask != 0xffff)
			return true;
	}
	return false;
}

static enum meets flower_meets(const struct nlattr *options, const struct packet *packet)
{
	bool masked = flower_has_port_mask(options);
	enum meets meets = MEETS_ALL;
	const struct nlattr *value;
	struct packet_image image;

	packet_image(packet, &image);
	attributes_for_each_in(value, options) {
		uint16_t type = mnl_attr_get_type(value);

		if (type == TCA_FLOWER_KEY_TCP_SRC_MASK || type == TCA_FLOWER_KEY_TCP_DST_MASK)
			continue;
		if (masked && (type == TCA_FLOWER_KEY_TCP_SRC || type == TCA_FLOWER_KEY_TCP_DST))
			meets = meets_both(meets, MEETS_MAYBE);
		else
			meets = meets_both(meets, flower_key(value, packet, &image));
	}
	return meets;
}

/* ---- Filters ------------------------------------------------------------------------------ */

static enum meets filter_meets(const char *kind, const struct nlattr *options,
                               const struct packet *packet)
{
	if (!strcmp(kind, "matchall") || !strcmp(kind, "bpf"))
		return MEETS_ALL; /* a program is run for each packet */
	if (!options)
		return MEETS_MAYBE;
	if (!strcmp(kind, "u32"))
		return u32_meets(options, packet);
	if (!strcmp(kind, "flower"))
		return flower_meets(options, packet);
	return MEETS_MAYBE;
}

static bool protocol_meets(uint16_t protocol, const struct packet *packet)
{
	return protocol == ETH_P_ALL || protocol == (packet->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
}

static uint16_t action_type(const char *kind)
{
	if (!strcmp(kind, "u32"))
		return TCA_U32_ACT;
	if (!strcmp(kind, "flower"))
		return TCA_FLOWER_ACT;
	if (!strcmp(kind, "matchall"))
		return TCA_MATCHALL_ACT;
	return TCA_BPF_ACT;
}

static void parse_options(const struct nlattr *options, struct tc_filter *filter)
{
	const struct nlattr *value = attribute_in(options, action_type(filter->kind));

	value = value ? attribute_in(value, 1) : NULL; /* the first of them */
	value = value ? attribute_in(value, TCA_ACT_KIND) : NULL;
	if (value)
		attribute_text(value, filter->action, sizeof(filter->action));
	if (strcmp(filter->kind, "bpf"))
		return;
	value = attribute_in(options, TCA_BPF_NAME);
	if (value)
		attribute_text(value, filter->program, sizeof(filter->program));
	value = attribute_in(options, TCA_BPF_ID);
	if (value)
		attribute_u32(value, &filter->program_id);
}

bool tc_filter_parse(const struct nlmsghdr *header, const struct traffic *traffic,
                     enum direction direction, struct tc_filter *ret)
{
	const struct tcmsg *message = mnl_nlmsg_get_payload(header);
	size_t length = mnl_nlmsg_get_payload_len(header), skip = NLMSG_ALIGN(sizeof(*message));
	const struct nlattr *kind, *options;
	struct packet packets[TRAFFIC_PACKETS_MAX];
	struct tc_filter filter = { .meets = MEETS_NOT };
	size_t n = traffic_packets(traffic, packets);

	if (header->nlmsg_type != RTM_NEWTFILTER || length < skip)
		return false;
	kind = attribute_find((const char *)message + skip, length - skip, TCA_KIND);
	options = attribute_find((const char *)message + skip, length - skip, TCA_OPTIONS);
	if (!kind || !options)
		return false; /* the head of a chain: its filters follow */
	attribute_text(kind, filter.kind, sizeof(filter.kind));
	parse_options(options, &filter);
	for (size_t i = 0; i < n; i++)
		if (packets[i].direction == direction &&
		    protocol_meets(ntohs(message->tcm_info & 0xffff), &packets[i]))
			filter.meets = meets_either(
				filter.meets, filter_meets(filter.kind, options, &packets[i]));
	*ret = filter;
	return filter.meets != MEETS_NOT;
}
