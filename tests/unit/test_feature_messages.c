// SPDX-License-Identifier: GPL-2.0
/* collector/features: what netlink and /proc say of links, tc, sockets, conntrack and IPsec. */
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
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/xfrm.h>
#include <net/if.h>

#include "conntrack_entries.h"
#include "diag_sockets.h"
#include "hostile.h"
#include "links.h"
#include "packet_sockets.h"
#include "tc_rules.h"
#include "xfrm_policies.h"

static struct traffic redis(void)
{
	return (struct traffic){
		.endpoint = "10.0.0.1:6379/tcp",
		.address = { 10, 0, 0, 1 },
		.port = 6379,
		.links = { { 2, "eth0" } },
		.n_links = 1,
	};
}

static char buffer[4096];

static void *message(uint16_t type, size_t bytes)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	return memset(mnl_nlmsg_put_extra_header(header, bytes), 0, bytes);
}

static struct nlmsghdr *header(void)
{
	return (struct nlmsghdr *)buffer;
}

/* The kernel's own layouts: what follows a member without an end stands right behind it. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#endif

/* Every truncation and change of the message, as one with a header that fits its length. */
static void parse_anything(void *bytes, size_t length, void *context)
{
	void (*parse)(const struct nlmsghdr *) = *(void (**)(const struct nlmsghdr *))context;
	struct nlmsghdr *whole = bytes;

	if (length < sizeof(*whole))
		return;
	whole->nlmsg_len = length; /* mnl_cb_run() has seen to that */
	parse(whole);
}

static void survives(void (*parse)(const struct nlmsghdr *))
{
	hostile_variants(buffer, header()->nlmsg_len, parse_anything, &parse);
}

/* ---- Links -------------------------------------------------------------------------------- */

static void put_link(void)
{
	struct ifinfomsg *info = message(RTM_NEWLINK, sizeof(*info));
	struct nlattr *nest;

	info->ifi_index = 2;
	info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(header(), IFLA_IFNAME, "eth0.7");
	mnl_attr_put_strz(header(), IFLA_QDISC, "fq_codel");
	mnl_attr_put_u32(header(), IFLA_LINK, 1);
	nest = mnl_attr_nest_start(header(), IFLA_LINKINFO);
	mnl_attr_put_strz(header(), IFLA_INFO_KIND, "vlan");
	mnl_attr_nest_end(header(), nest);
	nest = mnl_attr_nest_start(header(), IFLA_XDP);
	mnl_attr_put_u8(header(), IFLA_XDP_ATTACHED, XDP_ATTACHED_DRV);
	mnl_attr_put_u32(header(), IFLA_XDP_PROG_ID, 77);
	mnl_attr_nest_end(header(), nest);
}

static void parse_link(const struct nlmsghdr *hostile)
{
	struct link link;

	link_parse(hostile, &link);
}

static void test_a_link_has_its_xdp_program_and_what_it_stands_on(void **state)
{
	struct link link;

	put_link();
	assert_true(link_parse(header(), &link));
	assert_string_equal(link.name, "eth0.7");
	assert_string_equal(link.qdisc, "fq_codel");
	assert_int_equal(link.lower, 1);
	assert_int_equal(link.xdp, XDP_NATIVE);
	assert_int_equal(link.xdp_program, 77);
	assert_true(link.up);
	survives(parse_link);
}

