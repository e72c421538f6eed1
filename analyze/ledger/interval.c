// SPDX-License-Identifier: GPL-2.0
/* Confidence intervals in closed form; the sources stand in the header. */
#include "interval.h"

#include <errno.h>
#include <math.h>

#define NORMAL_975 1.959963984540054

struct interval interval_wilson(uint64_t hits, uint64_t n)
{
	double share, z2, centre, half;

	if (!n)
		return (struct interval){ 0, 1 };
	z2 = NORMAL_975 * NORMAL_975 / (double)n;
	share = (double)hits / (double)n;
	centre = (share + z2 / 2) / (1 + z2);
	half = sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2);
	return (struct interval){ fmax(0, centre - half), fmin(1, centre + half) };
}

void ratio_add(struct ratio *ratio, double amount, double weight)
{
	ratio->n++;
	ratio->amount += amount;
	ratio->weight += weight;
	ratio->amount2 += amount * amount;
	ratio->weight2 += weight * weight;
	ratio->product += amount * weight;
}

double ratio_value(const struct ratio *ratio)
{
	return ratio->weight > 0 ? ratio->amount / ratio->weight : 0;
}

/* The 97.5 % quantile of Student's t. From 31 on a correction of the normal one, off by < 0.1 %. */
static double student_975(size_t degrees)
{
	static const double table[] = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
		                        2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
		                        2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
		                        2.060,  2.056, 2.052, 2.048, 2.045, 2.042 };

	if (degrees <= sizeof(table) / sizeof(table[0]))
		return table[degrees - 1];
	return NORMAL_975 + 2.372 / (double)degrees + 2.82 / ((double)degrees * (double)degrees);
}

int ratio_interval(const struct ratio *ratio, struct interval *ret_interval)
{
	double value = ratio_value(ratio), n = (double)ratio->n, squares, half;

	if (ratio->n < 3 || ratio->weight <= 0)
		return -ENODATA;
	/* Squares of the residuals amount - value * weight, which sum to 0. */
	squares = ratio->amount2 - 2 * value * ratio->product + value * value * ratio->weight2;
	half = sqrt(fmax(0, squares) / (n * (n - 1))) / (ratio->weight / n);
	half *= student_975(ratio->n - 1);
	*ret_interval = (struct interval){ fmax(0, value - half), value + half };
	return 0;
}
