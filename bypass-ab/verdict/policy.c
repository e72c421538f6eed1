// SPDX-License-Identifier: GPL-2.0
/*
 * The file is read whole, so that lines can be numbered and a hostile file is bounded, and given to
 * inih line by line. The first mistake is kept.
 */
#include "policy.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "ab.h"

#define FILE_MOST 65536 /* bytes */

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
	const char *path, *at;
	int line;
	unsigned int given; /* set of indices of keys[] */
	char *why;
	size_t why_size;
	bool failed;
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

/* Returns what an inih handler has to. */
static int mistake(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int mistake(struct reader *reader, const char *format, ...)
{
	va_list arguments;
	int length;

	if (reader->failed)
		return 0;
	reader->failed = true;
	length = snprintf(reader->why, reader->why_size, "%s:%d: ", reader->path, reader->line);
	if (length < 0 || (size_t)length >= reader->why_size)
		return 0;
	va_start(arguments, format);
	vsnprintf(reader->why + length, reader->why_size - (size_t)length, format, arguments);
	va_end(arguments);
	return 0;
}

/* ---- Values --------------------------------------------------------------------------------- */

/* "p99.9" as well as the "p999" of JSON. */
static int set_metric(struct reader *reader, const char *value)
{
	if (!strcmp(value, "p99.9"))
		value = ab_metric_name[AB_P999];
	for (int m = AB_P50; m <= AB_P999; m++) {
		if (!strcmp(value, ab_metric_name[m])) {
			reader->policy.metric = m;
			return 1;
		}
	}
	return mistake(reader, "\"%s\" is not p50, p90, p99 or p99.9", value);
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

static int set_share(struct reader *reader, const struct key *key, const char *value)
{
	double *share = (double *)((char *)&reader->policy + key->offset);

	if (!isnan(key->none) && !strcmp(value, "none")) {
		*share = key->none;
		return 1;
	}
	if (!parse_percent(value, share))
		return mistake(reader, "%s is in per cent, as in \"10 %%\"%s, not \"%s\"",
		               key->name, isnan(key->none) ? "" : ", or \"none\"", value);
	if (*share < key->least || *share > key->most)
		return mistake(reader, "%s is from %g %% to %g %%, not \"%s\"", key->name,
		               100 * key->least, 100 * key->most, value);
	return 1;
}

/* ---- Lines ---------------------------------------------------------------------------------- */

static bool section_is_known(const char *section)
{
	for (size_t i = 0; i < N_KEYS; i++)
		if (!strcmp(keys[i].section, section))
			return true;
	return false;
}

static int set_key(struct reader *reader, const char *section, const char *name, const char *value)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
			continue;
		if (reader->given & 1u << i)
			return mistake(reader, "%s is given twice", name);
		reader->given |= 1u << i;
		return i ? set_share(reader, &keys[i], value) : set_metric(reader, value);
	}
	return mistake(reader, "[%s] has no key \"%s\"", section, name);
}

static int handle(void *context, const char *section, const char *name, const char *value)
{
	struct reader *reader = context;

	if (reader->failed)
		return 0;
	if (!*section)
		return mistake(reader, "\"%s\" is outside of any section", name);
	if (!section_is_known(section))
		return mistake(reader, "unknown section [%s]", section);
	return set_key(reader, section, name, value ? value : "");
}

/* Debian's inih says nothing of a section without keys, so it is looked at here. */
static void check_section(struct reader *reader, const char *line)
{
	char section[64];

	if (sscanf(line, " [%63[^]]]", section) == 1 && !section_is_known(section))
		mistake(reader, "unknown section [%s]", section);
}

/* inih's fgets(): hands out the text line by line, and counts. */
static char *next_line(char *line, int size, void *context)
{
	struct reader *reader = context;
	size_t length;

	if (!*reader->at || reader->failed)
		return NULL;
	reader->line++;
	/* To inih, a line that begins with a blank goes on with the value of the one before. */
	reader->at += strspn(reader->at, " \t");
	length = strcspn(reader->at, "\n");
	if (length >= (size_t)size) {
		mistake(reader, "the line is longer than %d characters", size - 1);
		return NULL;
	}
	memcpy(line, reader->at, length);
	line[length] = '\0';
	reader->at += length + (reader->at[length] == '\n');
	check_section(reader, line);
	return line;
}

static void parse(struct reader *reader)
{
	int line = ini_parse_stream(next_line, reader, handle, reader);

	if (line > 0 && !reader->failed) {
		reader->line = line;
		mistake(reader, "neither \"[section]\" nor \"key = value\"");
	}
}

/* What the keys mean together. */
static void check(struct reader *reader)
{
	const struct policy *policy = &reader->policy;

	if (isinf(policy->need) || policy->need >= policy->margin)
		return;
	reader->line = reader->line ? reader->line : 1;
	mistake(reader, "need (%g %%) is less than margin (%g %%), which counts as no change",
	        100 * policy->need, 100 * policy->margin);
}

/* ---- The file ------------------------------------------------------------------------------- */

static int read_text(const char *path, char *text, char *why, size_t why_size)
{
	FILE *file = fopen(path, "rbe");
	int err = 0;
	size_t length;

	if (!file) {
		err = -errno;
		snprintf(why, why_size, "%s: %s", path, strerror(-err));
		return err;
	}
	errno = 0;
	length = fread(text, 1, FILE_MOST, file);
	if (ferror(file)) {
		err = errno ? -errno : -EIO;
		snprintf(why, why_size, "%s: %s", path, strerror(-err));
	} else if (length == FILE_MOST || memchr(text, '\0', length)) {
		err = -EINVAL;
		snprintf(why, why_size, "%s: not a policy file", path);
	}
	fclose(file);
	text[length < FILE_MOST ? length : 0] = '\0';
	return err;
}

int policy_read(struct policy *ret_policy, const char *path, char *why, size_t why_size)
{
	struct reader reader = {
		.policy = policy_default,
		.path = path,
		.why = why,
		.why_size = why_size,
	};
	char *text = malloc(FILE_MOST);
	int err = -ENOMEM;

	if (!text) {
		snprintf(why, why_size, "%s: out of memory", path);
		return err;
	}
	err = read_text(path, text, why, why_size);
	reader.at = text;
	if (!err) {
		parse(&reader);
		check(&reader);
		err = reader.failed ? -EINVAL : 0;
	}
	free(text);
	if (!err)
		*ret_policy = reader.policy;
	return err;
}
