/* SPDX-License-Identifier: GPL-2.0 */
/* The renderers of `ktax decide`: a decision in, text or JSON out. */
#ifndef KTAX_UI_DECIDE_H
#define KTAX_UI_DECIDE_H

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
};

/* For people, at least 100 columns wide. */
void decide_text(const struct terminal *terminal, const struct decide_view *view);
/* JSON, schema "ktax.decision/1" (docs/decision.schema.json). -ENOMEM. */
int decide_json(FILE *file, const struct decide_view *view);

#endif
