/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attaching spans: probes on the functions that spans_find() chose, and on annotations.
 *
 * One by one, a probe costs a perf event and its detach waits for a grace period of its own: some
 * 200 ms each, seconds for a handful of libraries. Since 6.6 a uprobe_multi link takes all
 * functions of a file at once; that is used where the kernel has it.
 */
#ifndef KTAX_SPAN_LINKS_H
#define KTAX_SPAN_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct btf;
struct span_list;
struct span_links;

/* Whether the kernel has uprobe_multi links. */
bool span_links_multi_supported(const struct btf *kernel_btf);
/* Before the load: chooses the programs of @object that fit. */
void span_links_prepare(struct bpf_object *object, bool multi);

/*
 * Attaches all of @spans. What cannot be attached is left out; the return value is the first
 * error, 0 if there was none, and -ENOMEM if nothing was attached for lack of memory.
 */
int span_links_attach(struct bpf_object *object, bool multi, const struct span_list *spans,
                      struct span_links **ret_links);
/* The program that notes when it ran, at byte @offset of this program (step_cost.h). */
int span_links_attach_step(struct bpf_object *object, bool multi, uint64_t offset,
                           struct span_links **ret_links);
/* Accepts NULL. */
void span_links_detach(struct span_links *links);

#endif
