// SPDX-License-Identifier: GPL-2.0
#include "sort.h"

#include <stdlib.h>

static int compare_integers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int compare_reals(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void sort_integers(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_integers);
}

void sort_reals(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_reals);
}
