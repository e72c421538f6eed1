// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger of the selected endpoint: what requests are made of at the mean, in the faster half
 * and in the slowest 1 %, side by side; the last minutes; and what would remain without the kernel.
 */
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "top.h"

#define LABEL  14
#define FIGURE 10
#define NAME   12
#define PAIR   18 /* time and share */
#define SPARKS 150
#define TUNED  26 /* what the floor of a tuned kernel takes */
#define HEAD   7  /* rows above the accounts */

/* The three kinds of requests that are compared. */
struct kind {
	const char *name;
	uint64_t total_ns, requests;
	double amounts[KTAX_NACCOUNTS]; /* ns per request */
};

static struct kind band_kind(const char *name, const struct finding_band *band)
{
	struct kind kind = { .name = name,
		             .total_ns = band->total_mean_ns,
		             .requests = band->requests };

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		kind.amounts[i] = (double)band->mean_ns[i];
	return kind;
}

static void find_kinds(const struct finding_endpoint *endpoint, struct kind kinds[3])
{
	kinds[0] = (struct kind){ .name = "mean",
		                  .total_ns = endpoint->total.mean_ns,
		                  .requests = endpoint->ledger->requests };
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		kinds[0].amounts[i] = (double)endpoint->account[i].part.mean_ns;
	kinds[1] = band_kind("fastest 50 %", &endpoint->band[0]);
	kinds[2] = band_kind("slowest 1 %", &endpoint->slowest);
}

static void draw_name(const struct finding_endpoint *endpoint, struct canvas *canvas, int row)
{
	const struct recording_endpoint *who = &endpoint->ledger->endpoint;
	int column = canvas_print(canvas, row, 1, INK_BOLD, "%s", who->name);

	if (who->comm[0])
		column = canvas_print(canvas, row, column, INK_PLAIN, "  %s", who->comm);
	if (who->pid)
		column = canvas_print(canvas, row, column, INK_DIM, " (%d)", who->pid);
	column = canvas_print(canvas, row, column, INK_DIM, "  %s requests, ",
	                      format_count(endpoint->ledger->requests).text);
	canvas_print(canvas, row, column, INK_PLAIN, "%s/s",
	             format_rate(endpoint->rate.per_second).text);
}

static void draw_stack(const struct kind *kind, struct canvas *canvas, int row)
{
	int left = LABEL + FIGURE + 2;

	canvas_text(canvas, row, 1, LABEL, INK_PLAIN, kind->name);
	if (!kind->requests) {
		canvas_print(canvas, row, LABEL + 1, INK_DIM, "too few requests");
		return;
	}
	canvas_right(canvas, row, LABEL, FIGURE, INK_BOLD,
	             format_ns(&canvas->terminal, kind->total_ns).text);
	chart_stack(canvas, row, left, canvas->width - left - 1, kind->amounts);
}

/* ---- The last minutes ----------------------------------------------------------------------- */

static void draw_sparks(const struct model *model, const struct finding_endpoint *endpoint,
                        struct canvas *canvas, int row)
{
	struct series_point points[SPARKS];
	double p99[SPARKS], kernel[SPARKS], most = 0;
	const char *endpoint_name = endpoint->ledger->endpoint.name;
	int labels = 4 + 14 + 7 + 6, n = (canvas->width - labels - 2) / 2, column;

	n = n > SPARKS ? SPARKS : n;
	series_last(model_series(model, endpoint_name), (size_t)n, points);
	for (int i = 0; i < n; i++) {
		bool any = points[i].requests > 0;

		p99[i] = any ? (double)points[i].p99_ns : -1;
		kernel[i] = any ? points[i].share[KTAX_GROUP_KERNEL] : -1;
		most = p99[i] > most ? p99[i] : most;
	}
	column = canvas_print(canvas, row, 1, INK_DIM, "p99 ");
	chart_spark(canvas, row, column, INK_PLAIN, p99, n, most);
	canvas_print(canvas, row, column + n, INK_DIM, " max %s",
	             format_ns(&canvas->terminal, (uint64_t)most).text);
	column = canvas_print(canvas, row, column + n + 14, INK_DIM, "kernel ");
	chart_spark(canvas, row, column, group_ink(KTAX_GROUP_KERNEL), kernel, n, 1);
	canvas_print(canvas, row, column + n, INK_DIM, " %s",
	             format_percent(endpoint->group[KTAX_GROUP_KERNEL].part.share).text);
}

static int draw_floor(const char *name, const struct finding_floor *floor, bool p50,
                      struct canvas *canvas, int row, int column)
{
	const struct terminal *t = &canvas->terminal;

	column = canvas_print(canvas, row, column, INK_BOLD, "%s:", name);
	if (p50) {
		column = canvas_print(canvas, row, column, INK_PLAIN, " p50 %s",
		                      format_ns(t, floor->p50_ns).text);
		column = canvas_print(canvas, row, column, INK_GOOD, " %s",
		                      format_change(t, floor->gain_p50).text);
	}
	column = canvas_print(canvas, row, column, INK_PLAIN, " p99 %s",
	                      format_ns(t, floor->p99_ns).text);
	return canvas_print(canvas, row, column, INK_GOOD, " %s",
	                    format_change(t, floor->gain_p99).text) +
	       2;
}

static void draw_floors(const struct finding_endpoint *endpoint, struct canvas *canvas, int row)
{
	int column = draw_floor("without the kernel", &endpoint->bypass, true, canvas, row, 1);

	if (column + TUNED < canvas->width)
		draw_floor("tuned", &endpoint->tuned, false, canvas, row, column);
}

