/* SPDX-License-Identifier: GPL-2.0 */
/* One server process: its loops and its pool, from start to the written log. */
#ifndef SAMPLES_SERVER_H
#define SAMPLES_SERVER_H

#include <signal.h>

#include "options.h"

/*
 * Serves on @listen_fds (options->threads of them) until a signal of @until, which the caller has
 * blocked. Then writes the log to @log_fd (-1: none). 0 or -errno.
 */
int server_run(const struct server_options *options, const int *listen_fds, int log_fd,
               const sigset_t *until);

#endif
