// SPDX-License-Identifier: GPL-2.0
/* Stands for lwip.c where ktax is built without lwIP. */
#include <errno.h>

#include "lwip_path.h"
#include "sentence.h"

static int absent(const struct path_config *config, struct path **ret_path, char *why,
                  size_t why_size)
{
	return sentence(why, why_size, -EOPNOTSUPP, "this ktax was built without lwIP");
}

#define ABSENT_PATH(type, name_)                                                                   \
	static const struct path_type type##_stream = { .name = name_,                             \
		                                        .raw = true,                               \
		                                        .open = absent };                          \
	const struct path_type type = { .name = name_, .raw = true, .stream = &type##_stream }

ABSENT_PATH(path_af_xdp_lwip, "af_xdp-lwip");
ABSENT_PATH(path_dpdk_lwip, "dpdk-lwip");
ABSENT_PATH(path_dpdk_af_packet_lwip, "dpdk-packet-lwip");
ABSENT_PATH(path_dpdk_af_xdp_lwip, "dpdk-xdp-lwip");
