// SPDX-License-Identifier: GPL-2.0
/* Who answered, how much, how fast; and the four-way summary: one bar of the mean, one of the
 * slowest 1 %. */
#include <math.h>

#include "sections.h"

#define BAR_HEIGHT 30

static void put_card(struct html *html, const char *name, const char *figure)
{
	html_put(html, "<li>");
	html_element(html, "span", NULL, "%s", name);
	html_element(html, "b", NULL, "%s", figure);
	html_put(html, "</li>\n");
}

static void put_cards(struct html *html, const struct finding_endpoint *finding)
{
	const struct finding_quantiles *total = &finding->total;

	html_put(html, "<ul class=\"cards\">\n");
	put_card(html, "requests", format_count(finding->ledger->requests).text);
	put_card(html, "rate", html_rate(finding->rate.per_second).text);
	put_card(html, "p50", html_ns(total->p50_ns).text);
	put_card(html, "p99", html_ns(total->p99_ns).text);
	put_card(html, "p99.9", html_ns(total->p999_ns).text);
	put_card(html, "p99, tuned kernel", html_ns(finding->tuned.p99_ns).text);
	put_card(html, "p99, kernel bypassed", html_ns(finding->bypass.p99_ns).text);
	html_put(html, "</ul>\n");
}

static void put_rate(struct html *html, const struct finding_rate *rate)
{
	if (!rate->has_interval)
		return;
	html_put(html, "<p class=\"note\">");
	html_text(html, "The rate is extrapolated from %zu windows: %s", rate->n,
	          html_rate(rate->per_second).text);
	html_text(html, " [%s,", html_rate(rate->interval.low).text);
	html_text(html, " %s] at 95 %%.", html_rate(rate->interval.high).text);
	html_put(html, "</p>\n");
}

/* ---- The four-way bars ---------------------------------------------------------------------- */

static void put_share(struct plot *plot, double x0, double x1, double y, double share)
{
	if (x1 - x0 > 46)
		plot_text(plot, "label middle strong", (x0 + x1) / 2, y + BAR_HEIGHT + 15, "%s",
		          format_percent(share).text);
}

static void put_bar(struct plot *plot, const struct finding_endpoint *finding, bool slowest,
                    double y)
{
	double at = 0;

	plot_text(plot, "label end", plot->x.from - 10, y + 20, "%s",
	          slowest ? "slowest 1 %" : "mean");
	for (int g = 0; g < KTAX_NGROUPS; g++) {
		const struct finding_group *group = &finding->group[g];
		double share = slowest ? group->part.p99_band_share : group->part.share;
		double x0 = scale_place(&plot->x, at), x1 = scale_place(&plot->x, at + share);

		if (share <= 0)
			continue;
		plot_bar(plot, ktax_group_name[g], x0, x1, y, BAR_HEIGHT, "%s: %.2f %% of the %s",
		         group_title((enum ktax_group)g), 100 * share,
		         slowest ? "time of the slowest 1 %" : "mean");
		put_share(plot, x0, x1, y, share);
		at += share;
	}
}

static void put_bars(struct html *html, const struct finding_endpoint *finding)
{
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = 126,
		             .left = 92,
		             .right = 8,
		             .top = 4,
		             .bottom = 4,
		             .x = { SCALE_LINEAR, 0, 1 },
		             .y = { SCALE_LINEAR, 0, 1 },
		             .label = "Shares of the requests' time: NIC, kernel stack, "
		                      "serialization and application, of the mean and of the "
		                      "slowest 1 %",
		             .class = "wide" };
	struct legend_entry entries[KTAX_NGROUPS];
	size_t n = 0;

	for (int g = 0; g < KTAX_NGROUPS; g++)
		if (finding->group[g].present)
			entries[n++] = (struct legend_entry){ ktax_group_name[g],
				                              group_title((enum ktax_group)g) };
	legend_put(html, entries, n);
	plot_begin(&plot);
	put_bar(&plot, finding, false, 4);
	put_bar(&plot, finding, true, 66);
	plot_end(&plot, "Per cent of the requests’ time; n = %s requests",
	         format_count(finding->ledger->requests).text);
	plot_close(&plot);
}

static void put_group(struct html *html, const struct finding_endpoint *finding, int g)
{
	const struct finding_group *group = &finding->group[g];

	html_put(html, group->present ? "<tr>" : "<tr class=\"absent\">");
	html_th(html, "%s", group_title((enum ktax_group)g));
	if (!group->present) {
		html_put(html, "<td>n/a</td><td>n/a</td><td>n/a</td>");
		html_td_words(html, "%s", group->why ? group->why : "");
	} else {
		html_td(html, "%s", html_ns(group->part.mean_ns).text);
		html_td(html, "%s", format_percent(group->part.share).text);
		html_td(html, "%s", format_percent(group->part.p99_band_share).text);
		if (g == KTAX_GROUP_KERNEL)
			html_td_words(html, "bypass could remove %s, of which tuning %s",
			              format_percent(finding->kernel_addressable.share).text,
			              format_percent(finding->kernel_tunable.share).text);
		else
			html_td_words(html, "%s", "");
	}
	html_put(html, "</tr>\n");
}

static void put_table(struct html *html, const struct finding_endpoint *finding)
{
	html_table_begin(html, "Four-way summary, per request",
	                 "part|mean|share of the mean|share of the slowest 1 %|<");
	for (int g = 0; g < KTAX_NGROUPS; g++)
		put_group(html, finding, g);
	html_put(html, "<tr>");
	html_th(html, "total");
	html_td(html, "%s", html_ns(finding->total.mean_ns).text);
	html_put(html, "<td>100 %%</td><td>100 %%</td><td></td></tr>\n");
	html_table_end(html);
}

static void put_count(struct html *html, uint64_t count, const char *what)
{
	if (count)
		html_element(html, "li", NULL, "%s %s", format_count(count).text, what);
}

static void put_counts(struct html *html, const struct finding_endpoint *finding)
{
	const struct recording_ledger *ledger = finding->ledger;

	if (!ledger->batches && !ledger->incomplete && !ledger->handed_over &&
	    !ledger->retransmitted && !ledger->loopback && !ledger->unbalanced)
		return;
	html_put(html, "<p class=\"note\">Of these requests:</p>\n<ul class=\"note\">\n");
	put_count(html, ledger->batches, "batches of pipelined requests, each counted as one");
	put_count(html, ledger->incomplete, "incomplete: arrival or end unseen");
	put_count(html, ledger->handed_over, "handed to another thread");
	put_count(html, ledger->retransmitted, "segments retransmitted");
	put_count(html, ledger->loopback, "over the loopback link, which no bypass can take");
	put_count(html, ledger->unbalanced, "unbalanced");
	html_put(html, "</ul>\n");
}

void section_summary(struct html *html, const struct html_model *model,
                     const struct html_endpoint *endpoint)
{
	put_cards(html, endpoint->finding);
	put_rate(html, &endpoint->finding->rate);
	put_counts(html, endpoint->finding);
	html_element(html, "h3", NULL, "Four-way summary");
	put_bars(html, endpoint->finding);
	put_table(html, endpoint->finding);
}
