// SPDX-License-Identifier: GPL-2.0
/*
 * Rows come from tables of checks (readiness_check.h); each row is a pure function of the facts.
 * Whatever a check finds, these hold: a fact that is not known gives `unknown`, never `ok`; what is
 * fine has no fix.
 */
#include "readiness.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "readiness_check.h"

const char *const readiness_status_name[READINESS_NSTATUS] = { "ok", "warn", "fail", "unknown" };
const char *const readiness_concern_name[READINESS_NCONCERNS] = { "tuning", "af_xdp", "dpdk",
	                                                          "attribution" };

const struct readiness_row *readiness_find(const struct readiness *readiness, const char *check)
{
	for (size_t i = 0; i < readiness->n; i++)
		if (!strcmp(readiness->rows[i].check, check))
			return &readiness->rows[i];
	return NULL;
}

static bool is_to_fix(const struct readiness_row *row)
{
	return (row->status == READINESS_WARN || row->status == READINESS_FAIL) && row->fix[0];
}

const struct readiness_row *readiness_next_fix(const struct readiness *readiness, unsigned concerns,
                                               const struct readiness_row *after)
{
	const struct readiness_row *end = readiness->rows + readiness->n;

	for (const struct readiness_row *row = after ? after + 1 : readiness->rows; row < end;
	     row++)
		if (row->concerns & concerns && is_to_fix(row))
			return row;
	return NULL;
}

unsigned readiness_blocked(const struct readiness *readiness, unsigned concerns)
{
	unsigned blocked = 0;

	for (size_t i = 0; i < readiness->n; i++)
		blocked |= readiness->rows[i].blocks;
	return blocked & concerns;
}

void readiness_keep(struct readiness *readiness, unsigned concerns)
{
	size_t n = 0;

	for (size_t i = 0; i < readiness->n; i++)
		if (readiness->rows[i].concerns & concerns)
			readiness->rows[n++] = readiness->rows[i];
	readiness->n = n;
}

/* ---- What checks say ------------------------------------------------------------------------- */

static void say(struct readiness_row *row, enum readiness_status status, const char *format,
                va_list arguments)
{
	row->status = status;
	vsnprintf(row->found, sizeof(row->found), format, arguments);
}

#define DEFINE_SAY(name, status)                                                                   \
	void name(struct readiness_row *row, const char *format, ...)                              \
	{                                                                                          \
		va_list arguments;                                                                 \
                                                                                                   \
		va_start(arguments, format);                                                       \
		say(row, status, format, arguments);                                               \
		va_end(arguments);                                                                 \
	}

DEFINE_SAY(row_ok, READINESS_OK)
DEFINE_SAY(row_warn, READINESS_WARN)
DEFINE_SAY(row_fail, READINESS_FAIL)
DEFINE_SAY(row_unknown, READINESS_UNKNOWN)

void row_fix(struct readiness_row *row, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->fix, sizeof(row->fix), format, arguments);
	va_end(arguments);
}

void row_unread(struct readiness_row *row, int error, const char *none)
{
	switch (error) {
	case 0:
		return row_unknown(row, "was not looked at");
	case -EACCES:
	case -EPERM:
		return row_unknown(row, "may not be looked at by this user: run it as root");
	case -ENOENT:
	case -ENODEV:
		return row_unknown(row, "%s", none ? none : "this kernel does not show it");
	case -EOPNOTSUPP:
		return row_unknown(row, "the driver does not say");
	case -EXDEV:
		return row_unknown(row, "/sys shows another network namespace: enter this one by "
		                        "'ip netns exec', which mounts it anew");
	case -EBADMSG:
		return row_unknown(row, "what stands there was not understood");
	}
	row_unknown(row, "could not be read: %s", strerror(-error));
}

struct version_text version_text(int version)
{
	struct version_text text;

	snprintf(text.text, sizeof(text.text), "%d.%d", version / 1000, version % 1000);
	return text;
}

/* ---- Doing them ------------------------------------------------------------------------------ */

static void do_check(const struct readiness_check *check, const struct host_facts *facts,
                     struct readiness_row *row)
{
	*row = (struct readiness_row){ .status = READINESS_UNKNOWN, .concerns = check->concerns };
	snprintf(row->check, sizeof(row->check), "%s", check->name);
	snprintf(row->group, sizeof(row->group), "%s", check->group);
	snprintf(row->want, sizeof(row->want), "%s", check->want);
	snprintf(row->why, sizeof(row->why), "%s", check->why);
	snprintf(row->source, sizeof(row->source), "%s", check->source);
	check->run(facts, row);
}

static void do_checks(const struct readiness_check *checks, const struct host_facts *facts,
                      struct readiness *readiness)
{
	for (; checks->name && readiness->n < READINESS_ROWS_MAX; checks++)
		do_check(checks, facts, &readiness->rows[readiness->n++]);
}

/*
 * The kernel allows nearly every character in the name of an interface; fixes are commands that
 * people copy to a shell.
 */
static void tame_name(char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-@:", *name))
			*name = '?';
}

void readiness_evaluate(const struct host_facts *host, struct readiness *ret)
{
	struct host_facts tame = *host;
	const struct host_facts *facts = &tame;

	tame_name(tame.nic.name);
	tame_name(tame.nic.lower.text);
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->hostname, sizeof(ret->hostname), "%.64s", facts->hostname);
	snprintf(ret->kernel, sizeof(ret->kernel), "%.64s", facts->release);
	snprintf(ret->interface, sizeof(ret->interface), "%.15s", facts->nic.name);
	snprintf(ret->driver, sizeof(ret->driver), "%.31s", facts->nic.driver.text);
	ret->default_route = facts->nic.default_route;
	do_checks(readiness_nic_checks, facts, ret);
	do_checks(readiness_queue_checks, facts, ret);
	do_checks(readiness_cpu_checks, facts, ret);
	do_checks(readiness_memory_checks, facts, ret);
	do_checks(readiness_kernel_checks, facts, ret);
	do_checks(readiness_permission_checks, facts, ret);
}
