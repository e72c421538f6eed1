/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A path: one way from the wire to a program and back. Each is a file of its own behind this table
 * of operations; what differs between the arms of a comparison is which of them the responder uses.
 * All that happens between receiving and sending is the responder's and the same for every path
 * (responder.c).
 */
#ifndef KTAX_PATH_H
#define KTAX_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define PATH_BURST 64 /* messages at once, at most */

/* A received request, until it is sent back or dropped. */
struct path_message {
	void *payload; /* UDP payload: the mark and what follows */
	uint32_t size; /* bytes of it */
	uint32_t slot; /* the path's own: which buffer, frame or address it is */
};

/* Where packets were lost within the path, as it or the kernel counts them. */
struct path_stats {
	uint64_t received; /* requests given to the responder */
	uint64_t sent;
	uint64_t foreign;       /* frames that were no request */
	uint64_t ring_drops;    /* receive ring or socket buffer was full */
	uint64_t send_failures; /* responses that could not be sent */
	uint64_t stops;         /* in_kernel paths: stop frames seen */
	char how[96];           /* what tables say beside its name: "native XDP, copy"; may be "" */
};

struct path_config {
	char interface[16];     /* the responder's end of the link, in this process' namespace */
	uint16_t port;          /* UDP port it answers on */
	struct frame_end local; /* its addresses */
	uint32_t max_size;      /* longest payload */
};

struct path; /* each path's own */

struct path_type {
	const char *name;    /* "kernel-spin" */
	const char *summary; /* one line for people */
	bool polls;          /* takes a core whether or not there is traffic */
	bool awake;          /* during its blocks no CPU goes to an idle state (idle_states.h) */
	bool raw;            /* reads frames: the interface has no IP address then */
	bool in_kernel; /* no process answers (the xdp path): there is nothing to receive or send */
	bool in_memory; /* no kernel on either side: a table of its own */
	bool takes_nic; /* from the kernel, while it is open: its interface is a PCI address */
	/*
	 * NULL where a path is over TCP only, as all of these operations. Opens the path in the
	 * calling process, which is in the link's namespace. 0 and *ret_path; or a negative errno,
	 * with the reason why it cannot run here in one sentence in @why, of
	 * @why_size bytes: -EOPNOTSUPP skips the path, anything else is a failure.
	 */
	int (*open)(const struct path_config *config, struct path **ret_path, char *why,
	            size_t why_size);
	/*
	 * Up to @n messages that have arrived; a path that sleeps waits for the first, at most
	 * 100 ms. Returns their number, 0 if there are none, or a negative errno.
	 */
	int (*receive)(struct path *path, struct path_message *messages, unsigned int n);
	/*
	 * Sends these back to where they came from, their payload as it stands; releases them. 0,
	 * or a negative errno if the path is broken. An answer that cannot be sent is counted.
	 */
	int (*send)(struct path *path, const struct path_message *messages, unsigned int n);
	/* Releases messages that are not answered. */
	void (*drop)(struct path *path, const struct path_message *messages, unsigned int n);
	void (*stats)(struct path *path, struct path_stats *ret_stats);
	void (*close)(struct path *path); /* NULL is fine */
	/*
	 * The same over TCP, or NULL. It listens on the port; its peers may connect at any time, as
	 * many as it has room for (256). Requests and answers are records:
	 *
	 *	u32, big-endian: bytes that follow | mark | filling
	 *
	 * Records of a connection are answered in the order in which the responder sends them, and
	 * may be many at once. One without a mark is foreign; a length of 0 or above max_size ends
	 * the connection, and counts as foreign too.
	 */
	const struct path_type *stream;
};

/* All of them, NULL at the end, in the order in which tables show them. */
extern const struct path_type *const path_types[];
/* The path called @name, or NULL. */
const struct path_type *path_by_name(const char *name);

#endif
