// SPDX-License-Identifier: GPL-2.0
#include "kernel_part.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "kernel/net/netfilter/nf_tables.ko": a module that is built in. */
static enum kernel_part find_built_in(const char *module)
{
	char path[200], line[512], wanted[64];
	enum kernel_part part = PART_ABSENT;
	struct utsname system;
	FILE *file;

	if (uname(&system))
		return PART_UNKNOWN;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", system.release);
	snprintf(wanted, sizeof(wanted), "/%s.ko\n", module);
	file = fopen(path, "re");
	if (!file)
		return PART_UNKNOWN;
	while (part == PART_ABSENT && fgets(line, sizeof(line), file))
		if (strstr(line, wanted))
			part = PART_PRESENT;
	fclose(file);
	return part;
}

enum kernel_part kernel_part(const char *module)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	if (!access(path, F_OK))
		return PART_PRESENT;
	if (access("/proc/modules", F_OK))
		return PART_PRESENT; /* or for good absent: no module can be loaded */
	return find_built_in(module);
}
