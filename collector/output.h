/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a run's intervals go: to a file from the start, or to whoever observes the run, and then
 * also to a file from when it is asked for. What is known of the run as a whole (meta, hooks) is in
 * the file or, where there is none, in memory.
 */
#ifndef KTAX_OUTPUT_H
#define KTAX_OUTPUT_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "hook_rows.h"
#include "recording.h"

struct collector;

struct output {
	bool to_file;
	char path[PATH_MAX];                       /* of a file that was asked for later */
	struct recording_slice *slice;             /* of the interval at hand, for the observer */
	struct recording_hook base[HOOK_ROWS_MAX]; /* what had run before the file began */
	size_t n_base;
	pthread_mutex_t lock; /* of what follows, asked for by another thread */
	bool asked;
	char asked_path[PATH_MAX]; /* "": no file */
};

void output_init(struct output *output);
/* As of recording_create(); without a path, in memory. */
int output_create(struct collector *collector);
void output_close(struct collector *collector);

/* An interval: begin, any number of ledgers and requests, end. @id is the endpoint's, 0: none yet.
 */
int output_begin(struct collector *collector, const struct recording_interval *interval);
int output_ledger(struct collector *collector, const struct recording_endpoint *endpoint,
                  int64_t *id, const struct aggregate_delta *delta);
int output_requests(struct collector *collector, const struct recording_endpoint *endpoint,
                    int64_t id, const struct ktax_request *requests, size_t n);
/* @error of what came between, or 0; returns what the run fails by. */
int output_end(struct collector *collector, int error);

int output_hooks(struct collector *collector, struct recording_hook *rows, size_t n);

#endif
