// SPDX-License-Identifier: GPL-2.0
/* Stands for dpdk.c, frame_io_dpdk.c and wire_dpdk.c where ktax is built without DPDK. */
#include <errno.h>

#include "dpdk.h"
#include "frame_io.h"
#include "sentence.h"
#include "wire.h"

static int absent(const struct path_config *config, struct path **ret_path, char *why,
                  size_t why_size)
{
	return sentence(why, why_size, -EOPNOTSUPP, "this ktax was built without DPDK");
}

static int absent_wire(const struct wire_config *config, struct wire **ret_wire, char *why,
                       size_t why_size)
{
	return sentence(why, why_size, -EOPNOTSUPP, "this ktax was built without DPDK");
}

static int absent_io(const struct path_config *config, struct frame_io **ret_io, char *why,
                     size_t why_size)
{
	return sentence(why, why_size, -EOPNOTSUPP, "this ktax was built without DPDK");
}

const struct frame_io_type frame_io_dpdk = { .open = absent_io };
const struct frame_io_type frame_io_dpdk_af_packet = { .open = absent_io };
const struct frame_io_type frame_io_dpdk_af_xdp = { .open = absent_io };
const struct path_type path_dpdk = { .name = "dpdk", .raw = true, .open = absent };
const struct path_type path_dpdk_af_packet = { .name = "dpdk-af_packet",
	                                       .raw = true,
	                                       .open = absent };
const struct path_type path_dpdk_af_xdp = { .name = "dpdk-af_xdp", .raw = true, .open = absent };
const struct path_type path_dpdk_pair = {
	.name = "dpdk-pair", .raw = true, .in_memory = true, .open = absent
};
const struct wire_type wire_dpdk = { .name = "DPDK", .open = absent_wire };
const struct wire_type wire_memif = { .name = "DPDK", .open = absent_wire };
