/* SPDX-License-Identifier: GPL-2.0 */
/* TCP of lwIP over AF_XDP and over DPDK. Where ktax is built without lwIP, it says so. */
#ifndef KTAX_LWIP_PATH_H
#define KTAX_LWIP_PATH_H

#include "path.h"

extern const struct path_type path_af_xdp_lwip, path_dpdk_lwip, path_dpdk_af_packet_lwip,
	path_dpdk_af_xdp_lwip;

#endif
