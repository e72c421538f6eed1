// SPDX-License-Identifier: GPL-2.0
/* Which program fed what and what it cost, what was lost, and what ktax itself cost. */
#include <math.h>

#include "sections.h"

static void put_loss(struct html *html, const char *name, uint64_t count, const char *meaning)
{
	html_put(html, "<tr>");
	html_th(html, "%s", name);
	html_td(html, "%s", format_count(count).text);
	html_td_words(html, "%s", meaning);
	html_put(html, "</tr>\n");
}

static void put_losses(struct html *html, const struct recording_interval *sum)
{
	html_table_begin(html, "Losses of the recording", "loss|count|<what it means");
	put_loss(html, "connections not followed", sum->lost_map_full,
	         "the table of connections was full");
	put_loss(html, "events unseen", sum->missed_stamps,
	         "a request lacks a boundary that the kernel did not report");
	put_loss(html, "clock errors", sum->clock_errors, "negative or absurd spans");
	put_loss(html, "sampled requests", sum->lost_ring,
	         "the ring buffer had no room; the aggregates hold them");
	put_loss(html, "requests cut by a window", sum->reopened,
	         "open when probes were attached or detached; dropped");
	html_table_end(html);
}

static void put_cost(struct html *html, const struct finding_self *self, const char *cpus)
{
	html_put(html, "<tr>");
	html_th(html, "in the probes, per request");
	html_td_words(html, "%s",
	              !self->measured ? "unknown, " REPORT_NOT_MEASURED
	              : self->ns_per_request < 0
	                      ? "no request"
	                      : html_ns((uint64_t)llround(self->ns_per_request)).text);
	html_put(html, "</tr>\n<tr>");
	html_th(html, "of all CPUs, while attached");
	if (self->cpu_share < 0)
		html_td_words(html, "unknown");
	else
		html_td_words(html, "%s of %s CPUs", format_percent(self->cpu_share).text,
		              cpus ? cpus : "?");
	html_put(html, "</tr>\n<tr>");
	html_th(html, "attached");
	if (self->windowed)
		html_td_words(html, "%s of the time, in windows",
		              format_percent(self->attached_share).text);
	else
		html_td_words(html, "all the time");
	html_put(html, "</tr>\n");
}

static void put_steps(struct html *html, const struct finding_steps *steps)
{
	if (!steps->calls)
		return;
	html_put(html, "<tr>");
	html_th(html, "single-stepped calls");
	if (steps->measured)
		html_td_words(html, "%s, %s each measured", format_count(steps->calls).text,
		              html_ns(steps->ns).text);
	else
		html_td_words(html, "%s, not measured and so part of the accounts",
		              format_count(steps->calls).text);
	html_put(html, "</tr>\n");
}

static void put_hook(struct html *html, const struct recording_hook *hook)
{
	html_put(html, hook->program[0] ? "<tr>" : "<tr class=\"absent\">");
	html_th(html, "%s", hook->boundary);
	html_td_words(html, "%s", hook->account);
	html_td_words(html, "%s", hook->program[0] ? hook->program : "none");
	html_td(html, "%s", format_count(hook->runs).text);
	if (hook->runs && hook->run_ns)
		html_td(html, "%s", html_ns(hook->run_ns / hook->runs).text);
	else
		html_td(html, "–");
	html_td_words(html, "%s", hook->why);
	html_put(html, "</tr>\n");
}

void section_hooks(struct html *html, const struct html_model *model)
{
	const struct recording *recording = model->recording;

	put_losses(html, &recording->sum);
	html_table_begin(html, "What ktax itself cost", "cost|<");
	put_cost(html, &model->findings->self, recording_meta(recording, "cpus"));
	put_steps(html, &model->findings->self.steps);
	html_table_end(html);
	html_table_begin(html, "Hooks: which program marks which boundary and feeds which account",
	                 "boundary|<account|<program|runs|time per run|<what it misses");
	for (size_t i = 0; i < recording->n_hooks; i++)
		put_hook(html, &recording->hooks[i]);
	html_table_end(html);
}
