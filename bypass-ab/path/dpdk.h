/* SPDX-License-Identifier: GPL-2.0 */
/* The paths over DPDK. Where ktax is built without it, they say so. */
#ifndef KTAX_DPDK_H
#define KTAX_DPDK_H

#include "path.h"

extern const struct path_type path_dpdk, path_dpdk_af_packet, path_dpdk_af_xdp, path_dpdk_pair;

#endif
