/* SPDX-License-Identifier: GPL-2.0 */
/* What `ktax ab --sweep` shows. */
#ifndef KTAX_UI_AB_SWEEP_H
#define KTAX_UI_AB_SWEEP_H

#include "sweep.h"
#include "terminal.h"

void ab_sweep_print(const struct sweep_result *result, const struct terminal *terminal);
/* JSON, ktax.sweep/1, of a run with @options. -ENOMEM, -EIO. */
int ab_sweep_write_json(const struct sweep_result *result, const struct ab_options *options,
                        FILE *file);

#endif
