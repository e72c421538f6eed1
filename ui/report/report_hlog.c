// SPDX-License-Identifier: GPL-2.0
/*
 * `ktax report --hlog`: an interval log per endpoint. The requests that spent nothing on an account
 * are recorded as 0 in the account's histograms, so that a plotter's percentiles are those of the
 * report.
 */
#include "report.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "hlog.h"

struct hlog {
	const struct report *report;
	const char *directory;
	uint64_t start_realtime_ns;
	FILE **files; /* of findings->endpoints, NULL where not shown */
	char *path;   /* of the last file touched, for errors */
};

/* "[::1]:80/tcp" is no file name: what is no letter, digit, '.' or '-' becomes '_'. */
static void make_path(const struct hlog *hlog, size_t endpoint, char path[4096])
{
	const struct findings *findings = hlog->report->findings;
	const char *name = findings->endpoints[endpoint].ledger->endpoint.name;
	int length = snprintf(path, 4096, "%s/", hlog->directory);

	for (; *name && length < 4000; name++)
		path[length++] = isalnum((unsigned char)*name) || strchr(".-", *name) ? *name : '_';
	snprintf(path + length, 4096 - (size_t)length, ".hlog");
}

static int open_file(struct hlog *hlog, size_t endpoint)
{
	FILE *file;

	make_path(hlog, endpoint, hlog->path);
	file = fopen(hlog->path, "we");
	if (!file)
		return -errno;
	hlog->files[endpoint] = file;
	error_note("writing %s", hlog->path);
	return hlog_write_header(file, hlog->start_realtime_ns);
}

static int open_files(struct hlog *hlog)
{
	const struct findings *findings = hlog->report->findings;

	snprintf(hlog->path, 4096, "%s", hlog->directory);
	if (strlen(hlog->directory) > 3800)
		return -ENAMETOOLONG;
	if (mkdir(hlog->directory, 0777) < 0 && errno != EEXIST)
		return -errno;
	for (size_t i = 0; i < findings->n_endpoints; i++) {
		int error = 0;

		if (report_shows(hlog->report, findings->endpoints[i].ledger->endpoint.name))
			error = open_file(hlog, i);
		if (error)
			return error;
	}
	return 0;
}

/* Closes all; a full disk may show only here. */
static int close_files(struct hlog *hlog, int error)
{
	for (size_t i = 0; hlog->files && i < hlog->report->findings->n_endpoints; i++) {
		if (!hlog->files[i] || fclose(hlog->files[i]) == 0 || error)
			continue;
		error = -errno;
		make_path(hlog, i, hlog->path);
	}
	free(hlog->files);
	return error;
}

/* A copy of @histogram in which the rest of @requests are 0. */
static int write_account(FILE *file, const char *tag, uint64_t offset_ns, uint64_t length_ns,
                         const struct histogram *histogram, uint64_t requests)
{
	struct histogram all;
	int error = histogram_init(&all, histogram->highest, histogram->digits);

	if (error)
		return error;
	error = histogram_merge(&all, histogram);
	if (!error && requests > histogram->total)
		error = histogram_record(&all, 0, requests - histogram->total);
	if (!error)
		error = hlog_write_interval(file, tag, offset_ns, length_ns, &all);
	histogram_destroy(&all);
	return error;
}

static int write_endpoint(FILE *file, uint64_t offset_ns, uint64_t length_ns,
                          const struct finding_endpoint *endpoint,
                          const struct recording_ledger *ledger)
{
	int error = hlog_write_interval(file, "total", offset_ns, length_ns, &ledger->total);

	if (!error)
		error = hlog_write_interval(file, "floor_tuned", offset_ns, length_ns,
		                            &ledger->floor_tuned);
	if (!error)
		error = hlog_write_interval(file, "floor_bypass", offset_ns, length_ns,
		                            &ledger->floor_bypass);
	for (int i = 0; i < KTAX_NACCOUNTS && !error; i++)
		if (endpoint->account[i].present && endpoint->account[i].has_quantiles)
			error = write_account(file, ktax_account_info[i].name, offset_ns, length_ns,
			                      &ledger->account[i], ledger->requests);
	return error;
}

static int write_interval(const struct recording_interval *interval,
                          const struct recording_ledger *ledger, void *context)
{
	struct hlog *hlog = context;
	const struct findings *findings = hlog->report->findings;
	uint64_t offset_ns = 0;

	if (interval->start_realtime_ns > hlog->start_realtime_ns)
		offset_ns = interval->start_realtime_ns - hlog->start_realtime_ns;
	for (size_t i = 0; i < findings->n_endpoints; i++) {
		const struct finding_endpoint *endpoint = &findings->endpoints[i];

		if (!hlog->files[i] ||
		    strcmp(endpoint->ledger->endpoint.name, ledger->endpoint.name) != 0)
			continue;
		make_path(hlog, i, hlog->path);
		return write_endpoint(hlog->files[i], offset_ns, interval->length_ns, endpoint,
		                      ledger);
	}
	return 0;
}

int report_hlog(const char *directory, const struct report *report, char ret_path[4096])
{
	const struct recording *recording = report->findings->recording;
	struct hlog hlog = { .report = report,
		             .directory = directory,
		             .start_realtime_ns = recording->sum.start_realtime_ns,
		             .path = ret_path };
	int error = -ENOMEM;

	hlog.files = calloc(report->findings->n_endpoints + 1, sizeof(FILE *));
	if (hlog.files)
		error = open_files(&hlog);
	for (size_t i = 0; i < recording->n_sources && !error; i++)
		error = recording_for_each_interval(recording->sources[i], write_interval, &hlog);
	return close_files(&hlog, error);
}
