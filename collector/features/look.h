/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looking for the services of the kernel in one network namespace: a function per place where they
 * are kept. Each is called inside the namespace, by a process that may be ended at any time, tells
 * what it finds, and tells what it could not read as unknown: nothing found means that it was read.
 */
#ifndef KTAX_LOOK_H
#define KTAX_LOOK_H

#include "links.h"
#include "service.h"
#include "traffic.h"

struct look {
	struct teller *teller;
	struct links links;
	struct traffic *traffics;
	size_t n_traffics;
	char space[48];       /* "network namespace 4026531840", for .where */
	bool ours;            /* the namespace that ktax runs in: /sys shows its links */
	bool contained;       /* it is not that of process 1, as far as that may be read */
	bool outside_unknown; /* it may not, so that ours may be a container's */
};

/* Sets what is known of each listening socket: .inode, .both, .md5. -errno. */
int sockets_identify(struct look *look);

void look_for_nftables(struct look *look);
void look_for_iptables(struct look *look); /* the legacy ones */
void look_for_conntrack(struct look *look);
void look_for_qdiscs(struct look *look);             /* and tc filters */
void look_for_link_programs(struct look *look);      /* XDP, tcx, netkit */
void look_for_namespace_programs(struct look *look); /* sk_lookup, flow dissector */
void look_for_host_programs(struct look *look); /* of sockets and netfilter, wherever they are */
void look_for_cgroup_programs(struct look *look);
void look_for_sockets(struct look *look); /* options, TCP, kTLS */
void look_for_packet_sockets(struct look *look);
void look_for_ipsec(struct look *look);
void look_for_nics(struct look *look); /* offloads, RDMA */
void look_for_container(struct look *look);

/* Tells @service's @found for @endpoint, formatted; and that it is unknown for all, since @err. */
void look_tell(const struct look *look, enum service service, enum service_state state,
               const char *where, const char *endpoint, const char *why, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
void look_tell_unknown(const struct look *look, enum service service, int err);

#endif
