/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers in ascending order, for their quantiles. */
#ifndef KTAX_SORT_H
#define KTAX_SORT_H

#include <stddef.h>
#include <stdint.h>

void sort_integers(uint64_t *values, size_t n);
/* None of them is NAN. */
void sort_reals(double *values, size_t n);

#endif
