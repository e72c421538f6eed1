// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal, through ncurses: shows a canvas, reads keys, waits. All of ncurses is in this file.
 *
 * ncurses compares what it is given with what the terminal shows, and sends the difference only.
 */
#include "screen.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>

#include "restore.h"

#define TICK_NS 200000000ULL /* how often the source is asked at most */

volatile sig_atomic_t top_stop;

uint64_t top_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- Inks ----------------------------------------------------------------------------------- */

/* What an ink looks like: attributes always, colours (of 8, of 256; -1: the terminal's) if any. */
struct look {
	attr_t attributes;
	short foreground, background;
	short foreground_256, background_256;
};

static const struct look ink_looks[INK_BLOCK] = {
	[INK_PLAIN] = { A_NORMAL, -1, -1, -1, -1 },
	[INK_BOLD] = { A_BOLD, -1, -1, -1, -1 },
	[INK_DIM] = { A_DIM, -1, -1, -1, -1 },
	[INK_TITLE] = { A_REVERSE, -1, -1, -1, -1 },
	[INK_WARNING] = { A_BOLD, COLOR_YELLOW, -1, 214, -1 },
	[INK_GOOD] = { A_NORMAL, COLOR_GREEN, -1, 71, -1 },
	[INK_GROUP + KTAX_GROUP_NIC] = { A_NORMAL, COLOR_MAGENTA, -1, 134, -1 },
	[INK_GROUP + KTAX_GROUP_KERNEL] = { A_NORMAL, COLOR_RED, -1, 167, -1 },
	[INK_GROUP + KTAX_GROUP_SERIALIZATION] = { A_NORMAL, COLOR_YELLOW, -1, 178, -1 },
	[INK_GROUP + KTAX_GROUP_APPLICATION] = { A_NORMAL, COLOR_CYAN, -1, 73, -1 },
};

/* Letters on the colour of their group; of 256, neighbours in two shades of it. */
static struct look block_look(int account)
{
	static const short backgrounds[] = {
		[KTAX_GROUP_NIC] = COLOR_MAGENTA,
		[KTAX_GROUP_KERNEL] = COLOR_RED,
		[KTAX_GROUP_SERIALIZATION] = COLOR_YELLOW,
		[KTAX_GROUP_APPLICATION] = COLOR_CYAN,
	};
	static const short shades[][2] = {
		[KTAX_GROUP_NIC] = { 134, 97 },
		[KTAX_GROUP_KERNEL] = { 167, 131 },
		[KTAX_GROUP_SERIALIZATION] = { 178, 136 },
		[KTAX_GROUP_APPLICATION] = { 73, 66 },
	};
	enum ktax_group group = ktax_account_info[account].group;

	return (struct look){ A_NORMAL, COLOR_BLACK, backgrounds[group], 16,
		              shades[group][account % 2] };
}

static struct look look_of(int ink)
{
	return ink < INK_BLOCK ? ink_looks[ink] : block_look(ink - INK_BLOCK);
}

static bool use_color;

/* One pair per ink. */
static void make_pairs(bool color)
{
	use_color = color && has_colors() && start_color() == OK;
	if (!use_color)
		return;
	use_default_colors();
	for (int ink = 0; ink < N_INKS; ink++) {
		struct look look = look_of(ink);

		if (COLORS >= 256)
			init_pair((short)(ink + 1), look.foreground_256, look.background_256);
		else
			init_pair((short)(ink + 1), look.foreground, look.background);
	}
}

static void show_cell(int row, int column, const struct cell *cell)
{
	wchar_t text[2] = { (wchar_t)cell->symbol, 0 };
	attr_t attributes = look_of(cell->ink).attributes;
	cchar_t shown;

	if (cell->selected)
		attributes = (attributes & ~(attr_t)A_DIM) | A_REVERSE;
	setcchar(&shown, text, attributes, use_color ? (short)(cell->ink + 1) : 0, NULL);
	mvadd_wch(row, column, &shown);
}

