// SPDX-License-Identifier: GPL-2.0
/*
 * The decision as JSON, schema "ktax.decision/1": docs/decision.schema.json describes every key.
 * Keys are only ever added. What is absent is null, and the object that holds it says why under
 * "why".
 *
 * jansson reports a failed allocation by NULL, passes it on through every call, and set() notes it,
 * so there is one check at the end.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "decide.h"

#define REAL_DIGITS 9

struct writer {
	const struct decide_view *view;
	bool failed;
};

/* @object[@key] = @value, which is taken over. */
static void set(struct writer *writer, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		writer->failed = true;
}

static void append(struct writer *writer, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		writer->failed = true;
}

/* Texts of recordings may not be UTF-8: their bytes above ASCII become '?'. */
static json_t *text(const char *from)
{
	json_t *string = json_string(from);
	char ascii[512];
	size_t i;

	if (string)
		return string;
	for (i = 0; from[i] && i < sizeof(ascii) - 1; i++)
		ascii[i] = (unsigned char)from[i] < 0x80 ? from[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}

static json_t *text_or_null(const char *from)
{
	return from && *from ? text(from) : json_null();
}

static json_t *real_or_null(bool known, double value)
{
	return known && isfinite(value) ? json_real(value) : json_null();
}

static json_t *ns_or_null(bool known, double value)
{
	return known && isfinite(value) && value >= 0 && value < 9e18 ? json_integer(llround(value))
	                                                              : json_null();
}

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *interval_or_null(struct writer *writer, const struct counterfactual_figure *figure,
                                bool known, bool ns)
{
	const double ends[] = { figure->interval.low, figure->interval.high };
	json_t *array;

	if (!known || !figure->has_interval)
		return json_null();
	array = json_array();
	for (int i = 0; i < 2; i++)
		append(writer, array,
		       ns ? ns_or_null(true, fmax(0, ends[i])) : real_or_null(true, ends[i]));
	return array;
}

/* ---- Percentiles ---------------------------------------------------------------------------- */

/* KEY_p50, ci_KEY_p50 ... of one row of figures. */
static void set_percentiles(struct writer *writer, json_t *object,
                            const struct counterfactual_figure *ns,
                            const struct counterfactual_figure *gain, const bool *known)
{
	char key[40];

	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		const char *name = counterfactual_quantile_name[q];

		snprintf(key, sizeof(key), "%s_ns", name);
		set(writer, object, key, ns_or_null(known[q], ns[q].value));
		snprintf(key, sizeof(key), "ci_%s_ns", name);
		set(writer, object, key, interval_or_null(writer, &ns[q], known[q], true));
		if (!gain)
			continue;
		snprintf(key, sizeof(key), "gain_%s", name);
		set(writer, object, key, real_or_null(known[q], gain[q].value));
		snprintf(key, sizeof(key), "ci_gain_%s", name);
		set(writer, object, key, interval_or_null(writer, &gain[q], known[q], false));
	}
}

static void set_missing_why(struct writer *writer, json_t *object)
{
	const struct counterfactual *found = writer->view->input->counterfactual;
	char why[256] = "";

	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++)
		if (!found->enough[q])
			snprintf(why + strlen(why), sizeof(why) - strlen(why),
			         "%s%s: too few requests", why[0] ? "; " : "",
			         counterfactual_quantile_name[q]);
	if (!found->has_intervals)
		snprintf(why + strlen(why), sizeof(why) - strlen(why), "%sci: %.120s",
		         why[0] ? "; " : "", found->why);
	if (why[0])
		set(writer, object, "why", text(why));
}

static json_t *json_level(struct writer *writer, const struct counterfactual_level *level,
                          bool with_gain)
{
	json_t *object = json_object();

	set_percentiles(writer, object, level->ns, with_gain ? level->gain : NULL,
	                writer->view->input->counterfactual->enough);
	set_missing_why(writer, object);
	return object;
}

static json_t *json_ceiling(struct writer *writer)
{
	const struct counterfactual *found = writer->view->input->counterfactual;
	json_t *object = json_object();

	set(writer, object, "total", json_level(writer, &found->total, false));
	set(writer, object, "tuned", json_level(writer, &found->tuned, true));
	set(writer, object, "bypass", json_level(writer, &found->bypass, true));
	return object;
}

/* Gains that the joint table allows; single requests need no bound. */
static json_t *bound_or_null(const struct counterfactual_removal *removal, int q, bool known)
{
	if (!known || removal->source[q] != COUNTERFACTUAL_JOINT)
		return json_null();
	return json_pack("[f, f]", removal->bound[q].low, removal->bound[q].high);
}

