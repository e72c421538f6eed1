// SPDX-License-Identifier: GPL-2.0
/* The endpoints: a table, sorted by any column. What does not fit the width is left out. */
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "top.h"

#define TREND_LEAST 8
#define TREND_MOST  60
#define NAME_LEAST  20
#define NAME_MOST   40

struct column {
	const char *title;
	int width, from; /* shown on screens of this width and up */
	enum sort_key key;
	struct formatted (*figure)(const struct terminal *terminal,
	                           const struct finding_endpoint *endpoint);
};

static struct formatted rate(const struct terminal *terminal,
                             const struct finding_endpoint *endpoint)
{
	(void)terminal;
	return format_rate(endpoint->rate.per_second);
}

static struct formatted p50(const struct terminal *terminal,
                            const struct finding_endpoint *endpoint)
{
	return format_ns(terminal, endpoint->total.p50_ns);
}

static struct formatted p99(const struct terminal *terminal,
                            const struct finding_endpoint *endpoint)
{
	return format_ns(terminal, endpoint->total.p99_ns);
}

static struct formatted p999(const struct terminal *terminal,
                             const struct finding_endpoint *endpoint)
{
	return format_ns(terminal, endpoint->total.p999_ns);
}

static struct formatted floor_p99(const struct terminal *terminal,
                                  const struct finding_endpoint *endpoint)
{
	return format_ns(terminal, endpoint->bypass.p99_ns);
}

static struct formatted group_share(const struct finding_endpoint *endpoint, int group)
{
	if (!endpoint->group[group].present)
		return (struct formatted){ "n/a" };
	return format_percent(endpoint->group[group].part.share);
}

static struct formatted kernel(const struct terminal *terminal,
                               const struct finding_endpoint *endpoint)
{
	(void)terminal;
	return group_share(endpoint, KTAX_GROUP_KERNEL);
}

static struct formatted nic(const struct terminal *terminal,
                            const struct finding_endpoint *endpoint)
{
	(void)terminal;
	return group_share(endpoint, KTAX_GROUP_NIC);
}

static struct formatted serialization(const struct terminal *terminal,
                                      const struct finding_endpoint *endpoint)
{
	(void)terminal;
	return group_share(endpoint, KTAX_GROUP_SERIALIZATION);
}

static struct formatted application(const struct terminal *terminal,
                                    const struct finding_endpoint *endpoint)
{
	(void)terminal;
	return group_share(endpoint, KTAX_GROUP_APPLICATION);
}

