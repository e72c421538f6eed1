/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The screen without its terminal: what a key does, and what is drawn. A view is a table of
 * operations in a file of its own.
 */
#ifndef KTAX_UI_TOP_H
#define KTAX_UI_TOP_H

#include "canvas.h"
#include "source.h"

/* Keys that are no character. */
enum top_key {
	TOP_KEY_UP = 0x200000,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACKSPACE,
	TOP_KEY_BACKTAB,
	TOP_KEY_HELP,
	TOP_KEY_KILL = 21, /* Ctrl-U */
	TOP_KEY_ESCAPE = 27,
	TOP_KEY_TAB = 9,
	TOP_KEY_ENTER = 10,
};

/* Least size of a terminal, rows and columns. */
#define TOP_HEIGHT_LEAST 16
#define TOP_WIDTH_LEAST  60

enum view_name {
	VIEW_ENDPOINTS,
	VIEW_LEDGER,
	VIEW_DISTRIBUTION,
	VIEW_SLOWEST,
	VIEW_THREADS,
	VIEW_SELF,
	N_VIEWS,
};

/* A list that does not fit: which row is selected, which is the first that is shown. */
struct list {
	long selected, first;
};

enum prompt { PROMPT_NONE, PROMPT_FILTER, PROMPT_DELAY, PROMPT_FILE };

struct top {
	struct model model;
	struct source *source;
	enum view_name view;
	struct list lists[N_VIEWS];
	int page;          /* rows of the list as last drawn */
	uint64_t delay_ns; /* between two refreshes */
	bool paused, help, quit;
	bool utf8; /* of the terminal */
	int error; /* of the source, the last one; its words are in the message */
	enum prompt prompt;
	char input[256]; /* typed so far */
	char message[256];
};

struct view {
	const char *name;   /* of its tab */
	const char *option; /* for --view */
	/* The view was switched to; may be NULL. */
	void (*open)(struct top *top);
	void (*draw)(struct top *top, struct area area);
	/* Rows of its list, so that the arrows move in it; NULL: they do not, or key() says. */
	long (*rows)(struct top *top);
	/* True if it has taken the key; may be NULL. */
	bool (*key)(struct top *top, int key);
};

extern const struct view *const top_views[N_VIEWS];
extern const struct view view_endpoints, view_ledger, view_distribution, view_slowest, view_threads,
	view_self;

#define SPAN_DEFAULT_NS  10000000000ULL
#define DELAY_DEFAULT_NS 1000000000ULL
/* Of intervals in memory. */
#define TOP_BYTES_MAX ((size_t)64 << 20)

/* Keys and time: keys.c. */
void top_key(struct top *top, int key, uint64_t now_ns);
/* Takes what the source has; true if there is something new to see. */
bool top_poll(struct top *top, uint64_t now_ns);
/* A recording is being written. */
bool top_writing(const struct top *top);
void top_say(struct top *top, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The longer or shorter span next to @span_ns. */
uint64_t top_next_span(uint64_t span_ns, bool longer);
/* -EINVAL: there is no such view. */
int top_view_by_name(const char *name, enum view_name *ret_view);

/* All of it: frame.c. */
void top_draw(struct top *top, struct canvas *canvas);

/* Scrolls so that the selected row is among @height; the number of rows to draw, from first on. */
long list_layout(struct list *list, long rows, int height);

/* help.c */
void help_draw(struct canvas *canvas);

/* Text that views share. */
struct formatted format_rate(double per_second);
struct formatted format_span(uint64_t ns);
enum ink group_ink(enum ktax_group group);

#endif
