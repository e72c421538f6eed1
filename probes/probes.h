/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probes: chooses hooks, loads the BPF programs, attaches and detaches them, and reads what
 * they have counted. The only user of the BPF skeletons.
 *
 * Life: probes_open (loads; needs CAP_BPF, CAP_PERFMON, and CAP_SYS_ADMIN on old kernels), any
 * number of probes_attach/probes_detach, probes_close. Everything is detached when the process
 * ends, however it ends: links and maps live in file descriptors.
 */
#ifndef KTAX_PROBES_H
#define KTAX_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregates.h"
#include "hooks.h"
#include "nic_clock.h"
#include "state.h"
#include "step_cost.h"

struct probes;
struct span_list;

struct probes_options {
	enum hook_family family;
	bool light;               /* the light hook set, without spans and samples */
	uint32_t max_connections; /* followed at once */
	uint32_t max_endpoints;
	uint32_t ring_bytes;   /* of the ring buffer for sampled requests, a power of two */
	uint32_t sample_hz;    /* user/kernel sampling per CPU; 0: none */
	bool qdisc, nic;       /* what the targets' links have */
	bool task_filter;      /* targets are processes */
	bool nic_stamps;       /* some NIC of theirs stamps what it receives */
	const uint16_t *ports; /* only listeners on these; NULL: on any */
	size_t n_ports;
	bool framing; /* look into received bytes, to count pipelined requests */
	void (*log)(int level, const char *text); /* libbpf's messages; may be NULL */
};

/* How a boundary is hooked. */
struct probes_hook {
	const struct hook_boundary *boundary;
	const struct hook_candidate *candidate; /* NULL: not hooked */
	const char *why;                        /* not hooked because */
	uint64_t run_ns, runs;                  /* of the program so far, if statistics are on */
};

/* -EPERM, -ENOTSUP (no BTF; or a required boundary cannot be hooked: *ret_missing), -ENOMEM ... */
int probes_open(const struct probes_options *options, struct probes **ret_probes,
                const struct hook_boundary **ret_missing);
void probes_close(struct probes *probes);

/* Attaches every hook; on failure nothing stays attached and *ret_failed names the program. */
int probes_attach(struct probes *probes, const char **ret_failed);
/* Whether new requests are followed; off while the last ones drain before a detach. */
void probes_admit(struct probes *probes, bool admit);
void probes_detach(struct probes *probes);
bool probes_attached(const struct probes *probes);

/* Attaches spans that were found (spans.h) instead of those before; -errno of the first that
 * failed, the others are attached. */
int probes_attach_spans(struct probes *probes, const struct span_list *spans);
/*
 * Whether that takes CAP_SYS_ADMIN: as uprobes of perf it does; as uprobe_multi links CAP_PERFMON
 * is enough.
 */
bool probes_spans_need_admin(const struct probes *probes, const struct span_list *spans);
void probes_detach_spans(struct probes *probes);
/*
 * Measures what single-stepping costs (step_cost.h); from then on so much of the time of spans'
 * single steps is moved to unknown. -errno: nothing has changed.
 */
int probes_measure_step(struct probes *probes, struct step_cost *ret);

/* The next free endpoint; when none is left, the last (max_endpoints - 1), for all others. */
uint32_t probes_take_endpoint(struct probes *probes);
/*
 * Requests on @listener's connections are counted for listening->endpoint. If the programs have
 * seen it begin to listen, and so know it already, *listening becomes what they know.
 */
int probes_add_listener(struct probes *probes, const struct ktax_listener *listener,
                        struct ktax_listening *listening);
/* How many listeners the programs have added themselves. */
uint32_t probes_listens(const struct probes *probes);
/* The listener after @previous (NULL: the first), in no order; -ENOENT after the last. */
int probes_next_listener(struct probes *probes, const struct ktax_listener *previous,
                         struct ktax_listener *ret, struct ktax_listening *ret_listening);
int probes_add_process(struct probes *probes, uint32_t pid);
int probes_remove_process(struct probes *probes, uint32_t pid);
/* Processes that are targets now, forked children included; returns their number. */
size_t probes_processes(struct probes *probes, uint32_t *ret_pids, size_t room);

/*
 * Stamps of the NIC that @clock names are converted by @line from now on. @clock is kept by the
 * caller, with nothing but the names set at first; no two at a time may have the same slot.
 */
int probes_set_nic_clock(struct probes *probes, struct ktax_nic_clock *clock,
                         const struct ktax_clock_line *line);

/* Sampled rows: every @every-th request (0: none), and all of at least @slow_ns. */
void probes_sample(struct probes *probes, uint32_t every, uint64_t slow_ns);
/* Hands over the sampled requests so far; returns their number. */
int probes_consume(struct probes *probes,
                   void (*visit)(const struct ktax_request *request, void *context), void *context);

/* See aggregates_take(): what @endpoint has grown by since @last, summed over the CPUs. */
bool probes_take(const struct probes *probes, uint32_t endpoint, struct ktax_aggregate *last,
                 struct aggregate_delta *delta);
/* Counts of arrivals in the @n slots from @first on; false if no request has ever arrived. */
bool probes_read_arrivals(const struct probes *probes, uint32_t endpoint, uint64_t first,
                          uint32_t n, uint32_t *ret);
void probes_read_counters(const struct probes *probes, struct ktax_counters *ret);
/*
 * Finishes requests idle for @idle_ns; *ret_in_flight: requests that are still open. If connections
 * could not be followed since the last call, those idle for as long make room.
 */
int probes_sweep(struct probes *probes, uint64_t idle_ns, uint32_t *ret_in_flight);

/* Hooks, BOUNDARY_COUNT of them. */
void probes_hooks(const struct probes *probes, struct probes_hook *ret_hooks);
/* Run time and runs of all programs, spans included. */
void probes_cost(const struct probes *probes, uint64_t *ret_run_ns, uint64_t *ret_runs);
/* Where interrupt and steal time come from, for the report. */
const char *probes_stolen_source(const struct probes *probes);
bool probes_storage_is_hash(const struct probes *probes);
bool probes_are_light(const struct probes *probes);
bool probes_use_nic_stamps(const struct probes *probes);
uint64_t probes_memory_bytes(const struct probes *probes);
/* What the aggregates of one endpoint take on this host. */
uint64_t probes_endpoint_bytes(void);

#endif
