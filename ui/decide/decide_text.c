// SPDX-License-Identifier: GPL-2.0
/*
 * The decision for people, from the top down: the verdict with its exit code, why, what to mind,
 * what to run; then the tables it rests on. 100 columns.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "format.h"

#define NAME_WIDTH   18
#define FIGURE_WIDTH 20
#define GAIN_WIDTH   26
#define RANKING_ROWS 8

static void put(const struct terminal *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(const struct terminal *t, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(t->file, format, arguments);
	va_end(arguments);
}

static void put_style(const struct terminal *t, enum style style)
{
	fputs(terminal_style(t, style), t->file);
}

static void put_heading(const struct terminal *t, const char *text)
{
	put(t, "\n");
	put_style(t, STYLE_BOLD);
	put(t, "%s", text);
	put_style(t, STYLE_PLAIN);
	put(t, "\n");
}

/* ---- Verdict and reasons -------------------------------------------------------------------- */

static void put_verdict(const struct terminal *t, const struct decide_view *view)
{
	static const struct {
		enum style style;
		const char *words;
	} shown[DECISION_VERDICTS] = {
		[DECISION_BYPASS_DPDK] = { STYLE_GOOD, "DPDK is worth it" },
		[DECISION_BYPASS_AF_XDP] = { STYLE_GOOD, "AF_XDP is worth it" },
		[DECISION_TUNE_KERNEL] = { STYLE_BAD, "no bypass: tune the kernel" },
		[DECISION_FIX_APPLICATION] = { STYLE_BAD,
		                               "no bypass: the kernel is not what to change" },
		[DECISION_NOT_ENOUGH_EVIDENCE] = { STYLE_WARNING, "it cannot be told yet" },
	};
	enum decision_verdict verdict = view->decision->verdict;

	put_style(t, STYLE_BOLD);
	put_style(t, shown[verdict].style);
	put(t, "%s", decision_verdict_name[verdict]);
	put_style(t, STYLE_PLAIN);
	put(t, " (exit %d): %s\n", decision_exit(verdict), shown[verdict].words);
	put_style(t, STYLE_DIM);
	put(t, "%s, %s requests, judged by %s\n", view->input->endpoint->ledger->endpoint.name,
	    format_count(view->input->counterfactual->requests).text,
	    policy_metric_title[view->input->policy->metric]);
	put_style(t, STYLE_PLAIN);
}

static void put_reason(const struct terminal *t, const char *mark,
                       const struct decision_reason *reason)
{
	int column = fprintf(t->file, "  %s ", mark);

	put_wrapped(t->file, reason->text, column, 4, t->width);
	put_style(t, STYLE_DIM);
	put(t, "      %s\n", reason->source);
	put_style(t, STYLE_PLAIN);
}

static void put_reasons(const struct terminal *t, const struct decision *decision)
{
	char number[32];

	put(t, "\n");
	for (size_t i = 0; i < decision->n_reasons; i++) {
		snprintf(number, sizeof(number), "%zu.", i + 1);
		put_reason(t, number, &decision->reason[i]);
	}
	for (size_t i = 0; i < decision->n_cautions; i++)
		put_reason(t, "! ", &decision->caution[i]);
}

/* Commands stand in one line each, however long: they are there to be copied. */
static void put_commands(const struct terminal *t, const struct decision *decision)
{
	if (!decision->n_commands)
		return;
	put_heading(t, decision->verdict == DECISION_NOT_ENOUGH_EVIDENCE ? "What would settle it"
	                                                                 : "To know more");
	for (size_t i = 0; i < decision->n_commands; i++)
		put(t, "  %s\n", decision->command[i]);
}

static void put_settings(const struct terminal *t, const struct decision *decision)
{
	char text[400];

	if (!decision->n_settings)
		return;
	put_heading(t, "Settings of the host that are missing for it, as ktax doctor found them");
	for (size_t i = 0; i < decision->n_settings; i++) {
		const struct readiness_row *row = decision->setting[i];

		put(t, "  ");
		put_left(t, NAME_WIDTH, row->check);
		snprintf(text, sizeof(text), "%s; wanted: %s", row->found, row->want);
		put_wrapped(t->file, text, 2 + NAME_WIDTH, 2 + NAME_WIDTH, t->width);
		put(t, "%*s", 2 + NAME_WIDTH, "");
		put_wrapped(t->file, row->fix, 2 + NAME_WIDTH, 4 + NAME_WIDTH, t->width);
	}
}

