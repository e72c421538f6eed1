// SPDX-License-Identifier: GPL-2.0
/* Frames as text, for pipes and files: as high as what there is to see. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "screen.h"

#define HEIGHT_MOST 1100 /* as many endpoints as there can be, and what is around them */
#define TICK_NS     50000000L

/* Without blank rows before the last one, which is for keys. */
static void print_frame(const struct canvas *canvas, bool first)
{
	size_t size = 4 * (size_t)canvas->width + 1;
	char *text = malloc(size);
	int rows = canvas->height - 1;

	if (!text)
		return;
	for (; rows > 0; rows--) {
		canvas_row_text(canvas, rows - 1, text, size);
		if (text[0])
			break;
	}
	if (!first)
		putchar('\n');
	for (int row = 0; row < rows; row++) {
		canvas_row_text(canvas, row, text, size);
		puts(text);
	}
	fflush(stdout);
	free(text);
}

/* Lists are as long as they are, plots and lists with something below them as on a screen. */
static int frame_height(const struct top *top)
{
	return top->view == VIEW_ENDPOINTS ? HEIGHT_MOST : 43;
}

static void wait(void)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };

	nanosleep(&tick, NULL);
}

int batch_run(struct top *top, uint64_t frames, int width, bool utf8)
{
	struct canvas canvas;
	uint64_t due = 0, printed = 0;
	int error = canvas_init(&canvas, frame_height(top), width, utf8);

	while (!error && !top->error && !top_stop && (!frames || printed < frames) &&
	       !ferror(stdout)) {
		uint64_t now = top_clock_ns();
		bool taken = now >= due && top_poll(top, now);
		bool ended = top->paused || top->source->ops->ended(top->source);

		if (taken || (ended && !printed)) {
			top_draw(top, &canvas);
			print_frame(&canvas, !printed);
			printed++;
			due = now + top->delay_ns - (uint64_t)TICK_NS;
		} else if (ended) {
			break;
		} else {
			wait();
		}
	}
	canvas_destroy(&canvas);
	return error ? error : top->error;
}
