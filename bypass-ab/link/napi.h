/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NAPI instances of an interface: what the kernel polls when it polls busily. They are set
 * through the generic netlink family "netdev".
 */
#ifndef KTAX_NAPI_H
#define KTAX_NAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAPI_MAX 64 /* instances, one or two per queue */

/* Unknown before Linux 6.13: there they are the whole interface's, in sysfs. */
struct napi_settings {
	bool known;
	uint32_t defer_hard_irqs;
	uint64_t gro_flush_timeout_ns;
	uint64_t irq_suspend_timeout_ns;
};

struct napi_instance {
	uint32_t id;
	bool has_irq; /* its driver said which interrupt it has */
	struct napi_settings settings;
};

/*
 * The instances of @interface by rising id, at most @most: their number. -EOPNOTSUPP: the kernel
 * does not list them (6.8 does).
 */
int napi_list(const char *interface, struct napi_instance *instances, size_t most);
/* -ENOENT: it is gone; -EOPNOTSUPP: the kernel cannot (6.13 can). */
int napi_set_instance(uint32_t id, const struct napi_settings *settings);

/* What a path that polls has of them. */
struct napi {
	char interface[16];
	bool made; /* GRO was switched on to have any */
	bool changed;
	struct napi_instance instance[NAPI_MAX]; /* as found */
	size_t n_instances;
};

/*
 * Finds the instances of @interface, for a path that polls them. A veth device has none unless GRO
 * is on: then it is switched on. -EOPNOTSUPP: there is none, it would poll nothing. Linux
 * before 6.8 polls them but does not list them: n_instances is 0 then, and that is no error.
 */
int napi_require(struct napi *napi, const char *interface, char *why, size_t why_size);
/*
 * How a socket that has received polls, in a few words: not at all if its messages come from no
 * instance.
 */
const char *napi_of_socket(const struct napi *napi, int fd);
/* Sets all instances. -EOPNOTSUPP: the kernel cannot (6.13 can). */
int napi_set(struct napi *napi, const struct napi_settings *settings);
/* Leaves the interface as it was found; one that was never opened is fine. */
void napi_close(struct napi *napi);

#endif
