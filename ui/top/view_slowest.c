// SPDX-License-Identifier: GPL-2.0
/* The slowest sampled requests of the selected endpoint, each with its ledger as one bar. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chart.h"
#include "top.h"

#define SLOWEST_MOST 200
#define BAR_AT       35

static const char *sampling(const struct model *model)
{
	const char *text = recording_meta(&model->tail.sum, "requests_sampling");

	return text ? text : "unknown";
}

/* Why there is nothing to be seen. */
static void draw_none(const struct model *model, struct canvas *canvas, int row)
{
	const char *how = sampling(model);

	canvas_print(canvas, row, 1, INK_DIM, "%s",
	             !strcmp(how, "none") ? "no request was kept: that takes --slow or --requests"
	                                  : "no request of this endpoint was kept in this span");
}

static void draw_titles(struct canvas *canvas, int row)
{
	canvas_ink_row(canvas, row, INK_TITLE);
	canvas_text(canvas, row, 1, 12, INK_TITLE, "AT");
	canvas_right(canvas, row, 13, 10, INK_TITLE, "TOTAL");
	canvas_right(canvas, row, 23, 10, INK_TITLE, "THREAD");
	canvas_text(canvas, row, BAR_AT, 20, INK_TITLE, "ITS LEDGER");
}

/* The time of day that it began at, UTC; recordings know the clock at boot. */
static void print_start(const struct model *model, uint64_t start_ns, char text[32])
{
	const char *boot = recording_meta(&model->tail.sum, "boot_time_ns");
	uint64_t ns = start_ns + (boot ? strtoull(boot, NULL, 10) : 0);
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	snprintf(text, 32, "%02d:%02d:%02d.%03u", utc.tm_hour, utc.tm_min, utc.tm_sec,
	         (unsigned int)(ns / 1000000 % 1000));
}

static void draw_request(const struct model *model, const struct ktax_request *request,
                         uint64_t longest_ns, struct canvas *canvas, int row)
{
	double amounts[KTAX_NACCOUNTS];
	int room = canvas->width - BAR_AT - 1;
	double share = longest_ns ? (double)request->total_ns / (double)longest_ns : 0;
	int width = (int)(room * share + 0.5);
	char text[32];

	print_start(model, request->start_ns, text);
	canvas_text(canvas, row, 1, 12, INK_PLAIN, text);
	canvas_right(canvas, row, 13, 10, INK_BOLD,
	             format_ns(&canvas->terminal, request->total_ns).text);
	snprintf(text, sizeof(text), "%u", request->tid_read);
	canvas_right(canvas, row, 23, 10, INK_PLAIN, text);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		amounts[i] = (double)request->account_ns[i];
	chart_stack(canvas, row, BAR_AT, width > 0 ? width : 1, amounts);
}

/* Its accounts, largest first, as far as there is room. */
static void draw_accounts(const struct ktax_request *request, struct canvas *canvas, int row)
{
	uint64_t left[KTAX_NACCOUNTS];
	int column = 1;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		left[i] = request->account_ns[i];
	for (;;) {
		int largest = 0;

		for (int i = 1; i < KTAX_NACCOUNTS; i++)
			if (left[i] > left[largest])
				largest = i;
		if (!left[largest] || column + 22 > canvas->width)
			return;
		column = canvas_print(canvas, row, column, INK_PLAIN, "%s ",
		                      ktax_account_info[largest].name);
		column = canvas_print(canvas, row, column, INK_BOLD, "%s",
		                      format_ns(&canvas->terminal, left[largest]).text) +
		         2;
		left[largest] = 0;
	}
}

static void draw_facts(const struct ktax_request *request, struct canvas *canvas, int row)
{
	static const char *const names[] = { "batch",         "incomplete",    "handed over",
		                             "async",         "retransmitted", "unbalanced",
		                             "read in parts", "NIC's stamp",   "loopback" };
	int column =
		canvas_print(canvas, row, 1, INK_DIM,
	                     "port %u, %" PRIu64 " bytes in, %" PRIu64 " out, thread %u -> %u",
	                     request->peer_port, (uint64_t)request->bytes_in,
	                     (uint64_t)request->bytes_out, request->tid_read, request->tid_write);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (request->flags & 1U << i)
			column = canvas_print(canvas, row, column, INK_DIM, ", %s", names[i]);
}

static void draw_list(struct top *top, const struct slice_request *requests, size_t found,
                      struct area area)
{
	struct list *list = &top->lists[VIEW_SLOWEST];
	long n = list_layout(list, (long)found, area.height - 2);

	top->page = area.height - 2;
	for (long i = 0; i < n; i++) {
		draw_request(&top->model, &requests[list->first + i].request,
		             requests[0].request.total_ns, area.canvas, area.row + (int)i);
		if (list->first + i == list->selected)
			canvas_select(area.canvas, area.row + (int)i);
	}
	draw_accounts(&requests[list->selected].request, area.canvas, area.row + area.height - 2);
	draw_facts(&requests[list->selected].request, area.canvas, area.row + area.height - 1);
}

static size_t find(struct top *top, struct slice_request *requests)
{
	const struct finding_endpoint *endpoint = model_selected(&top->model);

	return endpoint ? model_slowest(&top->model, endpoint->ledger->endpoint.name, SLOWEST_MOST,
	                                requests)
	                : 0;
}

static void draw(struct top *top, struct area area)
{
	static struct slice_request requests[SLOWEST_MOST];
	const struct finding_endpoint *endpoint = model_selected(&top->model);
	size_t n = find(top, requests);

	if (endpoint)
		canvas_print(area.canvas, area.row, 1, INK_BOLD, "%s",
		             endpoint->ledger->endpoint.name);
	canvas_right(area.canvas, area.row, area.canvas->width - 41, 40, INK_DIM,
	             "times are UTC, bars as long as the time");
	draw_titles(area.canvas, area.row + 1);
	if (n)
		draw_list(top, requests, n,
		          (struct area){ area.canvas, area.row + 2, area.height - 2 });
	else
		draw_none(&top->model, area.canvas, area.row + 3);
}

static long rows(struct top *top)
{
	static struct slice_request requests[SLOWEST_MOST];

	return (long)find(top, requests);
}

const struct view view_slowest = {
	.name = "Slowest",
	.option = "slowest",
	.draw = draw,
	.rows = rows,
};
