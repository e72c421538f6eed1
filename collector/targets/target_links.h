/* SPDX-License-Identifier: GPL-2.0 */
/* The links that requests of the targets may come over. */
#ifndef KTAX_TARGET_LINKS_H
#define KTAX_TARGET_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"

struct netspace;

#define TARGET_NICS_MAX 16

/* A network interface with a device behind it. */
struct target_nic {
	char name[16];
	uint32_t index;
	uint32_t netns; /* inode number of its network namespace */
	int socket;     /* of that namespace, for ioctls; as long as the targets are open */
};

/* What the links of the targets have, which decides on hooks. */
struct target_links {
	bool qdisc, nic;
	size_t n_nics; /* that are up; those beyond the array are left out */
	struct target_nic nics[TARGET_NICS_MAX];
};

/* Whether only this host reaches a listener. */
bool target_is_loopback(const struct ktax_listener *key);
/* Adds what the links of a namespace have that are up; where that is not known, all of it. */
void target_links_add(struct target_links *links, struct netspace *netspace);
/* The same of its loopback link alone. */
void target_links_add_loopback(struct target_links *links, struct netspace *netspace);

#endif
