// SPDX-License-Identifier: GPL-2.0
/* Edit distance (Levenshtein), one row at a time. */
#include "nearest.h"

#include <string.h>

#define WORD_MAX 31

static unsigned int smallest(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned int edit_distance(const char *a, const char *b)
{
	size_t length = strnlen(b, WORD_MAX);
	unsigned int row[WORD_MAX + 1];

	for (size_t j = 0; j <= length; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i + 1;
		for (size_t j = 0; j < length; j++) {
			unsigned int above = row[j + 1];

			row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[length];
}

struct nearest nearest_begin(const char *typed)
{
	/* A third of the letters may be wrong: more than that is another word. */
	return (struct nearest){ .typed = typed, .distance = (unsigned int)strlen(typed) / 3 + 2 };
}

void nearest_consider(struct nearest *nearest, const char *candidate)
{
	unsigned int distance = edit_distance(nearest->typed, candidate);

	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->found = candidate;
	}
}
