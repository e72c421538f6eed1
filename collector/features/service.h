/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The services of the kernel that are looked for, and how what was found of them is told.
 *
 * What leaving the kernel means for each, and what AF_XDP and DPDK keep of it, is data: a table in
 * service.c, from which docs/features.md gives the sources.
 */
#ifndef KTAX_SERVICE_H
#define KTAX_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

enum service {
	SERVICE_NFTABLES,
	SERVICE_IPTABLES,
	SERVICE_CONNTRACK,
	SERVICE_QDISC,
	SERVICE_TC_FILTER,
	SERVICE_XDP,
	SERVICE_TC_BPF,
	SERVICE_CGROUP_BPF,
	SERVICE_SOCKET_BPF,
	SERVICE_NETNS_BPF,
	SERVICE_KTLS,
	SERVICE_SOCKET_OPTIONS,
	SERVICE_PACKET_SOCKETS,
	SERVICE_IPSEC,
	SERVICE_CONTAINER,
	SERVICE_OFFLOADS,
	SERVICE_TCP,
	SERVICE_VISIBILITY,
	SERVICE_RDMA,
	SERVICES
};

/* As in analyze/decision/lost_features.h; @found is missing where it is unknown, and then @why is not. */
enum service_state { STATE_FOUND, STATE_MAY_APPLY, STATE_INHERENT, STATE_LACKING, STATE_UNKNOWN };

struct service_finding {
	enum service service;
	enum service_state state;
	const char *where;
	const char *endpoint; /* NULL: the host, or a whole namespace */
	const char *found;
	const char *why;
};

const char *service_name(enum service service);

/*
 * Tellers write a JSON object per line to @fd, in the form of the array "features" of the document,
 * or {"looked_for": NAME}. Texts are cleaned from what a terminal might obey. Out of memory, or a
 * reader that is gone: the line is missing.
 */
struct teller {
	int fd;
	size_t bytes; /* written so far */
	bool full;    /* TELLER_BYTES_MAX was reached: what was told then is missing */
};

#define TELLER_BYTES_MAX ((size_t)512 << 10)

void tell(struct teller *teller, const struct service_finding *finding);
/* All of @service that there is to find has been looked at, or told to be unknown. */
void tell_looked_for(struct teller *teller, enum service service);
/* "not permitted", "the kernel has no such thing", ... */
const char *why_unreadable(int err);

#endif
