/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The A/B run: the same traffic over several paths, in randomised blocks.
 *
 *	A/A: rounds of (baseline, its twin)            -> the noise floor of every metric
 *	A/B: rounds of (baseline, path 1, path 2 ...)  -> paired differences to the baseline
 *
 * within a round in random order. The unit is the block: one figure per metric. ab_judge
 * (verdict/verdict.c) turns these figures into verdicts.
 */
#ifndef KTAX_AB_H
#define KTAX_AB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generator.h"
#include "histogram.h"
#include "path.h"
#include "policy.h"
#include "remote.h"
#include "responder.h"
#include "traffic.h"

struct ports;

#define AB_ARMS_MAX 16
#define AB_CAUTIONS 4 /* at most */

#define AB_LATENESS_PACED_NS 1000  /* p99 of a generator that has a core of its own */
#define AB_LATENESS_MOST_NS  50000 /* what counts where it has none */

/* One metric of one path against the baseline. */
enum ab_verdict { AB_BETTER, AB_WORSE, AB_EQUIVALENT, AB_INCONCLUSIVE, AB_INVALID };

extern const char *const ab_verdict_name[];

/* What is compared, one figure per block. Latencies in ns; loss as a share; CPU in ns/request. */
enum ab_metric { AB_P50, AB_P90, AB_P99, AB_P999, AB_LOSS, AB_CPU, AB_METRICS };

extern const char *const ab_metric_name[AB_METRICS];

/* One block of one arm. */
struct ab_block {
	double metric[AB_METRICS]; /* +INFINITY: lost; NAN: not measured */
	struct generator_counts generator;
	struct responder_counts responder;
	uint64_t kernel_ns; /* CPU time of the kernel on the responder's behalf, outside of it */
	uint64_t steal_ns;  /* of the generator's CPU */
	unsigned int gates; /* set of enum ab_gate that it did not pass, 0: valid */
};

/* Why a block does not count; the same limits for every arm. */
enum ab_gate {
	AB_GATE_LATENESS = 1 << 0,  /* the generator was late by itself, or behind the rate */
	AB_GATE_STEAL = 1 << 1,     /* the hypervisor took the generator's CPU */
	AB_GATE_PREEMPTED = 1 << 2, /* generator or responder waited for their CPU */
	AB_GATE_SILENT = 1 << 3,    /* not one response */
};

struct ab_arm {
	const struct path_type *type;
	bool skipped;
	char why[256]; /* it was skipped, or failed */
	char how[96];  /* it runs here: "native XDP, copy"; may be empty */
	/* Sums over its valid A/B blocks, and all of their latencies. */
	struct histogram latency;
	uint64_t requests, sent, received;
	/* By place; requests = received + all of these, exactly. */
	struct ab_lost {
		uint64_t generator; /* not sent for want of room, or lost in its receive ring */
		uint64_t nic;       /* on the link, either way: neither end has seen it */
		uint64_t ring;      /* the receive ring of a raw path was full */
		uint64_t socket;    /* the socket buffer of a kernel path was full */
		uint64_t responder; /* received and not answered, or the answer not sent */
	} lost;
	double responder_cpu_ns, kernel_cpu_ns; /* per request; 0 where no_cost_why says why */
	size_t blocks, rejected;
	/*
	 * Filled by ab_judge: what the policy makes of it, in one sentence; not of the baseline.
	 * A path in memory is not compared, and AB_INVALID.
	 */
	enum ab_verdict verdict;
	char reason[256];
	/*
	 * The gates rejected it more often than the baseline, or less: what is said of its latency
	 * and loss holds with the valid pairs and with all that ran.
	 */
	bool unequal;
};

/*
 * Changes are ratios - 1 (-0.23 is 23 % lower); that of AB_LOSS is the difference of the shares.
 * NAN: not judged, or not known. Infinite: everything was lost in too many blocks.
 */
struct ab_comparison {
	size_t arm;
	enum ab_metric metric;
	size_t n; /* valid pairs */
	double change, low, high;
	double confidence; /* of the interval, after Holm's correction */
	enum ab_verdict verdict;
	bool judged;   /* false: nothing can be said, see why; the verdict is AB_INVALID */
	char why[160]; /* it is inconclusive or invalid, else "" */
};

