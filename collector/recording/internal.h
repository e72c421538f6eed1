/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the writer and the reader of recordings share, and nobody else sees.
 *
 * The columns of a table are listed once, here, in the order of the structure that they hold. The
 * lists make the SQL, the binding of parameters and the reading of rows, so these three agree; that
 * they agree with schema.sql is what the unit test checks.
 */
#ifndef KTAX_RECORDING_INTERNAL_H
#define KTAX_RECORDING_INTERNAL_H

#include <sqlite3.h>

#include "recording.h"

/* Members of struct recording_interval after start_realtime_ns: all of them can be added up. */
#define INTERVAL_SUMS(X) INTERVAL_SUMS_FIRST(X) INTERVAL_SUMS_LATER(X)

#define INTERVAL_SUMS_FIRST(X)                                                                     \
	X(length_ns)                                                                               \
	X(attached_ns)                                                                             \
	X(lost_ring)                                                                               \
	X(lost_map_full)                                                                           \
	X(missed_stamps)                                                                           \
	X(clock_errors)                                                                            \
	X(reopened)                                                                                \
	X(probe_ns)                                                                                \
	X(probe_runs)                                                                              \
	X(self_cpu_ns)

/* Those that recordings of an earlier ktax lack. */
#define INTERVAL_SUMS_LATER(X)                                                                     \
	X(stepped)                                                                                 \
	X(stepped_ns)

/* Counters that struct ktax_aggregate and struct recording_ledger have in common; all but max_ns.
 */
#define LEDGER_SUMS(X) LEDGER_SUMS_FIRST(X) LEDGER_SUMS_LATER(X)
#define LEDGER_SUMS_FIRST(X)                                                                       \
	X(requests)                                                                                \
	X(batches)                                                                                 \
	X(batched)                                                                                 \
	X(unbalanced)                                                                              \
	X(incomplete)                                                                              \
	X(handed_over)                                                                             \
	X(retransmitted)                                                                           \
	X(bytes_in)                                                                                \
	X(bytes_out)

/* Those that recordings of an earlier ktax lack. */
#define LEDGER_SUMS_LATER(X) X(loopback)

/* Members of struct ktax_request behind its accounts: X(member, highest value it can hold). */
#define REQUEST_MEMBERS(X)                                                                         \
	X(bytes_in, INT64_MAX)                                                                     \
	X(bytes_out, INT64_MAX)                                                                    \
	X(tid_read, UINT32_MAX)                                                                    \
	X(tid_write, UINT32_MAX)                                                                   \
	X(batch, UINT32_MAX)                                                                       \
	X(peer_port, UINT16_MAX)                                                                   \
	X(flags, UINT32_MAX)

/* The lists above as parts of SQL text, each element after a comma. */
#define SQL_COLUMN(member, ...)                         ", " #member
#define SQL_PARAMETER(member, ...)                      ", ?"
#define SQL_ACCOUNT(symbol, name, removed, group, span) ", " name "_ns"

#define ACCOUNT_COLUMNS     KTAX_ACCOUNTS(SQL_ACCOUNT)
#define ACCOUNT_PARAMETERS  KTAX_ACCOUNTS(SQL_PARAMETER)
#define INTERVAL_COLUMNS    INTERVAL_SUMS(SQL_COLUMN)
#define INTERVAL_PARAMETERS INTERVAL_SUMS(SQL_PARAMETER)
#define LEDGER_COLUMNS      LEDGER_SUMS(SQL_COLUMN)
#define LEDGER_PARAMETERS   LEDGER_SUMS(SQL_PARAMETER)
#define REQUEST_COLUMNS     REQUEST_MEMBERS(SQL_COLUMN)
#define REQUEST_PARAMETERS  REQUEST_MEMBERS(SQL_PARAMETER)

/* Every recorded histogram has this layout, so that any two can be merged. */
#define RECORDING_DIGITS     HISTOGRAM_DIGITS_DEFAULT
#define RECORDING_HIGHEST_NS HISTOGRAM_HIGHEST_DEFAULT_NS

/* recording.c */

/* The negative errno for SQLite's result @rc on @db (which may be NULL). 0 for success. */
int sql_errno(sqlite3 *db, int rc);
int sql_exec(sqlite3 *db, const char *sql);
/* Opens @path as a file, whatever characters it begins with. *ret_db is to be closed even then. */
int sql_open(const char *path, int flags, sqlite3 **ret_db);
/* Text for people, from a file or the kernel, comes without control characters. */
void text_clean(char *text);

/* create.c */

/*
 * An empty recording at @path. *ret_lock_fd holds the lock that says it is being written, and is to
 * be closed after SQLite has closed the file.
 */
int create_file(const char *path, bool overwrite, int *ret_lock_fd);
int create_schema(sqlite3 *db);

/* reader.c */

/* Meta and hooks of the open @db, as of recording_read_facts(). */
int facts_read(sqlite3 *db, struct recording **ret_recording);

/* ledger.c */

/* A ledger's histograms as one list: total, the floors, then the accounts. */
#define LEDGER_HISTOGRAMS (3 + KTAX_NACCOUNTS)

/* Most buckets are empty: they are passed over by the cache line. */
#define BUCKETS_BLOCK 16
_Static_assert(KTAX_HIST_BUCKETS % BUCKETS_BLOCK == 0, "blocks of buckets");

static inline bool block_is_empty(const uint32_t *buckets)
{
	uint32_t any = 0;

	for (int i = 0; i < BUCKETS_BLOCK; i++)
		any |= buckets[i];
	return !any;
}

struct histogram *ledger_histogram(struct recording_ledger *ledger, int i);
int ledger_init(struct recording_ledger *ledger, const struct recording_endpoint *endpoint);
void ledger_destroy(struct recording_ledger *ledger);
/* Once all of a ledger is added: makes its total's maximum exact. */
void ledger_restore_max(struct recording_ledger *ledger);
/* *sum += @value; -EBADMSG if that overflows, which no honest recording does. */
int sum_add(uint64_t *sum, uint64_t value);
int interval_add(struct recording_interval *sum, const struct recording_interval *interval);
/*
 * The values that a kernel-side aggregate's @n first buckets stand for, in ascending order, for @add;
 * stops at its first error, which is returned.
 */
int buckets_fold(const uint32_t *buckets, uint32_t n, uint64_t max_ns, bool has_max,
                 int (*add)(void *context, uint64_t value, uint64_t count), void *context);
/* The histograms of a ledger that a kernel-side aggregate's buckets are folded into. */
int histogram_fold(struct histogram *into, const uint32_t buckets[KTAX_HIST_BUCKETS],
                   uint64_t max_ns, bool has_max);

/* rescue.c */

/*
 * Opens a repaired private copy of the recording @path, whose recorder died within a commit. The
 * file itself stays untouched. Errors: those of copying, or -EBADMSG.
 */
int rescue_open(const char *path, sqlite3 **ret_db);

#endif
