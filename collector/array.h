/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays that grow one element at a time, to the next power of two. */
#ifndef KTAX_ARRAY_H
#define KTAX_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* Makes room for one more than @n elements of @size bytes in the array that @pointer points to. */
static inline int array_grow(void *pointer, size_t n, size_t size)
{
	void **array = pointer;
	void *grown;

	if (n & (n - 1))
		return 0;
	grown = reallocarray(*array, n ? 2 * n : 1, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

#endif
