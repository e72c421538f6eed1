/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a NIC's clock to CLOCK_MONOTONIC.
 *
 * A NIC that stamps received packets does so by a clock of its own (PHC), with another epoch and
 * another rate. User space compares the two (collector/clock/nic_clocks.c) and publishes a line for each
 * NIC; the programs convert by it.
 */
#ifndef KTAX_NIC_CLOCK_H
#define KTAX_NIC_CLOCK_H

#include "account.h"

#ifdef __BPF__
#define KTAX_NIC_CLOCK_INLINE static __always_inline
#else
#include <linux/types.h>
#define KTAX_NIC_CLOCK_INLINE static inline
#endif

#define KTAX_NIC_CLOCKS     64 /* a NIC's is at its interface index modulo this */
#define KTAX_NIC_RATE_SHIFT 32
#define KTAX_NIC_RATE_MAX   (1LL << 28)   /* 6 %; so the product below is within 62 bits */
#define KTAX_NIC_REACH_NS   (1LL << 33)   /* 8.6 s: a stamp further off the line is none */
#define KTAX_NIC_LONGEST_NS 1000000000ULL /* no packet waits for longer to be handed up */

struct ktax_clock_line {
	__s64 nic_ns;       /* the NIC's clock, */
	__s64 monotonic_ns; /* and CLOCK_MONOTONIC, at the same moment */
	__s64 rate;         /* 1 ns of the NIC's clock is 1 + rate / 2^32 ns */
	__u64 from_ns;      /* holds for what arrived since, CLOCK_MONOTONIC, */
	__u64 until_ns;     /* and is handed up until; 0: does not hold */
};

/* A line is replaced by writing the other one and then the turn, so it is never seen half. */
struct ktax_nic_clock {
	__u32 netns;     /* inode number of the network namespace */
	__u32 interface; /* index; 0: no NIC's */
	__u32 turn;      /* the line that holds: 0 or 1 */
	__u32 pad;
	struct ktax_clock_line line[2];
};

/* When a packet stamped @stamp_ns arrived, if it is handed up at @now; 0: the stamp is of no use.
 */
KTAX_NIC_CLOCK_INLINE __u64 ktax_nic_arrival(const struct ktax_clock_line *line, __s64 stamp_ns,
                                             __u64 now)
{
	__s64 since = (__s64)((__u64)stamp_ns - (__u64)line->nic_ns);
	__u64 arrival;

	if (since > KTAX_NIC_REACH_NS || since < -KTAX_NIC_REACH_NS || now > line->until_ns)
		return 0;
	arrival = line->monotonic_ns + since + (since * line->rate >> KTAX_NIC_RATE_SHIFT);
	if (arrival > now || now - arrival > KTAX_NIC_LONGEST_NS || arrival < line->from_ns)
		return 0;
	return arrival;
}

_Static_assert(sizeof(struct ktax_nic_clock) == 16 + 2 * 40, "NIC clock");

#endif
