// SPDX-License-Identifier: GPL-2.0
/*
 * The report as HTML: gathers what the sections show, and goes through the table of them.
 */
#include "report_html.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "page.h"
#include "sections.h"

/* Points of a time series: each takes some 300 bytes. */
#define TIMELINE_POINTS 240

struct endpoint_section {
	void (*write)(struct html *html, const struct html_model *model,
	              const struct html_endpoint *endpoint);
};

static const struct endpoint_section endpoint_sections[] = {
	{ section_summary }, { section_waterfall }, { section_bands },  { section_curves },
	{ section_ledger },  { section_multiples }, { section_series },
};

static const struct {
	const char *id, *title;
	void (*write)(struct html *html, const struct html_model *model);
} sections[] = {
	{ "ab", "Kernel against bypass (A/B)", section_ab },
	{ "host", "Host", section_host },
	{ "readiness", "Readiness", section_readiness },
	{ "hooks", "Hooks, losses and own cost", section_hooks },
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

/* ---- Gathering ------------------------------------------------------------------------------ */

static struct html_endpoint *find_shown(struct html_model *model, const char *name)
{
	for (size_t i = 0; i < model->n_endpoints; i++)
		if (!strcmp(model->endpoint[i].finding->ledger->endpoint.name, name))
			return &model->endpoint[i];
	return NULL;
}

static int consider_request(const struct recording_endpoint *name,
                            const struct ktax_request *request, void *context)
{
	struct html_endpoint *endpoint = find_shown(context, name->name);

	for (int i = 0; endpoint && i < EXEMPLARS; i++)
		exemplar_consider(&endpoint->exemplar[i], request);
	return 0;
}

static int add_interval(const struct recording_interval *interval,
                        const struct recording_ledger *ledger, void *context)
{
	return timeline_add(context, interval, ledger);
}

static int gather_source(struct html_model *model, const char *path)
{
	int error = recording_for_each_request(path, consider_request, model);

	if (error || !model->timeline)
		return error;
	timeline_begin_source(model->timeline);
	return recording_for_each_interval(path, add_interval, model->timeline);
}

static void gather_lines(struct html_model *model)
{
	timeline_end(model->timeline);
	for (size_t i = 0; i < model->timeline->n_lines; i++) {
		struct html_endpoint *endpoint =
			find_shown(model, model->timeline->line[i].endpoint);

		if (endpoint)
			endpoint->line = &model->timeline->line[i];
	}
}

static void choose_endpoints(struct html_model *model)
{
	for (size_t i = 0; i < model->findings->n_endpoints; i++) {
		const struct finding_endpoint *finding = &model->findings->endpoints[i];
		struct html_endpoint *endpoint = &model->endpoint[model->n_endpoints];

		if (!report_shows(model->inputs.report, finding->ledger->endpoint.name))
			continue;
		if (model->n_endpoints == HTML_ENDPOINTS) {
			model->n_others++;
			continue;
		}
		endpoint->finding = finding;
		endpoint->exemplar[EXEMPLAR_P50].wanted_ns = finding->total.p50_ns;
		endpoint->exemplar[EXEMPLAR_P99].wanted_ns = finding->total.p99_ns;
		model->n_endpoints++;
	}
}

static int gather_begin(struct html_model *model)
{
	const char *names[HTML_ENDPOINTS];
	int error;

	for (size_t i = 0; i < model->n_endpoints; i++)
		names[i] = model->endpoint[i].finding->ledger->endpoint.name;
	error = timeline_create(model->recording, names, model->n_endpoints, TIMELINE_POINTS,
	                        &model->timeline);
	return error == -ENODATA ? 0 : error;
}

static int gather(struct html_model *model, const char **ret_failed)
{
	int error;

	choose_endpoints(model);
	error = gather_begin(model);
	if (error)
		return error;
	for (size_t i = 0; i < model->recording->n_sources; i++) {
		error = gather_source(model, model->recording->sources[i]);
		if (error) {
			*ret_failed = model->recording->sources[i];
			return error;
		}
	}
	if (model->timeline)
		gather_lines(model);
	return 0;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void put_caution(struct html *html, const char *caution)
{
	if (caution[0])
		html_element(html, "p", "caution", "Caution: %s.", caution);
}

static void put_recorded(struct html *html, const struct recording *recording)
{
	time_t seconds = (time_t)(recording->sum.start_realtime_ns / 1000000000);
	const char *host = recording_meta(recording, "hostname");
	const char *kernel = recording_meta(recording, "kernel");
	char start[40] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(start, sizeof(start), "%Y-%m-%d %H:%M:%S UTC", &utc);
	html_put(html, "<p class=\"dim\">");
	html_text(html, "%s recorded from %s", html_ns(recording->sum.length_ns).text, start);
	if (host)
		html_text(html, " on %s", host);
	if (kernel)
		html_text(html, ", Linux %s", kernel);
	if (recording->n_sources > 1)
		html_text(html, ", merged from %zu files", recording->n_sources);
	html_put(html, "</p>\n");
}

static void put_contents(struct html *html, const struct html_model *model)
{
	html_put(html, "<nav aria-label=\"Contents\"><ul>\n");
	for (size_t i = 0; i < model->n_endpoints; i++) {
		html_put(html, "<li><a href=\"#e%zu\">", i);
		html_text(html, "%s", model->endpoint[i].finding->ledger->endpoint.name);
		html_put(html, "</a></li>\n");
	}
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (sections[i].write == section_ab && !model->inputs.ab)
			continue;
		html_put(html, "<li><a href=\"#%s\">", sections[i].id);
		html_text(html, "%s", sections[i].title);
		html_put(html, "</a></li>\n");
	}
	html_put(html, "</ul></nav>\n");
}

static void put_header(struct html *html, const struct html_model *model)
{
	html_put(html, "<header class=\"page\">\n");
	html_element(html, "h1", NULL, "Where each request’s time went");
	put_recorded(html, model->recording);
	section_verdict(html, model);
	put_caution(html, model->findings->caution);
	put_contents(html, model);
	html_put(html, "</header>\n");
}

static void put_endpoint(struct html *html, const struct html_model *model, size_t i)
{
	const struct html_endpoint *endpoint = &model->endpoint[i];
	const struct recording_endpoint *who = &endpoint->finding->ledger->endpoint;

	html_put(html, "<section aria-labelledby=\"e%zu\">\n<h2 id=\"e%zu\">", i, i);
	html_text(html, "%s", who->name);
	if (who->comm[0])
		html_text(html, "  %s", who->comm);
	if (who->pid)
		html_text(html, " (%d)", who->pid);
	html_put(html, "</h2>\n");
	html_element(html, "p", "lead", "%s.", endpoint->finding->headline);
	put_caution(html, endpoint->finding->caution);
	for (size_t s = 0; s < sizeof(endpoint_sections) / sizeof(endpoint_sections[0]); s++)
		if (endpoint->finding->ledger->requests)
			endpoint_sections[s].write(html, model, endpoint);
	html_put(html, "</section>\n");
}

/* Those that have no section of their own. */
static void put_others(struct html *html, const struct html_model *model)
{
	size_t shown = 0;

	if (!model->n_others)
		return;
	html_put(html, "<section><h2>Other endpoints</h2>\n");
	html_table_begin(
		html,
		"Endpoints with fewer requests; ktax report --html FILE -e NAME shows one in full",
		"endpoint|<process|requests|p50|p99|kernel stack, share of the time");
	for (size_t i = 0; i < model->findings->n_endpoints; i++) {
		const struct finding_endpoint *finding = &model->findings->endpoints[i];
		const struct recording_ledger *ledger = finding->ledger;

		if (!report_shows(model->inputs.report, ledger->endpoint.name) ||
		    ++shown <= HTML_ENDPOINTS)
			continue;
		html_put(html, "<tr>");
		html_th(html, "%s", ledger->endpoint.name);
		html_td_words(html, "%s", ledger->endpoint.comm);
		html_td(html, "%s", format_count(ledger->requests).text);
		html_td(html, "%s", html_ns(finding->total.p50_ns).text);
		html_td(html, "%s", html_ns(finding->total.p99_ns).text);
		html_td(html, "%s",
		        format_percent(finding->group[KTAX_GROUP_KERNEL].part.share).text);
		html_put(html, "</tr>\n");
	}
	html_table_end(html);
	html_put(html, "</section>\n");
}

static void put_sections(struct html *html, const struct html_model *model)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (sections[i].write == section_ab && !model->inputs.ab)
			continue;
		html_put(html, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", sections[i].id,
		         sections[i].id);
		html_text(html, "%s", sections[i].title);
		html_put(html, "</h2>\n");
		sections[i].write(html, model);
		html_put(html, "</section>\n");
	}
}

