// SPDX-License-Identifier: GPL-2.0
/* Draws of blocks, and the interval out of what they gave; the sources stand in the header. */
#include "bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void bootstrap_init(struct bootstrap *bootstrap, size_t n_blocks, uint64_t seed)
{
	size_t length = 1;

	while ((length + 1) * (length + 1) * (length + 1) <= n_blocks)
		length++;
	*bootstrap = (struct bootstrap){ n_blocks, length, seed };
}

void bootstrap_draw(struct bootstrap *bootstrap, double *ret_weights)
{
	size_t n = bootstrap->n_blocks, block = 0;

	memset(ret_weights, 0, n * sizeof(*ret_weights));
	for (size_t i = 0; i < n; i++, block++) {
		/* The bias of a remainder is below n / 2^64. */
		if (i % bootstrap->run_length == 0)
			block = next(&bootstrap->state) % n;
		ret_weights[block % n]++;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of sorted @values, linear between them (type 7 of Hyndman and Fan 1996). */
static double sorted_quantile(const double *values, size_t n, double p)
{
	double at = p * (double)(n - 1);
	size_t below = (size_t)at;

	if (below + 1 >= n)
		return values[n - 1];
	return values[below] + (at - (double)below) * (values[below + 1] - values[below]);
}

struct interval bootstrap_interval(const struct bootstrap *bootstrap, double *replicates, size_t n,
                                   double confidence)
{
	double runs = (double)(bootstrap->n_blocks / bootstrap->run_length), t, tail;

	if (runs < 2)
		runs = 2;
	t = student_quantile((1 + confidence) / 2, (size_t)runs - 1);
	tail = erfc(t * sqrt(runs / (runs - 1)) / sqrt(2)) / 2;
	qsort(replicates, n, sizeof(*replicates), compare);
	return (struct interval){ sorted_quantile(replicates, n, tail),
		                  sorted_quantile(replicates, n, 1 - tail) };
}

double student_probability(double t, size_t degrees)
{
	double angle = atan2(t, sqrt((double)degrees)), cosine = cos(angle), sum = 0, term;

	term = degrees % 2 ? cosine : 1;
	for (size_t i = degrees % 2 ? 3 : 2; i <= degrees; i += 2) {
		sum += term;
		term *= cosine * cosine * (double)(i - 1) / (double)i;
	}
	if (degrees % 2)
		return 0.5 + (angle + sin(angle) * sum) / M_PI;
	return 0.5 + sin(angle) * sum / 2;
}

double student_quantile(double p, size_t degrees)
{
	double low = 0, high = 1;

	while (student_probability(high, degrees) < p && high < 1e6)
		high *= 2;
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (student_probability(middle, degrees) < p)
			low = middle;
		else
			high = middle;
	}
	return high;
}
