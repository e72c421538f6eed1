// SPDX-License-Identifier: GPL-2.0
/*
 * The report as JSON, schema "ktax.report/1": docs/report.schema.json describes every key. Keys are
 * only ever added. Times are whole nanoseconds; what is absent is null, and the object that holds
 * it says why under "why". Keys come in the order in which they are set here.
 *
 * jansson reports a failed allocation by NULL, passes it on through every call, and set() notes it,
 * so there is one check at the end.
 */
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_text.h"

/* Digits of shares, rates and intervals: more than they can mean. */
#define REAL_DIGITS 9

struct writer {
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

static json_t *text_or_null(const char *bytes)
{
	return bytes && bytes[0] ? json_text(bytes) : json_null();
}

/* A count, or nanoseconds. */
static json_t *ns(uint64_t value)
{
	/* JSON integers are signed 64 bits here, and 53 for most readers: 104 days. */
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *ns_or_null(bool present, uint64_t value)
{
	return present ? ns(value) : json_null();
}

static json_t *real_or_null(bool present, double value)
{
	return present && isfinite(value) ? json_real(value) : json_null();
}

static json_t *interval_or_null(bool present, struct interval interval)
{
	return present ? json_pack("[f, f]", interval.low, interval.high) : json_null();
}

/* ---- An endpoint ---------------------------------------------------------------------------- */

static json_t *json_process(struct writer *writer, const struct recording_endpoint *endpoint)
{
	json_t *process = json_object();

	set(writer, process, "pid", endpoint->pid ? json_integer(endpoint->pid) : json_null());
	set(writer, process, "comm", text_or_null(endpoint->comm));
	if (!endpoint->pid || !endpoint->comm[0])
		set(writer, process, "why", json_string("owner of the socket unknown"));
	return process;
}

static json_t *json_rate(struct writer *writer, const struct finding_rate *rate, bool windowed)
{
	json_t *object = json_object();

	set(writer, object, "per_second", json_real(rate->per_second));
	set(writer, object, "ci", interval_or_null(rate->has_interval, rate->interval));
	set(writer, object, "windows", windowed ? json_integer((json_int_t)rate->n) : json_null());
	if (!windowed)
		set(writer, object, "why", json_string("counted, not sampled"));
	else if (!rate->has_interval)
		set(writer, object, "why", json_string("fewer than 3 windows"));
	return object;
}

static json_t *json_total(struct writer *writer, const struct finding_endpoint *endpoint)
{
	const struct finding_quantiles *total = &endpoint->total;
	bool any = endpoint->ledger->requests > 0;
	json_t *object = json_object();

	set(writer, object, "p50_ns", ns_or_null(any, total->p50_ns));
	set(writer, object, "p90_ns", ns_or_null(any, total->p90_ns));
	set(writer, object, "p99_ns", ns_or_null(any, total->p99_ns));
	set(writer, object, "p999_ns", ns_or_null(any, total->p999_ns));
	set(writer, object, "max_ns", ns_or_null(any, total->max_ns));
	set(writer, object, "mean_ns", ns_or_null(any, total->mean_ns));
	if (!any)
		set(writer, object, "why", json_string("no request"));
	return object;
}

/* Share, mean and share of the slowest 1 %, as accounts and groups have them. */
static void set_part(struct writer *writer, json_t *object, bool present,
                     const struct finding_part *part)
{
	set(writer, object, "share", real_or_null(present, part->share));
	set(writer, object, "mean_ns", ns_or_null(present, part->mean_ns));
	set(writer, object, "p99_band_share", real_or_null(present, part->p99_band_share));
}

static void set_split(struct writer *writer, json_t *object, const struct finding_cpu_split *split)
{
	set(writer, object, "samples", ns(split->samples));
	set(writer, object, "sampled_share", real_or_null(split->made, split->kernel_share));
	set(writer, object, "sampled_share_ci", interval_or_null(split->made, split->interval));
}

static json_t *json_account(struct writer *writer, const struct finding_endpoint *endpoint, int i)
{
	static const char *const removed_by[] = { "neither", "tuning", "bypass" };
	const struct finding_account *account = &endpoint->account[i];
	bool present = account->present;
	json_t *object = json_object();

	set_part(writer, object, present, &account->part);
	set(writer, object, "p50_ns",
	    ns_or_null(present && account->has_quantiles, account->p50_ns));
	set(writer, object, "p99_ns",
	    ns_or_null(present && account->has_quantiles, account->p99_ns));
	set(writer, object, "hook", text_or_null(account->hook));
	set(writer, object, "group", json_string(ktax_group_name[ktax_account_info[i].group]));
	set(writer, object, "removed_by", json_string(removed_by[ktax_account_info[i].removed_by]));
	if (i == KTAX_APP_KERNEL)
		set_split(writer, object, &endpoint->cpu_split);
	if (account->why[0])
		set(writer, object, "why", json_text(account->why));
	else if (!account->hook[0])
		set(writer, object, "why",
		    json_string(i == KTAX_UNKNOWN
		                        ? "what remains of the total: no hook feeds it"
		                        : "the recording does not say which hook fed it"));
	return object;
}

static json_t *json_accounts(struct writer *writer, const struct finding_endpoint *endpoint)
{
	json_t *object = json_object();

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		set(writer, object, ktax_account_info[i].name, json_account(writer, endpoint, i));
	return object;
}

static json_t *json_part(struct writer *writer, const struct finding_part *part)
{
	json_t *object = json_object();

	set_part(writer, object, true, part);
	return object;
}

static json_t *json_summary(struct writer *writer, const struct finding_endpoint *endpoint)
{
	json_t *summary = json_object();

	for (int g = 0; g < KTAX_NGROUPS; g++) {
		const struct finding_group *group = &endpoint->group[g];
		json_t *object = json_object();

		set_part(writer, object, group->present, &group->part);
		if (g == KTAX_GROUP_KERNEL) {
			set(writer, object, "addressable",
			    json_part(writer, &endpoint->kernel_addressable));
			set(writer, object, "tunable",
			    json_part(writer, &endpoint->kernel_tunable));
		}
		if (!group->present)
			set(writer, object, "why", json_text(group->why ? group->why : ""));
		set(writer, summary, ktax_group_name[g], object);
	}
	return summary;
}

static json_t *json_band(struct writer *writer, const struct finding_endpoint *endpoint,
                         const struct finding_band *band)
{
	json_t *object = json_object(), *accounts = json_object();
	bool any = band->requests > 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		set(writer, accounts, ktax_account_info[i].name,
		    ns_or_null(any && endpoint->account[i].present, band->mean_ns[i]));
	set(writer, object, "from_pct", json_real(band->from_pct));
	set(writer, object, "to_pct", json_real(band->to_pct));
	set(writer, object, "requests", ns(band->requests));
	set(writer, object, "total_mean_ns", ns_or_null(any, band->total_mean_ns));
	set(writer, object, "accounts", accounts);
	if (!any)
		set(writer, object, "why", json_string("too few requests to have any here"));
	return object;
}

static json_t *json_bands(struct writer *writer, const struct finding_endpoint *endpoint)
{
	json_t *array = json_array();

	for (int b = 0; b < FINDINGS_BANDS; b++)
		append(writer, array, json_band(writer, endpoint, &endpoint->band[b]));
	return array;
}

static json_t *json_floor(struct writer *writer, const struct finding_endpoint *endpoint,
                          const struct finding_floor *floor, const struct finding_part *removed)
{
	bool any = endpoint->ledger->requests > 0;
	json_t *object = json_object();

	set(writer, object, "p50_ns", ns_or_null(any, floor->p50_ns));
	set(writer, object, "p99_ns", ns_or_null(any, floor->p99_ns));
	set(writer, object, "p999_ns", ns_or_null(any, floor->p999_ns));
	set(writer, object, "gain_p50", real_or_null(any, floor->gain_p50));
	set(writer, object, "gain_p99", real_or_null(any, floor->gain_p99));
	set(writer, object, "gain_p999", real_or_null(any, floor->gain_p999));
	set(writer, object, "removed", json_part(writer, removed));
	if (!any)
		set(writer, object, "why", json_string("no request"));
	return object;
}

static json_t *json_floors(struct writer *writer, const struct finding_endpoint *endpoint)
{
	json_t *object = json_object();

	set(writer, object, "tuned",
	    json_floor(writer, endpoint, &endpoint->tuned, &endpoint->tunable));
	set(writer, object, "bypass",
	    json_floor(writer, endpoint, &endpoint->bypass, &endpoint->addressable));
	return object;
}

static void set_counts(struct writer *writer, json_t *object,
                       const struct finding_endpoint *endpoint)
{
	const struct recording_ledger *ledger = endpoint->ledger;

	set(writer, object, "requests", ns(ledger->requests));
	set(writer, object, "batches", ns(ledger->batches));
	set(writer, object, "batched", ns(ledger->batched));
	set(writer, object, "mean_batch",
	    real_or_null(endpoint->mean_batch > 0, endpoint->mean_batch));
	if (endpoint->mean_batch <= 0)
		set(writer, object, "why",
		    json_string(ledger->batches ? "mean_batch: requests inside were not counted"
		                                : "mean_batch: no batches"));
}

static json_t *json_endpoint(struct writer *writer, const struct finding_endpoint *endpoint,
                             bool windowed)
{
	const struct recording_ledger *ledger = endpoint->ledger;
	json_t *object = json_object();

	set(writer, object, "endpoint", json_text(ledger->endpoint.name));
	set(writer, object, "process", json_process(writer, &ledger->endpoint));
	set(writer, object, "headline", json_text(endpoint->headline));
	set(writer, object, "caution", json_string(endpoint->caution));
	set_counts(writer, object, endpoint);
	set(writer, object, "rate", json_rate(writer, &endpoint->rate, windowed));
	set(writer, object, "total", json_total(writer, endpoint));
	set(writer, object, "accounts", json_accounts(writer, endpoint));
	set(writer, object, "summary", json_summary(writer, endpoint));
	set(writer, object, "bands", json_bands(writer, endpoint));
	set(writer, object, "floor", json_floors(writer, endpoint));
	set(writer, object, "unbalanced", ns(ledger->unbalanced));
	set(writer, object, "incomplete", ns(ledger->incomplete));
	set(writer, object, "handed_over", ns(ledger->handed_over));
	set(writer, object, "retransmitted", ns(ledger->retransmitted));
	set(writer, object, "loopback", ns(ledger->loopback));
	set(writer, object, "bytes_in", ns(ledger->bytes_in));
	set(writer, object, "bytes_out", ns(ledger->bytes_out));
	return object;
}

static json_t *json_endpoints(struct writer *writer, const struct report *report)
{
	const struct findings *findings = report->findings;
	json_t *array = json_array();

	for (size_t i = 0; i < findings->n_endpoints; i++)
		if (report_shows(report, findings->endpoints[i].ledger->endpoint.name))
			append(writer, array,
			       json_endpoint(writer, &findings->endpoints[i],
			                     findings->self.windowed));
	return array;
}

/* ---- The recording ----------------------------------------------------------------------------
 */

/* Meta values as the recording has them: those of @keys that it knows. */
static json_t *json_meta(struct writer *writer, const struct recording *recording,
                         const char *const *keys)
{
	json_t *object = json_object();

	for (; *keys; keys++) {
		const char *value = recording_meta(recording, *keys);

		if (value)
			set(writer, object, *keys, json_text(value));
	}
	return object;
}

static json_t *json_host(struct writer *writer, const struct recording *recording)
{
	static const char *const texts[] = { "hostname",  "kernel",         "arch",
		                             "cpu_model", "clocksource",    "mitigations",
		                             "governor",  "virtualization", NULL };
	static const char *const numbers[] = { "cpus", "memory_bytes" };
	json_t *object = json_meta(writer, recording, texts);

	for (int i = 0; i < 2; i++) {
		const char *value = recording_meta(recording, numbers[i]);

		if (value)
			set(writer, object, numbers[i], ns(strtoull(value, NULL, 10)));
	}
	return object;
}

static json_t *json_recording(struct writer *writer, const struct recording *recording)
{
	static const char *const keys[] = { "ktax_version", "created", "command",           "role",
		                            "detail",       "hooks",   "requests_sampling", NULL };
	json_t *object = json_meta(writer, recording, keys), *sources = json_array();

	for (size_t i = 0; i < recording->n_sources; i++)
		append(writer, sources, json_text(recording->sources[i]));
	set(writer, object, "sources", sources);
	set(writer, object, "complete", json_boolean(recording->complete));
	set(writer, object, "same_hooks", json_boolean(recording->same_hooks));
	set(writer, object, "same_host", json_boolean(recording->same_host));
	return object;
}

static json_t *json_window(struct writer *writer, const struct recording *recording)
{
	time_t seconds = (time_t)(recording->sum.start_realtime_ns / 1000000000);
	char start[40] = "";
	json_t *object = json_object();
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(start, sizeof(start), "%Y-%m-%dT%H:%M:%SZ", &utc);
	set(writer, object, "start", json_string(start));
	set(writer, object, "seconds", json_real((double)recording->sum.length_ns / 1e9));
	set(writer, object, "attached_seconds",
	    json_real((double)recording->sum.attached_ns / 1e9));
	set(writer, object, "intervals", ns(recording->n_intervals));
	return object;
}

static json_t *json_losses(struct writer *writer, const struct recording_interval *sum)
{
	json_t *object = json_object();

	set(writer, object, "ring", ns(sum->lost_ring));
	set(writer, object, "map_full", ns(sum->lost_map_full));
	set(writer, object, "missed_stamps", ns(sum->missed_stamps));
	set(writer, object, "clock_errors", ns(sum->clock_errors));
	set(writer, object, "reopened", ns(sum->reopened));
	return object;
}

static json_t *json_steps(struct writer *writer, const struct finding_steps *steps)
{
	json_t *object = json_object();

	set(writer, object, "calls", ns(steps->calls));
	set(writer, object, "ns_each", ns_or_null(steps->measured, steps->ns));
	set(writer, object, "ns_each_range", interval_or_null(steps->measured, steps->range));
	set(writer, object, "moved_ns", ns(steps->moved_ns));
	if (!steps->measured)
		set(writer, object, "why",
		    json_string(steps->calls ? "ns_each: it could not be measured, and is part of "
		                               "the accounts"
		                             : "ns_each: no function was single-stepped"));
	return object;
}

static json_t *json_self(struct writer *writer, const struct finding_self *self)
{
	json_t *object = json_object();
	char why[256] = "";

	set(writer, object, "ns_per_request",
	    ns_or_null(self->ns_per_request >= 0,
	               (uint64_t)llround(fmax(0, self->ns_per_request))));
	set(writer, object, "cpu_share", real_or_null(self->cpu_share >= 0, self->cpu_share));
	set(writer, object, "sampled", json_boolean(self->windowed));
	set(writer, object, "attached_share", json_real(self->attached_share));
	set(writer, object, "budget",
	    self->budget ? json_real(strtod(self->budget, NULL)) : json_null());
	set(writer, object, "single_stepped", json_steps(writer, &self->steps));
	snprintf(why, sizeof(why), "%s%s%s%s",
	         self->measured ? "" : "ns_per_request, cpu_share: " REPORT_NOT_MEASURED "; ",
	         self->measured && self->ns_per_request < 0 ? "ns_per_request: no request; " : "",
	         self->measured && self->cpu_share < 0 ? "cpu_share: number of CPUs not recorded; "
	                                               : "",
	         self->budget ? "" : "budget: none was set; ");
	if (why[0]) {
		why[strlen(why) - 2] = '\0';
		set(writer, object, "why", json_string(why));
	}
	return object;
}

static json_t *json_report(struct writer *writer, const struct report *report)
{
	const struct findings *findings = report->findings;
	const struct recording *recording = findings->recording;
	json_t *object = json_object();

	set(writer, object, "schema", json_string("ktax.report/1"));
	set(writer, object, "ktax_version", json_string(KTAX_VERSION));
	set(writer, object, "recording", json_recording(writer, recording));
	set(writer, object, "host", json_host(writer, recording));
	set(writer, object, "window", json_window(writer, recording));
	set(writer, object, "caution", json_string(findings->caution));
	set(writer, object, "endpoints", json_endpoints(writer, report));
	set(writer, object, "losses", json_losses(writer, &recording->sum));
	set(writer, object, "self", json_self(writer, &findings->self));
	return object;
}

int report_json(FILE *file, const struct report *report)
{
	struct writer writer = { 0 };
	json_t *object = json_report(&writer, report);
	int error = writer.failed || !object ? -ENOMEM : 0;

	/* A failed write shows at the end, in main(). */
	if (!error)
		json_dumpf(object, file, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(object);
	fputc('\n', file);
	return error;
}
