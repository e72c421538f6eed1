/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two ports of this host that are cabled to each other, instead of the embedded test bed: what a
 * plan names. There is one link then, and the arms take turns on it: AF_XDP and the kernel cannot
 * both have its queue.
 */
#ifndef KTAX_PORTS_H
#define KTAX_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "binding.h"
#include "frame.h"
#include "link.h"
#include "port.h"

struct journal;

struct ports {
	struct port generator, responder;
	bool tcp;    /* the generator's end is the kernel's TCP, and has an address */
	bool rebind; /* the responder's NIC may be taken from the kernel for a path */
	int generator_ns, responder_ns;
	unsigned int generator_index, responder_index;
	char driver[32];        /* of the responder's, once prepared; "": it does not say */
	struct frame_flow flow; /* what frames carry; MACs of zero: the interfaces' own */
	struct journal *journal;
	struct binding binding; /* the responder's, once it was given away */
	bool given;             /* it is now */
	char lost[256];         /* why it has not come back, or "" */
};

/*
 * Makes @ports, whose names, flow, tcp and rebind are set, fit for a run: up, one queue each, no offloads
 * on veth, silent but for the run. All of it is journalled. -EPERM: one of them is not to be
 * touched (guard.h) and @i_know is false; -EBUSY: it has an address or an XDP program; -ENOLINK: no
 * cable; -EINVAL: over TCP they are in one namespace.
 */
int ports_prepare(struct ports *ports, struct journal *journal, bool i_know, char *why,
                  size_t why_size);
void ports_close(struct ports *ports);

/*
 * As link_make, of these ports, once they have settled; a NIC that was given away has no carrier
 * before user space has started it. link_close leaves them. @raw: the responder's has no address.
 */
int ports_join(const struct ports *ports, struct link *link, bool raw, char *why, size_t why_size);

/*
 * Gives the responder's NIC to user space: ports_join names its PCI address as the interface then.
 * -EOPNOTSUPP: it may not be, or cannot; a sentence in @why.
 */
int ports_give(struct ports *ports, char *why, size_t why_size);
/*
 * And back, with the queues of a run; what else was set of it is its driver's default. None that was
 * given is fine. If it fails, ports_check says so.
 */
void ports_take_back(struct ports *ports);

/* Waits until both have a carrier: attaching XDP, and detaching it, makes many NICs lose
 * it for seconds. */
int ports_settle(const struct ports *ports, char *why, size_t why_size);
/* Are both there still, or the one that was not given away? -ENODEV, -ENOLINK, with a sentence. */
int ports_check(const struct ports *ports, char *why, size_t why_size);

#endif
