/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of a decision share. */
#ifndef KTAX_DECISION_INTERNAL_H
#define KTAX_DECISION_INTERNAL_H

#include "decision.h"

struct maker {
	const struct decision_input *in;
	struct decision *out;
	const struct ab_document_arm *tuned[COUNTERFACTUAL_QUANTILES]; /* best tuned kernel */
	bool asked_sweep;
	char source[160]; /* filled by from() */
};

/* ---- Figures for people: ASCII, since they stand in JSON too ---- */

struct figure_text {
	char text[80];
};

struct figure_text text_ns(double ns);       /* "37.1 us" */
struct figure_text text_share(double share); /* "41 %" */
struct figure_text text_change(double gain); /* "41 % lower", "3 % higher" */
/* "-41 % [-50, -30]": the change that a gain is, with its interval. */
struct figure_text text_gain(const struct counterfactual_figure *gain);
struct figure_text text_days(double seconds); /* "12 days" */

/* "FILE: WHERE", of the recording or of the A/B; valid until the next call. */
const char *from_recording(struct maker *maker, const char *where);
const char *from_ab(struct maker *maker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *from_sweep(struct maker *maker, const char *path); /* the arm of @path */
const char *from_policy(struct maker *maker, const char *where);

void reason_write(struct decision_reason *reason, const char *figure, const char *source,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Appends a reason, or a caution; what there is no room for is left out. */
struct decision_reason *reason_add(struct maker *maker);
struct decision_reason *caution_add(struct maker *maker);
/* Appends a command, once. */
void command_add(struct maker *maker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "ktax decide" once more, at the end of the commands. */
void command_add_decide(struct maker *maker);

/* The policy's metric as a percentile of counterfactuals, and back. */
int quantile_of_metric(int metric);
enum policy_metric metric_of_quantile(enum counterfactual_quantile quantile);
/* "p99.9" */
const char *quantile_title(enum counterfactual_quantile quantile);

enum decision_answer answer_least(enum decision_answer a, enum decision_answer b);
/* Is the figure at least @limit (at most): with its whole interval yes, not at all no. */
enum decision_answer answer_at_least(const struct counterfactual_figure *figure, double limit);
enum decision_answer answer_at_most(const struct counterfactual_figure *figure, double limit);

/* ---- decision_evidence.c: each adds its reasons and commands, and says whether there are any ----
 */

bool evidence_refuses_recording(struct maker *maker);
bool evidence_refuses_ab(struct maker *maker);
/* The A/B that would settle it. */
void evidence_ask_ab(struct maker *maker);
/* The sweep that would tell what cores that poll carry. */
void evidence_ask_sweep(struct maker *maker);
/* Whether the sweep belongs to the A/B: fills out->sweep_fits, and says why not. */
void evidence_check_sweep(struct maker *maker);
/* The part of the requests that came over loopback: no bypass can take those. */
double evidence_loopback_share(const struct maker *maker);
/* So many that they could move the percentile asked for? */
bool evidence_has_loopback(const struct maker *maker);
/* A recording of requests that come over a link. */
void evidence_ask_link(struct maker *maker);
/* If they come over loopback: what an A/B can tell then, and what it cannot. */
void evidence_note_loopback(struct maker *maker);
/* A longer recording: of @requests. */
void evidence_ask_recording(struct maker *maker, double requests);
/* That the host's readiness is of another NIC than the recorded requests, if it is. */
void evidence_note_interface(struct maker *maker);
/* Sizes and rates: fills out->size_factor and rate_factor. */
void evidence_compare_traffic(struct maker *maker);

/* ---- decision_path.c ---- */

/* Predicts every arm and answers by the policy: fills out->path. -ENOMEM. */
int paths_predict(struct maker *maker);

/* ---- decision_ceiling.c ---- */

/*
 * Could any path meet the policy? DECISION_NO only if even one that removes all that is addressable
 * cannot; the reason is written to @ret_reason. Adds cautions that make the ceiling uncertain.
 */
enum decision_answer ceiling_answer(struct maker *maker, struct decision_reason *ret_reason);
/* The account of the application whose removal gains most at the policy's metric, or -1. */
int application_first(const struct maker *maker);
/* "Fix gc first: ..." */
void application_reason(struct maker *maker, int account, struct decision_reason *reason);

#endif
