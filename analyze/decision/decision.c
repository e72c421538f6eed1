// SPDX-License-Identifier: GPL-2.0
/*
 * The verdict, in this order; the first step that can tell ends it.
 *
 *	recording	not usable				-> not-enough-evidence
 *	goals		met already, and nothing else is needed	-> fix-application (nothing to do)
 *	ceilings	no path can meet the policy		-> fix-application
 *	A/B		none, or it does not belong to it	-> not-enough-evidence
 *	paths		all refused				-> fix-application
 *			none approved, some in doubt		-> not-enough-evidence
 *			halving an account gains as much	-> fix-application
 *			a cheaper rung gains nearly as much	-> that rung
 *			else					-> the path that gains most
 */
#include "decision.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision_internal.h"
#include "recording.h"
#include "sentence.h"

const char *const decision_verdict_name[DECISION_VERDICTS] = {
	[DECISION_BYPASS_DPDK] = "bypass-dpdk",
	[DECISION_BYPASS_AF_XDP] = "bypass-af_xdp",
	[DECISION_TUNE_KERNEL] = "tune-kernel",
	[DECISION_FIX_APPLICATION] = "fix-application",
	[DECISION_NOT_ENOUGH_EVIDENCE] = "not-enough-evidence",
};

const char *const decision_answer_name[] = { "no", "maybe", "yes" };

int decision_exit(enum decision_verdict verdict)
{
	switch (verdict) {
	case DECISION_BYPASS_DPDK:
	case DECISION_BYPASS_AF_XDP:
		return 0;
	case DECISION_NOT_ENOUGH_EVIDENCE:
		return 4;
	default:
		return 3;
	}
}

static bool has_goal(const struct policy *policy)
{
	for (int m = 0; m < POLICY_METRICS; m++)
		if (isfinite(policy->slo_ns[m]))
			return true;
	return false;
}

static bool needs_gain(const struct policy *policy)
{
	return isfinite(policy->need) || policy->need_ns > 0;
}

int decision_check_policy(const struct policy *policy, char *why, size_t why_size)
{
	if (quantile_of_metric(policy->metric) < 0)
		return sentence(why, why_size, -EINVAL,
		                "metric is %s, recordings tell p50, p99 and p99.9 of what remains",
		                policy_metric_title[policy->metric]);
	if (!needs_gain(policy) && !has_goal(policy))
		return sentence(why, why_size, -EINVAL,
		                "need is none, and so are need_time and the goals of [slo]: it "
		                "does not say what is worth it");
	return 0;
}

/* ---- Against the kernel --------------------------------------------------------------------- */

/* Goals that hold as it is, where nothing else is asked for. */
static bool is_met_already(struct maker *maker)
{
	const struct policy *policy = maker->in->policy;
	const struct counterfactual *found = maker->in->counterfactual;

	if (needs_gain(policy))
		return false;
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		double goal = policy->slo_ns[metric_of_quantile(q)];

		if (isfinite(goal) && (!found->enough[q] ||
		                       answer_at_most(&found->total.ns[q], goal) != DECISION_YES))
			return false;
	}
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		double goal = policy->slo_ns[metric_of_quantile(q)];

		if (isfinite(goal))
			reason_write(reason_add(maker), text_ns(found->total.ns[q].value).text,
			             from_recording(maker, "ledger.total"),
			             "%s is %s as it is, the goal is %s: nothing has to change",
			             quantile_title(q), text_ns(found->total.ns[q].value).text,
			             text_ns(goal).text);
	}
	maker->out->verdict = DECISION_FIX_APPLICATION;
	return true;
}

/* The account goes first where it gains more than the kernel's part could. */
static void fix_application(struct maker *maker, const struct decision_reason *why)
{
	const struct counterfactual *found = maker->in->counterfactual;
	enum counterfactual_quantile q = maker->out->quantile;
	int account = application_first(maker);
	bool account_leads = account >= 0 && found->account[account].vanished.level.gain[q].value >=
	                                             found->bypass.gain[q].value;
	struct decision_reason *reason;

	maker->out->verdict = DECISION_FIX_APPLICATION;
	if (account_leads)
		application_reason(maker, account, reason_add(maker));
	reason = reason_add(maker);
	if (reason)
		*reason = *why;
	if (account >= 0 && !account_leads)
		application_reason(maker, account, reason_add(maker));
}

