/* SPDX-License-Identifier: GPL-2.0 */
/* The paths through a UDP socket and plain system calls; see kernel.c. */
#ifndef KTAX_PATH_KERNEL_H
#define KTAX_PATH_KERNEL_H

#include "path.h"

extern const struct path_type path_kernel, path_kernel_awake, path_kernel_blocking,
	path_kernel_spin, path_kernel_busypoll, path_kernel_irqsuspend;

#endif