/* ---- The accounts --------------------------------------------------------------------------- */

/* Those that got something, in the order in which a request meets them. */
static int find_rows(const struct finding_endpoint *endpoint, int accounts[KTAX_NACCOUNTS])
{
	int n = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (endpoint->account[i].present && endpoint->account[i].part.share > 0)
			accounts[n++] = i;
	return n;
}

static void draw_titles(const struct kind kinds[3], struct canvas *canvas, int row)
{
	int column = 3 + NAME;

	canvas_ink_row(canvas, row, INK_TITLE);
	canvas_text(canvas, row, 1, NAME + 2, INK_TITLE, "  ACCOUNT");
	for (int k = 0; k < 3; k++)
		column = canvas_right(canvas, row, column, PAIR, INK_TITLE, kinds[k].name);
	if (column + 8 < canvas->width)
		canvas_text(canvas, row, column + 2, canvas->width - column - 2, INK_TITLE, "P99");
}

static void draw_pair(const struct kind *kind, int account, struct canvas *canvas, int row,
                      int column)
{
	double ns = kind->amounts[account];
	double share = kind->total_ns ? ns / (double)kind->total_ns : 0;
	enum ink ink = share >= 0.25 ? INK_BOLD : share < 0.005 ? INK_DIM : INK_PLAIN;

	if (!kind->requests)
		return;
	canvas_right(canvas, row, column, PAIR - 7, ink,
	             format_ns(&canvas->terminal, (uint64_t)ns).text);
	canvas_right(canvas, row, column + PAIR - 7, 7, ink, format_percent(share).text);
}

static void draw_account(const struct finding_endpoint *endpoint, const struct kind kinds[3], int i,
                         struct canvas *canvas, int row)
{
	const struct finding_account *account = &endpoint->account[i];
	int column = 3 + NAME;

	canvas_symbol(canvas, row, 1, (enum ink)(INK_BLOCK + i), (uint32_t)chart_letter(i));
	canvas_text(canvas, row, 3, NAME, group_ink(ktax_account_info[i].group),
	            ktax_account_info[i].name);
	for (int k = 0; k < 3; k++, column += PAIR)
		draw_pair(&kinds[k], i, canvas, row, column);
	if (column + 8 < canvas->width)
		canvas_text(canvas, row, column + 2, canvas->width - column - 2, INK_DIM,
		            account->has_quantiles
		                    ? format_ns(&canvas->terminal, account->p99_ns).text
		                    : "sampled");
}

static void draw_explanation(const struct finding_endpoint *endpoint, int i, struct canvas *canvas,
                             int row)
{
	static const char *const removed[] = {
		[KTAX_REMOVED_NEITHER] = "",
		[KTAX_REMOVED_TUNING] = "; tuning could take it away",
		[KTAX_REMOVED_BYPASS] = "; only bypass could take it away",
	};
	const char *hook = endpoint->account[i].hook;

	canvas_print(canvas, row, 1, INK_DIM, "%s: %s%s%s%s", ktax_account_info[i].name,
	             ktax_account_info[i].span, removed[ktax_account_info[i].removed_by],
	             hook[0] ? "; seen by " : "", hook);
}

static void draw_accounts(struct top *top, const struct finding_endpoint *endpoint,
                          const struct kind kinds[3], struct area area)
{
	struct list *list = &top->lists[VIEW_LEDGER];
	int accounts[KTAX_NACCOUNTS], rows = find_rows(endpoint, accounts);
	long n = list_layout(list, rows, area.height - 1);

	top->page = area.height - 1;
	for (long i = 0; i < n; i++) {
		draw_account(endpoint, kinds, accounts[list->first + i], area.canvas,
		             area.row + (int)i);
		if (list->first + i == list->selected)
			canvas_select(area.canvas, area.row + (int)i);
	}
	if (rows)
		draw_explanation(endpoint, accounts[list->selected], area.canvas,
		                 area.row + area.height - 1);
}

static void draw(struct top *top, struct area area)
{
	const struct finding_endpoint *endpoint = model_selected(&top->model);
	struct kind kinds[3];

	if (!endpoint || !endpoint->ledger->requests) {
		canvas_print(area.canvas, area.row + 1, 1, INK_DIM, "%s%sno request in this span",
		             endpoint ? endpoint->ledger->endpoint.name : "", endpoint ? ": " : "");
		return;
	}
	find_kinds(endpoint, kinds);
	draw_name(endpoint, area.canvas, area.row);
	for (int k = 0; k < 3; k++)
		draw_stack(&kinds[k], area.canvas, area.row + 1 + k);
	draw_sparks(&top->model, endpoint, area.canvas, area.row + 4);
	draw_floors(endpoint, area.canvas, area.row + 5);
	draw_titles(kinds, area.canvas, area.row + 6);
	draw_accounts(top, endpoint, kinds,
	              (struct area){ area.canvas, area.row + HEAD, area.height - HEAD });
}

static long rows(struct top *top)
{
	const struct finding_endpoint *endpoint = model_selected(&top->model);
	int accounts[KTAX_NACCOUNTS];

	return endpoint ? find_rows(endpoint, accounts) : 0;
}

const struct view view_ledger = {
	.name = "Ledger",
	.option = "ledger",
	.draw = draw,
	.rows = rows,
};
