/* SPDX-License-Identifier: GPL-2.0 */
/* Why something failed, in one sentence for people, next to the errno for the program. */
#ifndef KTAX_SENTENCE_H
#define KTAX_SENTENCE_H

#include <stddef.h>

/* Writes the sentence into @why (NULL or @why_size 0: nobody asks) and returns @err. */
int sentence(char *why, size_t why_size, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
