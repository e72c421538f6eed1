/* SPDX-License-Identifier: GPL-2.0 */
/* The paths over an AF_XDP socket. */
#ifndef KTAX_AF_XDP_H
#define KTAX_AF_XDP_H

#include "path.h"

extern const struct path_type path_af_xdp, path_af_xdp_poll, path_af_xdp_busypoll;

#endif
