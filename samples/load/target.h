/* SPDX-License-Identifier: GPL-2.0 */
/* Where the load goes: an http URL taken apart and resolved. */
#ifndef SAMPLES_TARGET_H
#define SAMPLES_TARGET_H

#include <sys/socket.h>

#define TARGET_HOST_MAX 256
#define TARGET_PATH_MAX 4096

struct target {
	struct sockaddr_storage address;
	socklen_t address_length;
	char host[TARGET_HOST_MAX]; /* as in the URL, with the port: the Host header */
	char path[TARGET_PATH_MAX]; /* with the query */
};

/* Takes @url apart and resolves its host. -EINVAL: not such a URL; -EHOSTUNREACH: no address. */
int target_parse(const char *url, struct target *ret_target);

#endif
