/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bucket layout of HdrHistogram, in integer arithmetic that BPF and user space share.
 *
 * A layout has a magnitude m: values below 2^m are exact, above that each octave is divided into
 * 2^(m-1) buckets, so a bucket is never wider than value / 2^(m-1).
 *
 *	b          = 64 - m - clz(v | (2^m - 1))             octaves above the exact range
 *	index(v)   = ((b + 1) << (m - 1)) + (v >> b) - 2^(m-1)
 *
 * Source: HdrHistogram (Java reference, AbstractHistogram.countsArrayIndex) with
 * lowestDiscernibleValue 1, where m = ceil(log2(2 * 10^digits)): m = 11 for 3 digits.
 */
#ifndef KTAX_HIST_INDEX_H
#define KTAX_HIST_INDEX_H

#ifdef __BPF__
typedef __u64 ktax_hist_u64;
typedef __u32 ktax_hist_u32;
#define KTAX_HIST_INLINE static __always_inline
#else
#include <stdint.h>
typedef uint64_t ktax_hist_u64;
typedef uint32_t ktax_hist_u32;
#define KTAX_HIST_INLINE static inline
#endif

/* 1 if v > limit, without a branch: a branch would double the verifier's paths. v < 2^63. */
#define KTAX_EXCEEDS(v, limit) ((ktax_hist_u32)(((ktax_hist_u64)(limit) - (v)) >> 63))

/*
 * floor(log2(v)), 1 <= v < 2^63. A shift ladder and not __builtin_clzll: clang 14 crashes on the
 * builtin for the BPF target and miscompiles it with -mcpu=v3.
 */
KTAX_HIST_INLINE ktax_hist_u32 ktax_log2(ktax_hist_u64 v)
{
	ktax_hist_u32 log, step;

	log = KTAX_EXCEEDS(v, 0xffffffffULL) << 5;
	v >>= log;
	step = KTAX_EXCEEDS(v, 0xffff) << 4;
	v >>= step;
	log |= step;
	step = KTAX_EXCEEDS(v, 0xff) << 3;
	v >>= step;
	log |= step;
	step = KTAX_EXCEEDS(v, 0xf) << 2;
	v >>= step;
	log |= step;
	step = KTAX_EXCEEDS(v, 0x3) << 1;
	v >>= step;
	log |= step;
	return log | (ktax_hist_u32)(v >> 1);
}

/* The bucket of @v in the layout of @magnitude (1..31). */
KTAX_HIST_INLINE ktax_hist_u32 ktax_hist_index(ktax_hist_u64 v, ktax_hist_u32 magnitude)
{
	ktax_hist_u64 exact = (1ULL << magnitude) - 1;
	ktax_hist_u32 octave = ktax_log2(v | exact) + 1 - magnitude;

	return ((octave + 1) << (magnitude - 1)) + (ktax_hist_u32)(v >> octave) -
	       (1U << (magnitude - 1));
}

/* The lowest value of bucket @index; the next bucket's lowest value ends it. */
KTAX_HIST_INLINE ktax_hist_u64 ktax_hist_lowest(ktax_hist_u32 index, ktax_hist_u32 magnitude)
{
	ktax_hist_u32 half = 1U << (magnitude - 1);
	ktax_hist_u32 octave = index >> (magnitude - 1);

	if (octave < 2)
		return index;
	return (ktax_hist_u64)((index & (half - 1)) + half) << (octave - 1);
}

/* Buckets that hold every value below 2^@bits. */
#define KTAX_HIST_BUCKETS_FOR(bits, magnitude) (((bits) - (magnitude) + 2) << ((magnitude)-1))

#endif
