// SPDX-License-Identifier: GPL-2.0
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int model_init(struct model *model, size_t bytes_max, uint64_t span_ns)
{
	int error;

	*model = (struct model){ .sort = SORT_RATE };
	error = recording_tail_init(&model->tail, bytes_max, span_ns);
	if (!error)
		error = model_refresh(model);
	return error;
}

static void drop_series(struct model *model)
{
	for (size_t i = 0; i < model->n_series; i++)
		free(model->series[i]);
	free(model->series);
	model->series = NULL;
	model->n_series = 0;
}

static void drop_findings(struct model *model)
{
	findings_free(model->findings);
	findings_free(model->overall);
	model->findings = model->overall = NULL;
	model->detailed = NULL;
}

void model_destroy(struct model *model)
{
	drop_findings(model);
	drop_series(model);
	recording_tail_destroy(&model->tail);
	free(model->rows);
	*model = (struct model){ 0 };
}

/* ---- Lines over time --------------------------------------------------------------------------
 */

const struct series *model_series(const struct model *model, const char *endpoint)
{
	for (size_t i = 0; i < model->n_series; i++)
		if (!strcmp(model->series[i]->endpoint, endpoint))
			return model->series[i];
	return NULL;
}

static int add_series(struct model *model, const char *endpoint)
{
	struct series **grown =
		reallocarray(model->series, model->n_series + 1, sizeof(struct series *));
	struct series *series = calloc(1, sizeof(*series));

	if (grown)
		model->series = grown;
	if (!grown || !series) {
		free(series);
		return -ENOMEM;
	}
	strcpy(series->endpoint, endpoint);
	grown[model->n_series++] = series;
	return 0;
}

static const struct slice_ledger *ledger_of(const struct recording_slice *slice,
                                            const char *endpoint)
{
	for (size_t i = 0; i < slice->n_ledgers; i++)
		if (!strcmp(slice->ledgers[i].endpoint.name, endpoint))
			return &slice->ledgers[i];
	return NULL;
}

/* Every line gets its point, also those of endpoints that had no request. */
static int add_points(struct model *model, const struct recording_slice *slice)
{
	for (size_t i = 0; i < slice->n_ledgers; i++) {
		const char *endpoint = slice->ledgers[i].endpoint.name;

		if (!model_series(model, endpoint) && add_series(model, endpoint))
			return -ENOMEM;
	}
	for (size_t i = 0; i < model->n_series; i++) {
		struct series *series = model->series[i];

		series_point(&slice->interval, ledger_of(slice, series->endpoint),
		             &series->points[series->n++ % SERIES_POINTS]);
	}
	return 0;
}

void series_last(const struct series *series, size_t n, struct series_point *ret_points)
{
	size_t have = 0;

	if (series)
		have = series->n < SERIES_POINTS ? series->n : SERIES_POINTS;
	for (size_t i = 0; i < n; i++) {
		size_t back = n - i; /* 1: the newest */

		ret_points[i] = (struct series_point){ 0 };
		if (back <= have)
			ret_points[i] = series->points[(series->n - back) % SERIES_POINTS];
	}
}

/* ---- Intervals --------------------------------------------------------------------------------
 */

int model_take(struct model *model, struct recording_slice *slice)
{
	int error = add_points(model, slice);

	if (error) {
		recording_slice_free(slice);
		return error;
	}
	model->slices++;
	/* What the findings point to moves when an endpoint is added. */
	drop_findings(model);
	model->n_rows = 0;
	return recording_tail_push(&model->tail, slice);
}

int model_set_span(struct model *model, uint64_t span_ns)
{
	int error;

	drop_findings(model);
	model->n_rows = 0;
	error = recording_tail_set_length(&model->tail, span_ns);
	return error ? error : model_refresh(model);
}

int model_reset(struct model *model)
{
	int error;

	drop_findings(model);
	drop_series(model);
	model->slices = 0;
	error = recording_tail_reset(&model->tail);
	return error ? error : model_refresh(model);
}

/* ---- Order ------------------------------------------------------------------------------------
 */

static double figure(const struct finding_endpoint *endpoint, enum sort_key key)
{
	switch (key) {
	case SORT_RATE:
		return endpoint->rate.per_second;
	case SORT_P50:
		return (double)endpoint->total.p50_ns;
	case SORT_P99:
		return (double)endpoint->total.p99_ns;
	case SORT_P999:
		return (double)endpoint->total.p999_ns;
	case SORT_KERNEL:
		return endpoint->group[KTAX_GROUP_KERNEL].part.share;
	case SORT_FLOOR:
		return (double)endpoint->bypass.p99_ns;
	case SORT_NIC:
		return endpoint->group[KTAX_GROUP_NIC].part.share;
	case SORT_SERIALIZATION:
		return endpoint->group[KTAX_GROUP_SERIALIZATION].part.share;
	case SORT_APPLICATION:
		return endpoint->group[KTAX_GROUP_APPLICATION].part.share;
	default:
		return 0;
	}
}

