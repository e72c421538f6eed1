// SPDX-License-Identifier: GPL-2.0
/*
 * The report for people, to be read from the top down: the sentence, then per endpoint
 *
 *	who, how many, how long         header
 *	NIC / kernel / ... / app        the four-way summary
 *	account by account              the ledger, in the order in which a request meets them
 *	fast ones against slow ones     bands of the total
 *	and if the kernel were gone     the two floors
 *
 * and at last what was lost and what ktax itself cost. Columns are fixed for 100; only the last one
 * of the ledger, the hook, takes what a wider terminal has.
 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "format.h"

#define NAME_WIDTH    13
#define FIGURE_WIDTH  9
#define SLOWEST_WIDTH 12
#define BAR_WIDTH     7
/* Of the ledger's columns up to the hook. */
#define LEDGER_WIDTH (2 + NAME_WIDTH + 2 + BAR_WIDTH + 4 * FIGURE_WIDTH + SLOWEST_WIDTH + 5)

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

static void put_styled(const struct terminal *t, enum style style, const char *text)
{
	put_style(t, style);
	fputs(text, t->file);
	put_style(t, STYLE_PLAIN);
}

static enum style group_style(enum ktax_group group)
{
	static const enum style styles[KTAX_NGROUPS] = {
		[KTAX_GROUP_NIC] = STYLE_NIC,
		[KTAX_GROUP_KERNEL] = STYLE_KERNEL,
		[KTAX_GROUP_SERIALIZATION] = STYLE_SERIALIZATION,
		[KTAX_GROUP_APPLICATION] = STYLE_APPLICATION,
	};

	return styles[group];
}

static const char *dash(const struct terminal *t)
{
	return t->utf8 ? "–" : "-";
}

/* "  NAME   " in the colour of its group. */
static void put_name(const struct terminal *t, enum style style, const char *name)
{
	put(t, "  ");
	put_style(t, style);
	put_left(t, NAME_WIDTH, name);
	put_style(t, STYLE_PLAIN);
}

/* ---- Sentences at the top ------------------------------------------------------------------- */

static void put_caution(const struct terminal *t, const char *caution)
{
	if (!caution[0])
		return;
	put_style(t, STYLE_WARNING);
	put(t, "! ");
	put_wrapped(t->file, caution, 2, 2, t->width);
	put_style(t, STYLE_PLAIN);
}

static void put_headline(const struct terminal *t, const struct finding_endpoint *endpoint,
                         bool named)
{
	int column = 0;

	if (named)
		column = fprintf(t->file, "%s: ", endpoint->ledger->endpoint.name);
	put_style(t, STYLE_BOLD);
	put_wrapped(t->file, endpoint->headline, column, 2, t->width);
	put_style(t, STYLE_PLAIN);
	put_caution(t, endpoint->caution);
}

static void put_headlines(const struct terminal *t, const struct report *report)
{
	const struct findings *findings = report->findings;

	if (!findings->n_endpoints)
		put_styled(t, STYLE_BOLD, "no request was recorded\n");
	for (size_t i = 0; i < findings->n_endpoints; i++)
		if (report_shows(report, findings->endpoints[i].ledger->endpoint.name))
			put_headline(t, &findings->endpoints[i], findings->n_endpoints > 1);
	put_caution(t, findings->caution);
}

/* ---- Header of an endpoint ------------------------------------------------------------------- */

static void put_rule(const struct terminal *t, int columns)
{
	put_style(t, STYLE_DIM);
	for (int i = 0; i < columns; i++)
		put(t, "%s", t->utf8 ? "─" : "-");
	put_style(t, STYLE_PLAIN);
}

static struct formatted format_rate(double per_second)
{
	struct formatted formatted, count = format_count((uint64_t)llround(per_second));

	if (per_second >= 100)
		snprintf(formatted.text, sizeof(formatted.text), "%.40s/s", count.text);
	else
		snprintf(formatted.text, sizeof(formatted.text), "%.3g/s", per_second);
	return formatted;
}

