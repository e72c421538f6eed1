/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A responder on another host: a command that the plan names (ssh, mostly) runs `ktax ab --responder`
 * there, and this is what it is asked to do, over the command's standard input and output. While a
 * block runs, nothing is said.
 *
 * That host changes, journals and restores what is its own. It does so too when the command's input
 * ends, whatever the reason.
 *
 * All calls return 0 or a negative errno, with a sentence in @why where they have one: what the call
 * says where it is carried out, or -EPIPE, -ETIMEDOUT: the other host does not answer, and will not
 * any more. Processes that were forked after remote_open may call too, one at a time.
 */
#ifndef KTAX_REMOTE_H
#define KTAX_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"
#include "port_end.h"
#include "responder.h"
#include "traffic.h"

#define REMOTE_COMMAND_MAX 256

struct remote;

/* What the other host says of itself. */
struct remote_host {
	char name[64];
	char kernel[64];    /* release */
	char cpu_model[64]; /* "": it does not say */
	int cpus;
	int cpu;           /* the responder's */
	char caution[256]; /* what the figures suffer from there, in one sentence, or "" */
};

/*
 * Starts @command, its words separated by blanks, with "ab --responder" as its last two, and waits
 * for as long as it takes to ask for a password. The responder is to run on @cpu there (-1: that host
 * chooses). -EREMOTEIO: what answers is no ktax, or another version of it; -EINVAL: no such CPU;
 * -EINTR: a signal came.
 */
int remote_open(struct remote **ret, const char *command, int cpu, char *why, size_t why_size);
const struct remote_host *remote_host(const struct remote *remote);
/*
 * Has that host restored what it has changed, and ends the command; NULL is fine. -EPIPE, -ETIMEDOUT:
 * it is not known whether it has, and no sentence has said so before.
 */
int remote_close(struct remote *remote, char *why, size_t why_size);

/* As port_end_examine; fills the driver of @end. */
int remote_examine(struct remote *remote, struct port_end *end, struct frame_flow *flow,
                   bool i_know, char *why, size_t why_size);
/* As port_end_change; @flow has both MACs. */
int remote_change(struct remote *remote, const struct frame_flow *flow, char *why, size_t why_size);
int remote_set_address(struct remote *remote, bool has, char *why, size_t why_size);
/* An enum port_state. */
int remote_port_state(struct remote *remote, char *why, size_t why_size);
int remote_give(struct remote *remote, char *why, size_t why_size);
int remote_take_back(struct remote *remote, char *why, size_t why_size);

/* Each request's work; to be called once, before a responder is started. */
int remote_set_work(struct remote *remote, const struct traffic *traffic, char *why,
                    size_t why_size);
/* As responder_start, on the port. @stream: over TCP. */
int remote_start(struct remote *remote, const char *path, bool stream,
                 const struct path_config *config, char *why, size_t why_size);
/*
 * As responder_begin, with the priority that it has in a block; @awake as in struct path_type. If
 * the block has not been ended after @seconds_most, this host is taken to be gone.
 */
int remote_begin(struct remote *remote, uint16_t epoch, bool awake, unsigned int seconds_most);
/* As responder_end. *ret_kernel_ns: what remote_meter has counted meanwhile. */
int remote_end(struct remote *remote, struct responder_counts *ret_counts, uint64_t *ret_kernel_ns);
int remote_stop(struct remote *remote);

/*
 * From now on, or no more: CPU time that the host's kernel spends on receiving, outside of the
 * responder's process. (What it spends within is in the process' own.)
 */
int remote_meter(struct remote *remote, bool on, char *why, size_t why_size);

#endif
