// SPDX-License-Identifier: GPL-2.0
/* What keys do. First a prompt takes them, then the help, the view, and the screen as a whole. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "top.h"

#define DELAY_LEAST_NS 100000000ULL

const struct view *const top_views[N_VIEWS] = {
	[VIEW_ENDPOINTS] = &view_endpoints,       [VIEW_LEDGER] = &view_ledger,
	[VIEW_DISTRIBUTION] = &view_distribution, [VIEW_SLOWEST] = &view_slowest,
	[VIEW_THREADS] = &view_threads,           [VIEW_SELF] = &view_self,
};

void top_say(struct top *top, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(top->message, sizeof(top->message), format, arguments);
	va_end(arguments);
}

int top_view_by_name(const char *name, enum view_name *ret_view)
{
	for (int i = 0; i < N_VIEWS; i++) {
		if (!strcmp(top_views[i]->option, name)) {
			*ret_view = (enum view_name)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void refresh(struct top *top)
{
	int error = model_refresh(&top->model);

	if (error)
		top_say(top, "cannot refresh: %s", strerror(-error));
}

/* @taken: intervals, or an error whose words are in the message. */
static bool show_taken(struct top *top, int taken)
{
	if (taken < 0)
		top->error = taken;
	if (taken > 0 || !top->model.findings)
		refresh(top);
	return taken != 0;
}

bool top_poll(struct top *top, uint64_t now_ns)
{
	struct source *source = top->source;
	bool told =
		source->ops->told && source->ops->told(source, top->message, sizeof(top->message));

	if (top->paused)
		return told;
	return show_taken(top, source->ops->poll(source, &top->model, now_ns, top->message,
	                                         sizeof(top->message))) ||
	       told;
}

/* ---- Spans ---------------------------------------------------------------------------------- */

uint64_t top_next_span(uint64_t span_ns, bool longer)
{
	static const uint64_t seconds[] = { 1, 2, 5, 10, 30, 60, 300 };
	const size_t n = sizeof(seconds) / sizeof(seconds[0]);

	if (longer) {
		for (size_t i = 0; i < n; i++)
			if (seconds[i] * 1000000000 > span_ns)
				return seconds[i] * 1000000000;
		return TAIL_EVERYTHING;
	}
	for (size_t i = n; i > 0; i--)
		if (seconds[i - 1] * 1000000000 < span_ns)
			return seconds[i - 1] * 1000000000;
	return seconds[0] * 1000000000;
}

static void change_span(struct top *top, bool longer)
{
	uint64_t span = top_next_span(top->model.tail.length_ns, longer);
	int error = model_set_span(&top->model, span);

	if (error)
		top_say(top, "cannot change the span: %s", strerror(-error));
	else
		top_say(top, "figures are of the last %s", format_span(span).text);
}

/* ---- Prompts -------------------------------------------------------------------------------- */

static void ask(struct top *top, enum prompt prompt, const char *preset)
{
	top->prompt = prompt;
	snprintf(top->input, sizeof(top->input), "%s", preset);
}

static void take_delay(struct top *top)
{
	uint64_t delay;

	if (option_duration(top->input, &delay) < 0 || delay < DELAY_LEAST_NS) {
		top_say(top,
		        "a delay is a length of time from 100ms up, e.g. 2 (seconds) or 500ms");
		return;
	}
	top->delay_ns = delay;
	top_say(top, "refreshed every %s", top->input);
}

static void take_file(struct top *top)
{
	int error;

	if (!top->input[0])
		return;
	error = top->source->ops->write(top->source, top->input);
	if (error)
		top_say(top, "%s: %s", top->input, strerror(-error));
}

bool top_writing(const struct top *top)
{
	return top->source->ops->writing && top->source->ops->writing(top->source);
}

static void end_prompt(struct top *top)
{
	enum prompt prompt = top->prompt;

	top->prompt = PROMPT_NONE;
	if (prompt == PROMPT_DELAY)
		take_delay(top);
	else if (prompt == PROMPT_FILE)
		take_file(top);
}

static void type_character(struct top *top, int key)
{
	size_t length = strlen(top->input);
	char text[5];

	if (key < 0x20 || key == 0x7f || key >= TOP_KEY_UP)
		return;
	if (length + (size_t)canvas_encode((uint32_t)key, text) < sizeof(top->input))
		strcpy(top->input + length, text);
}

static void delete_character(struct top *top)
{
	size_t length = strlen(top->input);

	while (length && (top->input[--length] & 0xc0) == 0x80)
		;
	top->input[length] = '\0';
}

static void prompt_key(struct top *top, int key)
{
	if (key == TOP_KEY_ENTER) {
		end_prompt(top);
		return;
	}
	if (key == TOP_KEY_ESCAPE) {
		if (top->prompt == PROMPT_FILTER)
			model_filter(&top->model, "");
		top->prompt = PROMPT_NONE;
		return;
	}
	if (key == TOP_KEY_BACKSPACE)
		delete_character(top);
	else if (key == TOP_KEY_KILL)
		top->input[0] = '\0';
	else
		type_character(top, key);
	if (top->prompt == PROMPT_FILTER)
		model_filter(&top->model, top->input);
}

