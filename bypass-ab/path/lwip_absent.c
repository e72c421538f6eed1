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

static const struct path_type stream = { .name = "af_xdp-lwip", .raw = true, .open = absent };

const struct path_type path_af_xdp_lwip = { .name = "af_xdp-lwip", .raw = true, .stream = &stream };
