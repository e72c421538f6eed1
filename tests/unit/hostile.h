/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bytes that nobody vouches for: every truncation of a good message, and each of its bytes changed,
 * in memory that ends where it does, so that sanitizers see a read beyond it.
 */
#ifndef KTAX_TEST_HOSTILE_H
#define KTAX_TEST_HOSTILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline void hostile_copy(const void *good, size_t length, size_t at, uint8_t flip,
                                void (*parse)(void *bytes, size_t length, void *context),
                                void *context)
{
	uint8_t *copy = malloc(length ? length : 1);

	if (!copy)
		abort();
	memcpy(copy, good, length);
	if (at < length)
		copy[at] ^= flip;
	parse(copy, length, context);
	free(copy);
}

static inline void hostile_variants(const void *good, size_t length,
                                    void (*parse)(void *bytes, size_t length, void *context),
                                    void *context)
{
	static const uint8_t flips[] = { 0x01, 0x04, 0x10, 0x40, 0x80, 0xff };

	for (size_t n = 0; n <= length; n++)
		hostile_copy(good, n, SIZE_MAX, 0, parse, context);
	for (size_t at = 0; at < length; at++)
		for (size_t i = 0; i < sizeof(flips); i++)
			hostile_copy(good, length, at, flips[i], parse, context);
}

#endif