static void put_title(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	const struct recording_endpoint *who = &endpoint->ledger->endpoint;

	put(t, "\n");
	put_rule(t, 2);
	put(t, " ");
	put_styled(t, STYLE_BOLD, who->name);
	if (who->comm[0])
		put(t, "  %s", who->comm);
	if (who->pid)
		put(t, " (%d)", who->pid);
	put(t, "  %s requests, ", format_count(endpoint->ledger->requests).text);
	put(t, "%s\n", format_rate(endpoint->rate.per_second).text);
}

/* Where it was extrapolated from windows. */
static void put_rate(const struct terminal *t, const struct finding_rate *rate)
{
	if (!rate->has_interval)
		return;
	put_name(t, STYLE_BOLD, "rate");
	put(t, "%s  ", format_rate(rate->per_second).text);
	put_style(t, STYLE_DIM);
	put(t, "[%s, ", format_rate(rate->interval.low).text);
	put(t, "%s] at 95 %%, from %zu windows\n", format_rate(rate->interval.high).text, rate->n);
	put_style(t, STYLE_PLAIN);
}

static void put_total(const struct terminal *t, const struct finding_quantiles *total)
{
	const struct {
		const char *name;
		uint64_t ns;
	} figures[] = { { "p50", total->p50_ns }, { "p90", total->p90_ns },
		        { "p99", total->p99_ns }, { "p99.9", total->p999_ns },
		        { "max", total->max_ns }, { "mean", total->mean_ns } };

	put_name(t, STYLE_BOLD, "total");
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		put_style(t, STYLE_DIM);
		put(t, "%s ", figures[i].name);
		put_style(t, STYLE_PLAIN);
		put(t, "%s%s", format_ns(t, figures[i].ns).text, i < 5 ? "   " : "\n");
	}
}

/* "1,234 of one, 56 of another": those that are not 0, or nothing. */
struct count {
	uint64_t count;
	const char *what;
};

static void list_counts(const struct count *counts, size_t n, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && length < size; i++)
		if (counts[i].count)
			length += (size_t)snprintf(
				text + length, size - length, "%s%s %s", length ? ", " : "",
				format_count(counts[i].count).text, counts[i].what);
}

static void put_list(const struct terminal *t, const char *name, const char *text)
{
	put_name(t, STYLE_PLAIN, name);
	put_wrapped(t->file, text, 2 + NAME_WIDTH, 2 + NAME_WIDTH, t->width);
}

/* What is unusual about the requests: only what there is of it. */
static void put_counts(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	const struct recording_ledger *ledger = endpoint->ledger;
	char batches[48] = "batches", text[320];
	const struct count counts[] = { { ledger->batches, batches },
		                        { ledger->incomplete,
		                          "incomplete (arrival or end unseen)" },
		                        { ledger->handed_over, "handed to another thread" },
		                        { ledger->retransmitted, "segments retransmitted" },
		                        { ledger->loopback, "over loopback" },
		                        { ledger->unbalanced, "unbalanced" } };

	if (endpoint->mean_batch > 0)
		snprintf(batches, sizeof(batches), "batches of %.1f requests",
		         endpoint->mean_batch);
	list_counts(counts, sizeof(counts) / sizeof(counts[0]), text, sizeof(text));
	if (text[0])
		put_list(t, "of these", text);
}

/* ---- Four-way summary ------------------------------------------------------------------------ */

static void put_absent_group(const struct terminal *t, const struct finding_group *group)
{
	put_style(t, STYLE_DIM);
	put_right(t, FIGURE_WIDTH, "n/a");
	put(t, "   ");
	put_last(t, t->width - NAME_WIDTH - FIGURE_WIDTH - 5, group->why ? group->why : "");
	put_style(t, STYLE_PLAIN);
	put(t, "\n");
}

static void put_kernel_parts(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	put_style(t, STYLE_DIM);
	put(t, "   addressable %s,", format_percent(endpoint->kernel_addressable.share).text);
	put(t, " tunable %s", format_percent(endpoint->kernel_tunable.share).text);
	put_style(t, STYLE_PLAIN);
}

