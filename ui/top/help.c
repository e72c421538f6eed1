// SPDX-License-Identifier: GPL-2.0
/* The help that lies over the screen. */
#include "top.h"

static const char *const lines[] = {
	"q         quit                      h ? F1  this help",
	"Tab 1-6   next view, that view      arrows  select; also j k g G PgUp PgDn",
	"left right  other endpoint          Enter   the selected endpoint's ledger",
	"s  S      sort by the next column, turn the order",
	"/         only endpoints or processes that contain a text; Esc: all",
	"p  space  pause; refresh now, or one more interval of a paused recording",
	"d         delay between refreshes   + -     longer, shorter span of figures",
	"r         start over                < >     play slower, faster (--replay)",
	"w         write a recording of what follows; again: end it",
	"",
	"Letters in bars: n nic_rx  k kernel_rx  w wakeup  q app_queue  c copy_rx",
	"  a app  A app_kernel  s serialize  t tls  g gc  h hop  l lock  i io",
	"  W wait  p preempt  K kernel_tx  Q qdisc  C cwnd  N nic_tx  u unknown",
	"P99 FLOOR, without the kernel: less all that bypass could take away",
};

void help_draw(struct canvas *canvas)
{
	canvas_ink_row(canvas, 0, INK_TITLE);
	canvas_print(canvas, 0, 0, INK_TITLE, " ktax top: keys");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		canvas_print(canvas, 1 + (int)i, 1, INK_PLAIN, "%s", lines[i]);
	canvas_print(canvas, canvas->height - 1, 1, INK_DIM, "any key goes back");
}
