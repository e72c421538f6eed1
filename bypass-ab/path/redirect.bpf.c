// SPDX-License-Identifier: GPL-2.0
/*
 * Feeds an AF_XDP socket: UDP or TCP of one port goes to the socket of the queue it came in on,
 * anything else to the kernel as ever, so that a shell over the same interface keeps working.
 * libxdp's own program would take every frame.
 */
#include "udp.bpf.h"

const volatile __u8 protocol;  /* IPPROTO_UDP, IPPROTO_TCP */
const volatile __u16 port;     /* network byte order */
const volatile bool from_port; /* that it comes from; otherwise that it is for */

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1); /* queue 0 is all that a socket is opened on */
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* Frames left to the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} passed SEC(".maps");

static __always_inline int pass(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&passed, &zero);

	if (count)
		++*count;
	return XDP_PASS;
}

/* A frame has come in, before the kernel sees it. */
SEC("xdp")
int redirect(struct xdp_md *context)
{
	struct udp_frame frame;

	if (!find_ports(context, protocol, &frame))
		return pass();
	if ((from_port ? frame.udp->source : frame.udp->dest) != port)
		return pass();
	return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS);
}

char LICENSE[] SEC("license") = "GPL";
