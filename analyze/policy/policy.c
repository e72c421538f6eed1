// SPDX-License-Identifier: GPL-2.0
/*
 * Every key is a row of keys[]: what it takes, in which range, and where it goes. What keys mean
 * together is checked at the end, so that a contradiction is found whatever their order.
 */
#include "policy.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ini_file.h"
#include "nearest.h"

const char *const policy_metric_name[POLICY_METRICS] = { "p50", "p90", "p99", "p999" };
const char *const policy_metric_title[POLICY_METRICS] = { "p50", "p90", "p99", "p99.9" };

const struct policy policy_default = {
	.metric = POLICY_P99,
	.margin = 0.05,
	.need = 0.2,
	.loss_limit = 0.0001,
	.cpu_limit = INFINITY,
	.cores_limit = INFINITY,
	.confidence = 0.95,
	.slo_ns = { INFINITY, INFINITY, INFINITY, INFINITY },
	.tuned_share = 0.8,
	.application_first = 1,
	.max_age_s = 90 * 86400.0,
	.unbalanced = 0.0001,
	.lost = 0.01,
	.likeness = 2,
	.economics = { .currency = "",
	               .hosts = NAN,
	               .core_hour = NAN,
	               .engineering = NAN,
	               .running = NAN,
	               .latency = NAN,
	               .payback = NAN },
};

struct reader {
	struct policy policy;
	uint64_t given; /* set of indices of keys[] */
};

enum kind { METRIC, SHARE, TIME, AGE, NUMBER, WHOLE, NAME };

/* Limits are in what is written, per cent, microseconds, days; both ends are allowed. */
struct key {
	const char *section, *name;
	enum kind kind;
	double least, most;
	double none; /* what "none" stands for, NAN: it is not allowed */
	size_t offset;
};

#define AT(member) offsetof(struct policy, member)
#define MONEY      1e15

static const struct key keys[] = {
	{ "gain", "metric", METRIC },
	{ "gain", "margin", SHARE, 0, 90, NAN, AT(margin) },
	{ "gain", "need", SHARE, 0, 99.9, -INFINITY, AT(need) },
	{ "gain", "need_time", TIME, 0, 1e9, 0, AT(need_ns) },
	{ "limit", "loss", SHARE, 0, 100, INFINITY, AT(loss_limit) },
	{ "limit", "cpu", SHARE, 0, 100000, INFINITY, AT(cpu_limit) },
	{ "limit", "cores", WHOLE, 0, 4096, INFINITY, AT(cores_limit) },
	{ "statistics", "confidence", SHARE, 50, 99.99, NAN, AT(confidence) },
	{ "slo", "p50", TIME, 0.001, 1e9, INFINITY, AT(slo_ns[POLICY_P50]) },
	{ "slo", "p99", TIME, 0.001, 1e9, INFINITY, AT(slo_ns[POLICY_P99]) },
	{ "slo", "p99.9", TIME, 0.001, 1e9, INFINITY, AT(slo_ns[POLICY_P999]) },
	{ "tuning", "share", SHARE, 1, 100, NAN, AT(tuned_share) },
	{ "application", "first", SHARE, 1, 1000, INFINITY, AT(application_first) },
	{ "evidence", "max_age", AGE, 0.01, 36500, INFINITY, AT(max_age_s) },
	{ "evidence", "unbalanced", SHARE, 0, 10, NAN, AT(unbalanced) },
	{ "evidence", "lost", SHARE, 0, 50, NAN, AT(lost) },
	{ "evidence", "likeness", NUMBER, 1, 8, NAN, AT(likeness) },
	{ "economics", "currency", NAME, .offset = AT(economics.currency) },
	{ "economics", "hosts", WHOLE, 1, 1e7, NAN, AT(economics.hosts) },
	{ "economics", "core_hour", NUMBER, 0, 1e6, NAN, AT(economics.core_hour) },
	{ "economics", "engineering", NUMBER, 0, MONEY, NAN, AT(economics.engineering) },
	{ "economics", "running", NUMBER, 0, MONEY, NAN, AT(economics.running) },
	{ "economics", "latency", NUMBER, 0, MONEY, NAN, AT(economics.latency) },
	{ "economics", "payback", NUMBER, 0.1, 600, NAN, AT(economics.payback) },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))
_Static_assert(N_KEYS <= 64, "reader.given has a bit for each");

/* ---- Values --------------------------------------------------------------------------------- */