static json_t *json_ranked(struct writer *writer, enum ktax_account account)
{
	const struct counterfactual *found = writer->view->input->counterfactual;
	const struct counterfactual_account *of = &found->account[account];
	static const char *const removed_by[] = { "neither", "tuning", "bypass" };
	json_t *object = json_object();
	char key[40];

	set(writer, object, "account", json_string(ktax_account_info[account].name));
	set(writer, object, "removed_by",
	    json_string(removed_by[ktax_account_info[account].removed_by]));
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		const char *name = counterfactual_quantile_name[q];
		const struct counterfactual_figure *gain = &of->vanished.level.gain[q];

		snprintf(key, sizeof(key), "gain_%s", name);
		set(writer, object, key, real_or_null(found->enough[q], gain->value));
		snprintf(key, sizeof(key), "ci_gain_%s", name);
		set(writer, object, key, interval_or_null(writer, gain, found->enough[q], false));
		snprintf(key, sizeof(key), "halved_gain_%s", name);
		set(writer, object, key,
		    real_or_null(found->enough[q], of->halved.level.gain[q].value));
		snprintf(key, sizeof(key), "bound_gain_%s", name);
		set(writer, object, key, bound_or_null(&of->vanished, q, found->enough[q]));
		snprintf(key, sizeof(key), "source_%s", name);
		set(writer, object, key,
		    json_string(counterfactual_source_name[of->vanished.source[q]]));
	}
	set_missing_why(writer, object);
	return object;
}

static json_t *json_ranking(struct writer *writer)
{
	enum ktax_account order[KTAX_NACCOUNTS];
	size_t n = counterfactual_rank(writer->view->input->counterfactual,
	                               writer->view->decision->quantile, order);
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		append(writer, array, json_ranked(writer, order[i]));
	return array;
}

/* ---- Paths ---------------------------------------------------------------------------------- */

static json_t *json_economics(struct writer *writer, const struct decision_path *path)
{
	const struct economics *economics = &path->economics;
	const char *currency = writer->view->input->policy->economics.currency;
	json_t *object = json_object();
	char why[512] = "";

	set(writer, object, "path", text(path->arm->path));
	set(writer, object, "currency", text_or_null(currency));
	set(writer, object, "cores_taken",
	    real_or_null(economics->has_cores, economics->taken_cores));
	set(writer, object, "cores_freed",
	    real_or_null(economics->has_cores, economics->freed_cores));
	set(writer, object, "cores_polling",
	    path->arm->cores_polling && !economics->polling_cores
	            ? json_null()
	            : json_integer(economics->polling_cores));
	set(writer, object, "per_core_per_second",
	    real_or_null(economics->per_core_second > 0, economics->per_core_second));
	set(writer, object, "per_core_source",
	    economics->per_core_second > 0 ? json_string(economics->per_core_swept ? "sweep" : "ab")
	                                   : json_null());
	set(writer, object, "per_core_at_least",
	    economics->per_core_second > 0 ? json_boolean(economics->per_core_at_least)
	                                   : json_null());
	set(writer, object, "core_saving_per_year",
	    real_or_null(economics->has_core_saving, economics->core_saving));
	set(writer, object, "latency_worth_per_year",
	    real_or_null(economics->has_latency_worth, economics->latency_worth));
	set(writer, object, "saving_per_year",
	    real_or_null(economics->has_yearly, economics->yearly));
	set(writer, object, "payback_months",
	    real_or_null(economics->has_payback, economics->payback_months));
	snprintf(why, sizeof(why), "%s%s%s%s%s", economics->has_cores ? "" : economics->cores_why,
	         economics->has_yearly ? "" : "; ",
	         economics->has_yearly ? "" : economics->money_why,
	         economics->has_payback ? "" : "; ", economics->payback_why);
	if (why[0])
		set(writer, object, "why", text(strncmp(why, "; ", 2) ? why : why + 2));
	return object;
}

static json_t *json_path(struct writer *writer, const struct decision_path *path)
{
	json_t *object = json_object(), *efficacy = json_object();
	char why[600] = "";

	set(writer, object, "path", text(path->arm->path));
	set(writer, object, "candidate", json_boolean(path->candidate));
	set(writer, object, "skipped", json_boolean(path->arm->skipped));
	set_percentiles(writer, object, path->ns, path->gain, path->known);
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		set(writer, efficacy, counterfactual_quantile_name[q],
		    real_or_null(path->known[q], path->efficacy[q].value));
		if (!path->known[q])
			snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s%s: %s",
			         why[0] ? "; " : "", counterfactual_quantile_name[q], path->why[q]);
	}
	set(writer, object, "efficacy", efficacy);
	set(writer, object, "meets_policy",
	    path->candidate ? json_string(decision_answer_name[path->answer]) : json_null());
	set(writer, object, "reason", text_or_null(path->reason.text));
	if (!path->candidate)
		snprintf(why + strlen(why), sizeof(why) - strlen(why), "%sit is no candidate",
		         why[0] ? "; " : "");
	if (why[0])
		set(writer, object, "why", text(why));
	return object;
}

