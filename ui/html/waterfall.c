// SPDX-License-Identifier: GPL-2.0
/*
 * A median request and a p99 request, account by account. Each is a request that was sampled, where
 * there is one near enough, otherwise the mean of those around the percentile; the caption says
 * which.
 */
#include "sections.h"

#define ROW_HEIGHT 20

/* What a waterfall is drawn of. */
struct falls {
	const char *title;
	char text[400]; /* where its figures come from */
	uint64_t total_ns, ns[KTAX_NACCOUNTS];
};

static void take_request(struct falls *falls, const struct exemplar *exemplar, const char *name)
{
	const struct ktax_request *request = &exemplar->request;

	falls->total_ns = request->total_ns;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		falls->ns[i] = request->account_ns[i];
	snprintf(falls->text, sizeof(falls->text),
	         "One sampled request: of the %.30s sampled within 5 %% of the %s (%.30s), the one "
	         "nearest to it. n = 1 request; app holds app_kernel.",
	         format_count(exemplar->candidates).text, name, html_ns(exemplar->wanted_ns).text);
}

static void take_band(struct falls *falls, const struct finding_band *band, const char *name)
{
	falls->total_ns = band->total_mean_ns;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		falls->ns[i] = band->mean_ns[i];
	snprintf(
		falls->text, sizeof(falls->text),
		"Not one request: no sampled request lies within 5 %% of the %s (ktax record "
		"--requests samples some), so this is the mean of the requests around it, from the "
		"%g %% to the %g %% percentile. n = %.30s requests.",
		name, band->from_pct, band->to_pct, format_count(band->requests).text);
}

static void take(struct falls *falls, const struct html_endpoint *endpoint, int which)
{
	static const struct {
		const char *title, *mean_title, *name;
		unsigned int from_permille, to_permille;
	} kinds[EXEMPLARS] = {
		[EXEMPLAR_P50] = { "A median request", "Requests around the median, mean", "median",
		                   450, 550 },
		[EXEMPLAR_P99] = { "A p99 request", "Requests around p99, mean", "99th percentile",
		                   985, 995 },
	};
	const struct exemplar *exemplar = &endpoint->exemplar[which];
	struct finding_band band;

	if (exemplar->found) {
		falls->title = kinds[which].title;
		take_request(falls, exemplar, kinds[which].name);
		return;
	}
	falls->title = kinds[which].mean_title;
	findings_band(endpoint->finding, kinds[which].from_permille, kinds[which].to_permille,
	              &band);
	take_band(falls, &band, kinds[which].name);
}

static size_t count_rows(const struct falls *falls)
{
	size_t n = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		n += falls->ns[i] > 0;
	return n;
}

static void put_row(struct plot *plot, const struct falls *falls, int i, uint64_t before, double y)
{
	double x0 = scale_place(&plot->x, (double)before);
	double x1 = scale_place(&plot->x, (double)(before + falls->ns[i]));
	double share = (double)falls->ns[i] / (double)falls->total_ns;

	plot_text(plot, "label end", plot->x.from - 8, y + 14, "%s", ktax_account_info[i].name);
	plot_bar(plot, account_class(i).text, x0, x1, y + 2, ROW_HEIGHT - 4,
	         "%s: %s, %.1f %% of the request\n%s", ktax_account_info[i].name,
	         html_exact_ns(falls->ns[i]).text, 100 * share, ktax_account_info[i].span);
	plot_text(plot, "label", plot->x.to + 8, y + 14, "%s", html_ns(falls->ns[i]).text);
	plot_text(plot, "tick end", plot->width - 4, y + 14, "%s", format_percent(share).text);
}

static void put_rows(struct plot *plot, const struct falls *falls)
{
	uint64_t before = 0;
	double y = plot->top;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (!falls->ns[i])
			continue;
		put_row(plot, falls, i, before, y);
		before += falls->ns[i];
		y += ROW_HEIGHT;
	}
}

static void put_falls(struct html *html, const struct falls *falls)
{
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = 46 + ROW_HEIGHT * (double)count_rows(falls),
		             .left = 92,
		             .right = 132,
		             .top = 6,
		             .bottom = 40,
		             .x = { SCALE_LINEAR, 0, (double)falls->total_ns },
		             .y = { SCALE_LINEAR, 0, 1 },
		             .label = falls->title,
		             .class = "wide" };

	html_put(html, "<h4>");
	html_text(html, "%s: %s", falls->title, html_ns(falls->total_ns).text);
	html_put(html, "</h4>\n");
	plot_begin(&plot);
	plot_x_axis(&plot, tick_ns, "time of the request");
	put_rows(&plot, falls);
	plot_end(&plot, "%s", falls->text);
	plot_close(&plot);
}

void section_waterfall(struct html *html, const struct html_model *model,
                       const struct html_endpoint *endpoint)
{
	html_element(html, "h3", NULL, "Through a median request, and through a slow one");
	html_element(html, "p", "note",
	             "From top to bottom in the order in which a request meets the accounts. Each "
	             "account is one bar, as long as all of its time in the request.");
	for (int which = 0; which < EXEMPLARS; which++) {
		struct falls falls;

		take(&falls, endpoint, which);
		if (falls.total_ns)
			put_falls(html, &falls);
	}
}