static void test_the_other_end_of_a_veth_is_not_below_it(void **state)
{
	struct ifinfomsg *info = message(RTM_NEWLINK, sizeof(*info));
	struct nlattr *nest;
	struct link link;

	mnl_attr_put_strz(header(), IFLA_IFNAME, "v0");
	mnl_attr_put_u32(header(), IFLA_LINK, 9);
	nest = mnl_attr_nest_start(header(), IFLA_LINKINFO);
	mnl_attr_put_strz(header(), IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(header(), nest);
	assert_true(link_parse(header(), &link));
	assert_int_equal(link.lower, 0);
}

static void parse_address(const struct nlmsghdr *hostile)
{
	struct link_address address;

	link_address_parse(hostile, &address);
}

static void test_an_address_is_the_links_own_not_its_peers(void **state)
{
	struct ifaddrmsg *info = message(RTM_NEWADDR, sizeof(*info));
	struct link_address address;

	info->ifa_family = AF_INET;
	info->ifa_index = 5;
	mnl_attr_put(header(), IFA_ADDRESS, 4, "\x0a\x00\x00\x02");
	mnl_attr_put(header(), IFA_LOCAL, 4, "\x0a\x00\x00\x01");
	assert_true(link_address_parse(header(), &address));
	assert_int_equal(address.link, 5);
	assert_memory_equal(address.address, "\x0a\x00\x00\x01", 4);
	survives(parse_address);
}

static struct links topology(void)
{
	static struct link links[] = {
		{ .index = 1, .name = "lo", .up = true, .loopback = true },
		{ .index = 2, .name = "eth0", .up = true, .master = 4 },
		{ .index = 3, .name = "eth1", .up = true },
		{ .index = 4, .name = "bond0", .up = true, .kind = "bond" },
		{ .index = 5, .name = "bond0.7", .up = true, .kind = "vlan", .lower = 4 },
		{ .index = 6, .name = "down", .kind = "" },
	};
	static struct link_address addresses[] = { { .link = 5, .address = { 10, 0, 0, 1 } },
		                                   { .link = 3, .address = { 10, 0, 0, 2 } } };

	return (struct links){ links, 6, addresses, 2 };
}

static void test_traffic_uses_the_links_with_its_address_and_those_below(void **state)
{
	struct links links = topology();
	struct traffic traffic = redis();

	links_of_traffic(&links, &traffic);
	assert_int_equal(traffic.n_links, 3);
	assert_true(traffic_uses(&traffic, 5)); /* the vlan, the bond, the NIC */
	assert_true(traffic_uses(&traffic, 4));
	assert_true(traffic_uses(&traffic, 2));
	assert_false(traffic_uses(&traffic, 3));
}

static void test_loopback_uses_lo_and_a_wildcard_all_that_are_up(void **state)
{
	struct links links = topology();
	struct traffic traffic = redis();

	traffic.address[0] = 127;
	links_of_traffic(&links, &traffic);
	assert_int_equal(traffic.n_links, 1);
	assert_true(traffic_uses(&traffic, 1));
	traffic.any_address = true;
	links_of_traffic(&links, &traffic);
	assert_int_equal(traffic.n_links, 5);
	assert_false(traffic_uses(&traffic, 6));
}

/* ---- tc ----------------------------------------------------------------------------------- */

static void parse_qdisc(const struct nlmsghdr *hostile)
{
	struct tc_qdisc qdisc;

	tc_qdisc_parse(hostile, &qdisc);
}

static void test_a_qdisc_has_its_kind_and_place(void **state)
{
	struct tcmsg *info = message(RTM_NEWQDISC, sizeof(*info));
	struct tc_qdisc qdisc;

	info->tcm_ifindex = 2;
	info->tcm_parent = 0xffffffff;
	mnl_attr_put_strz(header(), TCA_KIND, "htb");
	assert_true(tc_qdisc_parse(header(), &qdisc));
	assert_string_equal(qdisc.kind, "htb");
	assert_int_equal(qdisc.link, 2);
	assert_false(tc_qdisc_is_plain("htb"));
	assert_true(tc_qdisc_is_plain("noqueue"));
	survives(parse_qdisc);
}

static struct nlattr *begin_filter(const char *kind, uint16_t protocol)
{
	struct tcmsg *info = message(RTM_NEWTFILTER, sizeof(*info));

	info->tcm_info = 0x10000 | htons(protocol);
	mnl_attr_put_strz(header(), TCA_KIND, kind);
	return mnl_attr_nest_start(header(), TCA_OPTIONS);
}

static void put_u32_filter(uint32_t value, uint32_t mask, int offset)
{
	struct {
		struct tc_u32_sel selector;
		struct tc_u32_key key;
	} all = { .selector.nkeys = 1, .key = { htonl(mask), htonl(value), offset, 0 } };
	struct nlattr *nest = begin_filter("u32", 0x0800);

	mnl_attr_put(header(), TCA_U32_SEL, sizeof(all), &all);
	mnl_attr_nest_end(header(), nest);
}

static enum meets filter_meets(enum direction direction)
{
	struct traffic traffic = redis();
	struct tc_filter filter;

	return tc_filter_parse(header(), &traffic, direction, &filter) ? filter.meets : MEETS_NOT;
}

static void parse_filter(const struct nlmsghdr *hostile)
{
	struct traffic traffic = redis();
	struct tc_filter filter;

	tc_filter_parse(hostile, &traffic, RECEIVED, &filter);
	tc_filter_parse(hostile, &traffic, SENT, &filter);
}

static void test_u32_keys_are_held_against_ports_and_addresses(void **state)
{
	put_u32_filter(6379, 0xffff, 20);
	assert_int_equal(filter_meets(RECEIVED), MEETS_ALL);
	assert_int_equal(filter_meets(SENT), MEETS_MAYBE); /* the peer's port */
	put_u32_filter(80, 0xffff, 20);
	assert_int_equal(filter_meets(RECEIVED), MEETS_NOT);
	put_u32_filter(6379U << 16, 0xffff0000, 20);
	assert_int_equal(filter_meets(SENT), MEETS_ALL);
	put_u32_filter(0x0a000000, 0xff000000, 16);
	assert_int_equal(filter_meets(RECEIVED), MEETS_ALL);
	put_u32_filter(0x0b000000, 0xff000000, 16);
	assert_int_equal(filter_meets(RECEIVED), MEETS_NOT);
	put_u32_filter(1, 1, -14); /* the Ethernet header */
	assert_int_equal(filter_meets(RECEIVED), MEETS_MAYBE);
	put_u32_filter(1, 1, 44);
	assert_int_equal(filter_meets(RECEIVED), MEETS_MAYBE);
	survives(parse_filter);
}

static void test_a_filter_of_ipv6_does_not_see_ipv4(void **state)
{
	struct nlattr *nest = begin_filter("matchall", 0x86dd);

	mnl_attr_nest_end(header(), nest);
	assert_int_equal(filter_meets(RECEIVED), MEETS_NOT);
	nest = begin_filter("matchall", 3);
	mnl_attr_nest_end(header(), nest);
	assert_int_equal(filter_meets(RECEIVED), MEETS_ALL);
}

static void put_flower(uint8_t protocol, uint16_t port, uint16_t mask, bool vlan)
{
	struct nlattr *nest = begin_filter("flower", 0x0800);

	mnl_attr_put_u16(header(), TCA_FLOWER_KEY_ETH_TYPE, htons(0x0800));
	mnl_attr_put_u8(header(), TCA_FLOWER_KEY_IP_PROTO, protocol);
	mnl_attr_put_u16(header(), TCA_FLOWER_KEY_TCP_DST, htons(port));
	mnl_attr_put_u16(header(), TCA_FLOWER_KEY_TCP_DST_MASK, htons(mask));
	if (vlan)
		mnl_attr_put_u16(header(), TCA_FLOWER_KEY_VLAN_ID, 7);
	mnl_attr_nest_end(header(), nest);
}

static void test_flower_is_understood_as_far_as_ports_go(void **state)
{
	put_flower(IPPROTO_TCP, 6379, 0xffff, false);
	assert_int_equal(filter_meets(RECEIVED), MEETS_ALL);
	put_flower(IPPROTO_TCP, 6380, 0xffff, false);
	assert_int_equal(filter_meets(RECEIVED), MEETS_NOT);
	put_flower(IPPROTO_UDP, 6379, 0xffff, false);
	assert_int_equal(filter_meets(RECEIVED), MEETS_NOT);
	put_flower(IPPROTO_TCP, 6336, 0xffc0, false);
	assert_int_equal(filter_meets(RECEIVED), MEETS_MAYBE);
	put_flower(IPPROTO_TCP, 6379, 0xffff, true);
	assert_int_equal(filter_meets(RECEIVED), MEETS_MAYBE);
	survives(parse_filter);
}

static void test_an_ebpf_classifier_is_named_and_runs_for_each_packet(void **state)
{
	struct nlattr *nest = begin_filter("bpf", 3);
	struct traffic traffic = redis();
	struct tc_filter filter;

	mnl_attr_put_strz(header(), TCA_BPF_NAME, "count.o:[classifier]");
	mnl_attr_put_u32(header(), TCA_BPF_ID, 12);
	mnl_attr_nest_end(header(), nest);
	assert_true(tc_filter_parse(header(), &traffic, SENT, &filter));
	assert_int_equal(filter.meets, MEETS_ALL);
	assert_string_equal(filter.program, "count.o:[classifier]");
	assert_int_equal(filter.program_id, 12);
	survives(parse_filter);
}

/* ---- Sockets ------------------------------------------------------------------------------ */

static void put_socket(const char *ulp)
{
	struct inet_diag_msg *info = message(SOCK_DIAG_BY_FAMILY, sizeof(*info));
	struct nlattr *nest;

	info->idiag_family = AF_INET;
	info->id.idiag_sport = htons(6379);
	info->idiag_inode = 4711;
	memcpy(info->id.idiag_src, "\x0a\x00\x00\x01", 4);
	mnl_attr_put_strz(header(), INET_DIAG_CONG, "bbr");
	nest = mnl_attr_nest_start(header(), INET_DIAG_ULP_INFO);
	mnl_attr_put_strz(header(), INET_ULP_INFO_NAME, ulp);
	mnl_attr_nest_end(header(), nest);
	mnl_attr_put(header(), INET_DIAG_MD5SIG, 8, "\x01\x02\x03\x04\x05\x06\x07\x08");
}

static void parse_socket(const struct nlmsghdr *hostile)
{
	struct diag_socket socket;

	diag_socket_parse(hostile, &socket);
}

static void test_a_connection_tells_of_ktls_and_congestion_control(void **state)
{
	struct traffic traffic = redis();
	struct diag_socket socket;

	put_socket("tls");
	assert_true(diag_socket_parse(header(), &socket));
	assert_string_equal(socket.ulp, "tls");
	assert_string_equal(socket.congestion, "bbr");
	assert_true(socket.md5);
	assert_int_equal(socket.inode, 4711);
	assert_true(diag_socket_is_of(&socket, &traffic));
	traffic.address[3] = 2;
	assert_false(diag_socket_is_of(&socket, &traffic));
	traffic.any_address = true;
	assert_true(diag_socket_is_of(&socket, &traffic));
	traffic.port = 80;
	assert_false(diag_socket_is_of(&socket, &traffic));
	survives(parse_socket);
}

static void test_ipv4_on_an_ipv6_socket_is_of_one_that_takes_both(void **state)
{
	struct diag_socket socket = { .ipv6 = true,
		                      .port = 80,
		                      .address = { [10] = 0xff, 0xff, 10 } };
	struct traffic traffic = { .ipv6 = true, .port = 80, .any_address = true };

	assert_false(diag_socket_is_of(&socket, &traffic));
	traffic.both = true;
	assert_true(diag_socket_is_of(&socket, &traffic));
}

static void test_packet_sockets_see_their_protocol_on_their_link(void **state)
{
	static const char format[] = "ffff8881 3      3    %s   %d     1 0      0      3239901\n";
	struct traffic traffic = redis();
	struct packet_socket socket;
	char line[128];

	assert_int_equal(packet_socket_parse("sk  RefCnt Type Proto  Iface R Rmem   User   Inode\n",
	                                     &socket),
	                 -EINVAL);
	snprintf(line, sizeof(line), format, "0003", 0);
	assert_int_equal(packet_socket_parse(line, &socket), 0);
	assert_int_equal(socket.inode, 3239901);
	assert_true(packet_socket_sees(&socket, &traffic));
	socket.link = 2;
	assert_true(packet_socket_sees(&socket, &traffic));
	socket.link = 3;
	assert_false(packet_socket_sees(&socket, &traffic));
	snprintf(line, sizeof(line), format, "88cc", 0); /* LLDP */
	assert_int_equal(packet_socket_parse(line, &socket), 0);
	assert_false(packet_socket_sees(&socket, &traffic));
	snprintf(line, sizeof(line), format, "0800", 2);
	assert_int_equal(packet_socket_parse(line, &socket), 0);
	assert_true(packet_socket_sees(&socket, &traffic));
}

/* ---- conntrack ---------------------------------------------------------------------------- */

static void put_tuple(uint16_t type, const char *source, const char *target, uint16_t source_port,
                      uint16_t target_port)
{
	struct nlattr *tuple = mnl_attr_nest_start(header(), type);
	struct nlattr *nest = mnl_attr_nest_start(header(), CTA_TUPLE_IP);

	mnl_attr_put(header(), CTA_IP_V4_SRC, 4, source);
	mnl_attr_put(header(), CTA_IP_V4_DST, 4, target);
	mnl_attr_nest_end(header(), nest);
	nest = mnl_attr_nest_start(header(), CTA_TUPLE_PROTO);
	mnl_attr_put_u8(header(), CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(header(), CTA_PROTO_SRC_PORT, htons(source_port));
	mnl_attr_put_u16(header(), CTA_PROTO_DST_PORT, htons(target_port));
	mnl_attr_nest_end(header(), nest);
	mnl_attr_nest_end(header(), tuple);
}

static void parse_entry(const struct nlmsghdr *hostile)
{
	struct conntrack_entry entry;

	conntrack_entry_parse(hostile, &entry);
}

static void test_a_translated_connection_is_of_the_server_behind_nat(void **state)
{
	struct traffic traffic = redis();
	struct conntrack_entry entry;

	message(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, sizeof(struct nfgenmsg));
	put_tuple(CTA_TUPLE_ORIG, "\x0a\x09\x09\x09", "\xc0\xa8\x00\x01", 40000, 80);
	put_tuple(CTA_TUPLE_REPLY, "\x0a\x00\x00\x01", "\x0a\x09\x09\x09", 6379, 40000);
	mnl_attr_put_u32(header(), CTA_STATUS, htonl(IPS_DST_NAT));
	assert_true(conntrack_entry_parse(header(), &entry));
	assert_true(entry.translated);
	assert_true(conntrack_entry_is_of(&entry, &traffic));
	traffic.port = 80; /* that is what the client has asked for */
	assert_false(conntrack_entry_is_of(&entry, &traffic));
	survives(parse_entry);
}

/* ---- IPsec -------------------------------------------------------------------------------- */

static void parse_policy(const struct nlmsghdr *hostile)
{
	struct traffic traffic = redis();

	xfrm_policy_meets(hostile, &traffic);
}

static enum meets policy_meets(uint8_t direction, uint16_t port, uint8_t prefix)
{
	struct xfrm_userpolicy_info *policy = message(XFRM_MSG_NEWPOLICY, sizeof(*policy));
	struct traffic traffic = redis();

	policy->dir = direction;
	policy->sel.family = AF_INET;
	policy->sel.prefixlen_s = prefix;
	if (port) {
		policy->sel.dport = htons(port);
		policy->sel.dport_mask = 0xffff;
	}
	return xfrm_policy_meets(header(), &traffic);
}

static void test_ipsec_policies_select_by_port_and_direction(void **state)
{
	assert_int_equal(policy_meets(XFRM_POLICY_IN, 6379, 0), MEETS_ALL);
	assert_int_equal(policy_meets(XFRM_POLICY_IN, 80, 0), MEETS_NOT);
	assert_int_equal(policy_meets(XFRM_POLICY_OUT, 0, 0), MEETS_ALL);
	assert_int_equal(policy_meets(XFRM_POLICY_OUT, 6379, 0), MEETS_MAYBE);
	assert_int_equal(policy_meets(XFRM_POLICY_IN, 6379, 8), MEETS_MAYBE);
	assert_int_equal(policy_meets(XFRM_POLICY_FWD, 0, 0), MEETS_NOT);
	survives(parse_policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_link_has_its_xdp_program_and_what_it_stands_on),
		cmocka_unit_test(test_the_other_end_of_a_veth_is_not_below_it),
		cmocka_unit_test(test_an_address_is_the_links_own_not_its_peers),
		cmocka_unit_test(test_traffic_uses_the_links_with_its_address_and_those_below),
		cmocka_unit_test(test_loopback_uses_lo_and_a_wildcard_all_that_are_up),
		cmocka_unit_test(test_a_qdisc_has_its_kind_and_place),
		cmocka_unit_test(test_u32_keys_are_held_against_ports_and_addresses),
		cmocka_unit_test(test_a_filter_of_ipv6_does_not_see_ipv4),
		cmocka_unit_test(test_flower_is_understood_as_far_as_ports_go),
		cmocka_unit_test(test_an_ebpf_classifier_is_named_and_runs_for_each_packet),
		cmocka_unit_test(test_a_connection_tells_of_ktls_and_congestion_control),
		cmocka_unit_test(test_ipv4_on_an_ipv6_socket_is_of_one_that_takes_both),
		cmocka_unit_test(test_packet_sockets_see_their_protocol_on_their_link),
		cmocka_unit_test(test_a_translated_connection_is_of_the_server_behind_nat),
		cmocka_unit_test(test_ipsec_policies_select_by_port_and_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
