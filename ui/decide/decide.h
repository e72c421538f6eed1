/* SPDX-License-Identifier: GPL-2.0 */
/* The renderers of `ktax decide`: a decision in, text or JSON out. */
#ifndef KTAX_UI_DECIDE_H
#define KTAX_UI_DECIDE_H

#include <jansson.h>

#include "decision.h"
#include "lost_features.h"
#include "predictability.h"
#include "terminal.h"

struct decide_view {
	const struct decision_input *input;
	const struct decision *decision;
	const struct features *features; /* NULL: see features_why */
	const char *features_why;
	const struct predictability *predictability;
	const struct predictability *capture; /* of a capture's packets; NULL: there is none */
	const char *capture_source;           /* "FILE: packets to port 6379" */
};

/* A capture of the endpoint's traffic. */
struct decide_capture {
	struct predictability predictability;
	char source[160];
};

/*
 * How evenly the packets of @path come to @port; 0: that of @endpoint ("10.0.0.1:6379/tcp"). -1, or
 * the exit code of what has been said.
 */
int decide_read_capture(const char *path, uint16_t port, const char *endpoint,
                        struct decide_capture *ret_capture);

/* For people, at least 100 columns wide. */
void decide_text(const struct terminal *terminal, const struct decide_view *view);
/* JSON, schema "ktax.decision/1" (docs/decision.schema.json). -ENOMEM. */
int decide_json(FILE *file, const struct decide_view *view);
/* The same, unwritten: the caller's to json_decref(). -ENOMEM. */
int decide_document(const struct decide_view *view, json_t **ret_document);

#endif
