/* SPDX-License-Identifier: GPL-2.0 */
/* The paths through TCP sockets; see stream.c, and path_type.stream for what is on a connection. */
#ifndef KTAX_PATH_STREAM_H
#define KTAX_PATH_STREAM_H

#include "path.h"

extern const struct path_type path_kernel_stream, path_kernel_awake_stream,
	path_kernel_blocking_stream, path_kernel_spin_stream, path_kernel_busypoll_stream,
	path_kernel_irqsuspend_stream;

#endif
