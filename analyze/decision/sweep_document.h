/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each path can carry, as `ktax ab --sweep --json` writes it (docs/sweep.schema.json), read
 * back. As strict as ab_document.h, and for the same reason.
 */
#ifndef KTAX_SWEEP_DOCUMENT_H
#define KTAX_SWEEP_DOCUMENT_H

#include "ab_document.h"

struct sweep_document_arm {
	char path[32];
	bool skipped;        /* it could not run */
	double lossless_pps; /* NAN: it has none */
	bool at_least;       /* the generator was too slow to tell more */
};

struct sweep_document {
	/* Host, link, traffic (but its rate) and transport; nothing else of it means anything. */
	struct ab_document run;
	bool has_run; /* false: it is of an older ktax, which did not say */
	size_t n_arms;
	struct sweep_document_arm arm[AB_DOCUMENT_ARMS_MAX];
};

/* Errors as of ab_document_read() and ab_document_parse(). */
int sweep_document_read(const char *path, struct sweep_document **ret, char *why, size_t why_size);
int sweep_document_parse(const char *text, size_t size, const char *path,
                         struct sweep_document **ret, char *why, size_t why_size);
/* Accepts NULL. */
void sweep_document_free(struct sweep_document *sweep);

/* The arm of @path, or NULL; accepts a @sweep that is NULL. */
const struct sweep_document_arm *sweep_document_find(const struct sweep_document *sweep,
                                                     const char *path);
/*
 * Whether @sweep ran as @ab did: host, kernel, CPU, link, transport, and sizes that differ by no
 * more than the factor @alike. If not, @why says what differs.
 */
bool sweep_document_fits(const struct sweep_document *sweep, const struct ab_document *ab,
                         double alike, char *why, size_t why_size);

#endif