static void put_group(const struct terminal *t, const struct finding_endpoint *endpoint, int g)
{
	static const char *const names[KTAX_NGROUPS] = { "NIC", "kernel stack", "serialization",
		                                         "application" };
	const struct finding_group *group = &endpoint->group[g];

	put_name(t, group_style((enum ktax_group)g), names[g]);
	if (!group->present) {
		put_absent_group(t, group);
		return;
	}
	put_right(t, FIGURE_WIDTH, format_ns(t, group->part.mean_ns).text);
	put_right(t, FIGURE_WIDTH, format_percent(group->part.share).text);
	put(t, "  ");
	put_style(t, group_style((enum ktax_group)g));
	put_left(t, 16, format_bar(t, group->part.share, 16).text);
	put_style(t, STYLE_PLAIN);
	put_right(t, SLOWEST_WIDTH, format_percent(group->part.p99_band_share).text);
	if (g == KTAX_GROUP_KERNEL)
		put_kernel_parts(t, endpoint);
	put(t, "\n");
}

static void put_summary(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	put(t, "\n");
	put_style(t, STYLE_DIM);
	put(t, "  ");
	put_left(t, NAME_WIDTH, "");
	put_right(t, FIGURE_WIDTH, "mean");
	put_right(t, FIGURE_WIDTH, "share");
	put_right(t, 18 + SLOWEST_WIDTH, "slowest 1 %");
	put(t, "\n");
	put_style(t, STYLE_PLAIN);
	for (int g = 0; g < KTAX_NGROUPS; g++)
		put_group(t, endpoint, g);
}

/* ---- The ledger ------------------------------------------------------------------------------ */

/* Present, and something was posted to it. */
static bool is_row(const struct finding_account *account)
{
	return account->present && (account->part.share > 0 || account->p99_ns > 0);
}

/* What takes it away, explained beside the floors. */
static const char *removed_by(int i)
{
	static const char *const marks[] = {
		[KTAX_REMOVED_NEITHER] = "",
		[KTAX_REMOVED_TUNING] = "T",
		[KTAX_REMOVED_BYPASS] = "B",
	};

	return marks[ktax_account_info[i].removed_by];
}

/* The programs' types say little: where the column is narrow they go first. */
static void put_hook(const struct terminal *t, const char *hook)
{
	int width = t->width - LEDGER_WIDTH;
	char names[sizeof((struct finding_account){ 0 }.hook)] = "";
	const char *from = hook, *slash;

	if (width < 8)
		return;
	put_style(t, STYLE_DIM);
	if (terminal_columns(hook) > width) {
		for (; (slash = strchr(from, '/')); from = slash + 1 + strcspn(slash + 1, ","))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.*s",
			         names[0] ? ", " : "", (int)strcspn(slash + 1, ","), slash + 1);
		hook = names[0] ? names : hook;
	}
	put_last(t, width, hook);
	put_style(t, STYLE_PLAIN);
}

static void put_quantile(const struct terminal *t, const struct finding_account *account,
                         uint64_t ns)
{
	put_right(t, FIGURE_WIDTH, account->has_quantiles ? format_ns(t, ns).text : dash(t));
}

static void put_account(const struct terminal *t, const struct finding_account *account, int i)
{
	enum style style = group_style(ktax_account_info[i].group);

	put_name(t, style, ktax_account_info[i].name);
	put_right(t, FIGURE_WIDTH, format_ns(t, account->part.mean_ns).text);
	put_right(t, FIGURE_WIDTH, format_percent(account->part.share).text);
	put(t, "  ");
	put_style(t, style);
	put_left(t, BAR_WIDTH, format_bar(t, account->part.share, BAR_WIDTH).text);
	put_style(t, STYLE_PLAIN);
	put_quantile(t, account, account->p50_ns);
	put_quantile(t, account, account->p99_ns);
	put_right(t, SLOWEST_WIDTH, format_percent(account->part.p99_band_share).text);
	put(t, "  ");
	put_left(t, 3, removed_by(i));
	put_hook(t, i == KTAX_UNKNOWN ? "(what remains)" : account->hook);
	put(t, "\n");
}

