/* SPDX-License-Identifier: GPL-2.0 */
/* When a packet came in at a NIC: by the NIC's own stamp, or by its interrupt. */
#ifndef KTAX_NIC_STAMP_BPF_H
#define KTAX_NIC_STAMP_BPF_H

#include "ledger.bpf.h"
#include "nic_clock.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KTAX_NIC_CLOCKS);
	__type(key, __u32);
	__type(value, struct ktax_nic_clock);
} nic_clocks SEC(".maps");

/* The line that converts stamps of @device, or NULL. */
static __always_inline struct ktax_clock_line *nic_clock_line(struct net_device *device)
{
	__u32 interface = READ(device, ifindex), slot = interface % KTAX_NIC_CLOCKS;
	struct ktax_nic_clock *clock = bpf_map_lookup_elem(&nic_clocks, &slot);

	if (!clock || clock->interface != interface ||
	    clock->netns != BPF_CORE_READ(device, nd_net.net, ns.inum))
		return NULL;
	return clock->turn ? &clock->line[1] : &clock->line[0];
}

/*
 * The NIC's stamp of the packet whose buffer is @head; 0: none. What some drivers keep in its place
 * is not a time (SKBTX_HW_TSTAMP_NETDEV, since 5.19).
 */
static __always_inline __s64 nic_stamp(struct sk_buff *skb, __u64 head)
{
	struct skb_shared_info *shared = (void *)(head + READ(skb, end));
	__s64 stamp = BPF_CORE_READ(shared, hwtstamps.hwtstamp);

	if (stamp && BPF_CORE_READ(shared, tx_flags) & 1 << 5)
		return 0;
	return stamp;
}

/* When the device's interrupt said so, or the NAPI poll before ended if that is later; 0: unseen.
 */
static __always_inline __u64 interrupt_arrival(void)
{
	struct cpu_state *cpu = cpu_state();

	if (!cpu || !cpu->nic_interrupt_ns)
		return 0;
	return cpu->nic_interrupt_ns > cpu->poll_ns ? cpu->nic_interrupt_ns : cpu->poll_ns;
}

static __always_inline __u64 nic_arrival(struct sk_buff *skb, struct net_device *device, __u64 head,
                                         __u64 now, __u64 *ret_source)
{
	struct ktax_clock_line *line;
	__u64 arrival;
	__s64 stamp;

	*ret_source = KTAX_ARRIVAL_UNSTAMPED;
	if (!settings.nic_stamps || !head || !device)
		return interrupt_arrival();
	line = nic_clock_line(device);
	stamp = line ? nic_stamp(skb, head) : 0;
	if (!stamp)
		return interrupt_arrival();
	arrival = ktax_nic_arrival(line, stamp, now);
	*ret_source = arrival ? KTAX_ARRIVAL_STAMP : KTAX_ARRIVAL_REFUSED;
	return arrival ? arrival : interrupt_arrival();
}

#endif
