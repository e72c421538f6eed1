// SPDX-License-Identifier: GPL-2.0
/* Endpoints behind the network of a container: in another network namespace than process 1. */
#include <stdio.h>
#include <string.h>

#include "look.h"

/* By what runs the container, as far as its cgroup's name tells. */
static const char *runtime_of(pid_t pid)
{
	static const char *const names[] = { "kubepods", "docker", "containerd",   "crio",
		                             "libpod",   "lxc",    "machine.slice" };
	char path[64], line[4096];
	const char *found = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = pid ? fopen(path, "re") : NULL;
	while (file && !found && fgets(line, sizeof(line), file))
		for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++)
			found = strstr(line, names[i]) ? names[i] : NULL;
	if (file)
		fclose(file);
	return found;
}

static const char *kind_of(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->links.n; i++)
		if (look->links.links[i].index == index)
			return look->links.links[i].kind;
	return "";
}

/* "eth0 (veth)", of the first link that is no device of the host. */
static void describe_link(const struct look *look, const struct traffic *traffic, char *ret,
                          size_t room)
{
	snprintf(ret, room, "no virtual link");
	for (size_t i = 0; i < traffic->n_links; i++) {
		const char *kind = kind_of(look, traffic->links[i].index);

		if (!*kind)
			continue;
		snprintf(ret, room, "%s (%s)", traffic->links[i].name, kind);
		return;
	}
}

void look_for_container(struct look *look)
{
	if (look->outside_unknown)
		look_tell(look, SERVICE_CONTAINER, STATE_UNKNOWN, look->space, NULL,
		          "the namespace of process 1 may not be read", NULL);
	if (!look->contained)
		return;
	for (size_t i = 0; i < look->n_traffics; i++) {
		const struct traffic *traffic = &look->traffics[i];
		const char *runtime = runtime_of(traffic->pid);
		char link[64];

		describe_link(look, traffic, link, sizeof(link));
		look_tell(look, SERVICE_CONTAINER, STATE_FOUND, look->space, traffic->endpoint,
		          NULL,
		          "not the host's namespace%s%s; reached through %s; what the host "
		          "does with the packets on the way there was not looked at",
		          runtime ? ", run by " : "", runtime ? runtime : "", link);
	}
}
