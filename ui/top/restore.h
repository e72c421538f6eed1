/* SPDX-License-Identifier: GPL-2.0 */
/* Leaving the terminal as it was found, whatever this process dies of. */
#ifndef KTAX_UI_TOP_RESTORE_H
#define KTAX_UI_TOP_RESTORE_H

/* Before the terminal is changed: keeps its settings. */
void restore_prepare(void);
/*
 * Once the terminal is ncurses': signals that end the process by a fault restore it first, and end
 * it then. @leave: what the terminal is sent, as from terminfo.
 */
void restore_arm(const char *leave);
void restore_disarm(void);

#endif
