/* SPDX-License-Identifier: GPL-2.0 */
/* "Did you mean": the candidate at the smallest edit distance from what was typed. */
#ifndef KTAX_NEAREST_H
#define KTAX_NEAREST_H

struct nearest {
	const char *typed;
	const char *found; /* NULL where nothing is near enough to be worth suggesting */
	unsigned int distance;
};

struct nearest nearest_begin(const char *typed);
void nearest_consider(struct nearest *nearest, const char *candidate);

#endif