/* ---- Choosing ------------------------------------------------------------------------------- */

static double gain_of(const struct maker *maker, const struct decision_path *path)
{
	return path->gain[maker->out->quantile].value;
}

static bool is_bypass(const struct decision_path *path)
{
	return path->arm->role == AB_ROLE_AF_XDP || path->arm->role == AB_ROLE_DPDK;
}

/* The candidate of @role that gains most, of those that answer at least @least; or NULL. */
static struct decision_path *best_of(const struct maker *maker, enum ab_role role,
                                     enum decision_answer least)
{
	enum counterfactual_quantile q = maker->out->quantile;
	struct decision_path *best = NULL;

	for (size_t i = 0; i < maker->out->n_paths; i++) {
		struct decision_path *path = &maker->out->path[i];

		if (!path->candidate || path->arm->role != role || path->answer < least ||
		    !path->known[q])
			continue;
		if (!best || gain_of(maker, path) > gain_of(maker, best))
			best = path;
	}
	return best;
}

static struct decision_path *larger(const struct maker *maker, struct decision_path *a,
                                    struct decision_path *b)
{
	if (!a || !b)
		return a ? a : b;
	return gain_of(maker, b) > gain_of(maker, a) ? b : a;
}

/* A bypass is approved only if it is known what a tuned kernel would do instead ... */
static void doubt_untuned(struct maker *maker, struct decision_path *path)
{
	enum counterfactual_quantile q = maker->out->quantile;

	path->answer = DECISION_MAYBE;
	reason_write(&path->reason, "none", from_ab(maker, "arms"),
	             "%s: %s would be %s, but the A/B has no tuned kernel: it may be enough not "
	             "to sleep",
	             path->arm->path, quantile_title(q), text_change(gain_of(maker, path)).text);
}

/* ... and if it can take the requests at all. */
static void doubt_loopback(struct maker *maker, struct decision_path *path)
{
	enum counterfactual_quantile q = maker->out->quantile;

	path->answer = DECISION_MAYBE;
	path->approved_but_for_link = true;
	reason_write(
		&path->reason, text_share(evidence_loopback_share(maker)).text,
		from_recording(maker, "ledger.loopback"),
		"%s: %s would be %s, but %s of the recorded requests came over loopback, which "
		"no bypass can take",
		path->arm->path, quantile_title(q), text_change(gain_of(maker, path)).text,
		text_share(evidence_loopback_share(maker)).text);
}

static void doubt_bypasses(struct maker *maker)
{
	for (size_t i = 0; i < maker->out->n_paths; i++) {
		struct decision_path *path = &maker->out->path[i];

		if (!is_bypass(path) || path->answer != DECISION_YES)
			continue;
		if (!maker->tuned[maker->out->quantile])
			doubt_untuned(maker, path);
		else if (evidence_has_loopback(maker))
			doubt_loopback(maker, path);
	}
}

static enum decision_answer best_answer(const struct maker *maker)
{
	enum decision_answer best = DECISION_NO;

	for (size_t i = 0; i < maker->out->n_paths; i++)
		if (maker->out->path[i].candidate && maker->out->path[i].answer > best)
			best = maker->out->path[i].answer;
	return best;
}

