// SPDX-License-Identifier: GPL-2.0
#include "service.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What AF_XDP keeps: packets reach an XDP program in the driver before anything else. What that
 * program redirects to a socket has left the kernel; what it passes goes on as before. So the rest
 * of the host's traffic keeps its rules on the same port, and the port stays the kernel's. With
 * DPDK's own drivers the port is gone from the kernel. NULL: it is nothing that could be lost.
 */
struct service_info {
	const char *name, *consequence, *af_xdp, *dpdk;
};

static const struct service_info services[SERVICES] = {
	[SERVICE_NFTABLES] = {
		"nftables",
		"These rules would not see the traffic: what they drop, limit, "
		"translate or count has to be built into the application or moved to "
		"another host.",
		"lost",
		"lost",
	},
	[SERVICE_IPTABLES] = {
		"iptables",
		"These rules would not see the traffic: what they drop, limit, "
		"translate or count has to be built into the application or moved to "
		"another host.",
		"lost",
		"lost",
	},
	[SERVICE_CONNTRACK] = {
		"conntrack",
		"Connections would not be tracked: stateful rules, NAT and the "
		"conntrack table would not know them.",
		"lost",
		"lost",
	},
	[SERVICE_QDISC] = {
		"qdisc",
		"Packets sent would pass no queueing discipline: no shaping, no pacing, "
		"no fair queueing.",
		"lost",
		"lost",
	},
	[SERVICE_TC_FILTER] = {
		"tc-filter",
		"These filters and their actions (police, mirror, mark, redirect) would "
		"not see the traffic.",
		"lost",
		"lost",
	},
	[SERVICE_XDP] = {
		"xdp",
		"With AF_XDP this program has to share the hook with the one that "
		"redirects (libxdp's dispatcher), with DPDK's own driver it ends.",
		"partly",
		"lost",
	},
	[SERVICE_TC_BPF] = {
		"tc-bpf",
		"These eBPF programs would not see the traffic.",
		"lost",
		"lost",
	},
	[SERVICE_CGROUP_BPF] = {
		"cgroup-bpf",
		"What the cgroup's eBPF programs allow, deny or count for its sockets "
		"would not apply.",
		"lost",
		"lost",
	},
	[SERVICE_SOCKET_BPF] = {
		"socket-bpf",
		"The filter, selection or redirection that eBPF does at the socket "
		"would not happen.",
		"lost",
		"lost",
	},
	[SERVICE_NETNS_BPF] = {
		"netns-bpf",
		"The eBPF programs of the network namespace would not choose the socket "
		"or dissect the flow.",
		"lost",
		"lost",
	},
	[SERVICE_KTLS] = {
		"ktls",
		"Encryption would move from the kernel, or from the NIC, into the "
		"application, and sendfile() over TLS ends.",
		"lost",
		"lost",
	},
	[SERVICE_SOCKET_OPTIONS] = {
		"socket-options",
		"What the kernel does by these options has to be done by the "
		"application's own TCP.",
		"lost",
		"lost",
	},
	[SERVICE_PACKET_SOCKETS] = {
		"packet-sockets",
		"Who holds these packet sockets would not see the traffic any more.",
		"lost",
		"lost",
	},
	[SERVICE_IPSEC] = {
		"ipsec",
		"The traffic would leave unencrypted, and encrypted packets would "
		"arrive as they are: IPsec has to be built into the application.",
		"lost",
		"lost",
	},
	[SERVICE_CONTAINER] = {
		"container",
		"The container's network ends at the host's port: a path that bypasses "
		"the kernel needs a port inside of it, and its addressing, isolation "
		"and network policy again.",
		"partly",
		"lost",
	},
	[SERVICE_OFFLOADS] = {
		"offloads",
		"Segmentation, receive coalescing and checksums have to be done by the "
		"application, or asked of the NIC through what its driver for the path "
		"offers.",
		"partly",
		"partly",
	},
	[SERVICE_TCP] = {
		"tcp",
		"Retransmission, congestion control, keepalive and SYN-flood protection "
		"have to come from a TCP in user space.",
		"lost",
		"lost",
	},
	[SERVICE_VISIBILITY] = {
		"visibility",
		"ss, netstat, nstat and tcpdump would not show the traffic: AF_XDP "
		"keeps the interface's own counters (ip -s link, ethtool -S) and "
		"xdpdump, DPDK takes the interface away.",
		"partly",
		"lost",
	},
	[SERVICE_RDMA] = {
		"rdma",
		"Offload like RDMA's is no alternative to bypass on this NIC.",
		NULL,
		NULL,
	},
};

static const char *const state_names[] = {
	[STATE_FOUND] = "found",     [STATE_MAY_APPLY] = "may-apply", [STATE_INHERENT] = "inherent",
	[STATE_LACKING] = "lacking", [STATE_UNKNOWN] = "unknown",
};

const char *service_name(enum service service)
{
	return services[service].name;
}

/* Names in the kernel are bytes: what is not printable ASCII is shown as '?'. */
static json_t *clean(const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	json_t *value;

	for (char *c = copy; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	value = copy ? json_string(copy) : json_null();
	free(copy);
	return value;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			text += written;
			length -= written;
		}
	}
	return 0;
}

/* Takes @object. */
static void write_line(struct teller *teller, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;

	if (teller->bytes + length + 1 > TELLER_BYTES_MAX) {
		teller->full = true;
	} else if (text) {
		text[length] = '\n'; /* in place of its end */
		write_all(teller->fd, text, length + 1);
		teller->bytes += length + 1;
	}
	free(text);
	json_decref(object);
}

void tell(struct teller *teller, const struct service_finding *finding)
{
	const struct service_info *service = &services[finding->service];

	write_line(teller,
	           json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:s?, s:s?, s:o}", "feature",
	                     service->name, "state", state_names[finding->state], "where",
	                     clean(finding->where), "endpoint", clean(finding->endpoint), "found",
	                     clean(finding->found), "consequence", service->consequence, "af_xdp",
	                     service->af_xdp, "dpdk", service->dpdk, "why", clean(finding->why)));
}

void tell_looked_for(struct teller *teller, enum service service)
{
	write_line(teller, json_pack("{s:s}", "looked_for", services[service].name));
}

const char *why_unreadable(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return "not permitted";
	case ENOENT:
	case EPROTONOSUPPORT:
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return "this kernel does not tell";
	case EINTR:
		return "it changed while it was read";
	case ENOMEM:
		return "out of memory";
	case ESRCH:
		return "the process is gone";
	default:
		return strerror(-err);
	}
}
