/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of readiness: the tables of checks, one file per part of a host, and what their functions
 * say it with.
 */
#ifndef KTAX_READINESS_CHECK_H
#define KTAX_READINESS_CHECK_H

#include "host_facts.h"
#include "readiness.h"

struct readiness_check {
	const char *name, *group;
	unsigned concerns;
	/* Sets status and found; fix, and another want, where there is something to do. */
	void (*run)(const struct host_facts *facts, struct readiness_row *row);
	const char *want, *why, *source;
};

/* Each ends with a zeroed row. */
extern const struct readiness_check readiness_nic_checks[];
extern const struct readiness_check readiness_queue_checks[];
extern const struct readiness_check readiness_cpu_checks[];
extern const struct readiness_check readiness_memory_checks[];
extern const struct readiness_check readiness_kernel_checks[];
extern const struct readiness_check readiness_permission_checks[];

void row_ok(struct readiness_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void row_warn(struct readiness_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void row_fail(struct readiness_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Could not be looked at, since ... */
void row_unknown(struct readiness_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void row_fix(struct readiness_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Unknown, with the reason for a fact's @error in words. @none: those for -ENOENT; may be NULL. */
void row_unread(struct readiness_row *row, int error, const char *none);

/* "6.1" for 6001. */
struct version_text {
	char text[32];
};
struct version_text version_text(int version);

#endif
