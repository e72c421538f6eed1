/* SPDX-License-Identifier: GPL-2.0 */
/* What subcommands that read recordings have in common. */
#ifndef KTAX_UI_RECORDING_INPUT_H
#define KTAX_UI_RECORDING_INPUT_H

#include "ledger.h"

/* Says why the recording @path cannot be read; returns the exit code. */
int recording_refuse(const char *path, int error);
/* The intervals of the rates. Only windows make rates uncertain, so only then files are read again.
 */
int recording_find_rates(struct findings *findings);

#endif