static void show(const struct canvas *canvas)
{
	for (int row = 0; row < canvas->height; row++)
		for (int column = 0; column < canvas->width; column++)
			show_cell(row, column, &canvas->cells[row * canvas->width + column]);
	refresh();
}

static void draw(struct top *top, struct canvas *canvas)
{
	int height, width;

	getmaxyx(stdscr, height, width);
	if ((height != canvas->height || width != canvas->width) &&
	    canvas_resize(canvas, height, width))
		return;
	top_draw(top, canvas);
	show(canvas);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static int translate(wint_t key)
{
	static const struct {
		wint_t from;
		int to;
	} keys[] = { { KEY_UP, TOP_KEY_UP },
		     { KEY_DOWN, TOP_KEY_DOWN },
		     { KEY_LEFT, TOP_KEY_LEFT },
		     { KEY_RIGHT, TOP_KEY_RIGHT },
		     { KEY_PPAGE, TOP_KEY_PAGE_UP },
		     { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		     { KEY_HOME, TOP_KEY_HOME },
		     { KEY_END, TOP_KEY_END },
		     { KEY_BACKSPACE, TOP_KEY_BACKSPACE },
		     { KEY_BTAB, TOP_KEY_BACKTAB },
		     { KEY_ENTER, TOP_KEY_ENTER },
		     { KEY_F(1), TOP_KEY_HELP },
		     { KEY_F(10), 'q' } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].from == key)
			return keys[i].to;
	return 0;
}

/* True if there was any. */
static bool read_keys(struct top *top)
{
	bool any = false;
	wint_t key;
	int kind;

	while ((kind = get_wch(&key)) != ERR && !top->quit) {
		int translated = kind == KEY_CODE_YES ? translate(key) : (int)key;

		if (kind != KEY_CODE_YES && (key == '\r' || key == '\n'))
			translated = TOP_KEY_ENTER;
		if (kind != KEY_CODE_YES && (key == 127 || key == 8))
			translated = TOP_KEY_BACKSPACE;
		if (kind != KEY_CODE_YES && key == 12) /* Ctrl-L */
			clearok(stdscr, TRUE);
		any = true; /* a changed size, too */
		if (translated)
			top_key(top, translated, top_clock_ns());
	}
	return any;
}

/* Until a key, a signal or the time; false where the terminal is gone. */
static bool wait_for_input(uint64_t ns)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int n = poll(&input, 1, (int)(ns / 1000000) + 1);

	return n <= 0 || !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* ---- Running -------------------------------------------------------------------------------- */

static void run(struct top *top, struct canvas *canvas)
{
	uint64_t due = 0, tick = top->delay_ns < TICK_NS ? top->delay_ns : TICK_NS;
	bool changed = true;

	while (!top->quit && !top_stop) {
		uint64_t now = top_clock_ns();

		if (now >= due && top_poll(top, now)) {
			due = now + top->delay_ns - tick / 2;
			changed = true;
		}
		if (changed)
			draw(top, canvas);
		if (!wait_for_input(tick))
			break;
		changed = read_keys(top);
	}
}

/* What leaving the screen takes, as terminfo says. */
static void arm(void)
{
	static const char *const names[] = { "sgr0", "op", "cnorm", "rmkx", "rmcup" };
	char leave[256] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = tigetstr(names[i]);

		/* (char *)-1: it is no string */
		if (text && text != (const char *)-1 &&
		    strlen(leave) + strlen(text) < sizeof(leave))
			strcat(leave, text);
	}
	restore_arm(leave);
}

int screen_run(struct top *top, bool color)
{
	struct canvas canvas;
	bool utf8 = top->utf8;
	SCREEN *screen;
	int error;

	restore_prepare();
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -ENOTTY;
	arm();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	make_pairs(color);
	error = canvas_init(&canvas, LINES, COLS, utf8);
	if (!error)
		run(top, &canvas);
	endwin();
	restore_disarm();
	delscreen(screen);
	canvas_destroy(&canvas);
	return error;
}
