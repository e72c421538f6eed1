// SPDX-License-Identifier: GPL-2.0
#include "path.h"

#include <string.h>

#include "af_xdp.h"
#include "dpdk.h"
#include "io_uring.h"
#include "kernel.h"
#include "lwip_path.h"
#include "xdp.h"

const struct path_type *const path_types[] = {
	&path_kernel,
	&path_kernel_blocking,
	&path_kernel_awake,
	&path_kernel_spin,
	&path_kernel_busypoll,
	&path_kernel_irqsuspend,
	&path_io_uring,
	&path_io_uring_spin,
	&path_io_uring_busypoll,
	&path_af_xdp,
	&path_af_xdp_poll,
	&path_af_xdp_busypoll,
	&path_af_xdp_lwip,
	&path_dpdk,
	&path_dpdk_af_packet,
	&path_dpdk_af_xdp,
	&path_dpdk_lwip,
	&path_dpdk_af_packet_lwip,
	&path_dpdk_af_xdp_lwip,
	&path_xdp,
	&path_dpdk_pair,
	NULL,
};

const struct path_type *path_by_name(const char *name)
{
	for (size_t i = 0; path_types[i]; i++)
		if (!strcmp(path_types[i]->name, name))
			return path_types[i];
	return NULL;
}
