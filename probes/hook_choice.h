/* SPDX-License-Identifier: GPL-2.0 */
/* Which way each boundary is hooked on this kernel, and why some are not. */
#ifndef KTAX_HOOK_CHOICE_H
#define KTAX_HOOK_CHOICE_H

#include <stdbool.h>

#include "hooks.h"

struct btf;
struct kernel_symbols;
struct probes_options;

struct hook_choice {
	const struct hook_candidate *chosen[BOUNDARY_COUNT]; /* NULL: not hooked */
	const char *why[BOUNDARY_COUNT];                     /* not hooked because */
};

/*
 * Chooses for the object that keeps its state in hash maps (@storage_hash) or in socket and task
 * storage. Returns the first required boundary that cannot be hooked, or NULL.
 */
const struct hook_boundary *hook_choice_make(struct hook_choice *choice,
                                             const struct probes_options *options,
                                             const struct kernel_symbols *symbols,
                                             const struct btf *btf, bool storage_hash);

/* Whether a chosen hook needs the program called @name. */
bool hook_choice_has_program(const struct hook_choice *choice, const char *name);

#endif