/* Reasons of all candidates with this answer, the largest gain first. */
static void add_path_reasons(struct maker *maker, enum decision_answer answer)
{
	enum counterfactual_quantile q = maker->out->quantile;
	double below = INFINITY;

	for (size_t done = 0; done < maker->out->n_paths; done++) {
		const struct decision_path *next = NULL;

		for (size_t i = 0; i < maker->out->n_paths; i++) {
			const struct decision_path *path = &maker->out->path[i];
			double gain = path->known[q] ? gain_of(maker, path) : -INFINITY;

			if (path->candidate && path->answer == answer && gain < below &&
			    (!next || gain > (next->known[q] ? gain_of(maker, next) : -INFINITY)))
				next = path;
		}
		if (!next)
			return;
		below = next->known[q] ? gain_of(maker, next) : -INFINITY;
		reason_write(reason_add(maker), next->reason.figure, next->reason.source, "%s",
		             next->reason.text);
	}
}

static void refuse_paths(struct maker *maker)
{
	const struct decision_path *best =
		larger(maker, best_of(maker, AB_ROLE_TUNED, DECISION_NO),
	               larger(maker, best_of(maker, AB_ROLE_AF_XDP, DECISION_NO),
	                      best_of(maker, AB_ROLE_DPDK, DECISION_NO)));
	size_t first;

	if (best)
		fix_application(maker, &best->reason);
	first = maker->out->n_reasons;
	add_path_reasons(maker, DECISION_NO);
	/* The best one has been said. */
	for (size_t i = first; best && i < maker->out->n_reasons; i++)
		if (!strcmp(maker->out->reason[i].text, best->reason.text)) {
			memmove(&maker->out->reason[i], &maker->out->reason[i + 1],
			        (maker->out->n_reasons - i - 1) * sizeof(maker->out->reason[0]));
			maker->out->n_reasons--;
			break;
		}
}

/* Is anything in doubt that a longer A/B could tell? */
static bool may_run_again(const struct maker *maker)
{
	for (size_t i = 0; i < maker->out->n_paths; i++) {
		const struct decision_path *path = &maker->out->path[i];

		if (path->candidate && path->answer == DECISION_MAYBE &&
		    !path->approved_but_for_link)
			return true;
	}
	return false;
}

static void leave_open(struct maker *maker)
{
	maker->out->verdict = DECISION_NOT_ENOUGH_EVIDENCE;
	add_path_reasons(maker, DECISION_MAYBE);
	if (may_run_again(maker))
		evidence_ask_ab(maker);
	else
		evidence_ask_link(maker);
}

/* Halving an account of the application gains as much as @best: that goes first. */
static bool application_goes_first(struct maker *maker, const struct decision_path *best)
{
	double share = maker->in->policy->application_first;
	enum counterfactual_quantile q = maker->out->quantile;
	int account = application_first(maker);
	const struct counterfactual_removal *removal;
	const struct counterfactual_figure *halved;
	struct decision_reason *reason;

	if (isinf(share) || account < 0)
		return false;
	removal = &maker->in->counterfactual->account[account].halved;
	halved = &removal->level.gain[q];
	if (!halved->has_interval ||
	    counterfactual_least_gain(removal, q) < share * gain_of(maker, best))
		return false;
	fix_application(maker, &best->reason);
	reason = reason_add(maker);
	reason_write(reason, text_gain(halved).text, from_policy(maker, "application, first"),
	             "halving %s gains %s of %s, %s gains %s: the policy puts the application "
	             "first from %s of that on",
	             ktax_account_info[account].name, text_share(halved->value).text,
	             quantile_title(q), best->arm->path, text_share(gain_of(maker, best)).text,
	             text_share(share).text);
	return true;
}

/*
 * What part of @best's gain @cheaper has: by the estimates or, if that is more, by the upper ends
 * of their intervals. Where it is not certain that the dearer one is needed, the cheaper one goes
 * first.
 */
static double part_of_gain(const struct maker *maker, const struct decision_path *cheaper,
                           const struct decision_path *best)
{
	const struct counterfactual_figure *a = &cheaper->gain[maker->out->quantile];
	const struct counterfactual_figure *b = &best->gain[maker->out->quantile];
	double part = b->value > 0 ? a->value / b->value : 1;

	if (!a->has_interval || !b->has_interval || !(b->interval.high > 0))
		return part;
	return fmin(1, fmax(part, a->interval.high / b->interval.high));
}