static void put_ledger_header(const struct terminal *t)
{
	put(t, "\n");
	put_style(t, STYLE_DIM);
	put(t, "  ");
	put_left(t, NAME_WIDTH, "");
	put_right(t, FIGURE_WIDTH, "mean");
	put_right(t, FIGURE_WIDTH, "share");
	put_right(t, 2 + BAR_WIDTH + FIGURE_WIDTH, "p50");
	put_right(t, FIGURE_WIDTH, "p99");
	put_right(t, SLOWEST_WIDTH, "slowest 1 %");
	put(t, "     seen by\n");
	put_style(t, STYLE_PLAIN);
}

/* The user part and the kernel part are an estimate: how good a one. */
static void put_split(const struct terminal *t, const struct finding_cpu_split *split)
{
	if (!split->made)
		return;
	put_name(t, STYLE_DIM, "sampled");
	put_style(t, STYLE_DIM);
	put(t, "app_kernel %s of both", format_percent(split->kernel_share).text);
	put(t, " [%s,", format_percent(split->interval.low).text);
	put(t, " %s; n = ", format_percent(split->interval.high).text);
	put(t, "%s], p50 and p99 of app are of both\n", format_count(split->samples).text);
	put_style(t, STYLE_PLAIN);
}

/* "NAME      a, b, c" of the accounts that are present and 0. */
static void put_zeros(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	const char *separator = "";

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (!endpoint->account[i].present || is_row(&endpoint->account[i]))
			continue;
		if (!separator[0])
			put_name(t, STYLE_DIM, "nothing in");
		put(t, "%s%s", separator, ktax_account_info[i].name);
		separator = ", ";
	}
	if (separator[0])
		put(t, "\n");
}

/* Whether @account has something to say: why it is absent, or what its hook misses. */
static bool has_remark(const struct finding_account *account, bool present)
{
	return account->present == present && account->why[0] &&
	       (!present || account->has_quantiles);
}

/* "a, b, c: REASON" of the accounts that share the reason of @first; "" if an earlier one did. */
static void list_remark(const struct finding_endpoint *endpoint, int first, char *text, size_t size)
{
	const struct finding_account *account = endpoint->account;
	size_t length = 0;

	text[0] = '\0';
	for (int i = 0; i < KTAX_NACCOUNTS && length < size; i++) {
		if (!has_remark(&account[i], account[first].present) ||
		    strcmp(account[i].why, account[first].why) != 0)
			continue;
		if (i < first)
			return;
		length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "",
		                           ktax_account_info[i].name);
	}
	if (length < size)
		snprintf(text + length, size - length, ": %s", account[first].why);
}

static void put_remarks(const struct terminal *t, const struct finding_endpoint *endpoint,
                        bool present)
{
	const char *title = present ? "remarks" : "not seen";
	char text[512];

	put_style(t, STYLE_DIM);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (!has_remark(&endpoint->account[i], present))
			continue;
		list_remark(endpoint, i, text, sizeof(text));
		if (!text[0])
			continue;
		put(t, "  ");
		put_left(t, NAME_WIDTH, title);
		put_wrapped(t->file, text, 2 + NAME_WIDTH, 4 + NAME_WIDTH, t->width);
		title = "";
	}
	put_style(t, STYLE_PLAIN);
}

static void put_ledger(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	put_ledger_header(t);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (is_row(&endpoint->account[i]))
			put_account(t, &endpoint->account[i], i);
	put_split(t, &endpoint->cpu_split);
	put_zeros(t, endpoint);
	put_remarks(t, endpoint, true);
	put_remarks(t, endpoint, false);
}

/* ---- Bands ----------------------------------------------------------------------------------- */

#define BAND_WIDTH 16

