// SPDX-License-Identifier: GPL-2.0
#include "chart.h"

#include <math.h>

#define BRAILLE 0x2800

void chart_spark(struct canvas *canvas, int row, int column, enum ink ink, const double *values,
                 int n, double most)
{
	static const char ascii[] = "_.:-=+*#";

	for (int i = 0; i < n; i++) {
		double share = most > 0 ? fmin(values[i] / most, 1) : 0;
		int eighth = (int)lround(share * 7);

		if (values[i] < 0)
			continue;
		canvas_symbol(canvas, row, column + i, ink,
		              canvas->terminal.utf8 ? 0x2581 + (uint32_t)eighth
		                                    : (uint32_t)ascii[eighth]);
	}
}

void chart_bar(struct canvas *canvas, int row, int column, int width, enum ink ink, double share)
{
	long parts = lround(fmin(fmax(share, 0), 1) * width * 8);

	for (; parts >= 8; parts -= 8)
		canvas_symbol(canvas, row, column++, ink, canvas->terminal.utf8 ? 0x2588 : '#');
	if (parts && canvas->terminal.utf8)
		canvas_symbol(canvas, row, column, ink, 0x2590 - (uint32_t)parts);
	else if (parts >= 4)
		canvas_symbol(canvas, row, column, ink, '#');
}

char chart_letter(int account)
{
	static const char letters[KTAX_NACCOUNTS] = {
		[KTAX_NIC_RX] = 'n',     [KTAX_KERNEL_RX] = 'k', [KTAX_WAKEUP] = 'w',
		[KTAX_APP_QUEUE] = 'q',  [KTAX_COPY_RX] = 'c',   [KTAX_APP] = 'a',
		[KTAX_APP_KERNEL] = 'A', [KTAX_SERIALIZE] = 's', [KTAX_TLS] = 't',
		[KTAX_GC] = 'g',         [KTAX_HOP] = 'h',       [KTAX_LOCK] = 'l',
		[KTAX_IO] = 'i',         [KTAX_WAIT] = 'W',      [KTAX_PREEMPT] = 'p',
		[KTAX_KERNEL_TX] = 'K',  [KTAX_QDISC] = 'Q',     [KTAX_CWND] = 'C',
		[KTAX_NIC_TX] = 'N',     [KTAX_UNKNOWN] = 'u',
	};

	return letters[account];
}

/* Columns of each account: rounded down, then one more to those with the largest remainders. */
static void share_out(const double amounts[KTAX_NACCOUNTS], double total, int width,
                      int columns[KTAX_NACCOUNTS])
{
	double remainder[KTAX_NACCOUNTS];
	int left = width;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		double exact = amounts[i] / total * width;

		columns[i] = (int)exact;
		remainder[i] = exact - columns[i];
		left -= columns[i];
	}
	for (; left > 0; left--) {
		int largest = 0;

		for (int i = 1; i < KTAX_NACCOUNTS; i++)
			if (remainder[i] > remainder[largest])
				largest = i;
		columns[largest]++;
		remainder[largest] = -1;
	}
}

void chart_stack(struct canvas *canvas, int row, int column, int width,
                 const double amounts[KTAX_NACCOUNTS])
{
	int columns[KTAX_NACCOUNTS];
	double total = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		total += amounts[i];
	if (total <= 0 || width <= 0)
		return;
	share_out(amounts, total, width, columns);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		for (int n = 0; n < columns[i]; n++)
			canvas_symbol(canvas, row, column++, (enum ink)(INK_BLOCK + i),
			              (uint32_t)chart_letter(i));
}

int plot_dots_across(const struct plot *plot)
{
	return plot->canvas->terminal.utf8 ? 2 * plot->width : plot->width;
}

int plot_dots_up(const struct plot *plot)
{
	return plot->canvas->terminal.utf8 ? 4 * plot->height : plot->height;
}

void plot_dot(const struct plot *plot, int x, int y, enum ink ink, char mark)
{
	static const uint8_t bits[4][2] = {
		{ 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
	};
	struct canvas *canvas = plot->canvas;
	int down = plot_dots_up(plot) - 1 - y, row, column;
	uint32_t symbol = 0;

	if (x < 0 || y < 0 || x >= plot_dots_across(plot) || down < 0)
		return;
	if (!canvas->terminal.utf8) {
		canvas_symbol(canvas, plot->row + down, plot->column + x, ink, (uint32_t)mark);
		return;
	}
	row = plot->row + down / 4;
	column = plot->column + x / 2;
	if (row < canvas->height && column < canvas->width)
		symbol = canvas->cells[row * canvas->width + column].symbol;
	if (symbol < BRAILLE || symbol > BRAILLE + 0xff)
		symbol = BRAILLE;
	canvas_symbol(canvas, row, column, ink, symbol | bits[down % 4][x % 2]);
}
