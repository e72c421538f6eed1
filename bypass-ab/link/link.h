/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The embedded test bed: for each arm two network namespaces joined by a veth pair of one queue,
 * the generator's end and the responder's, with the addresses of traffic_test_flow on each.
 * Namespaces are not named: they live as long as the file descriptors do, so that nothing is left
 * behind when the process ends, however it does.
 */
#ifndef KTAX_LINK_H
#define KTAX_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"

struct link {
	int generator_ns, responder_ns; /* file descriptors, O_CLOEXEC */
	char generator_interface[16], responder_interface[16];
};

/* Which ends get their IP address; where one has none, the kernel leaves frames alone. */
enum link_ip { LINK_GENERATOR_IP = 1 << 0, LINK_RESPONDER_IP = 1 << 1 };

/*
 * Makes a link. @flow: its addresses. @ip: set of enum link_ip. 0 or a negative errno, with a
 * sentence in @why.
 */
int link_make(struct link *link, const struct frame_flow *flow, unsigned int ip, char *why,
              size_t why_size);
void link_close(struct link *link);

/* Moves the calling thread to a namespace; a descriptor of the one it is in, or a negative errno.
 */
int link_enter(int ns);
int link_here(void);

#endif
