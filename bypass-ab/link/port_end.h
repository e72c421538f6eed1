/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One end of a plan's link, on the host of the calling process: a port that a run makes its own,
 * and that is as it was at the end (journal.h).
 */
#ifndef KTAX_PORT_END_H
#define KTAX_PORT_END_H

#include <stdbool.h>
#include <stddef.h>

#include "binding.h"
#include "frame.h"
#include "port.h"

struct journal;

struct port_end {
	struct port port;
	bool serves; /* the responder's: its address is the server's, else the client's */
	bool rebind; /* its NIC may be taken from the kernel for a path */
	struct journal *journal;
	/* Known once it was examined: */
	int ns;
	unsigned int index;
	char driver[32];        /* "": it does not say */
	struct binding binding; /* once it was given away */
	bool given;             /* it is now */
	char lost[256];         /* why it has not come back, or "" */
};

/*
 * Looks at the port before anything is changed. Its MAC goes to its end of @flow if that has none.
 * -EPERM: it is not to be touched (guard.h) and @i_know is false; -EBUSY: it has an address, or one
 * of the flow's is there already; -ENODEV. A sentence in @why.
 */
int port_end_examine(struct port_end *end, struct frame_flow *flow, bool i_know, char *why,
                     size_t why_size);
/*
 * Makes it fit for a run: up, one queue, no offloads on veth, silent but for the run. All of it is
 * journalled, and so is the address that port_end_set_address gives it, if it gets one (@addressed).
 * -EBUSY: it has an XDP program.
 */
int port_end_change(struct port_end *end, const struct frame_flow *flow, bool addressed, char *why,
                    size_t why_size);
/* The address of its end of @flow, and where the other is; or none, if @has is false. */
int port_end_set_address(const struct port_end *end, const struct frame_flow *flow, bool has,
                         char *why, size_t why_size);

/*
 * Gives its NIC to user space, whose name is port_end_interface then. -EOPNOTSUPP: it may not be,
 * or cannot; a sentence in @why.
 */
int port_end_give(struct port_end *end, char *why, size_t why_size);
/*
 * And back, with the queues of a run; what else was set of it is its driver's default. One that was
 * not given is fine. If it fails, lost says why.
 */
void port_end_take_back(struct port_end *end);

/* How a path names it: the interface, or the PCI address while user space has it. */
const char *port_end_interface(const struct port_end *end);

/* Is it there? One that was given away is. */
enum port_state { PORT_GONE, PORT_NO_CARRIER, PORT_READY };

enum port_state port_end_state(const struct port_end *end);

void port_end_close(struct port_end *end);

#endif
