/* SPDX-License-Identifier: GPL-2.0 */
/* What a request can ask for: ways to open spans and to leave them. */
#ifndef KTAX_TRUTH_REQUESTS_H
#define KTAX_TRUTH_REQUESTS_H

/* A request is the name in a line of its own; the answer is the name again. */
struct request_kind {
	const char *name;
	void (*handle)();
};

extern const struct request_kind request_kinds[];

/* nullptr if there is none called @name. */
const struct request_kind *request_kind_find(const char *name);

/* What a thread does that is no server: all of the time. */
void background();

#endif