static int by_key(const void *a, const void *b, void *context)
{
	const struct model *model = context;
	const struct finding_endpoint *left = &model->findings->endpoints[*(const size_t *)a];
	const struct finding_endpoint *right = &model->findings->endpoints[*(const size_t *)b];
	double difference = figure(right, model->sort) - figure(left, model->sort);
	int order = (difference > 0) - (difference < 0);

	if (model->sort == SORT_PROCESS)
		order = strcmp(left->ledger->endpoint.comm, right->ledger->endpoint.comm);
	if (!order)
		order = strcmp(left->ledger->endpoint.name, right->ledger->endpoint.name);
	return model->reverse ? -order : order;
}

static bool is_shown(const struct model *model, const struct finding_endpoint *endpoint)
{
	return strcasestr(endpoint->ledger->endpoint.name, model->filter) ||
	       strcasestr(endpoint->ledger->endpoint.comm, model->filter);
}

static void arrange(struct model *model)
{
	model->n_rows = 0;
	for (size_t i = 0; model->findings && i < model->findings->n_endpoints; i++)
		if (is_shown(model, &model->findings->endpoints[i]))
			model->rows[model->n_rows++] = i;
	if (model->n_rows)
		qsort_r(model->rows, model->n_rows, sizeof(model->rows[0]), by_key, model);
}

void model_sort(struct model *model, enum sort_key key, bool reverse)
{
	model->sort = key;
	model->reverse = reverse;
	arrange(model);
}

void model_filter(struct model *model, const char *text)
{
	strncpy(model->filter, text, sizeof(model->filter) - 1);
	arrange(model);
}

int model_refresh(struct model *model)
{
	size_t *rows = reallocarray(model->rows, model->tail.sum.n_ledgers + 1, sizeof(*rows));
	int error = rows ? 0 : -ENOMEM;

	if (rows)
		model->rows = rows;
	drop_findings(model);
	if (!error)
		error = findings_create_brief(&model->tail.sum, &model->findings);
	if (!error)
		error = findings_create_brief(&model->tail.all, &model->overall);
	arrange(model);
	return error;
}

/* ---- Selection --------------------------------------------------------------------------------
 */

const struct finding_endpoint *model_row(const struct model *model, size_t row)
{
	return row < model->n_rows ? &model->findings->endpoints[model->rows[row]] : NULL;
}

/* Where it is not shown (any more), the first one is selected, until it comes back. */
long model_selected_row(const struct model *model)
{
	for (size_t i = 0; i < model->n_rows; i++)
		if (!strcmp(model_row(model, i)->ledger->endpoint.name, model->selected))
			return (long)i;
	return model->n_rows ? 0 : -1;
}

void model_move(struct model *model, long rows)
{
	long row = model_selected_row(model), last = (long)model->n_rows - 1;

	if (row < 0)
		return;
	if (rows < -row)
		rows = -row;
	if (rows > last - row)
		rows = last - row;
	strcpy(model->selected, model_row(model, (size_t)(row + rows))->ledger->endpoint.name);
}

const struct finding_endpoint *model_selected(struct model *model)
{
	long row = model_selected_row(model);
	struct finding_endpoint *endpoint;

	if (row < 0)
		return NULL;
	endpoint = &model->findings->endpoints[model->rows[row]];
	if (model->detailed != endpoint) {
		recording_tail_detail(&model->tail, model->rows[row]);
		findings_detail(endpoint);
	}
	model->detailed = endpoint;
	return endpoint;
}

/* ---- Sampled requests -------------------------------------------------------------------------
 */

/* Puts @request among the @n slowest, which are sorted. */
static size_t insert(struct slice_request *requests, size_t n, size_t most,
                     const struct slice_request *request)
{
	size_t place = n < most ? n : most - 1;

	if (n == most && request->request.total_ns <= requests[place].request.total_ns)
		return n;
	for (; place > 0 && requests[place - 1].request.total_ns < request->request.total_ns;
	     place--)
		requests[place] = requests[place - 1];
	requests[place] = *request;
	return n < most ? n + 1 : n;
}

size_t model_slowest(const struct model *model, const char *endpoint, size_t most,
                     struct slice_request *ret_requests)
{
	size_t n = 0;

	for (const struct recording_slice *slice = model->tail.summed; slice; slice = slice->next)
		for (size_t i = 0; i < slice->n_requests; i++)
			if (!strcmp(slice->requests[i].endpoint.name, endpoint))
				n = insert(ret_requests, n, most, &slice->requests[i]);
	return n;
}

void model_threads(const struct model *model, const char *endpoint,
                   struct threads_finding *ret_threads)
{
	ret_threads->n = 0;
	ret_threads->requests = ret_threads->beyond = 0;
	for (const struct recording_slice *slice = model->tail.summed; slice; slice = slice->next)
		for (size_t i = 0; i < slice->n_requests; i++)
			if (!strcmp(slice->requests[i].endpoint.name, endpoint))
				threads_add(ret_threads, &slice->requests[i].request);
	threads_sort(ret_threads);
}
