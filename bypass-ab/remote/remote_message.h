/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What two ktax say to each other when the responder is on another host: a greeting from there, then
 * requests and answers in turns. They are structs as they stand in memory, since both ends are the
 * same version for the same machine: the greeting tells whether they are. What changes here changes
 * REMOTE_PROTOCOL.
 */
#ifndef KTAX_REMOTE_MESSAGE_H
#define KTAX_REMOTE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "path.h"
#include "port_end.h"
#include "remote.h"
#include "responder.h"

#define REMOTE_MAGIC    "ktax responder\n"
#define REMOTE_PROTOCOL 1

#define REMOTE_STALL_MS 30000 /* within a message: then the other end is gone */

enum remote_call {
	REMOTE_CPU,
	REMOTE_EXAMINE,
	REMOTE_CHANGE,
	REMOTE_ADDRESS,
	REMOTE_STATE,
	REMOTE_GIVE,
	REMOTE_TAKE_BACK,
	REMOTE_WORK,
	REMOTE_START,
	REMOTE_BEGIN,
	REMOTE_END,
	REMOTE_STOP,
	REMOTE_METER,
	REMOTE_LEAVE /* the last */
};

/* By this part alone, which no version changes, one is told from another. */
struct remote_greeting {
	char magic[16];
	char version[32];
	char machine[32]; /* uname -m */
	uint32_t protocol, request_size, answer_size;
};

struct remote_request {
	enum remote_call call;
	uint32_t number; /* the answer has it too */
	union {
		int cpu;
		struct {
			struct port port;
			struct frame_flow flow;
			bool i_know, rebind;
		} examine;
		struct frame_flow flow;
		bool has_address;
		uint64_t n_requests; /* so many u32 follow: the ns of work of each */
		struct {
			char path[32];
			bool stream;
			struct path_config config; /* without the interface */
		} start;
		struct {
			uint16_t epoch;
			bool awake;
			unsigned int seconds_most;
		} begin;
		bool meter;
	};
};

struct remote_answer {
	uint32_t number;
	int err; /* negative errno */
	char why[512];
	union {
		struct remote_host host; /* to REMOTE_CPU */
		struct {
			uint8_t mac[6]; /* the server's */
			char driver[32];
		} examined;
		enum port_state state;
		struct {
			struct responder_counts counts;
			uint64_t kernel_ns;
		} ended;
	};
};

/*
 * All of @size bytes. -EPIPE: the other end is gone; -ETIMEDOUT: nothing has moved for
 * REMOTE_STALL_MS. A signal does not end it.
 */
int remote_send(int fd, const void *data, size_t size);
int remote_receive(int fd, void *data, size_t size);

/* What this side says of itself. */
void remote_greet(struct remote_greeting *ret);

#endif
