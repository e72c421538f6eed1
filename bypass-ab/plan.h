/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A plan: a run on ports of this host, or of this and another, instead of the embedded test bed. An
 * INI file
 * (samples/ab.ini):
 *
 *	[generator]
 *	interface = eth1
 *	namespace =		below /run/netns; none: the one that ktax runs in
 *	cpu = 2
 *	mac =			what frames carry: the interface's own, if it is not given
 *	ip = 198.18.0.1
 *	[responder]		the same, and
 *	port = 7000
 *	rebind = no		whether its NIC may be taken from the kernel for DPDK
 *	remote = ssh root@b ktax	what runs ktax on the responder's host; none: it is this one
 *	[traffic]		the options of `ktax ab` under "Traffic", without "--"
 *	[design]		those under "Paths" and "Design"
 */
#ifndef KTAX_PLAN_H
#define KTAX_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "port.h"
#include "remote.h"

enum plan_key {
	PLAN_INTERFACE,
	PLAN_NAMESPACE,
	PLAN_CPU,
	PLAN_MAC,
	PLAN_IP,
	PLAN_PORT, /* these are the responder's only */
	PLAN_REBIND,
	PLAN_REMOTE,
	PLAN_KEYS
};

struct plan_end {
	struct port port;
	int cpu; /* -1: not given */
	uint8_t mac[6];
	uint8_t ip[4]; /* network byte order */
	uint16_t udp_port;
	bool rebind;
	char remote[REMOTE_COMMAND_MAX]; /* "": this host */
	int line[PLAN_KEYS];             /* where it is given, 0: it is not */
};

struct plan {
	struct plan_end generator, responder;
};

/* The keys of [traffic] and [design] are somebody else's. */
struct plan_settings {
	/* NULL: taken; plan_unknown_key; or what the value should have been. */
	const char *(*set)(void *context, const char *section, const char *name, const char *value);
	void *context;
};

extern const char plan_unknown_key[];

/*
 * Reads a plan and looks whether its interfaces, namespaces and CPUs are there, but for those of
 * another host. Negative errno, -EINVAL with file, line and what is wrong in @why.
 */
int plan_read(struct plan *plan, const char *path, const struct plan_settings *settings, char *why,
              size_t why_size);
/* The same of @text, called @path, without a look at the host. */
int plan_parse(struct plan *plan, const char *text, const char *path,
               const struct plan_settings *settings, char *why, size_t why_size);

#endif
