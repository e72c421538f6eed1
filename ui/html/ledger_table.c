// SPDX-License-Identifier: GPL-2.0
/* Every account of the ledger, those that nothing could see with the reason. */
#include <string.h>

#include "sections.h"

static const char *removed_by(int i)
{
	static const char *const words[] = {
		[KTAX_REMOVED_NEITHER] = "",
		[KTAX_REMOVED_TUNING] = "tuning",
		[KTAX_REMOVED_BYPASS] = "bypass",
	};

	return words[ktax_account_info[i].removed_by];
}

static void put_quantiles(struct html *html, const struct finding_account *account)
{
	html_td(html, "%s", account->has_quantiles ? html_ns(account->p50_ns).text : "–");
	html_td(html, "%s", account->has_quantiles ? html_ns(account->p99_ns).text : "–");
}

static void put_figures(struct html *html, const struct finding_account *account)
{
	if (!account->present) {
		html_put(html, "<td>n/a</td><td>n/a</td><td>n/a</td><td>n/a</td><td>n/a</td>");
		return;
	}
	html_td(html, "%s", html_ns(account->part.mean_ns).text);
	html_td(html, "%s", format_percent(account->part.share).text);
	put_quantiles(html, account);
	html_td(html, "%s", format_percent(account->part.p99_band_share).text);
}

static void put_account(struct html *html, const struct finding_account *account, int i)
{
	const char *hook = i == KTAX_UNKNOWN ? "(what remains)" : account->hook;

	html_put(html, account->present ? "<tr>" : "<tr class=\"absent\">");
	html_put(html,
	         "<th scope=\"row\"><svg class=\"swatch\" viewBox=\"0 0 12 12\" "
	         "aria-hidden=\"true\"><rect class=\"bar a-%s\" width=\"12\" "
	         "height=\"12\"/></svg>%s</th>",
	         ktax_account_info[i].name, ktax_account_info[i].name);
	put_figures(html, account);
	html_td_words(html, "%s", removed_by(i));
	html_td_words(html, "%s", ktax_account_info[i].span);
	html_td_words(html, "%s%s%s", hook, hook[0] && account->why[0] ? "; " : "", account->why);
	html_put(html, "</tr>\n");
}

static void put_split(struct html *html, const struct finding_cpu_split *split)
{
	if (!split->made)
		return;
	html_put(html, "<p class=\"note\">");
	html_text(html,
	          "On-CPU time of the application is measured, its parts are sampled: "
	          "app_kernel is %s of both",
	          format_percent(split->kernel_share).text);
	html_text(html, " [%s,", format_percent(split->interval.low).text);
	html_text(html, " %s] at 95 %%; n = %s samples. p50 and p99 of app are of both.",
	          format_percent(split->interval.high).text, format_count(split->samples).text);
	html_put(html, "</p>\n");
}

void section_ledger(struct html *html, const struct html_model *model,
                    const struct html_endpoint *endpoint)
{
	const struct finding_endpoint *finding = endpoint->finding;
	char caption[160];

	html_element(html, "h3", NULL, "The ledger");
	snprintf(caption, sizeof(caption),
	         "Time per request and account; they add up to the total. n = %s requests",
	         format_count(finding->ledger->requests).text);
	html_table_begin(html, caption,
	                 "account|mean|share|p50|p99|of the slowest 1 %|<removed by|<from → "
	                 "to|<seen by");
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		put_account(html, &finding->account[i], i);
	html_put(html, "<tr>");
	html_th(html, "total");
	html_td(html, "%s", html_ns(finding->total.mean_ns).text);
	html_put(html, "<td>100 %%</td>");
	html_td(html, "%s", html_ns(finding->total.p50_ns).text);
	html_td(html, "%s", html_ns(finding->total.p99_ns).text);
	html_put(html, "<td>100 %%</td><td></td><td></td><td></td></tr>\n");
	html_table_end(html);
	put_split(html, &finding->cpu_split);
}
