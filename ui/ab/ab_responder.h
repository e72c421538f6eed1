/* SPDX-License-Identifier: GPL-2.0 */
/* `ktax ab --responder`: the responder's host of a run on two (remote.h). */
#ifndef KTAX_UI_AB_RESPONDER_H
#define KTAX_UI_AB_RESPONDER_H

/* Serves the generator's host over standard input and output. Returns the exit code. */
int ab_responder(void);

#endif
