/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of network drivers: since which Linux they have native XDP and AF_XDP's zero-copy
 * mode, and which driver of DPDK takes the same NIC. Data with its sources; a driver that is not
 * listed is unknown, not lacking.
 */
#ifndef KTAX_DRIVER_TABLE_H
#define KTAX_DRIVER_TABLE_H

#include <stddef.h>

#define SINCE_NEVER   0  /* not in any Linux up to DRIVER_TABLE_CHECKED */
#define SINCE_UNKNOWN -1 /* not known, or not the same for all of its NICs */

/* The last Linux for which "never" was looked up. */
#define DRIVER_TABLE_CHECKED 6010

enum pmd_access {
	PMD_NONE,    /* DPDK has no driver for it */
	PMD_VFIO,    /* takes the device away from the kernel: vfio-pci */
	PMD_SHARED,  /* works through the kernel's driver, which keeps the interface */
	PMD_UNKNOWN, /* none that is known */
};

struct nic_driver {
	const char *name; /* as ethtool -i and sysfs say */
	int xdp_since;    /* 4012: Linux 4.12; or SINCE_... */
	int zerocopy_since;
	int xdp_mtu_max; /* with XDP in one buffer, 4 KB pages on x86; 0: no limit is known */
	enum pmd_access access;
	const char *pmd; /* librte_X.so: "net_ixgbe" */
	const char *xdp_source, *zerocopy_source, *pmd_source;
};

extern const struct nic_driver nic_drivers[]; /* one without a name at the end */
/* NULL: not in the table. */
const struct nic_driver *nic_driver_find(const char *name);
/* The library of DPDK's driver for this one, NULL: none is known. */
const char *nic_driver_pmd(const char *name);

#endif