/* Does @cheaper do instead of @best? It must keep goals and limits, and gain most of it. */
static bool does_instead(struct maker *maker, const struct decision_path *cheaper,
                         const struct decision_path *best)
{
	double part;

	if (!cheaper || cheaper->limits == DECISION_NO || gain_of(maker, cheaper) <= 0)
		return false;
	if (!best || best == cheaper)
		return cheaper->answer == DECISION_YES;
	part = part_of_gain(maker, cheaper, best);
	if (best->answer == DECISION_YES && !(part >= maker->in->policy->tuned_share))
		return false;
	if (best->answer != DECISION_YES && cheaper->answer != DECISION_YES)
		return false;
	if (!(part >= maker->in->policy->tuned_share)) {
		reason_write(reason_add(maker), best->reason.figure, best->reason.source,
		             "%s meets the policy; whether %s does is not certain: %.250s",
		             cheaper->arm->path, best->arm->path, best->reason.text);
		return true;
	}
	reason_write(reason_add(maker), text_share(part).text, from_policy(maker, "tuning, share"),
	             "%s gains up to %s of what %s does (%s, %s); from %s on the policy takes the "
	             "cheaper one",
	             cheaper->arm->path, text_share(part).text, best->arm->path,
	             text_share(gain_of(maker, cheaper)).text,
	             text_share(gain_of(maker, best)).text,
	             text_share(maker->in->policy->tuned_share).text);
	return true;
}

static void put_reason_first(struct maker *maker, const struct decision_reason *reason)
{
	struct decision *out = maker->out;

	if (out->n_reasons == DECISION_REASONS_MAX)
		out->n_reasons--;
	memmove(&out->reason[1], &out->reason[0], out->n_reasons * sizeof(out->reason[0]));
	out->reason[0] = *reason;
	out->n_reasons++;
}

static void take(struct maker *maker, const struct decision_path *path)
{
	static const enum decision_verdict verdicts[] = {
		[AB_ROLE_TUNED] = DECISION_TUNE_KERNEL,
		[AB_ROLE_AF_XDP] = DECISION_BYPASS_AF_XDP,
		[AB_ROLE_DPDK] = DECISION_BYPASS_DPDK,
	};

	maker->out->chosen = path;
	maker->out->verdict = verdicts[path->arm->role];
	put_reason_first(maker, &path->reason);
}

/* With what a tuned kernel would have given instead. */
static void take_bypass(struct maker *maker, const struct decision_path *bypass,
                        const struct decision_path *tuned)
{
	if (tuned)
		reason_write(reason_add(maker), text_gain(&tuned->gain[maker->out->quantile]).text,
		             from_ab(maker, "arms[%s].blocks", tuned->arm->path),
		             "the best tuned kernel, %s, gains %s, %s", tuned->arm->path,
		             text_share(gain_of(maker, tuned)).text,
		             tuned->limits == DECISION_NO ? "but breaks a goal or limit"
		                                          : "less than the policy's part of that");
	take(maker, bypass);
}

/* A tuned kernel is taken without knowing what any bypass would gain: said, with how to know. */
static void note_unknown_bypass(struct maker *maker)
{
	enum counterfactual_quantile q = maker->out->quantile;

	for (size_t i = 0; i < maker->out->n_paths; i++) {
		const struct decision_path *path = &maker->out->path[i];

		if (path->candidate && is_bypass(path) && path->known[q])
			return;
	}
	reason_write(caution_add(maker), "unknown", from_ab(maker, "arms"),
	             "what a bypass would gain beyond that is not known from this A/B");
	for (size_t i = 0; i < maker->out->n_paths; i++) {
		const struct decision_path *path = &maker->out->path[i];

		if (path->candidate && is_bypass(path))
			reason_write(caution_add(maker), path->reason.figure, path->reason.source,
			             "%s", path->reason.text);
	}
	evidence_ask_ab(maker);
}

