// SPDX-License-Identifier: GPL-2.0
/* Colours are the 16 that every terminal's theme defines, so they fit light and dark ones. */
#include "terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 100
#define WIDTH_LEAST   60

static bool wants_color(FILE *file, enum color_when when)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	const char *term = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	if (no_color && no_color[0])
		return false;
	return isatty(fileno(file)) && term && strcmp(term, "dumb") != 0;
}

static int find_width(FILE *file)
{
	struct winsize size;

	if (!isatty(fileno(file)) || ioctl(fileno(file), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col;
}

struct terminal terminal_init(FILE *file, enum color_when when)
{
	return (struct terminal){
		.file = file,
		.color = wants_color(file, when),
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.width = find_width(file),
	};
}

int terminal_parse_when(const char *text, enum color_when *ret_when)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (int i = 0; i < 3; i++) {
		if (!strcmp(text, names[i])) {
			*ret_when = (enum color_when)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *terminal_style(const struct terminal *terminal, enum style style)
{
	static const char *const sequences[] = {
		[STYLE_PLAIN] = "\033[0m",        [STYLE_BOLD] = "\033[1m",
		[STYLE_DIM] = "\033[2m",          [STYLE_NIC] = "\033[35m",
		[STYLE_KERNEL] = "\033[31m",      [STYLE_SERIALIZATION] = "\033[33m",
		[STYLE_APPLICATION] = "\033[36m", [STYLE_WARNING] = "\033[1;33m",
		[STYLE_GOOD] = "\033[32m",        [STYLE_BAD] = "\033[31m",
	};

	return terminal->color ? sequences[style] : "";
}

int terminal_columns(const char *text)
{
	int columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}
