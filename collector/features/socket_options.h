/* SPDX-License-Identifier: GPL-2.0 */
/* The options of another process's socket. */
#ifndef KTAX_SOCKET_OPTIONS_H
#define KTAX_SOCKET_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A duplicate of the descriptor by which @pid holds the socket with @inode, to be closed by the
 * caller. -errno: -ESRCH where it has none (any more), -EPERM, -ENOSYS (before Linux 5.6).
 */
int socket_borrow(pid_t pid, uint32_t inode);

/*
 * Those options that differ from the defaults and that the kernel acts on, as "SO_MARK 42, ...";
 * empty: none. @congestion: the default congestion control, "" where that is not known.
 */
void socket_options(int fd, const char *congestion, char *ret, size_t room);

enum socket_filter { FILTER_NONE, FILTER_CLASSIC, FILTER_EBPF, FILTER_UNKNOWN };

/* The filter that was attached by SO_ATTACH_FILTER or SO_ATTACH_BPF; *ret_length in instructions.
 */
enum socket_filter socket_filter(int fd, unsigned int *ret_length);

#endif
