// SPDX-License-Identifier: GPL-2.0
/* Figures, sources and lists of a decision. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "decision_internal.h"
#include "recording.h"

/* ---- Figures -------------------------------------------------------------------------------- */

/* Three significant digits, without an exponent. */
static void print_3_digits(struct figure_text *text, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(text->text, sizeof(text->text), "%.*f %s", decimals, value, unit);
}

struct figure_text text_ns(double ns)
{
	struct figure_text text;

	if (!isfinite(ns))
		snprintf(text.text, sizeof(text.text), "unbounded");
	else if (ns < 999.5)
		snprintf(text.text, sizeof(text.text), "%.0f ns", ns);
	else if (ns < 999.5e3)
		print_3_digits(&text, ns / 1e3, "us");
	else if (ns < 999.5e6)
		print_3_digits(&text, ns / 1e6, "ms");
	else
		print_3_digits(&text, ns / 1e9, "s");
	return text;
}

static int percent_digits(double share)
{
	return share && fabs(share) < 0.0995 ? 1 : 0;
}

struct figure_text text_share(double share)
{
	struct figure_text text;

	snprintf(text.text, sizeof(text.text), "%.*f %%", percent_digits(share), 100 * share);
	return text;
}

struct figure_text text_change(double gain)
{
	struct figure_text text;

	snprintf(text.text, sizeof(text.text), "%.60s %s", text_share(fabs(gain)).text,
	         gain < 0 ? "higher" : "lower");
	return text;
}

struct figure_text text_gain(const struct counterfactual_figure *gain)
{
	double value = gain->value ? -gain->value : 0;
	int digits = percent_digits(value);
	struct figure_text text;

	if (gain->has_interval)
		snprintf(text.text, sizeof(text.text), "%+.*f %% [%+.*f, %+.*f]", digits,
		         100 * value, digits, -100 * gain->interval.high, digits,
		         -100 * gain->interval.low);
	else
		snprintf(text.text, sizeof(text.text), "%+.*f %%", digits, 100 * value);
	return text;
}

struct figure_text text_days(double seconds)
{
	struct figure_text text;

	if (seconds < 2 * 86400)
		snprintf(text.text, sizeof(text.text), "%.0f hours", seconds / 3600);
	else
		snprintf(text.text, sizeof(text.text), "%.0f days", seconds / 86400);
	return text;
}

/* ---- Sources -------------------------------------------------------------------------------- */

const char *from_recording(struct maker *maker, const char *where)
{
	const struct recording *recording = maker->in->recording;

	snprintf(maker->source, sizeof(maker->source), "%.80s%s: %.60s", recording->sources[0],
	         recording->n_sources > 1 ? " and others" : "", where);
	return maker->source;
}

const char *from_ab(struct maker *maker, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(maker->source, sizeof(maker->source), "%.80s: ", maker->in->ab_path);

	va_start(arguments, format);
	vsnprintf(maker->source + length, sizeof(maker->source) - (size_t)length, format,
	          arguments);
	va_end(arguments);
	return maker->source;
}

const char *from_sweep(struct maker *maker, const char *path)
{
	snprintf(maker->source, sizeof(maker->source), "%.80s: arms[%.32s].lossless_pps",
	         maker->in->sweep_path, path);
	return maker->source;
}

const char *from_policy(struct maker *maker, const char *where)
{
	const char *path = maker->in->policy_path;

	snprintf(maker->source, sizeof(maker->source), "%.100s: %.50s",
	         path ? path : "default policy", where);
	return maker->source;
}

/* ---- Lists ---------------------------------------------------------------------------------- */

void reason_write(struct decision_reason *reason, const char *figure, const char *source,
                  const char *format, ...)
{
	va_list arguments;

	if (!reason)
		return;
	snprintf(reason->figure, sizeof(reason->figure), "%s", figure);
	snprintf(reason->source, sizeof(reason->source), "%s", source);
	va_start(arguments, format);
	vsnprintf(reason->text, sizeof(reason->text), format, arguments);
	va_end(arguments);
}

struct decision_reason *reason_add(struct maker *maker)
{
	struct decision *out = maker->out;

	return out->n_reasons < DECISION_REASONS_MAX ? &out->reason[out->n_reasons++] : NULL;
}

struct decision_reason *caution_add(struct maker *maker)
{
	struct decision *out = maker->out;

	return out->n_cautions < DECISION_REASONS_MAX ? &out->caution[out->n_cautions++] : NULL;
}

void command_add(struct maker *maker, const char *format, ...)
{
	struct decision *out = maker->out;
	char command[sizeof(out->command[0])];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < out->n_commands; i++)
		if (!strcmp(out->command[i], command))
			return;
	if (out->n_commands < DECISION_COMMANDS_MAX)
		memcpy(out->command[out->n_commands++], command, sizeof(command));
}

void command_add_decide(struct maker *maker)
{
	const struct decision_input *in = maker->in;

	if (maker->out->n_commands)
		command_add(maker, "ktax decide %.100s %.60s%s%.60s%s%.80s",
		            in->recording->sources[0], in->ab_path ? in->ab_path : "ab.json",
		            in->sweep_path || maker->asked_sweep ? " --sweep " : "",
		            in->sweep_path       ? in->sweep_path
		            : maker->asked_sweep ? "sweep.json"
		                                 : "",
		            in->policy_path ? " --policy " : "",
		            in->policy_path ? in->policy_path : "");
}

/* ---- Percentiles and answers ---------------------------------------------------------------- */

int quantile_of_metric(int metric)
{
	switch (metric) {
	case POLICY_P50:
		return COUNTERFACTUAL_P50;
	case POLICY_P99:
		return COUNTERFACTUAL_P99;
	case POLICY_P999:
		return COUNTERFACTUAL_P999;
	}
	return -1;
}

enum policy_metric metric_of_quantile(enum counterfactual_quantile quantile)
{
	static const enum policy_metric metrics[COUNTERFACTUAL_QUANTILES] = {
		[COUNTERFACTUAL_P50] = POLICY_P50,
		[COUNTERFACTUAL_P99] = POLICY_P99,
		[COUNTERFACTUAL_P999] = POLICY_P999,
	};

	return metrics[quantile];
}

const char *quantile_title(enum counterfactual_quantile quantile)
{
	return policy_metric_title[metric_of_quantile(quantile)];
}

enum decision_answer answer_least(enum decision_answer a, enum decision_answer b)
{
	return a < b ? a : b;
}

enum decision_answer answer_at_least(const struct counterfactual_figure *figure, double limit)
{
	if (!figure->has_interval || isnan(figure->value))
		return DECISION_MAYBE;
	if (figure->interval.low >= limit)
		return DECISION_YES;
	return figure->interval.high < limit ? DECISION_NO : DECISION_MAYBE;
}

enum decision_answer answer_at_most(const struct counterfactual_figure *figure, double limit)
{
	if (!figure->has_interval || isnan(figure->value))
		return DECISION_MAYBE;
	if (figure->interval.high <= limit)
		return DECISION_YES;
	return figure->interval.low > limit ? DECISION_NO : DECISION_MAYBE;
}
