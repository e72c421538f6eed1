/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of recordings have in common: a folder of their own, and recordings to read. */
#ifndef KTAX_TEST_RECORDING_SAMPLE_H
#define KTAX_TEST_RECORDING_SAMPLE_H

#include "recording.h"

#define SAMPLE_REQUESTS  500 /* of an endpoint in an interval */
#define SAMPLE_ENDPOINTS 2

/* An endpoint's interval, with what its requests summed up to, counted apart from the aggregate. */
struct sample {
	struct ktax_aggregate aggregate;
	uint64_t account_ns[KTAX_NACCOUNTS];
	uint64_t total_ns;
};

/* splitmix64: the same sequence on every machine. */
uint64_t sample_random(uint64_t *state);
/* One request; every account but gc (never) has its turn. */
struct ktax_request sample_request(uint64_t *state);
/* @requests requests, the same for the same @seed. */
void sample_fill(struct sample *sample, uint64_t seed, unsigned int requests);
extern const struct recording_endpoint sample_endpoints[SAMPLE_ENDPOINTS];
struct recording_interval sample_interval(unsigned int i);

/*
 * Adds interval @i to @writer: both endpoints, the second with half as many requests, and two
 * sampled requests each. 0 or the error of the first call that failed.
 */
int sample_add_interval(struct recording_writer *writer, unsigned int i);
/* Creates @path with intervals @first to @first + @n - 1, and finishes it. */
int sample_write(const char *path, unsigned int first, unsigned int n);

/* cmocka set-up and tear-down: changes to a new empty folder, and removes it. */
int sample_enter_folder(void **state);
int sample_leave_folder(void **state);

/* Runs @sql on the file as it stands, without ktax. Aborts the test on an error. */
void sample_sql(const char *path, const char *sql);
/* Copies a file byte by byte. */
void sample_copy(const char *from, const char *to);
/* The file's bytes; to be free()d. */
unsigned char *sample_load(const char *path, size_t *ret_length);
void sample_store(const char *path, const void *bytes, size_t length);

/*
 * Runs @run in a child process, as a user without privileges if the tests run as root; returns what
 * @run returned (0..127), or 128 + the signal that killed it.
 */
int sample_run_unprivileged(int (*run)(void));
int sample_run_child(int (*run)(void));

#endif
