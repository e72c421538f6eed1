/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two ports that are cabled to each other, instead of the embedded test bed: what a plan names. The
 * responder's may be one of another host. There is one link then, and the arms take turns on it:
 * AF_XDP and the kernel cannot both have its queue.
 */
#ifndef KTAX_PORTS_H
#define KTAX_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"
#include "link.h"
#include "port_end.h"

struct remote;

struct ports {
	struct port_end generator;
	struct port_end responder; /* what is known of it, where it is another host's */
	struct remote *remote;     /* that host, or NULL */
	bool tcp;                  /* the generator's end is the kernel's TCP, and has an address */
	struct frame_flow flow;    /* what frames carry; MACs of zero: the interfaces' own */
};

/*
 * Makes @ports, whose ports, flow, tcp, remote and rebind are set, fit for a run. All that it
 * changes is journalled, on the host on which it is changed. As port_end_examine and
 * port_end_change; -ENOLINK: no cable; -EINVAL: over TCP they are in one namespace; -EPIPE: the
 * other host is gone.
 */
int ports_prepare(struct ports *ports, struct journal *journal, bool i_know, char *why,
                  size_t why_size);
void ports_close(struct ports *ports);

/*
 * As link_make, of these ports, once they have settled; a NIC that was given away has no carrier
 * before user space has started it. link_close leaves them. @raw: the responder's has no address.
 */
int ports_join(const struct ports *ports, struct link *link, bool raw, char *why, size_t why_size);

/* port_end_give and port_end_take_back of the responder's; if it does not come back, ports_check
 * says so. */
int ports_give(struct ports *ports, char *why, size_t why_size);
void ports_take_back(struct ports *ports);

/* Waits until both have a carrier: attaching XDP, and detaching it, makes many NICs lose
 * it for seconds. */
int ports_settle(const struct ports *ports, char *why, size_t why_size);
/* Are both there still, or the one that was not given away? -ENODEV, -ENOLINK, with a sentence;
 * -EPIPE. */
int ports_check(const struct ports *ports, char *why, size_t why_size);

#endif
