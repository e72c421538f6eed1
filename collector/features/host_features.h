/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the kernel acts on the traffic of endpoints now, and would be lost with bypass.
 *
 * A child process reads it, namespace by namespace, beside whatever its parent does: so it is
 * bounded in time, whatever the host has, and nothing that it meets there can end or move the
 * parent. It needs what recording needs, and CAP_SYS_ADMIN for other network namespaces and the
 * names of programs; what may not be read is told as unknown.
 */
#ifndef KTAX_HOST_FEATURES_H
#define KTAX_HOST_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "state.h"

/* Endpoints beyond these are not looked at, and the document says so. */
#define HOST_FEATURES_ENDPOINTS_MAX 64

struct host_endpoint {
	char name[96];
	struct ktax_listener listener;
	pid_t pid;    /* its owner, 0: not known */
	int netspace; /* any socket inside its network namespace, to enter it by; -1: none */
};

struct host_features {
	pid_t child; /* 0: none */
	int fd;
	bool ended; /* it has told all that it ever will */
	size_t n_endpoints, n_left_out;
	char names[HOST_FEATURES_ENDPOINTS_MAX][96];
};

#define HOST_FEATURES_NONE ((struct host_features){ .fd = -1 })

/* Begins to read. -errno where not even that works; *ret is then to be finished all the same. */
int host_features_begin(const struct host_endpoint *endpoints, size_t n_endpoints,
                        struct host_features *ret);
/*
 * What was read, as the document of analyze/decision/lost_features.h; waits at most @limit_ns more for it,
 * and tells what was read until then. To be freed by the caller; NULL: out of memory.
 */
char *host_features_finish(struct host_features *features, uint64_t limit_ns);
/* Ends it without a result. Accepts one that was finished. */
void host_features_abandon(struct host_features *features);

#endif
