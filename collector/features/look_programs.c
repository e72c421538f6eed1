// SPDX-License-Identifier: GPL-2.0
/*
 * eBPF programs in the way of packets and sockets: at links (XDP, tcx, netkit), cgroups, and the
 * network namespace. Attach types newer than the headers of Debian 12 stand here by number.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "look.h"
#include "programs.h"

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS, Linux 6.6 */
#define TCX_EGRESS  47

/* ---- Links -------------------------------------------------------------------------------- */

static const struct link *link_of(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->links.n; i++)
		if (look->links.links[i].index == index)
			return &look->links.links[i];
	return NULL;
}

static void tell_xdp(struct look *look, const struct traffic *traffic, const struct link *link)
{
	static const char *const modes[] = {
		[XDP_NATIVE] = "in the driver (native)",
		[XDP_GENERIC] = "after the driver (generic)",
		[XDP_OFFLOADED] = "on the NIC",
		[XDP_SEVERAL] = "in several modes",
	};
	char program[128] = "several programs";

	if (link->xdp == XDP_NONE)
		return;
	if (link->xdp_program)
		programs_describe(&link->xdp_program, 1, program, sizeof(program));
	look_tell(look, SERVICE_XDP, STATE_FOUND, link->name, traffic->endpoint, NULL, "%s, %s",
	          program, modes[link->xdp]);
}

/* 0 too where the kernel has no tcx. */
static int tell_tcx(struct look *look, const struct traffic *traffic,
                    const struct traffic_link *link, uint32_t type, const char *hook)
{
	uint32_t ids[PROGRAMS_MAX];
	char names[256], where[48];
	int n = programs_attached(link->index, type, 0, ids);

	if (n <= 0)
		return n == -EPERM ? n : 0;
	programs_describe(ids, n, names, sizeof(names));
	snprintf(where, sizeof(where), "%s %s", link->name, hook);
	look_tell(look, SERVICE_TC_BPF, STATE_FOUND, where, traffic->endpoint, NULL,
	          "%d tcx programs: %s", n, names);
	return 0;
}

static int look_at_links(struct look *look, const struct traffic *traffic)
{
	int err = 0;

	for (size_t i = 0; i < traffic->n_links; i++) {
		const struct traffic_link *used = &traffic->links[i];
		const struct link *link = link_of(look, used->index);

		if (link)
			tell_xdp(look, traffic, link);
		if (!err)
			err = tell_tcx(look, traffic, used, TCX_INGRESS, "ingress");
		if (!err)
			err = tell_tcx(look, traffic, used, TCX_EGRESS, "egress");
	}
	return err;
}

void look_for_link_programs(struct look *look)
{
	int err = 0;

	for (size_t i = 0; i < look->n_traffics; i++) {
		int one = look_at_links(look, &look->traffics[i]);

		err = err ? err : one;
	}
	if (err)
		look_tell_unknown(look, SERVICE_TC_BPF, err);
}

/* ---- Network namespace -------------------------------------------------------------------- */

void look_for_namespace_programs(struct look *look)
{
	static const struct {
		uint32_t type;
		const char *name;
	} kinds[] = { { BPF_FLOW_DISSECTOR, "flow dissector" }, { BPF_SK_LOOKUP, "sk_lookup" } };
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), err = 0;
	uint32_t ids[PROGRAMS_MAX];
	char names[256];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int n = fd < 0 ? -errno : programs_attached(fd, kinds[i].type, 0, ids);

		if (n == -EPERM)
			err = n;
		if (n <= 0)
			continue;
		programs_describe(ids, n, names, sizeof(names));
		look_tell(look, SERVICE_NETNS_BPF, STATE_FOUND, look->space, NULL, NULL, "%s: %s",
		          kinds[i].name, names);
	}
	if (fd >= 0)
		close(fd);
	if (err)
		look_tell_unknown(look, SERVICE_NETNS_BPF, err);
}

/* ---- Cgroups ------------------------------------------------------------------------------ */

/* Those that see packets, connections or options of TCP sockets. */
static const struct {
	uint32_t type;
	const char *name;
} cgroup_types[] = {
	{ BPF_CGROUP_INET_INGRESS, "ingress" },
	{ BPF_CGROUP_INET_EGRESS, "egress" },
	{ BPF_CGROUP_INET_SOCK_CREATE, "sock_create" },
	{ BPF_CGROUP_SOCK_OPS, "sock_ops" },
	{ BPF_CGROUP_INET4_BIND, "bind4" },
	{ BPF_CGROUP_INET6_BIND, "bind6" },
	{ BPF_CGROUP_GETSOCKOPT, "getsockopt" },
	{ BPF_CGROUP_SETSOCKOPT, "setsockopt" },
};

/* Where cgroup2 is mounted, alone or (hybrid) beside the older hierarchies. */
static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* The process's directory below the root of cgroup2: the line "0::/DIRECTORY". -errno. */
static int cgroup_of(pid_t pid, char *ret, size_t room)
{
	char path[64], line[4096];
	FILE *file;
	int err = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (err && fgets(line, sizeof(line), file))
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = '\0';
			err = snprintf(ret, room, "%s", line + 3) < (int)room ? 0 : -ENAMETOOLONG;
		}
	fclose(file);
	return err;
}

static int open_cgroup(const char *directory)
{
	char path[4200];
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(path, sizeof(path), "%s/cgroup.controllers", mounts[i]);
		if (access(path, F_OK))
			continue; /* not cgroup2 */
		snprintf(path, sizeof(path), "%s%s", mounts[i], directory);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd >= 0 ? fd : -errno;
}

static int look_at_cgroup(struct look *look, const struct traffic *traffic)
{
	char directory[4096], names[512], where[300];
	uint32_t ids[PROGRAMS_MAX];
	int err = cgroup_of(traffic->pid, directory, sizeof(directory)), fd;

	if (err)
		return err;
	fd = open_cgroup(directory);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < sizeof(cgroup_types) / sizeof(cgroup_types[0]); i++) {
		int n = programs_attached(fd, cgroup_types[i].type, 1, ids);

		if (n == -EPERM)
			err = n;
		if (n <= 0)
			continue;
		programs_describe(ids, n, names, sizeof(names));
		snprintf(where, sizeof(where), "cgroup %.200s", directory);
		look_tell(look, SERVICE_CGROUP_BPF, STATE_FOUND, where, traffic->endpoint, NULL,
		          "%s: %s", cgroup_types[i].name, names);
	}
	close(fd);
	return err;
}

static void cgroup_unknown(struct look *look, const struct traffic *traffic, int err)
{
	const char *why = traffic->pid ? why_unreadable(err) : "whose process it is is not known";

	if (traffic->pid && err == -ENOENT)
		why = "no cgroup2 is mounted on /sys/fs/cgroup";
	look_tell(look, SERVICE_CGROUP_BPF, STATE_UNKNOWN, "cgroup", traffic->endpoint, why, NULL);
}

void look_for_cgroup_programs(struct look *look)
{
	for (size_t i = 0; i < look->n_traffics; i++) {
		const struct traffic *traffic = &look->traffics[i];
		int err = traffic->pid ? look_at_cgroup(look, traffic) : -ESRCH;

		if (err)
			cgroup_unknown(look, traffic, err);
	}
}
