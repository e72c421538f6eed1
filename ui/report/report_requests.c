// SPDX-License-Identifier: GPL-2.0
/* `ktax report --requests`: the sampled requests, one line each, for awk, R and spreadsheets. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "error.h"

struct requests {
	FILE *file;
	const struct report *report;
	uint64_t n;
};

static const char *const flag_names[] = { "batch",        "incomplete",    "handed_over",
	                                  "async",        "retransmitted", "unbalanced",
	                                  "partial_read", "nic_stamp",     "loopback" };

static void print_names(FILE *file)
{
	fputs("endpoint\tstart_ns\ttotal_ns", file);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		fprintf(file, "\t%s_ns", ktax_account_info[i].name);
	fputs("\tbytes_in\tbytes_out\ttid_read\ttid_write\tpeer_port\tbatch\tflags\n", file);
}

static void print_flags(FILE *file, uint32_t flags)
{
	const char *separator = "";

	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (!(flags & 1U << i))
			continue;
		fprintf(file, "%s%s", separator, flag_names[i]);
		separator = ",";
	}
	fputs(separator[0] ? "\n" : "-\n", file);
}

static int print_request(const struct recording_endpoint *endpoint,
                         const struct ktax_request *request, void *context)
{
	struct requests *requests = context;
	FILE *file = requests->file;

	if (!report_shows(requests->report, endpoint->name))
		return 0;
	fprintf(file, "%s\t%" PRIu64 "\t%" PRIu64, endpoint->name, (uint64_t)request->start_ns,
	        (uint64_t)request->total_ns);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		fprintf(file, "\t%" PRIu64, (uint64_t)request->account_ns[i]);
	fprintf(file, "\t%" PRIu64 "\t%" PRIu64 "\t%u\t%u\t%u\t%u\t", (uint64_t)request->bytes_in,
	        (uint64_t)request->bytes_out, request->tid_read, request->tid_write,
	        request->peer_port, request->batch);
	print_flags(file, request->flags);
	requests->n++;
	return 0;
}

int report_requests(FILE *file, const struct report *report, const char **ret_path)
{
	const struct recording *recording = report->findings->recording;
	struct requests requests = { .file = file, .report = report };

	print_names(file);
	for (size_t i = 0; i < recording->n_sources; i++) {
		int error =
			recording_for_each_request(recording->sources[i], print_request, &requests);

		if (error) {
			*ret_path = recording->sources[i];
			return error;
		}
	}
	if (!requests.n)
		error_note("no request was sampled in this recording");
	return 0;
}
