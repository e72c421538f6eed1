// SPDX-License-Identifier: GPL-2.0
/* What ktax itself costs, what was lost, and which program feeds which account. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "top.h"

static int put(struct canvas *canvas, int row, const char *name, const char *text)
{
	canvas_text(canvas, row, 1, 14, INK_DIM, name);
	canvas_text(canvas, row, 15, canvas->width - 15, INK_PLAIN, text);
	return row + 1;
}

static int draw_cost(const struct findings *findings, struct canvas *canvas, int row)
{
	const struct finding_self *self = &findings->self;
	char probes[128] = "not measured (it takes CAP_SYS_ADMIN, and a second)", text[200];

	if (self->ns_per_request >= 0)
		snprintf(
			probes, sizeof(probes), "%s per request",
			format_ns(&canvas->terminal, (uint64_t)llround(self->ns_per_request)).text);
	row = put(canvas, row, "probes", probes);
	snprintf(text, sizeof(text), "%s of the time%s%s%s",
	         format_percent(self->attached_share).text, self->windowed ? ", in windows" : "",
	         self->budget ? "; budget, % of the CPUs: " : "", self->budget ? self->budget : "");
	row = put(canvas, row, "attached", text);
	if (!self->steps.calls)
		return row;
	snprintf(text, sizeof(text), "%s calls, %s moved to unknown",
	         format_count(self->steps.calls).text,
	         format_ns(&canvas->terminal, self->steps.moved_ns).text);
	return put(canvas, row, "single steps", text);
}

static int draw_memory(const struct top *top, struct canvas *canvas, int row)
{
	const struct recording_tail *tail = &top->model.tail;
	char text[200];

	snprintf(text, sizeof(text), "%.1f of %.0f MB; %" PRIu64 " intervals taken",
	         (double)tail->bytes / 1e6, (double)tail->bytes_max / 1e6, top->model.slices);
	return put(canvas, row, "intervals", text);
}

/* What there is of them; what does not fit stands in further rows. */
static int draw_losses(const struct recording *recording, struct canvas *canvas, int row)
{
	const struct recording_interval *sum = &recording->sum;
	const struct {
		uint64_t n;
		const char *of;
	} losses[] = { { sum->lost_map_full, "connections not followed" },
		       { sum->lost_ring, "samples" },
		       { sum->missed_stamps, "events unseen" },
		       { sum->clock_errors, "clock errors" },
		       { sum->reopened, "requests cut" } };
	const char *name = "losses";
	char text[256] = "";

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		char one[64];

		if (!losses[i].n)
			continue;
		snprintf(one, sizeof(one), "%s%" PRIu64 " %s", text[0] ? ", " : "", losses[i].n,
		         losses[i].of);
		if (text[0] && strlen(text) + strlen(one) > (size_t)(canvas->width - 16)) {
			row = put(canvas, row, name, text);
			name = "";
			text[0] = '\0';
		}
		strcat(text, one);
	}
	return put(canvas, row, name, text[0] ? text : "none");
}

static void draw_hook(const struct recording_hook *hook, struct canvas *canvas, int row)
{
	const struct terminal *t = &canvas->terminal;
	char runs[80] = "";
	bool hooked = hook->program[0];

	canvas_text(canvas, row, 1, 18, INK_PLAIN, hook->boundary);
	canvas_text(canvas, row, 19, 12, INK_PLAIN, hook->account[0] ? hook->account : "-");
	if (hook->runs && hook->run_ns)
		snprintf(runs, sizeof(runs), "%s", format_ns(t, hook->run_ns / hook->runs).text);
	canvas_right(canvas, row, 31, 9, INK_PLAIN, runs);
	canvas_right(canvas, row, 40, 13, INK_PLAIN,
	             hook->runs ? format_count(hook->runs).text : "");
	canvas_text(canvas, row, 55, canvas->width - 55, hooked ? INK_PLAIN : INK_DIM,
	            hooked ? hook->program : hook->why);
}

static void draw_hooks(struct top *top, struct area area)
{
	const struct recording *recording = &top->model.tail.sum;
	struct canvas *canvas = area.canvas;
	struct list *list = &top->lists[VIEW_SELF];
	long n = list_layout(list, (long)recording->n_hooks, area.height - 1);

	top->page = area.height - 1;
	canvas_ink_row(canvas, area.row, INK_TITLE);
	canvas_text(canvas, area.row, 1, 18, INK_TITLE, "BOUNDARY");
	canvas_text(canvas, area.row, 19, 12, INK_TITLE, "FEEDS");
	canvas_right(canvas, area.row, 31, 9, INK_TITLE, "PER RUN");
	canvas_right(canvas, area.row, 40, 13, INK_TITLE, "RUNS");
	canvas_text(canvas, area.row, 55, canvas->width - 55, INK_TITLE, "PROGRAM, OR WHY NOT");
	for (long i = 0; i < n; i++) {
		draw_hook(&recording->hooks[list->first + i], canvas, area.row + 1 + (int)i);
		if (list->first + i == list->selected)
			canvas_select(canvas, area.row + 1 + (int)i);
	}
}

static void draw(struct top *top, struct area area)
{
	const struct findings *overall = top->model.overall;
	int row = area.row;

	if (overall) {
		row = draw_cost(overall, area.canvas, row);
		row = draw_losses(overall->recording, area.canvas, row);
	}
	row = draw_memory(top, area.canvas, row);
	if (overall && overall->caution[0]) {
		canvas_print(area.canvas, row, 1, INK_WARNING, "! %s", overall->caution);
		row++;
	}
	draw_hooks(top, (struct area){ area.canvas, row, area.row + area.height - row });
}

static long rows(struct top *top)
{
	return (long)top->model.tail.sum.n_hooks;
}

const struct view view_self = {
	.name = "Self",
	.option = "self",
	.draw = draw,
	.rows = rows,
};
