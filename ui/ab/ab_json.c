// SPDX-License-Identifier: GPL-2.0
/*
 * The result as JSON, schema "ktax.ab/1": docs/ab.schema.json describes every key. Keys are only
 * ever added. What is absent is null, and the object that holds it says why under "why". JSON has
 * no infinity: a change or an end of an interval without a bound is null too.
 *
 * jansson reports a failed allocation by NULL, passes it on through every call, and set() notes it,
 * so there is one check at the end.
 */
#include "ab_output.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cores.h"
#include "judge.h"

/* Digits of shares, rates and intervals: more than they can mean. */
#define REAL_DIGITS 9
#define LOST        "so much was lost that the latency has no bound"

struct writer {
	const struct ab_result *result;
	const struct traffic *traffic;
	const char *hlog;
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

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *ns_or_null(double value)
{
	return isfinite(value) && value >= 0 ? json_integer(llround(value)) : json_null();
}

static json_t *interval(struct writer *writer, double low, double high)
{
	json_t *array = json_array();

	if (isnan(low) || isnan(high)) {
		json_decref(array);
		return json_null();
	}
	append(writer, array, real_or_null(low));
	append(writer, array, real_or_null(high));
	return array;
}

static void set_why(struct writer *writer, json_t *object, const char *why)
{
	if (why && why[0])
		set(writer, object, "why", json_string(why));
}

/* ---- What was run ---------------------------------------------------------------------------- */

static json_t *json_cpu_model(const char *model)
{
	return model[0] ? json_string(model) : json_null();
}

static json_t *json_host(struct writer *writer)
{
	json_t *object = json_object();
	struct utsname name;
	char model[128];

	if (!uname(&name)) {
		set(writer, object, "hostname", json_string(name.nodename));
		set(writer, object, "kernel", json_string(name.release));
		set(writer, object, "arch", json_string(name.machine));
	}
	set(writer, object, "cpus", json_integer(sysconf(_SC_NPROCESSORS_CONF)));
	cores_model(model, sizeof(model));
	set(writer, object, "cpu_model", json_cpu_model(model));
	return object;
}

/* Now: the end of the run. UTC, RFC 3339. */
static json_t *json_created(void)
{
	time_t now = time(NULL);
	char text[40] = "";
	struct tm utc;

	if (!gmtime_r(&now, &utc) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		return json_null();
	return json_string(text);
}

/* What the requests went over. */
static json_t *json_link(struct writer *writer)
{
	const struct ab_link *link = &writer->result->link;
	json_t *object = json_object(), *host = json_null();

	set(writer, object, "kind", json_string(link->own ? "test" : "ports"));
	set(writer, object, "driver", link->driver[0] ? json_string(link->driver) : json_null());
	if (!link->driver[0])
		set_why(writer, object, "the interface does not name its driver");
	if (link->remote.name[0]) {
		host = json_object();
		set(writer, host, "hostname", json_string(link->remote.name));
		set(writer, host, "kernel", json_string(link->remote.kernel));
		set(writer, host, "cpus", json_integer(link->remote.cpus));
		set(writer, host, "cpu_model", json_cpu_model(link->remote.cpu_model));
		set(writer, host, "responder_cpu", json_integer(link->remote.cpu));
	}
	set(writer, object, "responder_host", host);
	return object;
}

static json_t *json_sizes(struct writer *writer)
{
	const struct traffic *traffic = writer->traffic;
	uint16_t least = UINT16_MAX, most = 0;
	json_t *object = json_object();
	double sum = 0;

	for (size_t i = 0; i < traffic->n_requests; i++) {
		uint16_t size = traffic->request[i].frame_size;

		least = size < least ? size : least;
		most = size > most ? size : most;
		sum += size;
	}
	set(writer, object, "min_bytes", count(least));
	set(writer, object, "mean_bytes", real_or_null(sum / (double)traffic->n_requests));
	set(writer, object, "max_bytes", count(most));
	return object;
}

static json_t *json_work(struct writer *writer)
{
	const struct traffic *traffic = writer->traffic;
	struct ab_work work = ab_work(traffic);
	bool drawn = traffic->work_from[0];
	json_t *object = json_object();

	set(writer, object, "source",
	    json_string(drawn         ? "recording"
	                : work.max_ns ? "fixed"
	                              : "none"));
	set(writer, object, "mean_ns", count(work.mean_ns));
	set(writer, object, "max_ns", count(work.max_ns));
	if (drawn)
		set(writer, object, "recording", json_string(traffic->work_from));
	return object;
}

static json_t *json_trace(struct writer *writer)
{
	const struct traffic_trace *trace = &writer->traffic->trace;
	json_t *object = json_object();

	for (const struct ab_trace_count *row = ab_trace_counts; row->name; row++)
		set(writer, object, row->name,
		    count(*(const uint64_t *)((const char *)trace + row->offset)));
	return object;
}

static double rate_pps(const struct traffic *traffic)
{
	size_t n = traffic->n_requests;

	return n < 2 ? NAN
	             : (double)(n - 1) * 1e9 /
	                       (double)(traffic->request[n - 1].at_ns - traffic->request[0].at_ns);
}

static json_t *json_traffic(struct writer *writer)
{
	static const char *const gaps[] = { [TRAFFIC_CONSTANT] = "constant",
		                            [TRAFFIC_POISSON] = "poisson",
		                            [TRAFFIC_BURSTS] = "bursts",
		                            [TRAFFIC_RECORDED] = "recorded" };
	const struct traffic *traffic = writer->traffic;
	bool traced = traffic->trace.sha256[0];
	json_t *object = json_object();

	set(writer, object, "source", json_string(traced ? "trace" : "synthetic"));
	set(writer, object, "sha256", traced ? json_string(traffic->trace.sha256) : json_null());
	set(writer, object, "requests", count(traffic->n_requests));
	set(writer, object, "rate_pps", real_or_null(rate_pps(traffic)));
	set(writer, object, "gaps", json_string(gaps[traffic->gaps]));
	set(writer, object, "flows", count(traffic->n_flows));
	set(writer, object, "sizes", json_sizes(writer));
	set(writer, object, "work", json_work(writer));
	if (traced)
		set(writer, object, "trace", json_trace(writer));
	else
		set_why(writer, object, "sha256: made up, not read from a trace");
	return object;
}

static json_t *json_core_distance(struct writer *writer)
{
	double start_ns = writer->result->core_distance_start_ns;
	double end_ns = writer->result->core_distance_end_ns;
	json_t *object = json_object();

	set(writer, object, "start", ns_or_null(start_ns > 0 ? start_ns : NAN));
	set(writer, object, "end", ns_or_null(end_ns > 0 ? end_ns : NAN));
	if (start_ns <= 0 || end_ns <= 0)
		set_why(writer, object, "null: it could not be measured");
	return object;
}

static json_t *json_design(struct writer *writer)
{
	const struct ab_result *result = writer->result;
	json_t *object = json_object();

	set(writer, object, "pairs", count(result->rounds));
	set(writer, object, "block_requests", count(writer->traffic->n_requests));
	/* As text: it is a whole 64-bit number, and most readers have 53 bits. */
	set(writer, object, "order_seed", json_sprintf("%llu", (unsigned long long)result->seed));
	set(writer, object, "confidence", real_or_null(result->confidence));
	set(writer, object, "protocol", json_string(result->tcp ? "tcp" : "udp"));
	set(writer, object, "generator", json_string(result->wire));
	set(writer, object, "lateness_p50_ns", count(result->lateness_p50_ns));
	set(writer, object, "lateness_p99_ns", count(result->lateness_p99_ns));
	set(writer, object, "own_lateness_p99_ns", count(result->own_lateness_p99_ns));
	set(writer, object, "lateness_limit_ns", count(result->lateness_limit_ns));
	set(writer, object, "core_distance_ns", json_core_distance(writer));
	set(writer, object, "seconds", real_or_null(result->seconds));
	return object;
}

static json_t *json_policy(struct writer *writer)
{
	const struct policy *policy = &writer->result->policy;
	json_t *object = json_object();

	set(writer, object, "metric", json_string(ab_metric_name[policy->metric]));
	set(writer, object, "margin", real_or_null(policy->margin));
	set(writer, object, "need", real_or_null(policy->need));
	set(writer, object, "loss_limit", real_or_null(policy->loss_limit));
	set(writer, object, "cpu_limit", real_or_null(policy->cpu_limit));
	if (isinf(policy->need) || isinf(policy->loss_limit) || isinf(policy->cpu_limit))
		set_why(writer, object, "null: the policy has none");
	return object;
}

/* ---- Arms ------------------------------------------------------------------------------------ */

static json_t *json_lost(struct writer *writer, const struct ab_lost *lost)
{
	json_t *object = json_object();

	set(writer, object, "generator", count(lost->generator));
	set(writer, object, "nic", count(lost->nic));
	set(writer, object, "ring", count(lost->ring));
	set(writer, object, "socket", count(lost->socket));
	set(writer, object, "responder", count(lost->responder));
	return object;
}

static json_t *json_cpu(struct writer *writer, const struct ab_arm *arm)
{
	const char *why = ab_no_cost(writer->result, arm);
	json_t *object = json_object();

	set(writer, object, "responder", why ? json_null() : ns_or_null(arm->responder_cpu_ns));
	set(writer, object, "kernel", why ? json_null() : ns_or_null(arm->kernel_cpu_ns));
	set_why(writer, object, why);
	return object;
}

static void set_latencies(struct writer *writer, json_t *object, const struct ab_arm *arm)
{
	const struct ab_floor *floor = &writer->result->floor[AB_P999];
	double p50 = ab_quantile_ns(arm, 0.5), p90 = ab_quantile_ns(arm, 0.9);
	double p99 = ab_quantile_ns(arm, 0.99), p999 = ab_quantile_ns(arm, 0.999);
	const char *why = NULL;

	set(writer, object, "p50_ns", ns_or_null(p50));
	set(writer, object, "p90_ns", ns_or_null(p90));
	set(writer, object, "p99_ns", ns_or_null(p99));
	set(writer, object, "p999_ns", floor->judged ? ns_or_null(p999) : json_null());
	if (arm->skipped)
		why = arm->why;
	else if (isnan(p50))
		why = "no valid block";
	else if (isinf(p50) || isinf(p90) || isinf(p99) || (floor->judged && isinf(p999)))
		why = LOST;
	else if (!floor->judged)
		why = floor->why;
	set_why(writer, object, why);
}

static json_t *json_hlog(const struct writer *writer, const struct ab_arm *arm)
{
	if (!writer->hlog || arm->skipped)
		return json_null();
	return json_sprintf("%s/%s.hlog", writer->hlog, arm->type->name);
}

/* One figure of every block; null: not valid, not measured, or lost. */
static json_t *json_block_metric(struct writer *writer, const struct ab_block *blocks,
                                 enum ab_metric metric)
{
	json_t *array = json_array();

	for (size_t i = 0; i < writer->result->rounds; i++)
		append(writer, array,
		       judge_block_is_valid(&blocks[i]) ? ns_or_null(blocks[i].metric[metric])
		                                        : json_null());
	return array;
}

/* The A/B blocks by round: those of the same round make a pair with the baseline's. */
static json_t *json_blocks(struct writer *writer, size_t index)
{
	const struct ab_result *result = writer->result;
	const struct ab_block *blocks = result->block + index * result->rounds;
	json_t *object, *valid;

	if (result->arm[index].skipped)
		return json_null();
	object = json_object();
	valid = json_array();
	for (size_t i = 0; i < result->rounds; i++)
		append(writer, valid, json_boolean(judge_block_is_valid(&blocks[i])));
	set(writer, object, "valid", valid);
	set(writer, object, "p50_ns", json_block_metric(writer, blocks, AB_P50));
	set(writer, object, "p99_ns", json_block_metric(writer, blocks, AB_P99));
	set(writer, object, "p999_ns", json_block_metric(writer, blocks, AB_P999));
	return object;
}

static json_t *json_arm(struct writer *writer, size_t index)
{
	const struct ab_arm *arm = &writer->result->arm[index];
	bool judged = index && !arm->skipped && !arm->type->in_memory;
	json_t *object = json_object();

	set(writer, object, "path", json_string(arm->type->name));
	set(writer, object, "summary", json_string(ab_summary(writer->result, arm)));
	set(writer, object, "how", json_string(arm->how));
	set(writer, object, "baseline", json_boolean(!index));
	set(writer, object, "skipped", json_boolean(arm->skipped));
	set(writer, object, "enters_kernel", json_boolean(!arm->type->in_memory));
	set(writer, object, "answers_in_kernel", json_boolean(arm->type->in_kernel));
	set_latencies(writer, object, arm);
	set(writer, object, "requests", count(arm->requests));
	set(writer, object, "sent", count(arm->sent));
	set(writer, object, "received", count(arm->received));
	set(writer, object, "lost", json_lost(writer, &arm->lost));
	set(writer, object, "cpu_ns_per_request", json_cpu(writer, arm));
	set(writer, object, "cores_polling", json_integer(arm->type->polls));
	set(writer, object, "hlog", json_hlog(writer, arm));
	set(writer, object, "blocks", json_blocks(writer, index));
	set(writer, object, "verdict",
	    judged ? json_string(ab_verdict_name[arm->verdict]) : json_null());
	set(writer, object, "reason", judged ? json_string(arm->reason) : json_null());
	return object;
}

/* ---- What differs ---------------------------------------------------------------------------- */

static json_t *json_floor(struct writer *writer, const struct ab_floor *floor)
{
	json_t *object = json_object();

	set(writer, object, "ci", interval(writer, floor->low, floor->high));
	set(writer, object, "floor", real_or_null(floor->floor));
	set(writer, object, "n", count(floor->n));
	set(writer, object, "judged", json_boolean(floor->judged));
	if (floor->judged && !isfinite(floor->floor))
		set_why(writer, object, LOST);
	else
		set_why(writer, object, floor->why);
	return object;
}

static json_t *json_floors(struct writer *writer)
{
	json_t *object = json_object();

	for (int m = 0; m < AB_METRICS; m++)
		set(writer, object, ab_metric_name[m],
		    json_floor(writer, &writer->result->floor[m]));
	return object;
}

static json_t *json_comparison(struct writer *writer, const struct ab_comparison *comparison)
{
	const struct ab_result *result = writer->result;
	bool judged = comparison->judged;
	json_t *object = json_object();

	set(writer, object, "baseline", json_string(result->arm[0].type->name));
	set(writer, object, "path", json_string(result->arm[comparison->arm].type->name));
	set(writer, object, "metric", json_string(ab_metric_name[comparison->metric]));
	set(writer, object, "change", real_or_null(comparison->change));
	set(writer, object, "ci", interval(writer, comparison->low, comparison->high));
	set(writer, object, "confidence",
	    judged ? real_or_null(comparison->confidence) : json_null());
	set(writer, object, "n", count(comparison->n));
	set(writer, object, "verdict", json_string(ab_verdict_name[comparison->verdict]));
	if (comparison->why[0])
		set_why(writer, object, comparison->why);
	else if (!isfinite(comparison->change))
		set_why(writer, object, LOST);
	return object;
}

/* A block may fail several gates. */
static json_t *json_rejected_by(struct writer *writer, size_t arm)
{
	json_t *object = json_object();

	for (const struct ab_gate_name *gate = ab_gate_names; gate->name; gate++)
		set(writer, object, gate->name,
		    count(ab_rejected(writer->result, arm, gate->gate)));
	return object;
}

static json_t *json_validity(struct writer *writer)
{
	const struct ab_result *result = writer->result;
	json_t *object = json_object(), *gates = json_array(), *rejected = json_object();
	json_t *rejected_by = json_object();
	json_t *unequal = json_array(), *cautions = json_array();

	for (const struct ab_gate_name *gate = ab_gate_names; gate->name; gate++)
		append(writer, gates, json_string(gate->name));
	for (size_t i = 0; i < result->n_arms; i++) {
		const char *name = result->arm[i].type->name;

		if (result->arm[i].skipped)
			continue;
		set(writer, rejected, name, count(ab_rejected(result, i, 0)));
		set(writer, rejected_by, name, json_rejected_by(writer, i));
		if (result->arm[i].unequal)
			append(writer, unequal, json_string(name));
	}
	set(writer, object, "gates", gates);
	set(writer, object, "rejected", rejected);
	set(writer, object, "rejected_by", rejected_by);
	for (size_t i = 0; i < AB_CAUTIONS; i++)
		if (result->caution[i][0])
			append(writer, cautions, json_string(result->caution[i]));
	set(writer, object, "unequal", unequal);
	set(writer, object, "cautions", cautions);
	return object;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static json_t *json_result(struct writer *writer)
{
	const struct ab_result *result = writer->result;
	json_t *object = json_object(), *arms = json_array(), *comparisons = json_array();

	for (size_t i = 0; i < result->n_arms; i++)
		append(writer, arms, json_arm(writer, i));
	for (size_t i = 0; i < result->n_comparisons; i++)
		append(writer, comparisons, json_comparison(writer, &result->comparison[i]));
	set(writer, object, "schema", json_string("ktax.ab/1"));
	set(writer, object, "ktax_version", json_string(KTAX_VERSION));
	set(writer, object, "created", json_created());
	set(writer, object, "host", json_host(writer));
	set(writer, object, "link", json_link(writer));
	set(writer, object, "traffic", json_traffic(writer));
	set(writer, object, "design", json_design(writer));
	set(writer, object, "policy", json_policy(writer));
	set(writer, object, "verdict", json_string(ab_verdict_name[result->verdict]));
	set(writer, object, "reason", json_string(result->reason));
	set(writer, object, "arms", arms);
	set(writer, object, "aa", json_floors(writer));
	set(writer, object, "comparisons", comparisons);
	set(writer, object, "validity", json_validity(writer));
	set(writer, object, "exit", json_integer(ab_exit_code(result->verdict)));
	return object;
}

int ab_json(FILE *file, const struct ab_result *result, const struct traffic *traffic,
            const char *hlog)
{
	struct writer writer = { .result = result, .traffic = traffic, .hlog = hlog };
	json_t *object = json_result(&writer);
	int error = writer.failed || !object ? -ENOMEM : 0;

	/* A failed write shows when the file is closed. */
	if (!error)
		json_dumpf(object, file, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(object);
	fputc('\n', file);
	return error;
}

int ab_json_set_run(json_t *object, const struct traffic *traffic, const struct ab_link *link)
{
	struct ab_result *result = calloc(1, sizeof(*result));
	struct writer writer = { .result = result, .traffic = traffic };

	if (!result)
		return -ENOMEM;
	result->link = *link;
	set(&writer, object, "created", json_created());
	set(&writer, object, "host", json_host(&writer));
	set(&writer, object, "link", json_link(&writer));
	set(&writer, object, "traffic", json_traffic(&writer));
	free(result);
	return writer.failed ? -ENOMEM : 0;
}