static const struct column columns[] = {
	{ "REQ/S", 9, 0, SORT_RATE, rate },
	{ "P50", 9, 0, SORT_P50, p50 },
	{ "P99", 9, 0, SORT_P99, p99 },
	{ "P99.9", 9, 90, SORT_P999, p999 },
	{ "P99 FLOOR", 10, 0, SORT_FLOOR, floor_p99 },
	{ "KERNEL", 8, 0, SORT_KERNEL, kernel },
	{ "APPL", 8, 100, SORT_APPLICATION, application },
	{ "SERIAL", 8, 110, SORT_SERIALIZATION, serialization },
	{ "NIC", 8, 120, SORT_NIC, nic },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* How the row is divided. */
struct layout {
	int name, process, figures, trend;
};

static struct layout lay_out(const struct model *model, int width)
{
	struct layout layout = { .name = NAME_LEAST, .process = 14 };
	int left;

	for (size_t i = 0; i < model->n_rows; i++) {
		int columns_of_name =
			canvas_columns(model_row(model, i)->ledger->endpoint.name) + 1;

		if (columns_of_name > layout.name)
			layout.name = columns_of_name;
	}
	for (size_t c = 0; c < N_COLUMNS; c++)
		layout.figures += width >= columns[c].from ? columns[c].width : 0;
	left = width - layout.process - layout.figures - 1;
	if (layout.name > NAME_MOST)
		layout.name = NAME_MOST;
	if (layout.name > left)
		layout.name = left;
	layout.trend = left - layout.name - 2;
	if (layout.trend < TREND_LEAST)
		layout.trend = 0;
	if (layout.trend > TREND_MOST)
		layout.trend = TREND_MOST;
	return layout;
}

/* The mark of the column that is sorted by: which way. */
static void draw_title(const struct model *model, struct canvas *canvas, int row, int column,
                       int width, enum sort_key key, const char *title, bool left)
{
	char text[32];
	bool rises = model->reverse != (key == SORT_ENDPOINT || key == SORT_PROCESS);
	const char *mark = canvas->terminal.utf8 ? (rises ? "▲" : "▼") : (rises ? "^" : "v");

	snprintf(text, sizeof(text), "%s%s", title, model->sort == key ? mark : "");
	if (left)
		canvas_text(canvas, row, column, width, INK_TITLE, text);
	else
		canvas_right(canvas, row, column, width, INK_TITLE, text);
}

static void draw_titles(const struct model *model, const struct layout *layout,
                        struct canvas *canvas, int row)
{
	int column = 1 + layout->name;

	canvas_ink_row(canvas, row, INK_TITLE);
	draw_title(model, canvas, row, 1, layout->name, SORT_ENDPOINT, "ENDPOINT", true);
	draw_title(model, canvas, row, column, layout->process, SORT_PROCESS, "PROCESS", true);
	column += layout->process;
	for (size_t c = 0; c < N_COLUMNS; c++) {
		if (canvas->width < columns[c].from)
			continue;
		draw_title(model, canvas, row, column, columns[c].width, columns[c].key,
		           columns[c].title, false);
		column += columns[c].width;
	}
	if (layout->trend)
		canvas_text(canvas, row, column + 2, layout->trend, INK_TITLE, "P99 OVER TIME");
}

static void draw_trend(const struct model *model, const struct finding_endpoint *endpoint,
                       struct canvas *canvas, int row, int column, int width)
{
	struct series_point points[TREND_MOST];
	double values[TREND_MOST], most = 0;

	series_last(model_series(model, endpoint->ledger->endpoint.name), (size_t)width, points);
	for (int i = 0; i < width; i++) {
		values[i] = points[i].requests ? (double)points[i].p99_ns : -1;
		if (values[i] > most)
			most = values[i];
	}
	chart_spark(canvas, row, column, INK_PLAIN, values, width, most);
}

static enum ink column_ink(enum sort_key key)
{
	return key == SORT_KERNEL || key == SORT_FLOOR ? group_ink(KTAX_GROUP_KERNEL) : INK_PLAIN;
}

static void draw_row(const struct model *model, const struct layout *layout,
                     const struct finding_endpoint *endpoint, struct canvas *canvas, int row)
{
	const struct recording_endpoint *who = &endpoint->ledger->endpoint;
	bool any = endpoint->ledger->requests > 0;
	char process[32];
	int column = 1 + layout->name;

	canvas_text(canvas, row, 1, layout->name - 1, any ? INK_PLAIN : INK_DIM, who->name);
	snprintf(process, sizeof(process), who->pid ? "%s:%d" : "%s", who->comm, who->pid);
	if (canvas_columns(process) >= layout->process)
		snprintf(process, sizeof(process), "%s", who->comm);
	canvas_text(canvas, row, column, layout->process - 1, INK_DIM, process);
	column += layout->process;
	for (size_t c = 0; c < N_COLUMNS; c++) {
		if (canvas->width < columns[c].from)
			continue;
		canvas_right(canvas, row, column, columns[c].width,
		             any ? column_ink(columns[c].key) : INK_DIM,
		             any || columns[c].key == SORT_RATE
		                     ? columns[c].figure(&canvas->terminal, endpoint).text
		                     : "-");
		column += columns[c].width;
	}
	if (layout->trend)
		draw_trend(model, endpoint, canvas, row, column + 2, layout->trend);
}

static void draw(struct top *top, struct area area)
{
	struct model *model = &top->model;
	struct list *list = &top->lists[VIEW_ENDPOINTS];
	struct layout layout = lay_out(model, area.canvas->width);
	long n;

	list->selected = model_selected_row(model) < 0 ? 0 : model_selected_row(model);
	n = list_layout(list, (long)model->n_rows, area.height - 1);
	top->page = area.height - 1;
	draw_titles(model, &layout, area.canvas, area.row);
	for (long i = 0; i < n; i++) {
		int row = area.row + 1 + (int)i;

		draw_row(model, &layout, model_row(model, (size_t)(list->first + i)), area.canvas,
		         row);
		if (list->first + i == list->selected)
			canvas_select(area.canvas, row);
	}
	if (!model->n_rows && model->filter[0])
		canvas_print(area.canvas, area.row + 2, 1, INK_DIM,
		             "no endpoint or process contains \"%s\"", model->filter);
}

/* The next column to sort by, in the order in which they stand. */
static enum sort_key next_key(enum sort_key key)
{
	static const enum sort_key order[] = { SORT_ENDPOINT,      SORT_PROCESS, SORT_RATE,
		                               SORT_P50,           SORT_P99,     SORT_P999,
		                               SORT_FLOOR,         SORT_KERNEL,  SORT_APPLICATION,
		                               SORT_SERIALIZATION, SORT_NIC };
	const size_t n = sizeof(order) / sizeof(order[0]);

	for (size_t i = 0; i < n; i++)
		if (order[i] == key)
			return order[(i + 1) % n];
	return SORT_RATE;
}

static bool on_key(struct top *top, int key)
{
	struct model *model = &top->model;

	switch (key) {
	case 's':
		model_sort(model, next_key(model->sort), false);
		return true;
	case 'S':
	case 'R':
		model_sort(model, model->sort, !model->reverse);
		return true;
	case TOP_KEY_ENTER:
		top_key(top, '1' + VIEW_LEDGER, 0);
		return true;
	default:
		return false;
	}
}

const struct view view_endpoints = {
	.name = "Endpoints",
	.option = "endpoints",
	.draw = draw,
	.key = on_key,
};
