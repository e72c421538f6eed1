/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hooks as data: for each boundary of the ledger, the ways to see it, best first.
 *
 * Which way is taken is found out by trying it (a two-instruction program is loaded and attached),
 * not from the kernel's version: vendors backport, and configurations lack whole families.
 */
#ifndef KTAX_HOOKS_H
#define KTAX_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"

struct btf;

enum hook_family {
	HOOK_ANY, /* as an option: best first */
	HOOK_TP_BTF,
	HOOK_FENTRY, /* fentry and fexit */
	HOOK_KPROBE, /* kprobe and kretprobe */
	HOOK_RAW_TP,
	HOOK_NFAMILIES
};

enum hook_boundary_id {
	BOUNDARY_RX_STACK,
	BOUNDARY_READABLE,
	BOUNDARY_READ_BEGIN,
	BOUNDARY_READ_END,
	BOUNDARY_SEND_BEGIN,
	BOUNDARY_SEND_END,
	BOUNDARY_SENDPAGE_BEGIN,
	BOUNDARY_SENDPAGE_END,
	BOUNDARY_TX_QDISC,
	BOUNDARY_TX_DRIVER,
	BOUNDARY_TX_DONE,
	BOUNDARY_TASK_SWITCH,
	BOUNDARY_SOFTIRQ_LEAVE, /* attached first: what is entered is also left */
	BOUNDARY_SOFTIRQ_ENTER,
	BOUNDARY_NIC_INTERRUPT,
	BOUNDARY_NIC_POLL,
	BOUNDARY_CONNECTION_STATE,
	BOUNDARY_PROCESS_FORK,
	BOUNDARY_COUNT
};

struct hook_candidate {
	enum hook_family family;
	const char *program; /* in full.bpf.c */
	const char *target;  /* tracepoint or function */
	const char *kernels; /* where it is known to exist; informational */
	const char *misses;  /* what it includes or misses, for the report; NULL: nothing */
};

/* When a boundary is worth its cost at all. */
enum hook_need {
	NEED_ALWAYS,
	NEED_QDISC,      /* some link of a target has a queueing discipline */
	NEED_NIC,        /* some link of a target is a NIC */
	NEED_INTERRUPTS, /* a NIC's interrupts hit the targets, and the kernel does not account them
	                  */
	NEED_TASK_FILTER, /* targets are processes */
	NEED_SENDPAGE,    /* the kernel has tcp_sendpage (before 6.5) */
};

struct hook_boundary {
	const char *name;
	enum ktax_account account; /* the account that ends (or is fed) here */
	enum hook_need need;
	bool required;      /* without it there is no ledger */
	const char *absent; /* what follows if it is not hooked */
	struct hook_candidate candidate[5];
	bool light; /* the light set hooks it too; programs of the same name, in light.bpf.c */
};

extern const struct hook_boundary hook_boundaries[BOUNDARY_COUNT];
extern const char *const hook_family_name[HOOK_NFAMILIES];

/* The family called @name ("any", "tp_btf", "fentry", "kprobe", "raw_tp"), or -EINVAL. */
int hook_family_by_name(const char *name);

/* Loads and attaches a minimal program; 0 if that works, else -errno. Leaves nothing attached. */
int hook_try(const struct btf *kernel_btf, const struct hook_candidate *candidate);

/*
 * Chooses a candidate for @boundary: those of @preferred first, then the table's order.
 * @storage_hash: the object is the one that keeps its state in hash maps, which allows kprobe and
 * raw_tp; the other allows tp_btf and fentry. NULL if none works.
 */
const struct hook_candidate *hook_choose(const struct btf *kernel_btf,
                                         const struct hook_boundary *boundary,
                                         enum hook_family preferred, bool storage_hash);

#endif
