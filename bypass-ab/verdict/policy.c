// SPDX-License-Identifier: GPL-2.0
#include "policy.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab.h"
#include "ini_file.h"

const struct policy policy_default = {
	.metric = AB_P99,
	.margin = 0.1,
	.need = 0.2,
	.loss_limit = 0.0001,
	.cpu_limit = INFINITY,
	.confidence = 0.95,
};

struct reader {
	struct policy policy;
	unsigned int given; /* set of indices of keys[] */
};

/* A share, written in per cent; both ends are allowed. */
struct key {
	const char *section, *name;
	double least, most;
	double none; /* what "none" stands for, NAN: it is not allowed */
	size_t offset;
};

static const struct key keys[] = {
	{ "gain", "metric" },
	{ "gain", "margin", 0, 0.9, NAN, offsetof(struct policy, margin) },
	{ "gain", "need", 0, 0.999, -INFINITY, offsetof(struct policy, need) },
	{ "limit", "loss", 0, 1, INFINITY, offsetof(struct policy, loss_limit) },
	{ "limit", "cpu", 0, 1000, INFINITY, offsetof(struct policy, cpu_limit) },
	{ "statistics", "confidence", 0.5, 0.9999, NAN, offsetof(struct policy, confidence) },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/* ---- Values --------------------------------------------------------------------------------- */

/* "p99.9" as well as the "p999" of JSON. */
static int set_metric(struct ini_file *file, const char *value)
{
	struct reader *reader = file->context;

	if (!strcmp(value, "p99.9"))
		value = ab_metric_name[AB_P999];
	for (int m = AB_P50; m <= AB_P999; m++) {
		if (!strcmp(value, ab_metric_name[m])) {
			reader->policy.metric = m;
			return 1;
		}
	}
	return ini_mistake(file, "\"%s\" is not p50, p90, p99 or p99.9", value);
}

/* Digits and a point: strtod knows more, "0x1p3" and "inf", that nobody means here. */
static bool parse_percent(const char *value, double *ret_share)
{
	size_t length = strspn(value, "0123456789.");
	char *end;
	double percent = strtod(value, &end);

	if (!length || end != value + length)
		return false;
	end += strspn(end, " \t");
	if (strcmp(end, "%") != 0)
		return false;
	*ret_share = percent / 100;
	return true;
}

static int set_share(struct ini_file *file, const struct key *key, const char *value)
{
	struct reader *reader = file->context;
	double *share = (double *)((char *)&reader->policy + key->offset);

	if (!isnan(key->none) && !strcmp(value, "none")) {
		*share = key->none;
		return 1;
	}
	if (!parse_percent(value, share))
		return ini_mistake(file, "%s is in per cent, as in \"10 %%\"%s, not \"%s\"",
		                   key->name, isnan(key->none) ? "" : ", or \"none\"", value);
	if (*share < key->least || *share > key->most)
		return ini_mistake(file, "%s is from %g %% to %g %%, not \"%s\"", key->name,
		                   100 * key->least, 100 * key->most, value);
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

static int set_key(struct ini_file *file, const char *section, const char *name, const char *value)
{
	struct reader *reader = file->context;

	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
			continue;
		if (reader->given & 1u << i)
			return ini_mistake(file, "%s is given twice", name);
		reader->given |= 1u << i;
		return i ? set_share(file, &keys[i], value) : set_metric(file, value);
	}
	return ini_mistake(file, "[%s] has no key \"%s\"", section, name);
}

/* What the keys mean together. */
static int check(struct ini_file *file)
{
	const struct reader *reader = file->context;
	const struct policy *policy = &reader->policy;

	if (isinf(policy->need) || policy->need >= policy->margin)
		return 1;
	return ini_mistake(file,
	                   "need (%g %%) is less than margin (%g %%), which counts as no change",
	                   100 * policy->need, 100 * policy->margin);
}

int policy_read(struct policy *ret_policy, const char *path, char *why, size_t why_size)
{
	static const struct ini_reader policy_reader = {
		.what = "policy",
		.knows_section = section_is_known,
		.set = set_key,
		.check = check,
	};
	struct reader reader = { .policy = policy_default };
	int err = ini_file_read(path, &policy_reader, &reader, why, why_size);

	if (!err)
		*ret_policy = reader.policy;
	return err;
}
