// SPDX-License-Identifier: GPL-2.0
#include "canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const struct cell blank = { .symbol = ' ' };

int canvas_init(struct canvas *canvas, int height, int width, bool utf8)
{
	*canvas = (struct canvas){ .terminal = { .utf8 = utf8, .width = width } };
	return canvas_resize(canvas, height, width);
}

void canvas_destroy(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

int canvas_resize(struct canvas *canvas, int height, int width)
{
	struct cell *cells = calloc((size_t)height * (size_t)width + 1, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	free(canvas->cells);
	canvas->cells = cells;
	canvas->height = height;
	canvas->width = canvas->terminal.width = width;
	canvas_clear(canvas);
	return 0;
}

void canvas_clear(struct canvas *canvas)
{
	for (int i = 0; i < canvas->height * canvas->width; i++)
		canvas->cells[i] = blank;
}

static struct cell *cell_at(struct canvas *canvas, int row, int column)
{
	if (row < 0 || row >= canvas->height || column < 0 || column >= canvas->width)
		return NULL;
	return &canvas->cells[row * canvas->width + column];
}

void canvas_symbol(struct canvas *canvas, int row, int column, enum ink ink, uint32_t symbol)
{
	struct cell *cell = cell_at(canvas, row, column);

	if (!cell)
		return;
	if (symbol < 0x20 || symbol == 0x7f || (symbol > 0x7e && !canvas->terminal.utf8))
		symbol = '?';
	cell->symbol = symbol;
	cell->ink = (uint8_t)ink;
}

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

/* The next code point of *text, which moves on; '?' for what is malformed or not 1 column wide. */
static uint32_t decode(const char **text)
{
	const unsigned char *byte = (const unsigned char *)*text;
	uint32_t symbol = *byte;
	int more = symbol < 0x80    ? 0
	           : symbol >= 0xf0 ? 3
	           : symbol >= 0xe0 ? 2
	           : symbol >= 0xc0 ? 1
	                            : -1;

	*text += 1;
	if (more == 0)
		return symbol;
	if (more < 0)
		return '?';
	symbol &= 0x3fU >> more;
	for (int i = 1; i <= more; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return '?';
		symbol = symbol << 6 | (byte[i] & 0x3f);
	}
	*text += more;
	return symbol > 0xa0 && symbol <= 0x10ffff && wcwidth((wchar_t)symbol) == 1 ? symbol : '?';
}

int canvas_encode(uint32_t symbol, char text[5])
{
	int more = symbol < 0x80 ? 0 : symbol < 0x800 ? 1 : symbol < 0x10000 ? 2 : 3;

	text[0] = (char)(more ? (0xff00U >> (more + 1) & 0xff) | symbol >> 6 * more : symbol);
	for (int i = 1; i <= more; i++)
		text[i] = (char)(0x80 | (symbol >> 6 * (more - i) & 0x3f));
	text[more + 1] = '\0';
	return more + 1;
}

int canvas_columns(const char *text)
{
	int columns = 0;

	for (; *text; columns++)
		decode(&text);
	return columns;
}

/* ---- Text ----------------------------------------------------------------------------------- */

int canvas_text(struct canvas *canvas, int row, int column, int width, enum ink ink,
                const char *text)
{
	int columns = canvas_columns(text);
	bool cut = columns > width;

	if (width <= 0)
		return column;
	for (int i = 0; i < (cut ? width - 1 : columns); i++)
		canvas_symbol(canvas, row, column++, ink, decode(&text));
	if (cut)
		canvas_symbol(canvas, row, column++, ink, canvas->terminal.utf8 ? 0x2026 : '~');
	return column;
}

int canvas_right(struct canvas *canvas, int row, int column, int width, enum ink ink,
                 const char *text)
{
	int columns = canvas_columns(text);
	int blanks = columns < width ? width - columns : 0;

	canvas_text(canvas, row, column + blanks, width - blanks, ink, text);
	return column + width;
}

int canvas_print(struct canvas *canvas, int row, int column, enum ink ink, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return canvas_text(canvas, row, column, canvas->width - column, ink, text);
}

void canvas_select(struct canvas *canvas, int row)
{
	for (int column = 0; column < canvas->width; column++) {
		struct cell *cell = cell_at(canvas, row, column);

		if (cell)
			cell->selected = true;
	}
}

void canvas_ink_row(struct canvas *canvas, int row, enum ink ink)
{
	for (int column = 0; column < canvas->width; column++) {
		struct cell *cell = cell_at(canvas, row, column);

		if (cell)
			cell->ink = (uint8_t)ink;
	}
}

void canvas_row_text(const struct canvas *canvas, int row, char *text, size_t size)
{
	const struct cell *cells = &canvas->cells[row * canvas->width];
	int length = canvas->width;
	size_t used = 0;

	while (length && cells[length - 1].symbol == ' ')
		length--;
	for (int i = 0; i < length && used + 5 < size; i++)
		used += (size_t)canvas_encode(cells[i].symbol, text + used);
	text[used] = '\0';
}
