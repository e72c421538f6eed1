// SPDX-License-Identifier: GPL-2.0
/*
 * The ceiling: what a path could gain that took away all that is addressable. It needs no A/B, and
 * it alone can decide against bypass. Not where it is itself in doubt:
 *
 *	an addressable account was not seen (light recordings)     there may be more to remove
 *	requests queue for the thread (app_queue) behind kernel time   the queue would shrink too
 *	much time is unexplained (unknown)                         some of it may be the kernel's
 */
#include <math.h>
#include <stdio.h>

#include "decision_internal.h"

/* Of the time without app_queue: below, the kernel's part cannot be what requests queue for. */
#define QUEUED_FOR_LEAST 0.05

static const struct counterfactual_removal *vanished(const struct maker *maker, int account)
{
	const struct counterfactual_account *found = &maker->in->counterfactual->account[account];

	return found->present ? &found->vanished : NULL;
}

static double gain_without(const struct maker *maker, int account)
{
	const struct counterfactual_removal *removal = vanished(maker, account);

	return removal ? removal->level.gain[maker->out->quantile].value : 0;
}

/* ---- Is it a ceiling at all ----------------------------------------------------------------- */

static bool lacks_account(struct maker *maker)
{
	static const enum ktax_account needed[] = { KTAX_KERNEL_RX, KTAX_WAKEUP, KTAX_COPY_RX,
		                                    KTAX_KERNEL_TX };
	bool lacks = false;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const struct counterfactual_account *account =
			&maker->in->counterfactual->account[needed[i]];

		if (account->present)
			continue;
		reason_write(caution_add(maker), "n/a", from_recording(maker, "table hook"),
		             "%s was not seen (%.160s): bypass may remove more than is counted",
		             ktax_account_info[needed[i]].name,
		             account->why ? account->why : "no hook");
		lacks = true;
	}
	return lacks;
}

static bool queues_for_kernel(struct maker *maker)
{
	const struct finding_endpoint *endpoint = maker->in->endpoint;
	double queue = endpoint->account[KTAX_APP_QUEUE].part.share;
	double gain = gain_without(maker, KTAX_APP_QUEUE);

	if (gain < maker->in->policy->margin ||
	    endpoint->addressable.share < QUEUED_FOR_LEAST * (1 - queue))
		return false;
	reason_write(caution_add(maker), text_share(gain).text,
	             from_recording(maker, "table joint, app_queue"),
	             "requests queue for a busy thread (%s of %s): taking kernel time away would "
	             "shorten the queue too, which the recording alone does not show",
	             text_share(gain).text, quantile_title(maker->out->quantile));
	return true;
}

static bool is_unexplained(struct maker *maker)
{
	double gain = gain_without(maker, KTAX_UNKNOWN);

	if (gain < maker->in->policy->margin)
		return false;
	reason_write(caution_add(maker), text_share(gain).text,
	             from_recording(maker, "table joint, unknown"),
	             "%s of %s is unexplained, and may be the kernel's", text_share(gain).text,
	             quantile_title(maker->out->quantile));
	return true;
}

/* ---- Against the policy --------------------------------------------------------------------- */

static enum decision_answer check_need(struct maker *maker, struct decision_reason *ret)
{
	const struct policy *policy = maker->in->policy;
	const struct counterfactual *found = maker->in->counterfactual;
	enum counterfactual_quantile q = maker->out->quantile;
	const struct counterfactual_figure *gain = &found->bypass.gain[q];
	enum decision_answer answer = DECISION_MAYBE;

	if (isfinite(policy->need) && answer_at_least(gain, policy->need) == DECISION_NO)
		answer = DECISION_NO;
	if (policy->need_ns > 0 && gain->has_interval &&
	    gain->interval.high * found->total.ns[q].value < policy->need_ns)
		answer = DECISION_NO;
	reason_write(ret, text_gain(gain).text, from_recording(maker, "ledger.floor_bypass"),
	             "without any kernel time %s would go from %s to %s, %s: no path can gain "
	             "more; the policy needs %s",
	             quantile_title(q), text_ns(found->total.ns[q].value).text,
	             text_ns(found->bypass.ns[q].value).text, text_change(gain->value).text,
	             isfinite(policy->need) ? text_share(policy->need).text
	                                    : text_ns(policy->need_ns).text);
	return answer;
}

