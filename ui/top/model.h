/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `ktax top` shows, without a terminal: the last intervals and what analyze/ finds in them,
 * the lines over time, and which endpoints are shown in which order, with which one selected.
 */
#ifndef KTAX_UI_TOP_MODEL_H
#define KTAX_UI_TOP_MODEL_H

#include "ledger.h"
#include "series.h"
#include "tail.h"
#include "threads.h"

/* Points of a line, one per interval: five minutes at one a second. */
#define SERIES_POINTS 300

struct series {
	char endpoint[sizeof((struct recording_endpoint){ 0 }.name)];
	size_t n;                                  /* so far, may exceed SERIES_POINTS */
	struct series_point points[SERIES_POINTS]; /* the i-th at i % SERIES_POINTS */
};

enum sort_key {
	SORT_ENDPOINT,
	SORT_PROCESS,
	SORT_RATE,
	SORT_P50,
	SORT_P99,
	SORT_P999,
	SORT_KERNEL,
	SORT_FLOOR,
	SORT_NIC,
	SORT_SERIALIZATION,
	SORT_APPLICATION,
	N_SORT_KEYS
};

struct model {
	struct recording_tail tail;
	struct findings *findings, *overall; /* by endpoint; of all together: one endpoint */
	size_t n_series;
	struct series **series;
	enum sort_key sort;
	bool reverse;    /* of the key's own order: figures fall, names rise */
	char filter[64]; /* shown are endpoints whose name or process contains it */
	size_t n_rows;
	size_t *rows; /* shown endpoints in order: indices into findings->endpoints */
	char selected[sizeof((struct recording_endpoint){ 0 }.name)];
	struct finding_endpoint *detailed; /* has its details, or NULL */
	uint64_t slices;                   /* taken since the last reset */
};

/* @bytes_max, @span_ns: as of recording_tail_init(). */
int model_init(struct model *model, size_t bytes_max, uint64_t span_ns);
void model_destroy(struct model *model);

/* Takes an interval over, also where that fails; the findings stay as they are. */
int model_take(struct model *model, struct recording_slice *slice);
/* Finds anew what the figures are. Until then, findings are those of the last refresh. */
int model_refresh(struct model *model);
int model_set_span(struct model *model, uint64_t span_ns);
/* Forgets all intervals. */
int model_reset(struct model *model);

/* These change what is shown without a refresh. */
void model_sort(struct model *model, enum sort_key key, bool reverse);
void model_filter(struct model *model, const char *text);
/* Selects the endpoint @rows below the selected one (negative: above), as far as there are. */
void model_move(struct model *model, long rows);

/* Index of the selected endpoint in rows, or -1 where there is none. */
long model_selected_row(const struct model *model);
/* The selected endpoint with its details, or NULL. */
const struct finding_endpoint *model_selected(struct model *model);
const struct finding_endpoint *model_row(const struct model *model, size_t row);

/* The line of an endpoint, or NULL. */
const struct series *model_series(const struct model *model, const char *endpoint);
/* The last @n points, oldest first; those that there are none of are not attached. */
void series_last(const struct series *series, size_t n, struct series_point *ret_points);

/* The slowest sampled requests of @endpoint in the span, slowest first; returns their number. */
size_t model_slowest(const struct model *model, const char *endpoint, size_t most,
                     struct slice_request *ret_requests);
/* How many requests were sampled of it in the span, and how many are kept. */
void model_threads(const struct model *model, const char *endpoint,
                   struct threads_finding *ret_threads);

#endif
