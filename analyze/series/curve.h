/* SPDX-License-Identifier: GPL-2.0 */
/* The percentile curve of a distribution: at a share of the requests, the time that they exceed. */
#ifndef KTAX_CURVE_H
#define KTAX_CURVE_H

#include "recording.h"

enum curve { CURVE_TOTAL, CURVE_TUNED, CURVE_BYPASS, N_CURVES };

/*
 * The time that the share @above (0..1) of the requests of @ledger exceeds: 0.01 is the p99. Of the
 * total, or of what would remain of it. 0 where there was no request.
 */
uint64_t curve_at(const struct recording_ledger *ledger, enum curve curve, double above);
/* The same at each of @n shares, of which each is at most the one before. One pass for all. */
void curve_at_each(const struct recording_ledger *ledger, enum curve curve, const double *above,
                   size_t n, uint64_t *ret_ns);

#endif
