/* SPDX-License-Identifier: GPL-2.0 */
/* The other end of remote.h: what `ktax ab --responder` does on the responder's host. */
#ifndef KTAX_REMOTE_SERVE_H
#define KTAX_REMOTE_SERVE_H

#include <signal.h>
#include <stddef.h>

struct journal;

/*
 * Says hello on @out and does what comes from @in, until that ends, is told to, or *interrupted is
 * set; whatever it was, the port is as it was then: it closes @journal. Also if nothing has come
 * for ten minutes beside a block, since a network that is gone does not tell. 0, or what of the
 * restoring has failed, or -EREMOTEIO: what comes is no request; with a sentence in @why.
 */
int remote_serve(int in, int out, struct journal *journal, const volatile sig_atomic_t *interrupted,
                 char *why, size_t why_size);

#endif
