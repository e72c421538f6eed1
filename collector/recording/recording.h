/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recording (*.ktax): a SQLite database, documented in schema.sql.
 *
 * The writer commits one transaction per interval, so that a killed recorder leaves every finished
 * interval readable. The reader merges any number of recordings: the unit that is merged is the
 * ledger of an endpoint (struct recording_ledger), which is all that analyze/ needs.
 *
 * Functions return 0 or a negative errno; out-parameters are set on success only. Nothing here is
 * thread-safe; a writer and readers of its file may be different processes or the same one.
 */
#ifndef KTAX_RECORDING_H
#define KTAX_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"
#include "histogram.h"

#define RECORDING_APPLICATION_ID 0x6b746178 /* "ktax" */
#define RECORDING_SCHEMA_VERSION 1

/* Lengths of the windows in which arrivals are counted: 1, 2, 5, 10 ... 500 ms, 1 s. */
#define RECORDING_ARRIVAL_WINDOWS 10
extern const uint64_t recording_arrival_window_ns[RECORDING_ARRIVAL_WINDOWS];

/* Arrivals of requests in windows of one length that were watched from end to end: sums. */
struct recording_arrivals {
	uint64_t windows;
	uint64_t requests; /* in all of them */
	uint64_t squares;  /* of the requests per window */
	uint64_t peak;     /* most requests in one */
};

/* ---- Writing ---------------------------------------------------------------------------- */

struct recording_writer;
struct recording;

/* The listening endpoint that requests are keyed by, and whose it is. */
struct recording_endpoint {
	char name[96]; /* "10.0.0.1:6379/tcp", "[::]:80/tcp" */
	int32_t pid;   /* owner of the listening socket, 0 where unknown */
	char comm[16];
};

/* A slice of the recording. Times: CLOCK_REALTIME for people, lengths from CLOCK_MONOTONIC. */
struct recording_interval {
	uint64_t start_realtime_ns;
	uint64_t length_ns;
	uint64_t attached_ns;   /* of that, probes attached */
	uint64_t lost_ring;     /* sampled requests that the ring buffer had no room for */
	uint64_t lost_map_full; /* connections not followed: table full */
	uint64_t missed_stamps; /* events of requests that were not seen */
	uint64_t clock_errors;  /* negative or absurd spans */
	uint64_t reopened;      /* requests dropped: open when probes were attached or detached */
	uint64_t stepped;       /* probes of spans that the kernel single-stepped */
	uint64_t stepped_ns;    /* of their time, moved to unknown */
	uint64_t probe_ns;      /* run time of all BPF programs */
	uint64_t probe_runs;
	uint64_t self_cpu_ns; /* CPU time of the recorder itself */
};

/* Which hook fed an account (or marks a boundary), and what an account lacks. */
struct recording_hook {
	char boundary[24];     /* row of the hook table: "rx_stack", "readable", ... */
	char account[16];      /* account that it feeds */
	char program[64];      /* "tp_btf/sk_data_ready"; empty: none, see why */
	char why[160];         /* why there is none, or what this one misses; may be empty */
	uint64_t run_ns, runs; /* its own cost over the recording */
};

/* Boundaries whose runs are not those of a program but requests, by what their nic_rx begins at. */
#define RECORDING_NIC_STAMP     "nic_stamp"     /* the NIC's own stamp */
#define RECORDING_NIC_UNSTAMPED "nic_unstamped" /* the interrupt: the packet had no stamp */
#define RECORDING_NIC_REFUSED   "nic_refused"   /* the interrupt: its stamp could not be right */

/*
 * Creates @path (fails with -EEXIST unless @overwrite), its schema, and meta ktax_version, schema,
 * created, boot_time_ns and complete ("0"). The file appears with its schema in it, or not at all;
 * an old one of that name is replaced in one step. As root through sudo, the file is given to
 * SUDO_UID and SUDO_GID. Errors: -EACCES, -ENOENT, -ENOSPC, -EROFS, -EISDIR, -EIO ...; -EBUSY: the
 * old file is being recorded; -EINVAL: it is a device, pipe or socket.
 */
int recording_create(const char *path, bool overwrite, struct recording_writer **ret_writer);
/*
 * The same in memory, for facts alone: intervals may be begun, but are to be discarded. Its facts
 * go to a file by recording_copy_facts().
 */
int recording_create_in_memory(struct recording_writer **ret_writer);
/*
 * Sets meta @key to @value (strings; the keys are listed in schema.sql). This and the next are
 * written at once, or within recording_begin() and _commit() with that interval.
 */
int recording_set_meta(struct recording_writer *writer, const char *key, const char *value);
/* Replaces the hook table. */
int recording_set_hooks(struct recording_writer *writer, const struct recording_hook *hooks,
                        size_t n_hooks);
/*
 * Registers an endpoint once; its id goes to recording_add_ledger. The same name again gives the
 * same id and updates pid and comm. It reaches the file with the next interval. -EINVAL: no name.
 */
int recording_add_endpoint(struct recording_writer *writer,
                           const struct recording_endpoint *endpoint, int64_t *ret_id);
/*
 * begin, then any number of add_ledger and add_arrivals (once per endpoint) and add_requests, then
 * commit: all or nothing. @delta is what the endpoint's aggregate (summed over CPUs) grew by in the
 * interval; its max_ns is the interval's slowest request or, where only that is known, the slowest
 * so far.
 *
 * On an error the transaction is rolled back, earlier intervals stay, and the writer can go on with
 * the next begin or be closed. -ENOSPC; -EBUSY: another program kept the file locked for 5 s (the
 * caller may add the same deltas to the next interval); -ESTALE: the file was moved or deleted;
 * -ERANGE: a number is above INT64_MAX; -EINVAL: unknown endpoint id, or not within begin ...
 * commit.
 */
