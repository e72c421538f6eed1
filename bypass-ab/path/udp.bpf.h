/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the UDP header of a frame in an XDP program: Ethernet, up to two VLAN tags, IPv4 with
 * options or IPv6 without extension headers. Fragments have none.
 */
#ifndef KTAX_UDP_BPF_H
#define KTAX_UDP_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IPV4_FRAGMENT 0x3fff /* more to come, or an offset */

struct vlan_tag {
	__be16 control, protocol;
};

/* The headers of a frame. */
struct udp_frame {
	struct ethhdr *ethernet;
	void *ip;
	bool ipv6;
	struct udphdr *udp;
};

static __always_inline bool is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* The IP header and its protocol, behind what tags there are; NULL: too short. */
static __always_inline void *skip_tags(struct ethhdr *ethernet, void *end, __be16 *protocol)
{
	struct vlan_tag *tag = (void *)(ethernet + 1);

	*protocol = ethernet->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (!is_vlan(*protocol))
			break;
		if ((void *)(tag + 1) > end)
			return NULL;
		*protocol = tag->protocol;
		tag++;
	}
	return tag;
}

static __always_inline struct udphdr *udp_of_ipv4(struct iphdr *ip, __u8 protocol, void *end)
{
	if ((void *)(ip + 1) > end || ip->protocol != protocol || ip->ihl < 5 ||
	    ip->frag_off & bpf_htons(IPV4_FRAGMENT))
		return NULL;
	return (void *)ip + ip->ihl * 4;
}

static __always_inline struct udphdr *udp_of_ipv6(struct ipv6hdr *ip, __u8 protocol, void *end)
{
	if ((void *)(ip + 1) > end || ip->nexthdr != protocol)
		return NULL;
	return (void *)(ip + 1);
}

/* With TCP as @protocol frame->udp is good for the ports, which are at the same place. */
static __always_inline bool find_ports(struct xdp_md *context, __u8 protocol,
                                       struct udp_frame *frame)
{
	void *end = (void *)(long)context->data_end;
	__be16 ethernet_type;

	frame->ethernet = (void *)(long)context->data;
	if ((void *)(frame->ethernet + 1) > end)
		return false;
	frame->ip = skip_tags(frame->ethernet, end, &ethernet_type);
	if (!frame->ip)
		return false;
	if (ethernet_type == bpf_htons(ETH_P_IP)) {
		frame->ipv6 = false;
		frame->udp = udp_of_ipv4(frame->ip, protocol, end);
	} else if (ethernet_type == bpf_htons(ETH_P_IPV6)) {
		frame->ipv6 = true;
		frame->udp = udp_of_ipv6(frame->ip, protocol, end);
	} else {
		return false;
	}
	return frame->udp && (void *)(frame->udp + 1) <= end;
}

static __always_inline bool find_udp(struct xdp_md *context, struct udp_frame *frame)
{
	return find_ports(context, IPPROTO_UDP, frame);
}

#endif
