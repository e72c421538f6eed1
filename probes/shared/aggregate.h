/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF side hands to user space: the aggregate of an endpoint, and sampled requests.
 *
 * One struct ktax_aggregate per endpoint and CPU, and a spare one per endpoint for increments that
 * would race on their CPU, lie in a memory-mapped array. The BPF side only
 * ever adds to it; user space reads it and takes the difference to its last reading, so nothing is
 * reset and no count is lost between the two. All times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef KTAX_AGGREGATE_H
#define KTAX_AGGREGATE_H

#include "account.h"
#include "hist_index.h"

#ifndef __BPF__
#include <linux/types.h>
#endif

/*
 * The kernel side's layouts. 2^7 gives buckets of at most 1.6 % of the value (error of a midpoint
 * 0.8 %), in 9 KB a histogram: small enough for 22 histograms per endpoint and CPU, where three
 * digits (2^11) would take 16 times as much. Means and shares do not depend on it: sums are exact.
 * The joint table is coarser (6 %), since it only groups requests by their total.
 * 2^40 ns = 18 min; longer totals fall into the last bucket.
 */
#define KTAX_VALUE_BITS      40
#define KTAX_HIST_MAGNITUDE  7
#define KTAX_HIST_BUCKETS    KTAX_HIST_BUCKETS_FOR(KTAX_VALUE_BITS, KTAX_HIST_MAGNITUDE)
#define KTAX_JOINT_MAGNITUDE 5
#define KTAX_JOINT_CELLS     KTAX_HIST_BUCKETS_FOR(KTAX_VALUE_BITS, KTAX_JOINT_MAGNITUDE)

/*
 * Requests are also counted by the millisecond that they arrive in, in a ring of so many: user
 * space takes each slot a second or so after its time.
 */
#define KTAX_ARRIVAL_SLOTS   4096
#define KTAX_ARRIVAL_SLOT_NS 1000000

/* Requests whose total falls into one bucket: their number and what they were made of. */
struct ktax_joint_cell {
	__u64 requests;
	__u64 sum_ns[KTAX_NACCOUNTS];
	/*
	 * On-CPU application time is exact in sum_ns[APP]; how much of it was spent in the kernel
	 * is sampled (no syscall is traced): samples that hit user and kernel mode.
	 */
	__u64 cpu_samples_user;
	__u64 cpu_samples_kernel;
};

struct ktax_aggregate {
	__u64 requests;      /* finished requests; a batch counts as one */
	__u64 batches;       /* of these: several pipelined requests read at once */
	__u64 batched;       /* requests inside the batches, as counted by the framing parser */
	__u64 unbalanced;    /* accounts did not sum to the independently measured total */
	__u64 incomplete;    /* arrival not seen (measured from "readable", nic_rx, kernel_rx 0), or
	                        end */
	__u64 handed_over;   /* answered by another thread than the one that read */
	__u64 retransmitted; /* response segments sent again (ignored by the stamps) */
	__u64 loopback;      /* came over the host's loopback link */
	__u64 bytes_in;
	__u64 bytes_out;
	__u64 max_ns;
	__u64 taken;   /* somebody on its CPU is adding to it */
	__u64 arrived; /* 0: no request has arrived on its CPU */
	struct ktax_joint_cell joint[KTAX_JOINT_CELLS];
	__u32 total[KTAX_HIST_BUCKETS];
	__u32 floor_tuned[KTAX_HIST_BUCKETS];
	__u32 floor_bypass[KTAX_HIST_BUCKETS];
	__u32 account[KTAX_NACCOUNTS]
		     [KTAX_HIST_BUCKETS];   /* zeros are not counted: requests - sum */
	__u32 arrivals[KTAX_ARRIVAL_SLOTS]; /* not part of sums and differences */
};

/* What of an aggregate may be other than 0. */
struct ktax_extent {
	__u32 cells, buckets; /* those below these */
	__u32 accounts;       /* a set */
};

#define KTAX_EXTENT_ALL                                                                            \
	(struct ktax_extent)                                                                       \
	{                                                                                          \
		KTAX_JOINT_CELLS, KTAX_HIST_BUCKETS, (1U << KTAX_NACCOUNTS) - 1                    \
	}

enum ktax_request_flag {
	KTAX_REQUEST_BATCH = 1 << 0,
	KTAX_REQUEST_INCOMPLETE = 1 << 1,
	KTAX_REQUEST_HANDED_OVER = 1 << 2,
	KTAX_REQUEST_ASYNC = 1 << 3, /* some of the response left outside of the send call */
	KTAX_REQUEST_RETRANSMITTED = 1 << 4,
	KTAX_REQUEST_UNBALANCED = 1 << 5,
	KTAX_REQUEST_PARTIAL_READ = 1 << 6, /* read in more than one call */
	KTAX_REQUEST_NIC_STAMP = 1 << 7,    /* begins at its NIC's stamp */
	KTAX_REQUEST_LOOPBACK = 1 << 8,     /* came over the host's loopback link */
};

/* One request, as sampled by --requests or --slow. */
struct ktax_request {
	__u64 start_ns; /* CLOCK_MONOTONIC */
	__u64 total_ns;
	__u64 account_ns[KTAX_NACCOUNTS]; /* app holds user and kernel CPU time: see joint cell */
	__u64 bytes_in;
	__u64 bytes_out;
	__u32 endpoint; /* index of the endpoint in the prober's table */
	__u32 tid_read;
	__u32 tid_write;
	__u32 batch; /* pipelined requests in it, 1 where it is not a batch, 0 where unknown */
	__u32 flags; /* enum ktax_request_flag */
	__u16 peer_port;
	__u16 pad;
};

#ifndef __BPF__
/* Adds @from to @into, or takes @what off @from; max_ns stays the larger, or @from's. Arrivals are
 * left alone. */
void ktax_aggregate_add(struct ktax_aggregate *into, const struct ktax_aggregate *from);
void ktax_aggregate_subtract(struct ktax_aggregate *from, const struct ktax_aggregate *what);
#endif

_Static_assert(sizeof(struct ktax_joint_cell) == 8 * (KTAX_NACCOUNTS + 3), "joint cell");
_Static_assert(sizeof(struct ktax_request) == 8 * (KTAX_NACCOUNTS + 4) + 24, "request");

#endif
