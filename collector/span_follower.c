// SPDX-License-Identifier: GPL-2.0
/* The spans of a run: finds functions in what the targets have mapped, and follows changes. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "maps.h"

static void count_annotations(struct hook_rows_spans *counts, const struct span_usdt *usdt)
{
	for (size_t i = 0; i < usdt->nannotations; i++)
		counts->annotated[usdt->annotations[i].account] += usdt->annotations[i].begins;
}

static void count_spans(struct collector *collector)
{
	struct hook_rows_spans *counts = &collector->span_counts;

	*counts = (struct hook_rows_spans){ .step_ns = counts->step_ns };
	for (size_t i = 0; i < collector->spans->nsites; i++) {
		const struct span_site *site = &collector->spans->sites[i];

		counts->attached[site->account]++;
		counts->single_stepped += site->single_stepped || site->exit_single_stepped;
	}
	for (size_t i = 0; i < collector->spans->nusdt; i++)
		count_annotations(counts, &collector->spans->usdt[i]);
}

void measure_step(struct collector *collector)
{
	struct hook_rows_spans *counts = &collector->span_counts;
	struct step_cost cost;

	if (!counts->single_stepped || collector->step_failed)
		return;
	if (!probes_measure_step(collector->probes, &cost)) {
		histogram_record(&collector->step_costs, cost.ns, 1);
		counts->step_ns = histogram_percentile(&collector->step_costs, 50);
		return;
	}
	if (counts->step_ns)
		return; /* it has been measured before */
	collector->step_failed = true;
	note(collector, "what single-stepping costs could not be measured: it is part of the "
	                "accounts of spans and of their callers");
}

void attach_spans(struct collector *collector)
{
	int err = 0;

	measure_step(collector);
	if (collector->spans)
		err = probes_attach_spans(collector->probes, collector->spans);
	if (!err || collector->spans_noted)
		return;
	collector->spans_noted = true;
	note(collector, err == -EACCES || err == -EPERM
	                        ? "some functions or annotations could not be probed without "
	                          "CAP_SYS_ADMIN: their time counts as app"
	                        : "some functions or annotations could not be probed: their time "
	                          "counts as app; see -vv");
}

/* Is @label ("user:encode") what the --span with the pattern @symbol has found? */
static bool label_matches(const char *label, const char *symbol)
{
	return !strncmp(label, "user:", 5) && !fnmatch(symbol, label + 5, 0);
}

/* Why @span, LIBRARY:SYMBOL[=ACCOUNT], gets no probe; NULL: it has one. */
static const char *span_refused(const struct span_list *list, const char *span)
{
	const char *colon = strchr(span, ':');
	char symbol[128];

	if (!colon)
		return NULL;
	snprintf(symbol, sizeof(symbol), "%.*s", (int)strcspn(colon + 1, "="), colon + 1);
	for (size_t i = 0; list && i < list->nsites; i++)
		if (label_matches(list->sites[i].label, symbol))
			return NULL;
	for (size_t i = 0; list && i < list->nrefusals; i++)
		if (label_matches(list->refusals[i].label, symbol))
			return list->refusals[i].reason;
	return "no target has mapped such a function so far";
}

void note_unmatched_spans(struct collector *collector)
{
	const struct collector_options *options = &collector->options;
	char text[512];

	collector->spans_checked = true;
	for (size_t i = 0; i < options->n_spans; i++) {
		const char *why = span_refused(collector->spans, options->spans[i]);

		if (!why)
			continue;
		snprintf(text, sizeof(text), "--span %s: %s", options->spans[i], why);
		note(collector, text);
	}
}

int refresh_spans(struct collector *collector)
{
	struct span_changes changes = {};
	struct span_list *found = NULL;
	const pid_t *pids;
	size_t n = targets_pids(collector->targets, &pids);
	bool changed;

	if (!collector->catalogue || !n)
		return 0;
	if (spans_find(pids, n, collector->catalogue, &found))
		return 0; /* the processes are gone, or not ours to look into */
	if (spans_compare(collector->spans, found, &changes)) {
		span_list_free(found);
		return -ENOMEM;
	}
	changed =
		changes.nadded || changes.nremoved || changes.nusdt_added || changes.nusdt_removed;
	span_changes_release(&changes);
	if (changed)
		probes_detach_spans(collector->probes);
	span_list_free(collector->spans);
	collector->spans = found;
	count_spans(collector);
	if (changed && collector->attached_since_ns)
		attach_spans(collector);
	return 0;
}

#define LOOK_EVERY 10 /* intervals */

/* Reading what all targets have mapped takes most of the time that following them takes. */
static bool mapped_the_same(struct collector *collector, const pid_t *pids, size_t n)
{
	uint64_t mapped = maps_fingerprint(pids, n);
	bool same = mapped == collector->spans_mapped;

	collector->spans_mapped = mapped;
	if (same && ++collector->spans_unread < LOOK_EVERY)
		return true;
	collector->spans_unread = 0;
	return false;
}

int follow_spans(struct collector *collector)
{
	uint64_t generation = targets_generation(collector->targets);
	const pid_t *pids;
	size_t n = targets_pids(collector->targets, &pids);
	bool same = mapped_the_same(collector, pids, n);

	if (generation == collector->spans_generation && collector->spans &&
	    (same || spans_outdated(pids, n, collector->spans) <= 0))
		return 0;
	collector->spans_generation = generation;
	return refresh_spans(collector);
}