static json_t *json_paths(struct writer *writer)
{
	const struct decision *decision = writer->view->decision;
	json_t *array = json_array();

	for (size_t i = 0; i < decision->n_paths; i++)
		append(writer, array, json_path(writer, &decision->path[i]));
	return array;
}

static json_t *json_all_economics(struct writer *writer)
{
	const struct decision *decision = writer->view->decision;
	json_t *array = json_array();

	for (size_t i = 0; i < decision->n_paths; i++)
		if (decision->path[i].candidate)
			append(writer, array, json_economics(writer, &decision->path[i]));
	return array;
}

/* ---- Reasons -------------------------------------------------------------------------------- */

static json_t *json_reasons(struct writer *writer, const struct decision_reason *reasons, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *object = json_object();

		set(writer, object, "text", text(reasons[i].text));
		set(writer, object, "figure", text_or_null(reasons[i].figure));
		set(writer, object, "source", text(reasons[i].source));
		append(writer, array, object);
	}
	return array;
}

static json_t *json_commands(struct writer *writer)
{
	const struct decision *decision = writer->view->decision;
	json_t *array = json_array();

	for (size_t i = 0; i < decision->n_commands; i++)
		append(writer, array, text(decision->command[i]));
	return array;
}

/* ---- The host ------------------------------------------------------------------------------- */

static json_t *json_feature(struct writer *writer, const struct feature *feature)
{
	json_t *object = json_object();

	set(writer, object, "feature", text(feature->feature));
	set(writer, object, "state", json_string(feature_state_name[feature->state]));
	set(writer, object, "where", text_or_null(feature->where));
	set(writer, object, "endpoint", text_or_null(feature->endpoint));
	set(writer, object, "found", text_or_null(feature->found));
	set(writer, object, "consequence", text_or_null(feature->consequence));
	set(writer, object, "af_xdp", text_or_null(feature_fate_name[feature->af_xdp]));
	set(writer, object, "dpdk", text_or_null(feature_fate_name[feature->dpdk]));
	set(writer, object, "why", text_or_null(feature->why));
	return object;
}

static json_t *json_features(struct writer *writer)
{
	const struct features *features = writer->view->features;
	const char *endpoint = writer->view->input->endpoint->ledger->endpoint.name;
	json_t *array;

	if (!features)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < features->n; i++)
		if (feature_concerns(&features->features[i], endpoint))
			append(writer, array, json_feature(writer, &features->features[i]));
	return array;
}

static json_t *json_check(struct writer *writer, const struct readiness_row *row)
{
	json_t *object = json_object();

	set(writer, object, "check", text(row->check));
	set(writer, object, "status", json_string(readiness_status_name[row->status]));
	set(writer, object, "found", text(row->found));
	set(writer, object, "want", text(row->want));
	set(writer, object, "fix", text(row->fix));
	return object;
}

static json_t *json_readiness(struct writer *writer)
{
	const struct readiness *readiness = writer->view->input->readiness;
	json_t *array;

	if (!readiness)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < readiness->n; i++)
		append(writer, array, json_check(writer, &readiness->rows[i]));
	return array;
}

static json_t *json_settings(struct writer *writer)
{
	const struct decision *decision = writer->view->decision;
	json_t *array = json_array();

	for (size_t i = 0; i < decision->n_settings; i++)
		append(writer, array, json_check(writer, decision->setting[i]));
	return array;
}

static json_t *json_window(struct writer *writer, const struct predictability_window *window)
{
	json_t *object = json_object();

	set(writer, object, "window_ns", count(window->window_ns));
	set(writer, object, "windows", count(window->n));
	set(writer, object, "kind", json_string(predictability_kind_name[window->kind]));
	set(writer, object, "mean_per_second", real_or_null(true, window->mean_per_second));
	set(writer, object, "peak_per_second", real_or_null(true, window->peak_per_second));
	set(writer, object, "peak_to_mean", real_or_null(true, window->peak_to_mean));
	set(writer, object, "dispersion", real_or_null(true, window->dispersion));
	return object;
}

static json_t *json_diurnal(struct writer *writer, const struct predictability_diurnal *diurnal)
{
	json_t *object = json_object();

	set(writer, object, "peak_hour",
	    diurnal->present ? json_integer(diurnal->peak_hour) : json_null());
	set(writer, object, "peak_to_mean", real_or_null(diurnal->present, diurnal->peak_to_mean));
	if (!diurnal->present)
		set(writer, object, "why", text(diurnal->why));
	return object;
}

