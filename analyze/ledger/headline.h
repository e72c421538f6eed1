/* SPDX-License-Identifier: GPL-2.0 */
/* The sentence that a report opens with, and what it must be read with. */
#ifndef KTAX_HEADLINE_H
#define KTAX_HEADLINE_H

#include "ledger.h"

/* Writes .headline and .caution of an endpoint whose other findings are complete. */
void headline_write(struct finding_endpoint *endpoint);
/* Writes .caution of the whole. */
void headline_write_caution(struct findings *findings);

#endif