static void put_band_titles(const struct terminal *t, const struct finding_band *bands)
{
	put(t, "\n");
	put_style(t, STYLE_DIM);
	put(t, "  ");
	put_left(t, NAME_WIDTH, "band");
	for (int b = 0; b < FINDINGS_BANDS; b++)
		put_right(t, BAND_WIDTH, format_band(t, bands[b].from_pct, bands[b].to_pct).text);
	put(t, "\n  ");
	put_left(t, NAME_WIDTH, "requests");
	for (int b = 0; b < FINDINGS_BANDS; b++)
		put_right(t, BAND_WIDTH, format_count(bands[b].requests).text);
	put(t, "\n");
	put_style(t, STYLE_PLAIN);
	put_name(t, STYLE_BOLD, "total");
	for (int b = 0; b < FINDINGS_BANDS; b++)
		put_right(t, BAND_WIDTH,
		          bands[b].requests ? format_ns(t, bands[b].total_mean_ns).text : dash(t));
	put(t, "\n");
}

static uint64_t largest_mean(const struct finding_band *band)
{
	uint64_t largest = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (band->mean_ns[i] > largest)
			largest = band->mean_ns[i];
	return largest;
}

/* "12.3 µs  34 %": the mean of @i in the band, and its part of it; the largest in bold. */
static void put_band_cell(const struct terminal *t, const struct finding_band *band, int i)
{
	uint64_t ns = band->mean_ns[i];

	if (!ns) {
		put_style(t, STYLE_DIM);
		put_right(t, BAND_WIDTH, band->requests && t->utf8 ? "·" : dash(t));
		put_style(t, STYLE_PLAIN);
		return;
	}
	if (ns == largest_mean(band))
		put_style(t, STYLE_BOLD);
	put_right(t, BAND_WIDTH - 7, format_ns(t, ns).text);
	if (ns != largest_mean(band))
		put_style(t, STYLE_DIM);
	put_right(t, 7, format_percent((double)ns / (double)band->total_mean_ns).text);
	put_style(t, STYLE_PLAIN);
}

static void put_bands(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	put_band_titles(t, endpoint->band);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		uint64_t any = 0;

		for (int b = 0; b < FINDINGS_BANDS; b++)
			any |= endpoint->band[b].mean_ns[i];
		if (!endpoint->account[i].present || !any)
			continue;
		put_name(t, group_style(ktax_account_info[i].group), ktax_account_info[i].name);
		for (int b = 0; b < FINDINGS_BANDS; b++)
			put_band_cell(t, &endpoint->band[b], i);
		put(t, "\n");
	}
}

/* ---- Floors ---------------------------------------------------------------------------------- */

static void put_remaining(const struct terminal *t, uint64_t ns, double gain)
{
	put_right(t, FIGURE_WIDTH + 2, format_ns(t, ns).text);
	put_right(t, 8, format_change(t, gain).text);
}

static void put_floor(const struct terminal *t, const char *name, const struct finding_floor *floor)
{
	put(t, "  ");
	put_left(t, 24, name);
	put_remaining(t, floor->p50_ns, floor->gain_p50);
	put_remaining(t, floor->p99_ns, floor->gain_p99);
	put_remaining(t, floor->p999_ns, floor->gain_p999);
	put(t, "\n");
}

static void put_floors(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	const struct finding_quantiles *total = &endpoint->total;
	const uint64_t measured[] = { total->p50_ns, total->p99_ns, total->p999_ns };

	put(t, "\n");
	put_style(t, STYLE_DIM);
	put(t, "  ");
	put_left(t, 24, "what would remain");
	put_right(t, FIGURE_WIDTH + 2, "p50");
	put_right(t, FIGURE_WIDTH + 10, "p99");
	put_right(t, FIGURE_WIDTH + 10, "p99.9");
	put_style(t, STYLE_PLAIN);
	put(t, "\n  ");
	put_left(t, 24, "as measured");
	for (int i = 0; i < 3; i++)
		put_right(t, FIGURE_WIDTH + (i ? 10 : 2), format_ns(t, measured[i]).text);
	put(t, "\n");
	put_floor(t, "with a tuned kernel (T)", &endpoint->tuned);
	put_floor(t, "with bypass (T and B)", &endpoint->bypass);
}

/* ---- Losses and own cost -----------------------------------------------------------------------
 */

