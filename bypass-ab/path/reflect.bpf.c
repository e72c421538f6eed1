// SPDX-License-Identifier: GPL-2.0
/*
 * Answers requests in the driver hook: as little as an answer can take in the kernel. Addresses and
 * ports are swapped, which leaves the checksum as it is.
 */
#include "udp.bpf.h"
#include "reflect.h"

/* As frame.h has them, which is for user space. */
struct mark {
	__be32 magic, id;
	__be16 epoch, epoch_complement;
	__u8 kind, pad;
	__be16 flow;
} __attribute__((packed));

const volatile __u16 port; /* network byte order */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REFLECT_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline int count(enum reflect_count which, int action)
{
	__u32 key = which;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	if (value)
		++*value;
	return action;
}

static __always_inline void swap_mac(struct ethhdr *ethernet)
{
	__u8 address[ETH_ALEN];

	__builtin_memcpy(address, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, address, ETH_ALEN);
}

static __always_inline void swap_ipv4(struct iphdr *ip)
{
	__be32 address = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = address;
}

static __always_inline void swap_ipv6(struct ipv6hdr *ip)
{
	struct in6_addr address = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = address;
}

static __always_inline void swap_ports(struct udphdr *udp)
{
	__be16 source = udp->source;

	udp->source = udp->dest;
	udp->dest = source;
}

/* A frame has come in, before the kernel sees it. */
SEC("xdp")
int reflect(struct xdp_md *context)
{
	struct udp_frame frame;
	struct mark *mark;

	if (!find_udp(context, &frame) || frame.udp->dest != port)
		return count(REFLECT_FOREIGN, XDP_PASS);
	mark = (void *)(frame.udp + 1);
	if ((void *)(mark + 1) > (void *)(long)context->data_end ||
	    mark->magic != bpf_htonl(REFLECT_MAGIC))
		return count(REFLECT_FOREIGN, XDP_PASS);
	if (mark->kind == REFLECT_STOP)
		return count(REFLECT_STOPS, XDP_DROP);
	swap_mac(frame.ethernet);
	if (frame.ipv6)
		swap_ipv6(frame.ip);
	else
		swap_ipv4(frame.ip);
	swap_ports(frame.udp);
	return count(REFLECT_ANSWERED, XDP_TX);
}

char LICENSE[] SEC("license") = "GPL";
