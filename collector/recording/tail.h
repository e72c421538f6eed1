/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tail of a recording in memory: its last intervals, and their sum as a struct recording, so
 * that analyze/ takes it like one that was read from a file.
 *
 * A slice is one interval. It keeps what is not zero: an endpoint's interval takes some 20 KB,
 * where a struct recording_ledger takes 6 MB (of which few pages are ever touched). What enters the
 * sum is added, what leaves it is subtracted, so that a tail of a minute costs no more than one of
 * a second.
 *
 * Functions return 0 or a negative errno. Nothing here is thread-safe.
 */
#ifndef KTAX_TAIL_H
#define KTAX_TAIL_H

#include "recording.h"

/* Sampled requests of a slice; of more, the slowest are kept. */
#define SLICE_REQUESTS_MAX 1024

/* @count values in bucket @index of a histogram of three digits; [0] is the total's. */
struct slice_count {
	uint16_t index;
	uint16_t histogram;
	uint32_t count;
};

#define SLICE_TOTAL        0
#define SLICE_FLOOR_TUNED  1
#define SLICE_FLOOR_BYPASS 2
#define SLICE_ACCOUNT      3 /* and those that follow */

struct slice_cell {
	uint32_t index;
	struct ktax_joint_cell cell;
};

/* An endpoint's interval. Its counts are in the order of histogram and index. */
struct slice_ledger {
	struct recording_endpoint endpoint;
	uint64_t requests, batches, batched, unbalanced, incomplete, handed_over, retransmitted,
		loopback;
	uint64_t bytes_in, bytes_out, max_ns;
	size_t place; /* of its endpoint among the ledgers of the tail's sum */
	size_t n_counts, n_cells;
	struct slice_count *counts;
	struct slice_cell *cells;
};

struct slice_request {
	struct recording_endpoint endpoint;
	struct ktax_request request;
};

struct recording_slice {
	struct recording_interval interval;
	size_t n_ledgers, n_requests;
	struct slice_ledger *ledgers;
	struct slice_request *requests; /* slowest first, once finished */
	uint64_t requests_seen;         /* those that were not kept included */
	size_t bytes;                   /* that all of it takes */
	struct recording_slice *next;   /* the tail's */
};

int recording_slice_create(const struct recording_interval *interval,
                           struct recording_slice **ret_slice);
/* Accepts NULL. */
void recording_slice_free(struct recording_slice *slice);
/* An endpoint's interval, once: as it was read, or as the kernel's side counted it. */
int recording_slice_add_ledger(struct recording_slice *slice,
                               const struct recording_ledger *ledger);
int recording_slice_add_aggregate(struct recording_slice *slice,
                                  const struct recording_endpoint *endpoint,
                                  const struct ktax_aggregate *delta,
                                  const struct ktax_extent *extent);
int recording_slice_add_request(struct recording_slice *slice,
                                const struct recording_endpoint *endpoint,
                                const struct ktax_request *request);
/* Nothing more is added: sorts the requests, and lets go of the fastest of too many. */
void recording_slice_finish(struct recording_slice *slice);

#define TAIL_EVERYTHING UINT64_MAX

struct recording_tail {
	size_t bytes_max, bytes;
	uint64_t length_ns;             /* that the sum is of: at least the newest slice */
	struct recording_slice *first;  /* oldest kept */
	struct recording_slice *summed; /* oldest one in the sum */
	struct recording_slice *last;
	size_t detailed;      /* of the sum's ledgers, see recording_tail_detail() */
	struct recording sum; /* by endpoint, in the order in which they came */
	/* The same intervals with one ledger, "all endpoints", without histograms of accounts. */
	struct recording all;
};

/*
 * Keeps slices of up to @bytes_max (but always the newest); the sum is of the newest ones that
 * together last for up to @length_ns, or of all since the last reset.
 */
int recording_tail_init(struct recording_tail *tail, size_t bytes_max, uint64_t length_ns);
void recording_tail_destroy(struct recording_tail *tail);
/* Takes @slice over, also where that fails. An endpoint that leaves the sum stays there with 0. */
int recording_tail_push(struct recording_tail *tail, struct recording_slice *slice);
/* Another length: of what is kept. */
int recording_tail_set_length(struct recording_tail *tail, uint64_t length_ns);
/*
 * From now on the sum has the histograms of accounts for its ledger @place, and for no other:
 * adding up all of them would take more time than everything else. (Of everything it always has
 * them, since the slices that they would be added up from are let go.)
 */
void recording_tail_detail(struct recording_tail *tail, size_t place);
/* Forgets everything but meta and hooks. */
int recording_tail_reset(struct recording_tail *tail);
int recording_tail_set_meta(struct recording_tail *tail, const char *key, const char *value);
int recording_tail_set_hooks(struct recording_tail *tail, const struct recording_hook *hooks,
                             size_t n_hooks);

#endif
