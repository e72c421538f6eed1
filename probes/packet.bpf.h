/* SPDX-License-Identifier: GPL-2.0 */
/* Packets on their way up: when they came is noted before it is known whose they are. */
#ifndef KTAX_PACKET_BPF_H
#define KTAX_PACKET_BPF_H

#include "ledger.bpf.h"

/*
 * Stamps of packets that are not at their socket yet, found by skb->head, which survives cloning. A
 * slot that was overwritten by another packet is recognised by its head and counts as a missed stamp.
 */
#define PACKETS 8192
struct packet {
	__u64 head;
	__u64 start_ns; /* given to the driver by the peer on this host (loopback, veth), or
	                   arrival at the NIC */
	__u64 stack_ns; /* handed to the stack */
	__u64 source;   /* of start_ns: enum ktax_arrival */
};
static struct packet packets[PACKETS];

static __always_inline struct packet *packet_slot(__u64 head)
{
	return &packets[(head * 0x9e3779b97f4a7c15ULL >> 48) & (PACKETS - 1)];
}

/* Is the device a link within this host? Physical and paravirtual ones have a parent device. */
static __always_inline bool device_is_virtual(struct net_device *device)
{
	return !READ(device, dev.parent);
}

/* A packet leaves over a link within this host: that is where the receiver's request starts. */
static __always_inline void packet_sent(struct sk_buff *skb, __u64 now)
{
	__u64 head = number_of(READ(skb, head));
	struct packet *packet = packet_slot(head);

	packet->head = head;
	packet->start_ns = now;
	packet->stack_ns = 0;
	packet->source = KTAX_ARRIVAL_LINK;
}

/*
 * The stamps of the packet that has made @sk readable, or NULL. That is the last one of its receive
 * queue; if it was merged into an earlier one, the queue was not empty and no request begins here.
 */
static __always_inline struct packet *packet_at(struct sock *sk)
{
	struct packet *packet;
	struct sk_buff *skb;
	__u64 head;

	if (!READ(sk, sk_receive_queue.qlen))
		return NULL;
	skb = READ(sk, sk_receive_queue.prev);
	head = number_of(READ(skb, head));
	packet = packet_slot(head);
	return packet->head == head ? packet : NULL;
}

/*
 * Was the packet that has made @sk readable an ACK without data? While a thread owns the socket,
 * the kernel may merge a packet into the one before it (tcp_add_backlog), whose IP header stays as
 * it was.
 */
static __always_inline bool packet_was_ack(struct sock *sk)
{
	struct sk_buff *skb = READ(sk, sk_receive_queue.prev);
	__u32 network = READ(skb, network_header), transport = READ(skb, transport_header);
	__u64 head = number_of(READ(skb, head));
	__u8 ip[6], doff;
	__u32 length;

	if (!head || bpf_probe_read_kernel(ip, sizeof(ip), (void *)(head + network)) ||
	    bpf_probe_read_kernel(&doff, sizeof(doff), (void *)(head + transport + 12)))
		return false;
	length = ip[0] >> 4 == 4 ? ip[2] << 8 | ip[3] : 40 + (ip[4] << 8 | ip[5]);
	return length == transport - network + (doff >> 4) * 4;
}

#endif
