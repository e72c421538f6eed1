/* SPDX-License-Identifier: GPL-2.0 */
/* The path that answers in the driver hook. */
#ifndef KTAX_XDP_H
#define KTAX_XDP_H

#include "path.h"

extern const struct path_type path_xdp;

#endif