static json_t *json_predictability(struct writer *writer, const struct predictability *found,
                                   const char *source)
{
	json_t *object, *windows;

	if (!found || !found->present)
		return json_null();
	object = json_object();
	windows = json_array();
	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++)
		if (found->window[i].n)
			append(writer, windows, json_window(writer, &found->window[i]));
	set(writer, object, "source", text(source));
	set(writer, object, "sentence", text(found->sentence));
	set(writer, object, "mean_per_second", real_or_null(true, found->mean_per_second));
	set(writer, object, "windows", windows);
	set(writer, object, "growth", real_or_null(found->has_growth, found->growth));
	set(writer, object, "hurst", real_or_null(found->has_growth, found->hurst));
	if (!found->has_growth)
		set(writer, object, "why",
		    json_string("growth, hurst: too few lengths of windows"));
	set(writer, object, "diurnal", json_diurnal(writer, &found->diurnal));
	return object;
}

/* ---- All of it ------------------------------------------------------------------------------ */

static json_t *json_subject(struct writer *writer)
{
	const struct decision_input *input = writer->view->input;
	json_t *object = json_object();

	set(writer, object, "recording", text(input->recording->sources[0]));
	set(writer, object, "endpoint", text(input->endpoint->ledger->endpoint.name));
	set(writer, object, "requests", count(input->counterfactual->requests));
	set(writer, object, "rate_per_second", json_real(input->endpoint->rate.per_second));
	set(writer, object, "ab", text_or_null(input->ab_path));
	set(writer, object, "sweep", text_or_null(input->sweep_path));
	set(writer, object, "capture",
	    text_or_null(writer->view->capture ? writer->view->capture_source : NULL));
	set(writer, object, "policy", text_or_null(input->policy_path));
	set(writer, object, "metric", json_string(policy_metric_name[input->policy->metric]));
	set(writer, object, "confidence", json_real(input->policy->confidence));
	return object;
}

static void set_whys(struct writer *writer, json_t *object)
{
	const struct decide_view *view = writer->view;
	char why[800] = "";

	if (!view->features)
		snprintf(why, sizeof(why), "lost_features: %.120s; ", view->features_why);
	if (!view->input->readiness)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
		         "readiness: the recorder did not look; ");
	if (!view->predictability->present)
		snprintf(why + strlen(why), sizeof(why) - strlen(why), "predictability: %.120s; ",
		         view->predictability->why);
	if (!view->capture || !view->capture->present)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
		         "capture_predictability: %.120s; ",
		         view->capture ? view->capture->why : "no --trace");
	if (!view->decision->n_paths)
		snprintf(why + strlen(why), sizeof(why) - strlen(why),
		         "prediction: no A/B that belongs to the recording; ");
	if (!why[0])
		return;
	why[strlen(why) - 2] = '\0';
	set(writer, object, "why", text(why));
}

static json_t *json_decision(struct writer *writer)
{
	const struct decision *decision = writer->view->decision;
	json_t *object = json_object();
	char source[160];

	set(writer, object, "schema", json_string("ktax.decision/1"));
	set(writer, object, "ktax_version", json_string(KTAX_VERSION));
	set(writer, object, "verdict", json_string(decision_verdict_name[decision->verdict]));
	set(writer, object, "exit", json_integer(decision_exit(decision->verdict)));
	set(writer, object, "path",
	    decision->chosen ? text(decision->chosen->arm->path) : json_null());
	set(writer, object, "subject", json_subject(writer));
	set(writer, object, "reasons", json_reasons(writer, decision->reason, decision->n_reasons));
	set(writer, object, "cautions",
	    json_reasons(writer, decision->caution, decision->n_cautions));
	set(writer, object, "commands", json_commands(writer));
	set(writer, object, "settings", json_settings(writer));
	set(writer, object, "ceiling", json_ceiling(writer));
	set(writer, object, "prediction", json_paths(writer));
	set(writer, object, "ranking", json_ranking(writer));
	snprintf(source, sizeof(source), "%.120s: table arrivals",
	         writer->view->input->recording->sources[0]);
	set(writer, object, "predictability",
	    json_predictability(writer, writer->view->predictability, source));
	set(writer, object, "capture_predictability",
	    json_predictability(writer, writer->view->capture, writer->view->capture_source));
	set(writer, object, "economics", json_all_economics(writer));
	set(writer, object, "lost_features", json_features(writer));
	set(writer, object, "readiness", json_readiness(writer));
	set_whys(writer, object);
	return object;
}

int decide_document(const struct decide_view *view, json_t **ret_document)
{
	struct writer writer = { .view = view };
	json_t *object = json_decision(&writer);

	if (writer.failed || !object) {
		json_decref(object);
		return -ENOMEM;
	}
	*ret_document = object;
	return 0;
}

int decide_json(FILE *file, const struct decide_view *view)
{
	json_t *document;
	int error = decide_document(view, &document);

	if (error)
		return error;
	/* A failed write shows when the file is closed. */
	json_dumpf(document, file, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(document);
	fputc('\n', file);
	return 0;
}