/* ---- Percentiles ---------------------------------------------------------------------------- */

static struct formatted format_gain(const struct terminal *t,
                                    const struct counterfactual_figure *gain)
{
	struct formatted formatted;
	const char *minus = t->utf8 ? "\xe2\x88\x92" : "-";
	double low = -100 * gain->interval.high, high = -100 * gain->interval.low;
	double value = -100 * gain->value;

	if (gain->has_interval)
		snprintf(formatted.text, sizeof(formatted.text), "%s%.0f %% [%s%.0f, %s%.0f]",
		         value <= -0.5 ? minus : "+", fabs(value), low <= -0.5 ? minus : "+",
		         fabs(low), high <= -0.5 ? minus : "+", fabs(high));
	else
		snprintf(formatted.text, sizeof(formatted.text), "%s%.0f %%",
		         value <= -0.5 ? minus : "+", fabs(value));
	return formatted;
}

static void put_figures(const struct terminal *t, const char *name,
                        const struct counterfactual_figure *ns,
                        const struct counterfactual_figure *gain, const bool *known)
{
	char cell[160];

	put(t, "  ");
	put_left(t, NAME_WIDTH, name);
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		if (known[q])
			snprintf(cell, sizeof(cell), "%s%s%.60s",
			         format_ns(t, (uint64_t)llround(fmax(0, ns[q].value))).text,
			         gain ? "  " : "", gain ? format_gain(t, &gain[q]).text : "");
		else
			snprintf(cell, sizeof(cell), "%s", t->utf8 ? "\xe2\x80\x93" : "-");
		if (q == COUNTERFACTUAL_QUANTILES - 1)
			put_last(t, GAIN_WIDTH, cell);
		else
			put_left(t, GAIN_WIDTH, cell);
	}
	put(t, "\n");
}

static void put_table_header(const struct terminal *t)
{
	put_style(t, STYLE_DIM);
	put(t, "  ");
	put_left(t, NAME_WIDTH, "");
	put_left(t, GAIN_WIDTH, "p50");
	put_left(t, GAIN_WIDTH, "p99");
	put(t, "p99.9\n");
	put_style(t, STYLE_PLAIN);
}

static void put_ceilings(const struct terminal *t, const struct counterfactual *found)
{
	put_heading(t, "What would remain at best");
	put_table_header(t);
	put_figures(t, "as recorded", found->total.ns, NULL, found->enough);
	put_figures(t, "tuned kernel", found->tuned.ns, found->tuned.gain, found->enough);
	put_figures(t, "bypass", found->bypass.ns, found->bypass.gain, found->enough);
}

static void put_paths(const struct terminal *t, const struct decide_view *view)
{
	const struct decision *decision = view->decision;
	bool stand_in = false;
	char name[40];

	if (!decision->n_paths)
		return;
	put_heading(t, "What the paths of the A/B would make of it");
	put_table_header(t);
	for (size_t i = 0; i < decision->n_paths; i++) {
		const struct decision_path *path = &decision->path[i];

		if (path->arm->skipped)
			continue;
		stand_in |= !path->candidate;
		snprintf(name, sizeof(name), "%s%s", path->arm->path, path->candidate ? "" : " *");
		put_figures(t, name, path->ns, path->gain, path->known);
	}
	if (stand_in)
		put(t, "  * no true bypass: decides nothing\n");
}

/* ---- Ranking -------------------------------------------------------------------------------- */

static void put_ranked(const struct terminal *t, const struct counterfactual *found,
                       enum ktax_account account)
{
	static const char *const marks[] = { "", "T", "B" };
	const struct counterfactual_account *of = &found->account[account];
	char cell[160];