static void choose(struct maker *maker)
{
	struct decision_path *tuned = best_of(maker, AB_ROLE_TUNED, DECISION_NO);
	struct decision_path *tuned_yes = best_of(maker, AB_ROLE_TUNED, DECISION_YES);
	struct decision_path *xdp = best_of(maker, AB_ROLE_AF_XDP, DECISION_YES);
	struct decision_path *dpdk = best_of(maker, AB_ROLE_DPDK, DECISION_YES);
	struct decision_path *bypass = larger(maker, xdp, dpdk);

	if (application_goes_first(maker, larger(maker, bypass, tuned_yes)))
		return;
	if (!bypass) /* then a tuned kernel is what was approved */
		bypass = larger(maker, best_of(maker, AB_ROLE_AF_XDP, DECISION_MAYBE),
		                best_of(maker, AB_ROLE_DPDK, DECISION_MAYBE));
	if (tuned_yes && does_instead(maker, tuned_yes, bypass))
		take(maker, tuned_yes);
	else if (does_instead(maker, tuned, bypass))
		take(maker, tuned);
	else if (xdp && bypass != xdp && does_instead(maker, xdp, bypass))
		take(maker, xdp);
	else
		take_bypass(maker, bypass, tuned);
}

/* ---- What goes with an approved path -------------------------------------------------------- */

/* What the path is: how a thread is to wait is no setting of the host. */
static void note_path(struct maker *maker)
{
	const struct ab_document_arm *arm = maker->out->chosen->arm;

	if (arm->summary[0])
		reason_write(reason_add(maker), arm->path,
		             from_ab(maker, "arms[%s].summary", arm->path), "%s is: %s%s%s%s",
		             arm->path, arm->summary, arm->how[0] ? "; here: " : "", arm->how,
		             arm->cores_polling ? "; it takes its core whether or not there are "
		                                  "requests"
		                                : "");
}

static void note_cost(struct maker *maker)
{
	const struct decision_path *path = maker->out->chosen;
	const struct economics *economics = &path->economics;
	char figure[64];

	if (!economics->has_cores)
		return;
	snprintf(figure, sizeof(figure), "%+.2f cores", -economics->net_cores);
	reason_write(reason_add(maker), figure,
	             from_ab(maker, "arms[%s].cpu_ns_per_request", path->arm->path),
	             "cores of a host: %s takes %s%.2f, frees %.2f of the kernel's path",
	             path->arm->path,
	             economics->polling_least < economics->polling_cores ? "up to " : "",
	             economics->taken_cores, economics->freed_cores);
}

static void note_spread(struct maker *maker)
{
	enum counterfactual_quantile q = maker->out->quantile;
	const struct efficacy *efficacy = &maker->out->chosen->efficacy[q];

	if (efficacy->by_time < efficacy->by_share)
		reason_write(caution_add(maker), text_ns(efficacy->saved_ns).text,
		             from_ab(maker, "arms[%s].blocks", maker->out->chosen->arm->path),
		             "the requests spend more in the kernel than the path took off in the "
		             "A/B (%s of %s): the estimate is what it took off",
		             text_ns(efficacy->saved_ns).text, text_ns(efficacy->baseline_ns).text);
}

static unsigned concern_of(enum decision_verdict verdict)
{
	switch (verdict) {
	case DECISION_BYPASS_DPDK:
		return READINESS_DPDK;
	case DECISION_BYPASS_AF_XDP:
		return READINESS_AF_XDP;
	case DECISION_TUNE_KERNEL:
		return READINESS_TUNING;
	default:
		return 0;
	}
}

static void list_settings(struct maker *maker)
{
	const struct readiness *readiness = maker->in->readiness;
	const struct readiness_row *row = NULL;
	struct decision *out = maker->out;

	while (out->n_settings < DECISION_SETTINGS_MAX &&
	       (row = readiness_next_fix(readiness, READINESS_TUNING, row)))
		out->setting[out->n_settings++] = row;
}

