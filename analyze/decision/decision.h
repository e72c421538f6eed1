/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision: a recording, an A/B result and a policy in, a verdict with its reasons out.
 *
 * The question is whether bypassing the kernel is worth it for these requests. What is answered:
 *
 * - bypass-dpdk, bypass-af_xdp: yes, a path meets the policy with its whole interval;
 * - tune-kernel: not bypass, a tuned kernel does it, or nearly;
 * - fix-application: not the kernel, no path can meet the policy, or halving an account of the
 *   application gains more;
 * - not-enough-evidence: it cannot be told; the commands are what would settle it.
 *
 * The order in which it is tried (docs/decide.md): the recording itself, the ceilings, the A/B and
 * whether it belongs to the recording, the paths. A doubt never approves and never refuses: only a
 * whole interval does. Pure: the time is an input too.
 */
#ifndef KTAX_DECISION_H
#define KTAX_DECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "ab_document.h"
#include "counterfactual.h"
#include "economics.h"
#include "efficacy.h"
#include "ledger.h"
#include "policy.h"
#include "readiness.h"
#include "sweep_document.h"

enum decision_verdict {
	DECISION_BYPASS_DPDK,
	DECISION_BYPASS_AF_XDP,
	DECISION_TUNE_KERNEL,
	DECISION_FIX_APPLICATION,
	DECISION_NOT_ENOUGH_EVIDENCE,
	DECISION_VERDICTS
};

extern const char *const decision_verdict_name[DECISION_VERDICTS];

/*
 * The exit code answers the question alone: 0 bypass is approved, 3 decided against it, 4 not
 * enough evidence. tune-kernel is 3: who starts a bypass project on 0 must not start one then.
 */
int decision_exit(enum decision_verdict verdict);

enum decision_answer { DECISION_NO, DECISION_MAYBE, DECISION_YES };

extern const char *const decision_answer_name[]; /* "no", "maybe", "yes" */

/* A sentence with the figure it rests on, and where that is from. */
struct decision_reason {
	char text[400];
	char figure[80];
	char source[160];
};

#define DECISION_REASONS_MAX  32
#define DECISION_COMMANDS_MAX 8
#define DECISION_SETTINGS_MAX 64

/* What a path would make of the recorded requests. */
struct decision_path {
	const struct ab_document_arm *arm;
	bool known[COUNTERFACTUAL_QUANTILES]; /* there is a prediction of this percentile */
	char why[COUNTERFACTUAL_QUANTILES][160];
	struct counterfactual_figure ns[COUNTERFACTUAL_QUANTILES];
	struct counterfactual_figure gain[COUNTERFACTUAL_QUANTILES];
	struct efficacy efficacy[COUNTERFACTUAL_QUANTILES];
	bool candidate;                /* else it decides nothing: a stand-in, or a bound */
	bool approved_but_for_link;    /* it would be, but the requests came over loopback */
	enum decision_answer answer;   /* to the policy, all of it */
	enum decision_answer limits;   /* to all but its need: goals, loss, CPU, cores, payback */
	struct decision_reason reason; /* why */
	struct economics economics;
};

struct decision_input {
	const struct recording *recording;
	const struct finding_endpoint *endpoint;
	const struct counterfactual *counterfactual; /* of it */
	const struct policy *policy;
	const char *policy_path;      /* NULL: the defaults */
	const struct ab_document *ab; /* NULL: there is none */
	const char *ab_path;
	const struct sweep_document *sweep; /* NULL: there is none */
	const char *sweep_path;
	const struct readiness *readiness; /* NULL: not known */
	double peak_per_second;            /* 0: not known */
	const char *peak_window;           /* "10 ms": that it is the peak of */
	double now_s;                      /* Unix epoch */
};

struct decision {
	enum decision_verdict verdict;
	enum counterfactual_quantile quantile; /* of the policy's metric */
	size_t n_reasons, n_cautions, n_commands, n_settings;
	struct decision_reason reason[DECISION_REASONS_MAX]; /* the one that decides first */
	struct decision_reason caution[DECISION_REASONS_MAX];
	char command[DECISION_COMMANDS_MAX][320]; /* what to run to know more */
	/* Of tune-kernel: what the doctor found missing, rows of the input's readiness. */
	const struct readiness_row *setting[DECISION_SETTINGS_MAX];
	size_t n_paths;
	struct decision_path *path;         /* of the A/B's arms, but the baseline */
	const struct decision_path *chosen; /* that the verdict is of, or NULL */
	bool sweep_fits;                    /* the sweep belongs to the A/B: capacities are its */
	bool fits; /* the A/B belongs to the recording: predictions mean something */
	double size_factor, rate_factor; /* between A/B and recording, >= 1; 0: not known */
};

/*
 * Whether decisions can be made by @policy: it must say what is worth it. 0, or -EINVAL with a
 * sentence in @why.
 */
int decision_check_policy(const struct policy *policy, char *why, size_t why_size);

/* -ENOMEM. */
int decision_make(const struct decision_input *input, struct decision **ret_decision);
/* Accepts NULL. */
void decision_free(struct decision *decision);

#endif
