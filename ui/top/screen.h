/* SPDX-License-Identifier: GPL-2.0 */
/* Showing it: on a terminal with ncurses, or printed. */
#ifndef KTAX_UI_TOP_SCREEN_H
#define KTAX_UI_TOP_SCREEN_H

#include <signal.h>

#include "top.h"

/*
 * Runs until the user quits or a signal ends it. -ENOTTY: the terminal's type is not known. The
 * terminal is restored at any end, also where the process is killed by a signal that can be caught.
 */
int screen_run(struct top *top, bool color);

/* Prints @frames (0: until the source ends) of the current view to stdout, @width columns wide. */
int batch_run(struct top *top, uint64_t frames, int width, bool utf8);

/* A signal came that ends it. */
extern volatile sig_atomic_t top_stop;
uint64_t top_clock_ns(void);

#endif
