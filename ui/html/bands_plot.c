// SPDX-License-Identifier: GPL-2.0
/* What the fast and the slow requests are made of: a stacked bar per band of the total. */
#include "sections.h"

#define ROW_HEIGHT 40

static void put_stack(struct plot *plot, const struct finding_band *band, double y)
{
	uint64_t before = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		uint64_t ns = band->mean_ns[i];
		double total = (double)band->total_mean_ns;

		if (!ns)
			continue;
		plot_bar(plot, account_class(i).text, scale_place(&plot->x, (double)before / total),
		         scale_place(&plot->x, (double)(before + ns) / total), y + 4,
		         ROW_HEIGHT - 12, "%s: %.1f %%\nmean %s of %s", ktax_account_info[i].name,
		         100 * (double)ns / total, html_ns(ns).text,
		         html_ns(band->total_mean_ns).text);
		before += ns;
	}
}

static void put_band(struct plot *plot, const struct finding_band *band, double y)
{
	plot_text(plot, "label end", plot->x.from - 10, y + 15, "%g–%g %%", band->from_pct,
	          band->to_pct);
	plot_text(plot, "tick end", plot->x.from - 10, y + 30, "n = %s",
	          format_count(band->requests).text);
	if (!band->requests || !band->total_mean_ns) {
		plot_text(plot, "tick", plot->x.from + 6, y + 22,
		          "too few requests to have any here");
		return;
	}
	put_stack(plot, band, y);
	plot_text(plot, "label", plot->x.to + 8, y + 22, "%s", html_ns(band->total_mean_ns).text);
}

static unsigned int accounts_of(const struct finding_endpoint *finding)
{
	unsigned int set = 0;

	for (int b = 0; b < FINDINGS_BANDS; b++)
		for (int i = 0; i < KTAX_NACCOUNTS; i++)
			if (finding->band[b].mean_ns[i])
				set |= KTAX_ACCOUNT_BIT(i);
	return set;
}

static void put_row(struct html *html, const struct finding_endpoint *finding, int i)
{
	html_put(html, "<tr>");
	html_th(html, "%s", ktax_account_info[i].name);
	for (int b = 0; b < FINDINGS_BANDS; b++) {
		const struct finding_band *band = &finding->band[b];

		if (!band->total_mean_ns)
			html_td(html, "–");
		else
			html_td(html, "%s  %s", html_ns(band->mean_ns[i]).text,
			        format_percent((double)band->mean_ns[i] /
			                       (double)band->total_mean_ns)
			                .text);
	}
	html_put(html, "</tr>\n");
}

static void put_table(struct html *html, const struct finding_endpoint *finding)
{
	unsigned int accounts = accounts_of(finding);

	html_folded_table_begin(html, "Figures: mean per request, and share of the band",
	                        "account|0–50 %|50–90 %|90–99 %|99–99.9 %|99.9–100 %");
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (accounts & KTAX_ACCOUNT_BIT(i))
			put_row(html, finding, i);
	html_put(html, "<tr>");
	html_th(html, "total");
	for (int b = 0; b < FINDINGS_BANDS; b++)
		html_td(html, "%s", html_ns(finding->band[b].total_mean_ns).text);
	html_put(html, "</tr>\n");
	html_folded_table_end(html);
}

void section_bands(struct html *html, const struct html_model *model,
                   const struct html_endpoint *endpoint)
{
	const struct finding_endpoint *finding = endpoint->finding;
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = ROW_HEIGHT * FINDINGS_BANDS + 44,
		             .left = 110,
		             .right = 80,
		             .top = 4,
		             .bottom = 40,
		             .x = { SCALE_LINEAR, 0, 1 },
		             .y = { SCALE_LINEAR, 0, 1 },
		             .label = "What the requests of each percentile band are made of",
		             .class = "wide" };

	html_element(html, "h3", NULL, "What fast and slow requests are made of");
	legend_put_accounts(html, accounts_of(finding));
	plot_begin(&plot);
	plot_x_axis(&plot, tick_percent, "share of the time of the band’s requests");
	for (int b = 0; b < FINDINGS_BANDS; b++)
		put_band(&plot, &finding->band[b], plot.top + b * ROW_HEIGHT);
	plot_end(&plot,
	         "Bands of the requests by the percentile of their total; on the right the mean "
	         "time of a request. n = %s requests",
	         format_count(finding->ledger->requests).text);
	put_table(html, finding);
	plot_close(&plot);
}