/* What keeps a bypass from running on this host. */
static void note_blocks(struct maker *maker, unsigned concern)
{
	const struct readiness_row *row = NULL;

	while ((row = readiness_next_fix(maker->in->readiness, concern, row)))
		if (row->blocks & concern)
			reason_write(caution_add(maker), row->found,
			             from_recording(maker, "meta, readiness"),
			             "%s: found %.80s, wanted %.80s; %.180s", row->check,
			             row->found, row->want, row->fix);
}

static void note_readiness(struct maker *maker)
{
	unsigned concern = concern_of(maker->out->verdict);

	if (!concern)
		return;
	if (!maker->in->readiness)
		reason_write(caution_add(maker), "unknown",
		             from_recording(maker, "meta, readiness"),
		             "whether the host is ready is not known: see 'ktax doctor'");
	else if (concern == READINESS_TUNING)
		list_settings(maker);
	else
		note_blocks(maker, concern);
	if (maker->in->readiness)
		evidence_note_interface(maker);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static bool all_skipped(const struct maker *maker)
{
	for (size_t i = 0; i < maker->out->n_paths; i++)
		if (maker->out->path[i].candidate)
			return false;
	return true;
}

static void decide_by_paths(struct maker *maker)
{
	doubt_bypasses(maker);
	if (all_skipped(maker)) {
		maker->out->verdict = DECISION_NOT_ENOUGH_EVIDENCE;
		reason_write(reason_add(maker), "none", from_ab(maker, "arms"),
		             "no path of the A/B that could replace the kernel's ran");
		evidence_ask_ab(maker);
		return;
	}
	switch (best_answer(maker)) {
	case DECISION_NO:
		refuse_paths(maker);
		return;
	case DECISION_MAYBE:
		leave_open(maker);
		return;
	case DECISION_YES:
		choose(maker);
		break;
	}
	if (!maker->out->chosen)
		return;
	if (maker->out->verdict == DECISION_TUNE_KERNEL)
		note_unknown_bypass(maker);
	note_path(maker);
	note_cost(maker);
	note_spread(maker);
	note_readiness(maker);
}

static void ask_for_ab(struct maker *maker, const struct decision_reason *ceiling)
{
	struct decision_reason *reason;

	maker->out->verdict = DECISION_NOT_ENOUGH_EVIDENCE;
	reason_write(
		reason_add(maker), "none", from_recording(maker, "the recording alone"),
		"there is no A/B: how much of the kernel's part a path takes away is not known");
	reason = reason_add(maker);
	if (reason)
		*reason = *ceiling;
	evidence_ask_ab(maker);
	evidence_note_loopback(maker);
}

static int decide(struct maker *maker)
{
	struct decision_reason ceiling = { .text = "" };
	struct decision *out = maker->out;
	int err;

	out->verdict = DECISION_NOT_ENOUGH_EVIDENCE;
	if (evidence_refuses_recording(maker) || is_met_already(maker))
		return 0;
	if (ceiling_answer(maker, &ceiling) == DECISION_NO) {
		fix_application(maker, &ceiling);
		return 0;
	}
	if (!maker->in->ab) {
		ask_for_ab(maker, &ceiling);
		return 0;
	}
	if (evidence_refuses_ab(maker))
		return 0;
	out->fits = true;
	evidence_check_sweep(maker);
	err = paths_predict(maker);
	if (!err)
		decide_by_paths(maker);
	return err;
}

int decision_make(const struct decision_input *input, struct decision **ret_decision)
{
	struct maker maker = { .in = input, .out = calloc(1, sizeof(*maker.out)) };
	int quantile = quantile_of_metric(input->policy->metric), err;

	if (!maker.out)
		return -ENOMEM;
	maker.out->quantile =
		(enum counterfactual_quantile)(quantile < 0 ? COUNTERFACTUAL_P99 : quantile);
	err = decide(&maker);
	if (err) {
		decision_free(maker.out);
		return err;
	}
	command_add_decide(&maker);
	*ret_decision = maker.out;
	return 0;
}

void decision_free(struct decision *decision)
{
	if (!decision)
		return;
	free(decision->path);
	free(decision);
}