static enum decision_answer check_goals(struct maker *maker, struct decision_reason *ret)
{
	const struct counterfactual *found = maker->in->counterfactual;

	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		double goal = maker->in->policy->slo_ns[metric_of_quantile(q)];
		const struct counterfactual_figure *ns = &found->bypass.ns[q];

		if (isinf(goal) || answer_at_most(ns, goal) != DECISION_NO)
			continue;
		reason_write(ret, text_ns(ns->value).text,
		             from_recording(maker, "ledger.floor_bypass"),
		             "without any kernel time %s would still be %s, the goal is %s: no "
		             "path meets it",
		             quantile_title(q), text_ns(ns->value).text, text_ns(goal).text);
		return DECISION_NO;
	}
	return DECISION_MAYBE;
}

enum decision_answer ceiling_answer(struct maker *maker, struct decision_reason *ret_reason)
{
	bool doubt = lacks_account(maker);
	enum decision_answer answer;

	doubt |= queues_for_kernel(maker);
	doubt |= is_unexplained(maker);
	answer = check_need(maker, ret_reason);
	if (answer != DECISION_NO)
		answer = check_goals(maker, ret_reason);
	return doubt ? DECISION_MAYBE : answer;
}

/* ---- The application ------------------------------------------------------------------------ */

/* What somebody could fix: not what nobody has explained, nor the network's queues. */
static bool is_application(int account)
{
	return ktax_account_info[account].removed_by == KTAX_REMOVED_NEITHER &&
	       ktax_account_info[account].group != KTAX_GROUP_KERNEL && account != KTAX_UNKNOWN;
}

int application_first(const struct maker *maker)
{
	enum ktax_account order[KTAX_NACCOUNTS];
	size_t n = counterfactual_rank(maker->in->counterfactual, maker->out->quantile, order);

	for (size_t i = 0; i < n; i++)
		if (is_application(order[i]))
			return order[i];
	return -1;
}

/* What an account stands for, and so where to begin. */
static const char *advice(int account)
{
	static const char *const texts[KTAX_NACCOUNTS] = {
		[KTAX_APP_QUEUE] = "requests wait while its thread serves others: more threads",
		[KTAX_APP] = "its own code on the CPU: profile it",
		[KTAX_APP_KERNEL] = "its system calls and page faults: trace them",
		[KTAX_SERIALIZE] = "encoding and decoding",
		[KTAX_TLS] = "encryption",
		[KTAX_GC] = "pauses of the garbage collector",
		[KTAX_HOP] = "waits for other services",
		[KTAX_LOCK] = "waits for its own threads",
		[KTAX_IO] = "waits for the disk",
		[KTAX_WAIT] = "waits for timers and the like",
		[KTAX_PREEMPT] = "waits for a CPU that others have: give it its own",
	};

	return texts[account] ? texts[account] : "";
}

/* How sure that is: what the joint table leaves open, if that is much. */
static struct figure_text left_open(const struct counterfactual_removal *vanished,
                                    enum counterfactual_quantile q)
{
	struct figure_text open = { "" };
	const struct interval *bound = &vanished->bound[q];

	if (vanished->source[q] == COUNTERFACTUAL_JOINT &&
	    bound->low < 0.8 * vanished->level.gain[q].value)
		snprintf(open.text, sizeof(open.text),
		         "; between %.2g %% and %.2g %%, --requests 1/N would tell",
		         100 * bound->low, 100 * bound->high);
	return open;
}

void application_reason(struct maker *maker, int account, struct decision_reason *reason)
{
	const struct counterfactual *found = maker->in->counterfactual;
	enum counterfactual_quantile q = maker->out->quantile;
	const struct counterfactual_account *of = &found->account[account];
	const struct counterfactual_figure *gain = &of->vanished.level.gain[q];
	char where[64];

	snprintf(where, sizeof(where), "table %s, %s",
	         counterfactual_source_name[of->vanished.source[q]],
	         ktax_account_info[account].name);
	reason_write(reason, text_gain(gain).text, from_recording(maker, where),
	             "fix %s first (%s): %s is %s without it%s, %s if it halves; bypass: %s at "
	             "most",
	             ktax_account_info[account].name, advice(account), quantile_title(q),
	             text_change(gain->value).text, left_open(&of->vanished, q).text,
	             text_change(of->halved.level.gain[q].value).text,
	             text_change(found->bypass.gain[q].value).text);
}