/* "p99.9" as well as the "p999" of JSON. */
static int set_metric(struct ini_file *file, const char *value)
{
	struct reader *reader = file->context;

	for (int m = 0; m < POLICY_METRICS; m++) {
		if (!strcmp(value, policy_metric_name[m]) ||
		    !strcmp(value, policy_metric_title[m])) {
			reader->policy.metric = m;
			return 1;
		}
	}
	return ini_mistake(file, "\"%s\" is not p50, p90, p99 or p99.9", value);
}

struct unit {
	const char *name;
	double factor; /* from what is written to what is kept */
	double scale;  /* from what is written to that of the limits */
};

/* What is allowed after a number; the first is shown as an example. */
static const struct unit *units_of(enum kind kind)
{
	static const struct unit percent[] = { { "%", 0.01, 1 }, { "", 0.01, 1 }, {} };
	static const struct unit times[] = {
		{ "us", 1e3, 1 },   { "\xc2\xb5s", 1e3, 1 }, { "ns", 1, 1e-3 },
		{ "ms", 1e6, 1e3 }, { "s", 1e9, 1e6 },       {},
	};
	static const struct unit ages[] = {
		{ "d", 86400, 1 }, { "days", 86400, 1 }, { "h", 3600, 1.0 / 24 }, {}
	};
	static const struct unit none[] = { { "", 1, 1 }, {} };

	switch (kind) {
	case SHARE:
		return percent;
	case TIME:
		return times;
	case AGE:
		return ages;
	default:
		return none;
	}
}

/*
 * Digits and a point: strtod knows more, "0x1p3" and "inf", that nobody means here. Per cent need
 * their sign: "0.1" might be a share.
 */
static const struct unit *parse_number(enum kind kind, const char *value, double *ret_number)
{
	size_t length = strspn(value, "0123456789.");
	char *end;
	double number = strtod(value, &end);

	if (!length || end != value + length)
		return NULL;
	end += strspn(end, " \t");
	for (const struct unit *unit = units_of(kind); unit->name; unit++) {
		if (strcmp(end, unit->name) != 0 || (kind == SHARE && !*end))
			continue;
		*ret_number = number;
		return unit;
	}
	return NULL;
}

/* "is in per cent, as in "10 %"" */
static const char *manner(enum kind kind)
{
	switch (kind) {
	case SHARE:
		return "is in per cent, as in \"10 %\"";
	case TIME:
		return "is a time, as in \"250 us\"";
	case AGE:
		return "is a number of days, as in \"30 d\"";
	case WHOLE:
		return "is a whole number";
	default:
		return "is a number, as in \"0.04\"";
	}
}

static int refuse_range(struct ini_file *file, const struct key *key, const char *value)
{
	const char *unit = units_of(key->kind)->name, *blank = *unit ? " " : "";

	return ini_mistake(file, "%s is from %.10g%s%s to %.10g%s%s, not \"%s\"", key->name,
	                   key->least, blank, unit, key->most, blank, unit, value);
}

static int set_number(struct ini_file *file, const struct key *key, const char *value)
{
	struct reader *reader = file->context;
	double *into = (double *)((char *)&reader->policy + key->offset);
	const struct unit *unit;
	double number = 0;

	if (!isnan(key->none) && !strcmp(value, "none")) {
		*into = key->none;
		return 1;
	}
	unit = parse_number(key->kind, value, &number);
	if (!unit || (key->kind == WHOLE && number != floor(number)))
		return ini_mistake(file, "%s %s%s, not \"%s\"", key->name, manner(key->kind),
		                   isnan(key->none) ? "" : ", or \"none\"", value);
	if (number * unit->scale < key->least || number * unit->scale > key->most)
		return refuse_range(file, key, value);
	*into = key->kind == SHARE ? number / 100 : number * unit->factor;
	return 1;
}

