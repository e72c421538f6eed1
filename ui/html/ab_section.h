/* SPDX-License-Identifier: GPL-2.0 */
/* What the two files of the A/B section share. */
#ifndef KTAX_UI_AB_SECTION_H
#define KTAX_UI_AB_SECTION_H

#include "sections.h"

#define AB_METRICS 6

extern const char *const document_metrics[AB_METRICS]; /* "p50" ... "cpu", as in the document */
const char *document_metric(const char *metric);

/* Member "ci" of an object. */
struct ends {
	bool known;
	double low, high; /* infinite where the document has null: no bound */
};

struct ends document_ends(const json_t *object);
struct formatted document_end(double end);

/* ab_arms.c: percentiles of each path, what it lost and cost, and the A/A floor. */
void put_ab_arms(struct html *html, const json_t *ab);
void put_ab_floors(struct html *html, const json_t *ab);

#endif
