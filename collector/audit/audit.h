/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the facts of a host: sysfs, procfs, ethtool, netlink, and trials of what only a trial
 * tells. Reads only: what it tries (a socket, BPF programs) is gone when it returns. Bounded in
 * time: below 100 ms, of which the trials take most. Runs without root as far as it goes.
 */
#ifndef KTAX_AUDIT_H
#define KTAX_AUDIT_H

#include "host_facts.h"

struct audit_options {
	const char *interface; /* NULL: that of the default route */
	const char *root; /* NULL: this host; otherwise its files alone, below this directory */
	/* The library of DPDK's driver for a kernel driver ("net_ixgbe"), NULL: there is none. */
	const char *(*pmd_library)(const char *driver);
};

/*
 * -ENODEV: there is no interface of that name. No default route is no error: ret->nic.name is "".
 */
int audit_read(const struct audit_options *options, struct host_facts *ret);

#endif
