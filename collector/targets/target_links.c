// SPDX-License-Identifier: GPL-2.0
#include "target_links.h"

#include <stdlib.h>
#include <string.h>

#include "netlink.h"

bool target_is_loopback(const struct ktax_listener *key)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (key->family == 4)
		return key->address[0] == 127;
	return !memcmp(key->address, loopback, sizeof(loopback));
}

static void add_nic(struct netspace *netspace, const struct netlink_link *link,
                    struct target_links *links)
{
	struct target_nic nic = { .index = link->index,
		                  .netns = netspace->inode,
		                  .socket = netspace_socket(netspace) };

	links->nic = true;
	if (links->n_nics == TARGET_NICS_MAX)
		return;
	memcpy(nic.name, link->name, sizeof(nic.name));
	links->nics[links->n_nics++] = nic;
}

void target_links_add(struct target_links *links, struct netspace *netspace)
{
	struct netlink_link *found = NULL;
	size_t n = 0;

	if (netspace_links(netspace, &found, &n)) {
		links->qdisc = links->nic = true; /* not known: look for both */
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!found[i].up)
			continue;
		links->qdisc |= strcmp(found[i].qdisc, "noqueue") != 0;
		if (found[i].physical && !found[i].loopback)
			add_nic(netspace, &found[i], links);
	}
	free(found);
}

void target_links_add_loopback(struct target_links *links, struct netspace *netspace)
{
	struct netlink_link *found = NULL;
	size_t n = 0;

	if (netspace_links(netspace, &found, &n))
		return;
	for (size_t i = 0; i < n; i++)
		if (found[i].loopback && found[i].up)
			links->qdisc |= strcmp(found[i].qdisc, "noqueue") != 0;
	free(found);
}
