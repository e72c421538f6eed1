/* SPDX-License-Identifier: GPL-2.0 */
/* The paths through a UDP socket and io_uring; see io_uring.c. */
#ifndef KTAX_PATH_IO_URING_H
#define KTAX_PATH_IO_URING_H

#include "path.h"

extern const struct path_type path_io_uring, path_io_uring_spin, path_io_uring_busypoll;
/* The same over TCP; see io_uring_stream.c. */
extern const struct path_type path_io_uring_stream, path_io_uring_spin_stream,
	path_io_uring_busypoll_stream;

#endif