static void put_page(struct html *html, const struct html_model *model)
{
	char title[200];
	const char *host = recording_meta(model->recording, "hostname");

	snprintf(title, sizeof(title), "ktax report%s%.150s", host ? ": " : "", host ? host : "");
	page_begin(html, title);
	put_header(html, model);
	html_put(html, "<main id=\"main\">\n");
	if (!model->n_endpoints)
		html_element(html, "p", "lead", "No request was recorded.");
	for (size_t i = 0; i < model->n_endpoints; i++)
		put_endpoint(html, model, i);
	put_others(html, model);
	put_sections(html, model);
	html_put(html, "</main>\n");
	page_end(html);
}

static int write_page(FILE *file, const struct html_model *model)
{
	struct html html = { .file = file };

	put_page(&html, model);
	return html.failed || ferror(file) ? -ENOMEM : 0;
}

int report_html(const char *path, const struct html_inputs *inputs, const char **ret_source)
{
	struct html_model model = { .inputs = *inputs,
		                    .findings = inputs->report->findings,
		                    .recording = inputs->report->findings->recording };
	struct page_file page;
	int error = gather(&model, ret_source);

	if (!error)
		error = page_open(&page);
	if (!error) {
		error = write_page(page.file, &model);
		error = page_save(&page, path, error);
	}
	timeline_free(model.timeline);
	return error;
}

int html_read_document(const char *path, const char *schema, json_t **ret_document)
{
	FILE *file = fopen(path, "re");
	json_t *document;

	if (!file)
		return -errno;
	document = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
	fclose(file);
	if (!document)
		return -EBADMSG;
	if (strcmp(document_text(document, "schema", ""), schema) != 0) {
		json_decref(document);
		return -EMEDIUMTYPE;
	}
	*ret_document = document;
	return 0;
}
