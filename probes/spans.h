/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spans: which functions of which mapped files get a probe, and at which byte.
 *
 * A span is the time between a function's first instructions and its return, posted to one account
 * (serialize, tls, gc). spans_find() turns processes and the catalogue into sites; it attaches
 * nothing. For every site the caller attaches
 *
 *	span_enter	a uprobe at offset_enter
 *	span_exit	a uretprobe at offset_enter		if use_uretprobe, else
 *			at each exits[i].offset a uretprobe	if exits[i].use_uretprobe
 *			at each exits[i].offset a uprobe	otherwise
 *
 * Stack pointers tell nested and abandoned spans apart. With SP the stack pointer that a program
 * sees, the one at the function's first byte ("frame", where the return address lies) is
 *
 *	in span_enter			frame = SP + sp_delta
 *	in span_exit by uprobe		frame = SP + exits[i].sp_delta
 *	in span_exit by uretprobe	frame = SP - 8 + exits[i].sp_delta (x86: the return address
 *					has been popped; no sp_delta for that at offset_enter)
 *
 * An annotation has one probe at its offset, at its begin and at its end. Its frame is the stack
 * pointer itself, which is the same at both.
 *
 * What a pair of programs has to expect:
 *  - nesting: while a span is open, an enter with SPAN_OUTERMOST does nothing; with SPAN_STACKED it
 *    opens its own span and the exit gives back the account of the outer one;
 *  - an exit whose frame is below that of the open span belongs to another call: nothing to do.
 *    Exits may fire more than once per call (use_uretprobe false), the first one counts. An exit
 *    may be in a function that is called last, which other functions call too: then, too, the
 *    frame tells;
 *  - a span may never exit (longjmp, C++ exception, thread exit): an enter whose frame is above (or
 *    at) that of the open span proves that the open one was left.
 *
 * All offsets are file offsets, as uprobes want them.
 */
#ifndef KTAX_SPANS_H
#define KTAX_SPANS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "account.h"

struct catalogue;

enum span_nesting { SPAN_OUTERMOST, SPAN_STACKED };

struct span_exit {
	uint64_t offset;
	bool use_uretprobe;
	bool single_stepped; /* as in struct span_site */
	int32_t sp_delta;    /* bytes */
};

struct span_site {
	char path[PATH_MAX]; /* opens the mapped file from here, while the process lives */
	char label[128];     /* "json-c:json_tokener_parse_ex" */
	dev_t dev;
	ino_t ino;
	uint64_t offset_function; /* the function's first byte */
	uint64_t offset_enter;
	int32_t sp_delta; /* bytes; 0 where use_uretprobe */
	enum ktax_account account;
	enum span_nesting nesting;
	bool use_uretprobe;
	bool single_stepped;      /* the kernel steps over the instruction at offset_enter: slow */
	bool exit_single_stepped; /* the same for at least one of the exits */
	struct span_exit *exits;  /* empty where use_uretprobe */
	size_t nexits;
};

/* A function or file that matched but gets no probe, for the user to read. */
struct span_refusal {
	char label[128];
	char path[PATH_MAX];
	char reason[160];
};

/* An end of an annotation: an instruction that does nothing but be probed (ktax/ktax.h). */
struct span_annotation {
	uint64_t offset;
	enum ktax_account account;
	bool begins;
};

/* A mapped file with annotations: USDT notes of provider "ktax". */
struct span_usdt {
	char path[PATH_MAX];
	dev_t dev;
	ino_t ino;
	struct span_annotation *annotations; /* in order of offset, each offset once */
	size_t nannotations;                 /* never 0 */
};

struct span_file {
	dev_t dev;
	ino_t ino;
};

struct span_list {
	struct span_site *sites;
	size_t nsites;
	struct span_refusal *refusals;
	size_t nrefusals;
	struct span_usdt *usdt;
	size_t nusdt;
	struct span_file *files; /* all that were looked into, for spans_outdated() */
	size_t nfiles;
};

/*
 * The sites of @catalogue in the files that the @n processes @pids have mapped executable, each
 * (file, offset) once. A process that is gone is skipped; -ESRCH if all are. Two catalogue entries
 * on one function: the first in catalogue order wins.
 * Returns 0 or negative errno; @ret is freed with span_list_free().
 */
int spans_find(const pid_t *pids, size_t n, const struct catalogue *catalogue,
               struct span_list **ret);
void span_list_free(struct span_list *list);

/*
 * Whether the processes have mapped a file that @list was not made from, as after dlopen(): 1 or 0,
 * or negative errno as spans_find(). Much cheaper than finding the spans again.
 */
int spans_outdated(const pid_t *pids, size_t n, const struct span_list *list);

/* What changed from one list to a later one. Pointers into the lists, which must outlive this. */
struct span_changes {
	const struct span_site **added; /* in the later list only: attach */
	size_t nadded;
	const struct span_site **removed; /* in the earlier list only: may be detached */
	size_t nremoved;
	const struct span_usdt **usdt_added; /* files with annotations, the same way */
	size_t nusdt_added;
	const struct span_usdt **usdt_removed;
	size_t nusdt_removed;
};

/* @before may be NULL (everything is new). 0 or -ENOMEM. */
int spans_compare(const struct span_list *before, const struct span_list *after,
                  struct span_changes *ret);
void span_changes_release(struct span_changes *changes);

#endif