	put(t, "  ");
	put_left(t, NAME_WIDTH - 4, ktax_account_info[account].name);
	put_left(t, 4, marks[ktax_account_info[account].removed_by]);
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		if (found->enough[q])
			snprintf(cell, sizeof(cell), "%s / %s",
			         format_change(t, of->vanished.level.gain[q].value).text,
			         format_change(t, of->halved.level.gain[q].value).text);
		else
			snprintf(cell, sizeof(cell), "%s", t->utf8 ? "\xe2\x80\x93" : "-");
		if (q == COUNTERFACTUAL_QUANTILES - 1)
			put_last(t, GAIN_WIDTH, cell);
		else
			put_left(t, GAIN_WIDTH, cell);
	}
	put(t, "\n");
}

static void put_ranking(const struct terminal *t, const struct decide_view *view)
{
	const struct counterfactual *found = view->input->counterfactual;
	enum ktax_account order[KTAX_NACCOUNTS];
	size_t n = counterfactual_rank(found, view->decision->quantile, order);

	put_heading(t, "If an account vanished / halved (T: tuning takes it away, B: bypass)");
	put_table_header(t);
	for (size_t i = 0; i < n && i < RANKING_ROWS; i++)
		if (view->input->endpoint->account[order[i]].part.share > 0)
			put_ranked(t, found, order[i]);
}

/* ---- Cost ----------------------------------------------------------------------------------- */

static struct formatted format_money(const struct policy_economics *policy, double amount)
{
	struct formatted formatted, count = format_count((uint64_t)llround(fabs(amount)));

	snprintf(formatted.text, sizeof(formatted.text), "%s%.40s%s%.15s", amount < 0 ? "-" : "",
	         count.text, policy->currency[0] ? " " : "", policy->currency);
	return formatted;
}

static void put_money(const struct terminal *t, const struct decide_view *view,
                      const struct economics *economics)
{
	const struct policy_economics *policy = &view->input->policy->economics;

	if (!economics->has_yearly) {
		put(t, "  per year          %s\n", economics->money_why);
		return;
	}
	put(t, "  per year          %s: cores ", format_money(policy, economics->yearly).text);
	put(t, "%s, latency ", format_money(policy, economics->core_saving).text);
	put(t, "%s, running ", format_money(policy, economics->latency_worth).text);
	put(t, "%s\n", format_money(policy, isnan(policy->running) ? 0 : -policy->running).text);
	if (economics->has_payback)
		put(t, "  payback           %.1f months\n", economics->payback_months);
	else
		put(t, "  payback           %s\n", economics->payback_why);
}

/* "peak / mean: 3.1 in 1 ms, 1.4 in 100 ms": the shortest, 10 ms, 100 ms and the longest. */
static void put_peaks(const struct terminal *t, const struct predictability *found)
{
	static const uint64_t shown_ms[] = { 1, 10, 100, 1000 };
	const char *separator = "";
	char text[200] = "peak / mean: ";

	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++) {
		const struct predictability_window *window = &found->window[i];

		for (size_t j = 0; j < sizeof(shown_ms) / sizeof(shown_ms[0]); j++) {
			if (window->window_ns != shown_ms[j] * 1000000 || !window->n)
				continue;
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
			         "%s%.3g in %.0f ms", separator, window->peak_to_mean,
			         (double)shown_ms[j]);
			separator = ", ";
		}
	}
	put(t, "%20s", "");
	put_wrapped(t->file, text, 20, 20, t->width);
}

static void put_predictability(const struct terminal *t, const char *what,
                               const struct predictability *found, const char *source)
{
	const char *text = found->present ? found->sentence : found->why;

	put(t, "  %-18s", what);
	put_wrapped(t->file, *text ? text : "not known", 20, 20, t->width);
	if (found->present)
		put_peaks(t, found);
	put_style(t, STYLE_DIM);
	put(t, "%20s%.*s\n", "", (int)t->width - 20, source);
	put_style(t, STYLE_PLAIN);
}

static void put_rates(const struct terminal *t, const struct decide_view *view)
{
	char source[160];

	snprintf(source, sizeof(source), "%.120s: table arrivals",
	         view->input->recording->sources[0]);
	put_heading(t, "How evenly it arrives (poll mode is sized for the peak)");
	put_predictability(t, "requests", view->predictability, source);
	if (view->capture)
		put_predictability(t, "packets", view->capture, view->capture_source);
}