static void put_losses(const struct terminal *t, const struct recording_interval *sum)
{
	const struct count losses[] = { { sum->lost_ring, "sampled requests" },
		                        { sum->lost_map_full, "connections not followed" },
		                        { sum->missed_stamps, "events unseen" },
		                        { sum->clock_errors, "clock errors" },
		                        { sum->reopened, "requests cut by a window's edge" } };
	char text[320];

	list_counts(losses, sizeof(losses) / sizeof(losses[0]), text, sizeof(text));
	put_list(t, "losses", text[0] ? text : "none");
}

static void put_self(const struct terminal *t, const struct findings *findings)
{
	const struct finding_self *self = &findings->self;
	const char *cpus = recording_meta(findings->recording, "cpus");
	char probes[160] = "", cpu[64] = "", attached[64] = "all the time", budget[64] = "",
	     text[360];

	if (!self->measured)
		snprintf(probes, sizeof(probes), "unknown, %s; ", REPORT_NOT_MEASURED);
	if (self->ns_per_request >= 0)
		snprintf(probes, sizeof(probes), "%.40s per request in the probes, ",
		         format_ns(t, (uint64_t)llround(self->ns_per_request)).text);
	if (self->cpu_share >= 0)
		snprintf(cpu, sizeof(cpu), "%.20s of %.20s CPUs, ",
		         format_percent(self->cpu_share).text, cpus);
	if (self->windowed)
		snprintf(attached, sizeof(attached), "%.20s of the time, in windows",
		         format_percent(self->attached_share).text);
	if (self->budget)
		snprintf(budget, sizeof(budget), ", budget %.20s %%", self->budget);
	snprintf(text, sizeof(text), "%s%sattached %s%s", probes, cpu, attached, budget);
	put_list(t, "own cost", text);
}

static void put_steps(const struct terminal *t, const struct finding_steps *steps)
{
	char each[96] = "not measured and so part of the accounts", moved[64] = "", text[256];

	if (!steps->calls)
		return;
	if (steps->measured) {
		snprintf(each, sizeof(each), "%.20s each measured", format_ns(t, steps->ns).text);
		snprintf(moved, sizeof(moved), ", %.20s moved to unknown",
		         format_ns(t, steps->moved_ns).text);
	}
	snprintf(text, sizeof(text), "%.30s calls were single-stepped, %s%s",
	         format_count(steps->calls).text, each, moved);
	put_list(t, "single steps", text);
}

static void put_recorded(const struct terminal *t, const struct recording *recording)
{
	const char *host = recording_meta(recording, "hostname");
	const char *kernel = recording_meta(recording, "kernel");
	const char *detail = recording_meta(recording, "detail");

	put_name(t, STYLE_PLAIN, "recorded");
	put(t, "%s", format_ns(t, recording->sum.length_ns).text);
	if (host)
		put(t, " on %s", host);
	if (kernel)
		put(t, ", Linux %s", kernel);
	if (detail)
		put(t, ", %s detail", detail);
	if (recording->n_sources > 1)
		put(t, ", merged from %zu files", recording->n_sources);
	put(t, "\n");
}

static void put_endpoint(const struct terminal *t, const struct finding_endpoint *endpoint)
{
	put_title(t, endpoint);
	if (!endpoint->ledger->requests)
		return;
	put_total(t, &endpoint->total);
	put_rate(t, &endpoint->rate);
	put_counts(t, endpoint);
	put_summary(t, endpoint);
	put_ledger(t, endpoint);
	put_bands(t, endpoint);
	put_floors(t, endpoint);
}

void report_text(const struct terminal *terminal, const struct report *report)
{
	const struct findings *findings = report->findings;

	put_headlines(terminal, report);
	for (size_t i = 0; i < findings->n_endpoints; i++)
		if (report_shows(report, findings->endpoints[i].ledger->endpoint.name))
			put_endpoint(terminal, &findings->endpoints[i]);
	put(terminal, "\n");
	put_recorded(terminal, findings->recording);
	put_losses(terminal, &findings->recording->sum);
	put_self(terminal, findings);
	put_steps(terminal, &findings->self.steps);
}
