/* SPDX-License-Identifier: GPL-2.0 */
/* Functions to be probed (--span libktax-truth-spans.so:span_*), in a library of plain C. */
#ifndef KTAX_TRUTH_WORK_H
#define KTAX_TRUTH_WORK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Calls @inside. */
void span_work(void (*inside)(void));
/* Calls itself @depth times and then @inside; spins for @us before and after each call. */
void span_recurse(int depth, unsigned long us, void (*inside)(void));
/* Spins for @us and jumps to span_last, which spins for @us. */
int span_first(unsigned long us);
int span_last(unsigned long us);

#ifdef __cplusplus
}
#endif

#endif
