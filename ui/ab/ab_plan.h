/* SPDX-License-Identifier: GPL-2.0 */
/* `ktax ab --plan`: what of a plan are options, and the ports that it names. */
#ifndef KTAX_UI_AB_PLAN_H
#define KTAX_UI_AB_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "plan.h"
#include "ports.h"

struct journal;
struct ab_options;
struct traffic;

/*
 * The option that a key of [traffic] or [design] stands for: one of the same name under the
 * headings "Traffic:", or "Paths:" and "Design:", of @table. NULL: there is none.
 */
const struct option_row *ab_plan_option(const struct option_row *table, const char *section,
                                        const char *name);

/* The value of a key that stands for an option without an argument: "yes" or "no", else -EINVAL. */
int ab_plan_flag(const char *value, bool *ret_flag);

/*
 * Makes the ports of @plan fit for a run, and puts @traffic on them, with what the plan names to get
 * to the responder's host. As remote_open and ports_prepare; ab_plan_close in any case.
 */
int ab_plan_prepare(const struct plan *plan, struct journal *journal, bool i_know, bool tcp,
                    struct ports *ports, struct traffic *traffic, char *why, size_t why_size);
/* 0, or what of the other host could not be restored, with a sentence in @why. */
int ab_plan_close(struct ports *ports, char *why, size_t why_size);

#endif