/* ---- Moving --------------------------------------------------------------------------------- */

static void switch_view(struct top *top, int view)
{
	top->view = (enum view_name)((view + N_VIEWS) % N_VIEWS);
	if (top_views[top->view]->open)
		top_views[top->view]->open(top);
}

/* Rows that the key moves by, or 0. */
static long distance(const struct top *top, int key)
{
	long page = top->page > 1 ? top->page - 1 : 1;

	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		return -1;
	case TOP_KEY_DOWN:
	case 'j':
		return 1;
	case TOP_KEY_PAGE_UP:
		return -page;
	case TOP_KEY_PAGE_DOWN:
		return page;
	case TOP_KEY_HOME:
	case 'g':
		return -1000000;
	case TOP_KEY_END:
	case 'G':
		return 1000000;
	default:
		return 0;
	}
}

static bool move(struct top *top, int key)
{
	struct list *list = &top->lists[top->view];
	long by = distance(top, key), rows;

	if (!by)
		return false;
	if (!top_views[top->view]->rows) {
		model_move(&top->model, by);
		return true;
	}
	rows = top_views[top->view]->rows(top);
	list->selected += by;
	if (list->selected >= rows)
		list->selected = rows - 1;
	if (list->selected < 0)
		list->selected = 0;
	return true;
}

long list_layout(struct list *list, long rows, int height)
{
	if (list->selected >= rows)
		list->selected = rows > 0 ? rows - 1 : 0;
	if (list->first > list->selected)
		list->first = list->selected;
	if (list->first <= list->selected - height)
		list->first = list->selected - height + 1;
	if (list->first > rows - height)
		list->first = rows > height ? rows - height : 0;
	return rows - list->first < height ? rows - list->first : height;
}

/* ---- The screen's own keys ------------------------------------------------------------------ */

static void toggle_pause(struct top *top, uint64_t now_ns)
{
	top->paused = !top->paused;
	top->source->ops->pause(top->source, top->paused, now_ns);
}

static void step(struct top *top, uint64_t now_ns)
{
	struct source *source = top->source;

	if (top->paused && source->ops->step)
		show_taken(top, source->ops->step(source, &top->model, top->message,
		                                  sizeof(top->message)));
	else
		top_poll(top, now_ns);
}

static void reset(struct top *top, uint64_t now_ns)
{
	int error = model_reset(&top->model);

	if (top->source->ops->rewind)
		top->source->ops->rewind(top->source, now_ns);
	if (error)
		top_say(top, "cannot start over: %s", strerror(-error));
	else
		top_say(top, top->source->ops->rewind ? "from the beginning" : "figures begin now");
}

static void change_speed(struct top *top, double factor, uint64_t now_ns)
{
	if (top->source->ops->faster)
		top_say(top, "played at %g times its speed",
		        top->source->ops->faster(top->source, factor, now_ns));
}

static void toggle_writing(struct top *top)
{
	if (!top->source->ops->write) {
		top_say(top, "this is a recording already");
	} else if (top_writing(top)) {
		top->source->ops->write(top->source, NULL);
	} else {
		ask(top, PROMPT_FILE, "ktax.ktax");
	}
}

static void screen_key(struct top *top, int key, uint64_t now_ns)
{
	switch (key) {
	case 'q':
	case 'Q':
		top->quit = true;
		break;
	case 'h':
	case '?':
	case TOP_KEY_HELP:
		top->help = true;
		break;
	case TOP_KEY_TAB:
		switch_view(top, (int)top->view + 1);
		break;
	case TOP_KEY_BACKTAB:
		switch_view(top, (int)top->view - 1);
		break;
	case TOP_KEY_LEFT:
		model_move(&top->model, -1);
		break;
	case TOP_KEY_RIGHT:
		model_move(&top->model, 1);
		break;
	case '/':
		ask(top, PROMPT_FILTER, top->model.filter);
		break;
	case TOP_KEY_ESCAPE:
		model_filter(&top->model, "");
		break;
	case 'p':
	case 'P':
		toggle_pause(top, now_ns);
		break;
	case ' ':
		step(top, now_ns);
		break;
	case 'd':
		ask(top, PROMPT_DELAY, "");
		break;
	case '+':
	case '=':
	case '-':
		change_span(top, key != '-');
		break;
	case '>':
	case '<':
		change_speed(top, key == '>' ? 2 : 0.5, now_ns);
		break;
	case 'r':
		reset(top, now_ns);
		break;
	case 'w':
		toggle_writing(top);
		break;
	default:
		if (key >= '1' && key < '1' + N_VIEWS)
			switch_view(top, key - '1');
	}
}

void top_key(struct top *top, int key, uint64_t now_ns)
{
	const struct view *view = top_views[top->view];

	top->message[0] = '\0';
	if (top->prompt)
		prompt_key(top, key);
	else if (top->help)
		top->help = false;
	else if (!(view->key && view->key(top, key)) && !move(top, key))
		screen_key(top, key, now_ns);
}
