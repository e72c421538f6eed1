/* SPDX-License-Identifier: GPL-2.0 */
/* ip(8), one batch of commands: it knows every kernel's netlink, and says what is wrong. */
#ifndef KTAX_IP_BATCH_H
#define KTAX_IP_BATCH_H

#include <stddef.h>

#define IP_BATCH_MAX 2048 /* bytes */

/*
 * Has ip(8) do @commands, a line each, in namespace @ns; the caller is in @home. 0 or a negative
 * errno, with a sentence in @why.
 */
int ip_batch(int home, int ns, const char *commands, char *why, size_t why_size);

#endif
