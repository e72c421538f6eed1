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

/*
 * Makes a link. @flow: its addresses. @raw: the responder's end gets no IP address, so that the
 * kernel leaves its frames alone. 0 or a negative errno, with a sentence in @why.
 */
int link_make(struct link *link, const struct frame_flow *flow, bool raw, char *why,
              size_t why_size);
void link_close(struct link *link);

/* Moves the calling thread to a namespace; a descriptor of the one it is in, or a negative errno.
 */
int link_enter(int ns);
int link_here(void);

#endif
