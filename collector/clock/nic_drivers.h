/* SPDX-License-Identifier: GPL-2.0 */
/* Which NICs the recorded traffic may have come by: an A/B on another one says nothing of it. */
#ifndef KTAX_NIC_DRIVERS_H
#define KTAX_NIC_DRIVERS_H

#include "targets.h"

struct recording_writer;

/*
 * Sets meta "nics": "eth0 e1000e, eth1 ?" (of an unknown driver), "none"; not at all where the links
 * are not known. Negative errno.
 */
int nic_drivers_record(struct recording_writer *writer, const struct target_links *links);

#endif