struct ab_floor {
	size_t n;         /* valid pairs */
	double low, high; /* interval of the A/A change */
	/*
	 * The minimum detectable change: an increase by it, or the decrease that such an increase
	 * makes up for. INFINITY: none is, NAN: not measured.
	 */
	double floor;
	double of_all; /* the same with the pairs that the gates rejected, if that is more */
	bool judged;   /* false: this metric is not judged, in any path; see why */
	char why[160]; /* "" where it is */
};

/* What the requests went over. */
struct ab_link {
	bool own;                  /* the test bed, else the ports of a plan */
	char driver[32];           /* of the responder's interface, "" where unknown */
	struct remote_host remote; /* the responder's, where it is another; else its name is "" */
};

struct ab_result {
	struct ab_arm arm[AB_ARMS_MAX]; /* [0] is the baseline */
	size_t n_arms;
	struct ab_floor floor[AB_METRICS];
	struct ab_comparison *comparison;
	size_t n_comparisons;
	/*
	 * By the policy. AB_BETTER: it is met, by arm[decisive]; AB_WORSE, AB_EQUIVALENT: it is
	 * not.
	 */
	enum ab_verdict verdict;
	size_t decisive; /* the arm that the reason is about, 0: none */
	char reason[256];
	struct policy policy; /* that it was judged by */
	uint64_t seed;
	size_t rounds;
	double confidence;
	char no_cost_why[256]; /* CPU time was not measured; empty: it was */
	bool tcp;
	const char *wire; /* the generator's kind */
	struct ab_link link;
	/* Of the generator, in all blocks that count: in all, and its own (generator.h). */
	uint64_t lateness_p50_ns, lateness_p99_ns, own_lateness_p99_ns;
	uint64_t lateness_limit_ns; /* of a block's own p99, as given or as ab_run has chosen it */
	/* Of the generator's CPU from the responder's (core_distance.h), 0: not measured. */
	double core_distance_start_ns, core_distance_end_ns;
	/* What all figures suffer from, in a sentence each: too few cores, cores that moved;
	 * "": they do not. */
	char caution[AB_CAUTIONS][256];
	double seconds;
	/* [arm * rounds + round]; the A/A blocks as two arms */
	struct ab_block *block, *same;
};

struct ab_options {
	const char *baseline;
	const char *const *paths; /* NULL at the end */
	const struct traffic *traffic;
	const struct policy *policy;
	size_t rounds;    /* 6 at least; 0: as many as take about time_ns, 20 to 400 */
	uint64_t time_ns; /* of the whole run */
	/*
	 * What the generator may be late by itself, at p99 of a block. 0: AB_LATENESS_PACED_NS if
	 * that rejects hardly any of the A/A blocks, so that it has a core of its own, else
	 * AB_LATENESS_MOST_NS and a caution.
	 */
	uint64_t lateness_limit_ns;
	double confidence;
	uint64_t seed;
	const struct wire_type *wire;
	int generator_cpu;
	int responder_cpu; /* of this host */
	bool ping_pong;
	/* Where the arms take turns, instead of links of their own (link/ports.h); or NULL. */
	struct ports *ports;
	bool tcp; /* the paths' streams are compared; the wire is wire_tcp */
	/* Called before each block; false ends the run. */
	bool (*progress)(void *context, size_t done, size_t all, const char *path);
	void *context;
	/* Set by a signal handler: ends the run within a block too. May be NULL. */
	const volatile sig_atomic_t *interrupted;
};

/* What a run with @options goes over. */
struct ab_link ab_link_of(const struct ab_options *options);

/*
 * Runs it all on links of its own (link/link.h), or on options->ports. 0 and a result, or a
 * negative errno with a sentence in @why. A path that cannot run here is skipped and says why.
 */
int ab_run(const struct ab_options *options, struct ab_result *ret, char *why, size_t why_size);
void ab_result_free(struct ab_result *result);

/*
 * Fills floors, comparisons and verdicts from the blocks, at result->confidence or, if that is 0,
 * the policy's. A block that sent nothing was not run, and is no block. result->comparison is
 * allocated, and the caller's. -ENOMEM, -EINVAL: no rounds, no arms, confidence.
 */
int ab_judge(struct ab_result *result, const struct policy *policy);
/*
 * Has the generator a core of its own? By its own lateness in @n blocks: 40 at least, and above
 * AB_LATENESS_PACED_NS in one of 20 at most.
 */
bool ab_is_paced(const struct ab_block *blocks, size_t n);
/* The comparison of an arm's metric, or NULL. */
const struct ab_comparison *ab_find_comparison(const struct ab_result *result, size_t arm,
                                               enum ab_metric metric);

#endif
