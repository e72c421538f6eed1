/* SPDX-License-Identifier: GPL-2.0 */
/* Listening sockets from "ADDR:PORT". */
#ifndef SAMPLES_LISTEN_H
#define SAMPLES_LISTEN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Opens @count sockets on @address, sharing its port (SO_REUSEPORT) where there are several.
 * @address: numeric IPv4 or [IPv6] and port; "[::]:80" takes both families; port 0: any free one.
 * 0 and *ret_port, or -EINVAL: not such an address, or -errno, with none open.
 */
int listen_open(const char *address, int *fds, size_t count, uint16_t *ret_port);

#endif
