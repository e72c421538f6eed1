// SPDX-License-Identifier: GPL-2.0
/* The banner of a decision (ktax.decision/1): the verdict, its reasons, and what they rest on. */
#include <math.h>
#include <string.h>

#include "sections.h"

/* Whether a verdict asks for a change, and what it says in words. */
static const struct {
	const char *name, *class, *words;
} verdicts[] = {
	{ "bypass-dpdk", "good", "Bypass the kernel with DPDK" },
	{ "bypass-af_xdp", "good", "Bypass the kernel with AF_XDP" },
	{ "tune-kernel", "warn", "Tune the kernel first; bypass does not pay" },
	{ "fix-application", "bad", "Do not bypass: fix the application first" },
	{ "not-enough-evidence", "warn", "Not enough evidence to decide" },
};

/* Texts of the array @key: reasons, or cautions. */
static void put_reasons(struct html *html, const json_t *decision, const char *key)
{
	const json_t *reason;
	size_t i;

	if (!json_array_size(json_object_get(decision, key)))
		return;
	html_put(html, "<ul>\n");
	json_array_foreach(json_object_get(decision, key), i, reason) {
		const char *source = document_text(reason, "source", "");

		html_put(html, "<li>");
		html_text(html, "%s",
		          json_is_string(reason) ? json_string_value(reason)
		                                 : document_text(reason, "text", ""));
		if (source[0])
			html_text(html, " (%s)", source);
		html_put(html, "</li>\n");
	}
	html_put(html, "</ul>\n");
}

static void put_prediction(struct html *html, const json_t *path)
{
	const json_t *ends = json_object_get(path, "ci_p99_ns");
	double p50 = document_number(path, "p50_ns"), p99 = document_number(path, "p99_ns");
	double low = json_number_value(json_array_get(ends, 0));
	double high = json_number_value(json_array_get(ends, 1));

	html_put(html, "<tr>");
	html_th(html, "%s", document_text(path, "path", "?"));
	html_td(html, "%s", isnan(p50) ? "–" : html_ns((uint64_t)p50).text);
	html_td(html, "%s", isnan(p99) ? "–" : html_ns((uint64_t)p99).text);
	if (json_array_size(ends) == 2)
		html_td(html, "[%s, %s]", html_ns((uint64_t)low).text,
		        html_ns((uint64_t)high).text);
	else
		html_td(html, "–");
	html_put(html, "</tr>\n");
}

static void put_predictions(struct html *html, const json_t *decision)
{
	const json_t *paths = json_object_get(decision, "prediction"), *path;
	size_t i;

	if (!json_array_size(paths))
		return;
	html_folded_table_begin(html, "What is predicted for these requests",
	                        "path|p50|p99|interval of p99");
	json_array_foreach(paths, i, path)
		put_prediction(html, path);
	html_folded_table_end(html);
}

static void put_gain(struct html *html, const json_t *row, const char *key)
{
	double gain = document_number(row, key);

	html_td(html, "%s", isnan(gain) ? "–" : html_change(gain).text);
}

static void put_ranking(struct html *html, const json_t *decision)
{
	const json_t *rows = json_object_get(decision, "ranking"), *row;
	size_t i;

	if (!json_array_size(rows))
		return;
	html_folded_table_begin(html, "What removing each account would give",
	                        "account|p50|p99|p99.9");
	json_array_foreach(rows, i, row) {
		html_put(html, "<tr>");
		html_th(html, "%s", document_text(row, "account", "?"));
		put_gain(html, row, "gain_p50");
		put_gain(html, row, "gain_p99");
		put_gain(html, row, "gain_p999");
		html_put(html, "</tr>\n");
	}
	html_folded_table_end(html);
}

/* Of a feature, a string or an object. */
static const char *feature_text(const json_t *feature, const char *key)
{
	if (json_is_string(feature))
		return strcmp(key, "feature") ? "" : json_string_value(feature);
	return document_text(feature, key, "");
}

static void put_lost_features(struct html *html, const json_t *decision)
{
	static const char *const keys[] = { "where", "found", "af_xdp", "dpdk", "consequence" };
	const json_t *features = json_object_get(decision, "lost_features"), *feature;
	size_t i;

	if (!json_array_size(features))
		return;
	html_folded_table_begin(html, "What bypass would lose",
	                        "feature|<where|<found|<AF_XDP|<DPDK|<consequence");
	json_array_foreach(features, i, feature) {
		html_put(html, "<tr>");
		html_th(html, "%s", feature_text(feature, "feature"));
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			html_td_words(html, "%s", feature_text(feature, keys[k]));
		html_put(html, "</tr>\n");
	}
	html_folded_table_end(html);
}

void section_verdict(struct html *html, const struct html_model *model)
{
	const json_t *decision = model->inputs.decision;
	const char *verdict, *class = "plain", *words;

	if (!decision)
		return;
	verdict = words = document_text(decision, "verdict", "no verdict");
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (!strcmp(verdicts[i].name, verdict)) {
			class = verdicts[i].class;
			words = verdicts[i].words;
		}
	html_put(html,
	         "<section class=\"verdict %s\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">",
	         class);
	html_text(html, "%s", words);
	html_put(html, "</h2>\n");
	html_element(html, "p", NULL, "Verdict: %s", verdict);
	put_reasons(html, decision, "reasons");
	if (json_array_size(json_object_get(decision, "cautions")))
		html_element(html, "p", NULL, "To be read with it:");
	put_reasons(html, decision, "cautions");
	put_predictions(html, decision);
	put_ranking(html, decision);
	put_lost_features(html, decision);
	html_put(html, "</section>\n");
}
