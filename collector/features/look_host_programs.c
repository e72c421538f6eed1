// SPDX-License-Identifier: GPL-2.0
/*
 * eBPF programs of kinds that work on sockets or in netfilter, but whose place the kernel does not
 * tell: all that are loaded, by id. Whether one meets an endpoint's traffic is open.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "look.h"
#include "programs.h"

#define SCANNED_MAX         4096
#define PROG_TYPE_NETFILTER 32 /* BPF_PROG_TYPE_NETFILTER, Linux 6.4 */

static const struct {
	uint32_t type;
	enum service service;
	const char *name, *where;
} kinds[] = {
	{ BPF_PROG_TYPE_SK_SKB, SERVICE_SOCKET_BPF, "sk_skb", "sockets in a map of the host" },
	{ BPF_PROG_TYPE_SK_MSG, SERVICE_SOCKET_BPF, "sk_msg", "sockets in a map of the host" },
	{ BPF_PROG_TYPE_SK_REUSEPORT, SERVICE_SOCKET_BPF, "sk_reuseport",
	  "groups of sockets of the host" },
	{ PROG_TYPE_NETFILTER, SERVICE_NETNS_BPF, "netfilter", "hooks of the host" },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct scan {
	uint32_t ids[N_KINDS][PROGRAMS_MAX];
	size_t n[N_KINDS];
};

static void take_program(struct scan *scan, uint32_t id)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return; /* gone */
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.type = BPF_PROG_TYPE_UNSPEC;
	close(fd);
	for (size_t i = 0; i < N_KINDS; i++)
		if (info.type == kinds[i].type && scan->n[i] < PROGRAMS_MAX)
			scan->ids[i][scan->n[i]++] = id;
}

/* -errno of listing them, -ENOSPC where there are more than are looked at. */
static int scan_programs(struct scan *scan)
{
	uint32_t id = 0;

	for (int n = 0; n < SCANNED_MAX; n++) {
		if (bpf_prog_get_next_id(id, &id))
			return errno == ENOENT ? 0 : -errno;
		take_program(scan, id);
	}
	return -ENOSPC;
}

void look_for_host_programs(struct look *look)
{
	struct scan scan = {};
	char names[256];
	int err = scan_programs(&scan);

	for (size_t i = 0; i < N_KINDS; i++) {
		if (!scan.n[i])
			continue;
		programs_describe(scan.ids[i], scan.n[i], names, sizeof(names));
		look_tell(look, kinds[i].service, STATE_MAY_APPLY, kinds[i].where, NULL,
		          "to which sockets or namespaces it applies is not told by the kernel",
		          "%zu programs %s: %s", scan.n[i], kinds[i].name, names);
	}
	if (err) {
		look_tell_unknown(look, SERVICE_SOCKET_BPF, err);
		look_tell_unknown(look, SERVICE_NETNS_BPF, err);
	}
}
