/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the readers of `ktax ab`'s documents share: values of JSON that nobody vouches for, and what
 * both kinds say of their run.
 *
 * The first mistake is kept: each ab_read_*() of a document that has failed does nothing that
 * matters. Where a value is refused, @reader->why says which key it was.
 */
#ifndef KTAX_AB_READER_H
#define KTAX_AB_READER_H

#include <jansson.h>

#include "ab_document.h"

#define AB_NUMBER_MOST 1e18

struct ab_reader {
	const char *path;
	struct ab_document *document;
	char *why;
	size_t why_size;
	int error; /* 0, or the negative errno of the first mistake */
};

void ab_fail(struct ab_reader *reader, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Control characters become '?'. */
void ab_copy_text(const char *from, char *into, size_t size);
/* Where it is null or missing @into stays as it is. */
void ab_read_text(struct ab_reader *reader, const json_t *object, const char *key, char *into,
                  size_t size);
const json_t *ab_read_object(struct ab_reader *reader, const json_t *object, const char *key);
bool ab_read_flag(struct ab_reader *reader, const json_t *object, const char *key);
/* A number from @least on, or @null for null; a missing one is a mistake unless @null is NAN. */
double ab_read_number(struct ab_reader *reader, const json_t *object, const char *key, double least,
                      double null);
uint64_t ab_read_count(struct ab_reader *reader, const json_t *object, const char *key);
/* RFC 3339 in UTC, as ktax writes it; NAN where it is absent. */
double ab_read_time(struct ab_reader *reader, const json_t *object, const char *key);
/* @wanted: "ktax.ab/1"; @what: what writes it. */
void ab_read_schema(struct ab_reader *reader, const json_t *root, const char *wanted,
                    const char *what);

/* Keys of @root, into reader->document. */
void ab_read_host(struct ab_reader *reader, const json_t *root);
void ab_read_link(struct ab_reader *reader, const json_t *root);
void ab_read_traffic(struct ab_reader *reader, const json_t *root);

/* All of @path, or AB_DOCUMENT_BYTES_MAX and one byte more; negative errno. */
int ab_read_bytes(const char *path, char **ret_text, size_t *ret_size);

#endif
