/* SPDX-License-Identifier: GPL-2.0 */
/* What the full hook set keeps of a thread (ledger.bpf.h says how it is used). */
#ifndef KTAX_THREAD_BPF_H
#define KTAX_THREAD_BPF_H

#include "types.bpf.h"

#define KTAX_CHECKPOINTS 4
#define KTAX_SPANS       8
#define KTAX_DELAYS      32 /* powers of two: how many waits for a CPU are remembered, */
#define KTAX_DELAYS_STEP 16 /* and of which of those before one in so many is */

/* A sleep of a thread since its last network event, and its ledger at the end of it. */
struct checkpoint {
	__u64 out_ns, in_ns;
	__u64 blocked_before_ns, runnable_before_ns; /* off-CPU clocks at out_ns */
	__u64 blocked_ns, runnable_ns;               /* of this sleep */
	__u64 account_ns[KTAX_NACCOUNTS];            /* at in_ns */
	__u32 off;                                   /* account that the blocked part went to */
	__u32 network;                               /* slept in epoll, poll, select, recv ... */
};

/* The clock of waiting for a CPU (runnable_ns), at the end of such a wait. */
struct delay {
	__u64 in_ns;
	__u64 runnable_ns;
};

enum span_kind { SPAN_FUNCTION, SPAN_STACKED_FUNCTION, SPAN_ANNOTATION };

/* An open span of user code (span.bpf.h), identified by its stack frame. */
struct span {
	__u64 limit;          /* stack pointer in the caller; of an annotation: in the function */
	__u64 return_address; /* of the function's frame; 0: not known, or an annotation */
	__u64 place;          /* the instruction that opened it */
	__u16 account;
	__u16 kind;
	__u32 turn; /* the thread's, when it opened */
};

/*
 * The ledger of a thread: what it did since its last network event (since_ns), not yet posted to
 * a connection. Invariant: sum(account_ns) == last_ns - since_ns.
 */
struct thread {
	__u64 since_ns;
	__u64 last_ns;
	__u64 account_ns[KTAX_NACCOUNTS];
	__u64 stolen_ns;  /* the CPU's stolen clock at last_ns */
	__u64 step_ns;    /* single-stepping since last_ns: not the time of any account */
	__u64 blocked_ns; /* off-CPU clocks, ever growing */
	__u64 runnable_ns;
	__u64 noted_runnable_ns; /* of the last entry of delay[] */
	__u64 since_blocked_ns;  /* these at since_ns */
	__u64 since_runnable_ns;
	__u64 idle_out_ns; /* last sleep in epoll, poll, recv ... */
	__u64 idle_in_ns;
	__u64 idle_runnable_ns; /* runnable clock at idle_in_ns */
	__u64 off_ns;           /* off CPU since, 0: on CPU */
	__u64 run_delay_ns;     /* sched_info.run_delay at off_ns */
	__u32 tid;
	__u32 slot; /* connection it works on + 1, 0: none */
	__u32 generation;
	__u32 request; /* of that connection */
	__u32 epoch;
	__u32 on;   /* account while on CPU */
	__u32 user; /* account of user code: app, or that of the open span */
	__u32 off;  /* account while blocked */
	__u32 off_network;
	__u32 checkpoints; /* ever pushed since since_ns */
	__u32 spans;       /* open */
	__u32 turn;        /* send calls so far */
	__u32 held;        /* one of our programs is at it */
	__u32 pad;
	__u32 delays; /* ever noted in this epoch, at least 1 */
	struct delay delay[KTAX_DELAYS];
	struct delay old_delay[KTAX_DELAYS]; /* each KTAX_DELAYS_STEP-th */
	struct span span[KTAX_SPANS];
	struct checkpoint checkpoint[KTAX_CHECKPOINTS];
};

#endif
