/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading the small files of /proc and /sys, below a root: "" for this host, a made-up tree in
 * tests. What is read may be hostile: sizes are bounded, only regular files are opened, text comes
 * back without control characters.
 */
#ifndef KTAX_AUDIT_SOURCE_H
#define KTAX_AUDIT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host_facts.h"

#define SOURCE_BYTES_MAX (4 << 20) /* of a file that is read as a whole */

struct source {
	const char *root;
	bool live; /* this host: what no file tells may be asked of the kernel, too */
};

/* The file as text of at most @room - 1 bytes, without the newline at its end. -ENODATA: empty. */
int source_read(const struct source *source, char *ret, size_t room, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The whole file, which holds no NUL; malloc()ed. -EFBIG, -EBADMSG. */
int source_read_all(const struct source *source, char **ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A whole number; -EBADMSG where the file holds anything else. */
struct fact source_number(const struct source *source, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The first line. */
struct fact_text source_text(const struct source *source, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether the file or directory is there: 0 or 1; what keeps from looking is its error. */
struct fact source_exists(const struct source *source, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The last part of what a symbolic link points to. */
struct fact_text source_link(const struct source *source, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Calls @each for the entries of a directory but "." and "..", in no order, at most @most of them,
 * until it returns other than 0, which is returned. -E2BIG: there were more.
 */
int source_each(const struct source *source, unsigned most,
                int (*each)(const char *name, void *context), void *context, const char *format,
                ...) __attribute__((format(printf, 5, 6)));

struct fact_text fact_text_of(const char *text);
struct fact_text fact_text_error(int error);

/* ---- Lists of CPUs: "0-3,8" ---------------------------------------------------------------- */

#define CPU_LIST_MAX 8192

struct cpu_list {
	uint64_t word[CPU_LIST_MAX / 64];
};

/* -EBADMSG; "" is no CPU at all. */
int cpu_list_parse(const char *text, struct cpu_list *ret);
int cpu_list_count(const struct cpu_list *list);
/* Those that are in both. */
int cpu_list_common(const struct cpu_list *a, const struct cpu_list *b);
void cpu_list_add(struct cpu_list *list, const struct cpu_list *other);
/* A file that holds one; an empty file is an empty list. */
int source_cpus(const struct source *source, struct cpu_list *ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