/* Of the path that the verdict is of, or else the first bypass that has any. */
static const struct decision_path *costed_path(const struct decision *decision)
{
	if (decision->chosen)
		return decision->chosen;
	for (size_t i = 0; i < decision->n_paths; i++)
		if (decision->path[i].candidate && decision->path[i].arm->role != AB_ROLE_TUNED)
			return &decision->path[i];
	return NULL;
}

/* What the number of polling cores rests on. */
static void put_capacity(const struct terminal *t, const struct decide_view *view,
                         const struct economics *economics)
{
	char text[300];

	if (!economics->polling_cores)
		return;
	snprintf(text, sizeof(text), "%s%.60s/s, %s (%.120s)",
	         economics->per_core_at_least ? "at least " : "",
	         format_count((uint64_t)llround(economics->per_core_second)).text,
	         economics->per_core_swept ? economics->per_core_at_least
	                                             ? "all that the generator could send"
	                                             : "the highest rate without loss"
	                                   : "the rate of the A/B; --sweep tells more",
	         economics->per_core_swept ? view->input->sweep_path : view->input->ab_path);
	put(t, "  one core carries  ");
	put_wrapped(t->file, text, 20, 20, t->width);
}

static void put_economics(const struct terminal *t, const struct decide_view *view)
{
	const struct decision_path *path = costed_path(view->decision);
	const struct economics *economics;

	if (!path)
		return;
	economics = &path->economics;
	put_heading(t, "What it costs");
	if (economics->has_cores)
		put(t, "  cores, per host   %s takes %s%.2f, frees %.2f\n", path->arm->path,
		    economics->polling_least < economics->polling_cores ? "up to " : "",
		    economics->taken_cores, economics->freed_cores);
	else
		put(t, "  cores, per host   not known: %s\n", economics->cores_why);
	put_capacity(t, view, economics);
	put_money(t, view, economics);
}

/* ---- What is lost --------------------------------------------------------------------------- */

static void put_feature(const struct terminal *t, const struct feature *feature)
{
	static const char *const fates[FEATURE_NFATES] = { "kept", "partly", "lost", "-" };
	char text[512];

	put(t, "  ");
	put_left(t, NAME_WIDTH, feature->feature);
	put_left(t, 9, fates[feature->af_xdp]);
	put_left(t, 9, fates[feature->dpdk]);
	snprintf(text, sizeof(text), "%s%s%s%s", feature->where ? feature->where : "",
	         feature->where ? ": " : "", feature->found ? feature->found : "",
	         feature->state == FEATURE_MAY_APPLY ? " (may apply)" : "");
	put_wrapped(t->file, text, 2 + NAME_WIDTH + 18, 2 + NAME_WIDTH + 18, t->width);
}

static bool is_worth_a_row(const struct feature *feature, const char *endpoint)
{
	return (feature->state == FEATURE_FOUND || feature->state == FEATURE_MAY_APPLY) &&
	       feature_concerns(feature, endpoint);
}

static void put_features(const struct terminal *t, const struct decide_view *view)
{
	const char *endpoint = view->input->endpoint->ledger->endpoint.name;
	size_t shown = 0;

	put_heading(t, "What of the kernel's services acts on this traffic, and is lost");
	if (!view->features) {
		put(t, "  not known: %s\n", view->features_why);
		return;
	}
	for (size_t i = 0; i < view->features->n; i++) {
		if (!is_worth_a_row(&view->features->features[i], endpoint))
			continue;
		if (!shown++)
			put(t, "  %-*sAF_XDP   DPDK\n", NAME_WIDTH, "");
		put_feature(t, &view->features->features[i]);
	}
	if (!shown)
		put(t, "  nothing was found besides TCP itself, ss and tcpdump%s\n",
		    features_looked_at(view->features, endpoint)
		            ? ""
		            : "; this endpoint was not looked at");
}

void decide_text(const struct terminal *terminal, const struct decide_view *view)
{
	put_verdict(terminal, view);
	put_reasons(terminal, view->decision);
	put_settings(terminal, view->decision);
	put_commands(terminal, view->decision);
	put_ceilings(terminal, view->input->counterfactual);
	put_paths(terminal, view);
	put_ranking(terminal, view);
	put_economics(terminal, view);
	put_rates(terminal, view);
	put_features(terminal, view);
}