/* Letters, as in EUR: it is printed. */
static int set_name(struct ini_file *file, const struct key *key, const char *value)
{
	struct reader *reader = file->context;
	char *into = (char *)&reader->policy + key->offset;
	size_t size = sizeof(reader->policy.economics.currency), length = strlen(value);

	for (const char *c = value; *c; c++)
		if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z')))
			length = size;
	if (!length || length >= size)
		return ini_mistake(file, "%s is a word of letters, as in \"EUR\", not \"%s\"",
		                   key->name, value);
	memcpy(into, value, length + 1);
	return 1;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static bool section_is_known(const char *section)
{
	for (size_t i = 0; i < N_KEYS; i++)
		if (!strcmp(keys[i].section, section))
			return true;
	return false;
}

static const char *nearest_section(const char *section)
{
	struct nearest nearest = nearest_begin(section);

	for (size_t i = 0; i < N_KEYS; i++)
		nearest_consider(&nearest, keys[i].section);
	return nearest.found;
}

/* In the same section, or else in another: a key may have been put into the wrong one. */
static int refuse_key(struct ini_file *file, const char *section, const char *name)
{
	struct nearest here = nearest_begin(name), anywhere = nearest_begin(name);
	const char *elsewhere = NULL;

	for (size_t i = 0; i < N_KEYS; i++) {
		const char *found = anywhere.found;

		if (!strcmp(keys[i].section, section))
			nearest_consider(&here, keys[i].name);
		nearest_consider(&anywhere, keys[i].name);
		if (anywhere.found != found)
			elsewhere = keys[i].section;
	}
	if (here.found && here.distance <= anywhere.distance)
		return ini_mistake(file, "[%s] has no key \"%s\", did you mean \"%s\"?", section,
		                   name, here.found);
	if (anywhere.found)
		return ini_mistake(file, "[%s] has no key \"%s\", did you mean \"%s\" of [%s]?",
		                   section, name, anywhere.found, elsewhere);
	return ini_mistake(file, "[%s] has no key \"%s\"", section, name);
}

static int set_value(struct ini_file *file, const struct key *key, const char *value)
{
	switch (key->kind) {
	case METRIC:
		return set_metric(file, value);
	case NAME:
		return set_name(file, key, value);
	default:
		return set_number(file, key, value);
	}
}

static int set_key(struct ini_file *file, const char *section, const char *name, const char *value)
{
	struct reader *reader = file->context;

	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
			continue;
		if (reader->given & UINT64_C(1) << i)
			return ini_mistake(file, "%s is given twice", name);
		reader->given |= UINT64_C(1) << i;
		return set_value(file, &keys[i], value);
	}
	return refuse_key(file, section, name);
}

/* ---- What the keys mean together ------------------------------------------------------------ */

static int check_goals(struct ini_file *file, const struct policy *policy)
{
	int lower = POLICY_METRICS;

	for (int m = 0; m < POLICY_METRICS; m++) {
		if (isinf(policy->slo_ns[m]))
			continue;
		if (lower < m && policy->slo_ns[lower] > policy->slo_ns[m])
			return ini_mistake(
				file,
				"[slo] allows a %s of %g us above the %s of %g us, which it never is",
				policy_metric_title[lower], policy->slo_ns[lower] / 1e3,
				policy_metric_title[m], policy->slo_ns[m] / 1e3);
		lower = m;
	}
	return 1;
}

static int check_payback(struct ini_file *file, const struct policy_economics *economics)
{
	if (isnan(economics->payback))
		return 1;
	if (isnan(economics->hosts) || isnan(economics->core_hour) || isnan(economics->engineering))
		return ini_mistake(file, "payback is limited, but cannot be told without hosts, "
		                         "core_hour and engineering");
	if (economics->engineering > 0)
		return 1;
	return ini_mistake(file, "payback is limited, but engineering costs nothing");
}

static int check(struct ini_file *file)
{
	const struct reader *reader = file->context;
	const struct policy *policy = &reader->policy;

	if (!isinf(policy->need) && policy->need < policy->margin)
		return ini_mistake(
			file, "need (%g %%) is less than margin (%g %%), which counts as no change",
			100 * policy->need, 100 * policy->margin);
	return check_goals(file, policy) && check_payback(file, &policy->economics);
}

/* ---- The file ------------------------------------------------------------------------------- */

static const struct ini_reader policy_reader = {
	.what = "policy",
	.knows_section = section_is_known,
	.nearest_section = nearest_section,
	.set = set_key,
	.check = check,
};

int policy_parse(struct policy *ret_policy, const char *text, const char *path, char *why,
                 size_t why_size)
{
	struct reader reader = { .policy = policy_default };
	int err = ini_text_read(text, path, &policy_reader, &reader, why, why_size);

	if (!err)
		*ret_policy = reader.policy;
	return err;
}

int policy_read(struct policy *ret_policy, const char *path, char *why, size_t why_size)
{
	struct reader reader = { .policy = policy_default };
	int err = ini_file_read(path, &policy_reader, &reader, why, why_size);

	if (!err)
		*ret_policy = reader.policy;
	return err;
}
