// SPDX-License-Identifier: GPL-2.0
/*
 * The threads that served the selected endpoint, as far as sampled requests tell: the kernel's side
 * keeps its aggregates by endpoint, not by thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "top.h"

#define BAR_AT 58

/* What the figures are of. */
static void draw_basis(const struct model *model, const struct threads_finding *threads,
                       struct canvas *canvas, int row, int column)
{
	const char *how = recording_meta(&model->tail.sum, "requests_sampling");
	char of[64] = "sampled requests";

	if (how && !strncmp(how, "slow ", 5))
		snprintf(of, sizeof(of), "requests slower than p%.20s, no others", how + 5);
	else if (how && !strncmp(how, "1/", 2))
		snprintf(of, sizeof(of), "requests, one in %.20s", how + 2);
	canvas_print(canvas, row, column, INK_DIM, "  of %s %s%s",
	             format_count(threads->requests).text, of,
	             threads->beyond ? "; there are more threads" : "");
}

static void draw_titles(struct canvas *canvas, int row)
{
	canvas_ink_row(canvas, row, INK_TITLE);
	canvas_right(canvas, row, 1, 9, INK_TITLE, "THREAD");
	canvas_right(canvas, row, 10, 10, INK_TITLE, "REQUESTS");
	canvas_right(canvas, row, 20, 12, INK_TITLE, "HANDED OVER");
	canvas_right(canvas, row, 32, 12, INK_TITLE, "MEAN");
	canvas_right(canvas, row, 44, 12, INK_TITLE, "SLOWEST");
	canvas_text(canvas, row, BAR_AT, 20, INK_TITLE, "MADE OF");
}

static void draw_thread(const struct thread_finding *thread, struct canvas *canvas, int row)
{
	const struct terminal *t = &canvas->terminal;
	double amounts[KTAX_NACCOUNTS];
	char tid[16] = "not seen";

	if (thread->tid)
		snprintf(tid, sizeof(tid), "%u", thread->tid);
	canvas_right(canvas, row, 1, 9, INK_BOLD, tid);
	canvas_right(canvas, row, 10, 10, INK_PLAIN, format_count(thread->requests).text);
	canvas_right(canvas, row, 20, 12, INK_PLAIN, format_count(thread->answered_elsewhere).text);
	canvas_right(canvas, row, 32, 12, INK_PLAIN,
	             format_ns(t, thread->total_ns / thread->requests).text);
	canvas_right(canvas, row, 44, 12, INK_PLAIN, format_ns(t, thread->slowest_ns).text);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		amounts[i] = (double)thread->account_ns[i];
	chart_stack(canvas, row, BAR_AT, canvas->width - BAR_AT - 1, amounts);
}

static const struct threads_finding *find(struct top *top)
{
	static struct threads_finding threads;
	const struct finding_endpoint *endpoint = model_selected(&top->model);

	model_threads(&top->model, endpoint ? endpoint->ledger->endpoint.name : "", &threads);
	return &threads;
}

static void draw_list(struct top *top, const struct threads_finding *threads, struct area area)
{
	struct list *list = &top->lists[VIEW_THREADS];
	long n = list_layout(list, (long)threads->n, area.height);

	top->page = area.height;
	for (long i = 0; i < n; i++) {
		draw_thread(&threads->thread[list->first + i], area.canvas, area.row + (int)i);
		if (list->first + i == list->selected)
			canvas_select(area.canvas, area.row + (int)i);
	}
}

static void draw(struct top *top, struct area area)
{
	const struct threads_finding *threads = find(top);
	const struct finding_endpoint *endpoint = model_selected(&top->model);
	int column = 1;

	if (endpoint)
		column = canvas_print(area.canvas, area.row, 1, INK_BOLD, "%s",
		                      endpoint->ledger->endpoint.name);
	draw_titles(area.canvas, area.row + 1);
	if (threads->n) {
		draw_basis(&top->model, threads, area.canvas, area.row, column);
		draw_list(top, threads,
		          (struct area){ area.canvas, area.row + 2, area.height - 2 });
		return;
	}
	canvas_print(area.canvas, area.row + 3, 1, INK_DIM,
	             "no request was sampled: which thread serves how many is not known");
	canvas_print(area.canvas, area.row + 4, 1, INK_DIM,
	             "(--requests 1/N or --slow P keep single requests with their threads)");
	if (endpoint)
		canvas_print(area.canvas, area.row + 6, 1, INK_DIM,
		             "%s of its %s requests were answered by another thread than read them",
		             format_count(endpoint->ledger->handed_over).text,
		             format_count(endpoint->ledger->requests).text);
}

static long rows(struct top *top)
{
	return (long)find(top)->n;
}

const struct view view_threads = {
	.name = "Threads",
	.option = "threads",
	.draw = draw,
	.rows = rows,
};