int recording_begin(struct recording_writer *writer, const struct recording_interval *interval);
int recording_add_ledger(struct recording_writer *writer, int64_t endpoint_id,
                         const struct ktax_aggregate *delta);
int recording_add_requests(struct recording_writer *writer, int64_t endpoint_id,
                           const struct ktax_request *requests, size_t n_requests);
/* Lengths of window without a complete window are left out. */
int recording_add_arrivals(struct recording_writer *writer, int64_t endpoint_id,
                           const struct recording_arrivals arrivals[RECORDING_ARRIVAL_WINDOWS]);
int recording_commit(struct recording_writer *writer);
/* Forgets the interval that was begun. */
void recording_discard(struct recording_writer *writer);
/* What was set by recording_set_meta() and _set_hooks(): a recording without intervals. */
int recording_facts(struct recording_writer *writer, struct recording **ret_facts);
/* Sets in @to what was set in @from, but not what is of the file itself (when it was created). */
int recording_copy_facts(struct recording_writer *to, struct recording_writer *from);
/*
 * Marks the recording complete (meta "complete" = "1") and closes it, also if marking fails. An
 * interval that was not committed is dropped. Accepts NULL.
 */
int recording_finish(struct recording_writer *writer);
/* Closes without marking it complete. Accepts NULL. */
void recording_abandon(struct recording_writer *writer);

/* ---- Reading ---------------------------------------------------------------------------- */

/*
 * Everything known of one endpoint over the intervals read.
 *
 * Sums (joint) are exact. Histograms hold the kernel side's buckets at their midpoints; the total's
 * max is exact. An account's histogram lacks the requests for which it was 0: these are
 * requests - account[i].total.
 */
struct recording_ledger {
	struct recording_endpoint endpoint;
	uint64_t requests, batches, batched, unbalanced, incomplete, handed_over, retransmitted;
	uint64_t loopback; /* 0 where the recorder did not count them */
	uint64_t bytes_in, bytes_out, max_ns;
	struct histogram total, floor_tuned, floor_bypass, account[KTAX_NACCOUNTS]; /* 3 digits */
	struct ktax_joint_cell joint[KTAX_JOINT_CELLS];
	/* All 0 where the recorder did not know them, and in recording_for_each_interval(). */
	struct recording_arrivals arrivals[RECORDING_ARRIVAL_WINDOWS];
};

struct recording_meta {
	char *key, *value;
};

struct recording {
	size_t n_sources;
	char **sources; /* paths, as given */
	size_t n_meta;
	struct recording_meta *meta; /* of the first source */
	size_t n_hooks;
	struct recording_hook *hooks; /* merged by boundary, account and program: costs add up */
	size_t n_ledgers;
	struct recording_ledger *ledgers; /* by number of requests, most first */
	struct recording_interval sum;    /* start of the first, sums of all else */
	size_t n_intervals;
	bool complete; /* every source was finished properly */
	/* What merging did not mix: the hook tables; hostname, kernel, cpu_model and cpus. */
	bool same_hooks, same_host;
};

/*
 * Reads and merges recordings: ledgers by the endpoint's name (a pid or comm that differs becomes 0
 * or empty). Files are never written to and may be hostile; control characters in their texts come
 * back as '?'. One that is being recorded is read up to its last interval. One whose recorder died
 * within a commit is repaired in a copy below $TMPDIR (/var/tmp), which can also fail: -ENOSPC.
 *
 * On failure *ret_failed (if given) is the index of the path at fault:
 * -ENOENT, -EACCES, -EISDIR; -EMEDIUMTYPE: not a ktax recording; -EPROTO: written by a newer ktax;
 * -EPROTOTYPE: lacks a table or column; -EBADMSG: truncated or damaged; -ENODATA: not one finished
 * interval; -EBUSY: locked for over 5 s.
 */
int recording_read(const char *const *paths, size_t n_paths, struct recording **ret_recording,
                   size_t *ret_failed);
void recording_free(struct recording *recording);
/* The value of a meta key, or NULL. */
const char *recording_meta(const struct recording *recording, const char *key);

/*
 * Calls @visit for every sampled request, oldest first; stops at its first non-zero return, which
 * is returned. request->endpoint is the endpoint's id in this recording. Errors as above, but no
 * request is not an error.
 */
int recording_for_each_request(const char *path,
                               int (*visit)(const struct recording_endpoint *endpoint,
                                            const struct ktax_request *request, void *context),
                               void *context);
/*
 * Calls @visit for every interval and endpoint, oldest first (for .hlog); stops likewise. @ledger
 * is valid during the call.
 */
int recording_for_each_interval(const char *path,
                                int (*visit)(const struct recording_interval *interval,
                                             const struct recording_ledger *ledger, void *context),
                                void *context);

/*
 * The recording without what was recorded: meta, hooks, number and sum of the intervals; no ledger.
 * Errors as of recording_read().
 */
int recording_read_facts(const char *path, struct recording **ret_recording);

struct recording_slice;

/* How far a recording has been read; zeroed: not at all. */
struct recording_position {
	uint64_t interval, request;
};

/*
 * Reads up to @n_intervals behind *position, oldest first, each with its ledgers and its sampled
 * requests, and hands it to @take, which owns it then (tail.h); stops at its first non-zero return,
 * which is returned. Nothing stays open in between, so that a recording in progress can be
 * followed: the next call goes on where this one ended. Errors as above.
 */
int recording_read_on(const char *path, struct recording_position *position, size_t n_intervals,
                      int (*take)(struct recording_slice *slice, void *context), void *context);

#endif
