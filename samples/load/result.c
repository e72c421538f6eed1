// SPDX-License-Identifier: GPL-2.0
/* Adding is two histogram updates and, for a log, a copy into a growing array. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/clock.h"
#include "result.h"

#define RECORDS_INITIAL (64U << 10)
#define RECORDS_MAX     (16U << 20)

int load_result_init(struct load_result *result, bool logging)
{
	int error;

	*result = (struct load_result){ .logging = logging };
	error = histogram_init(&result->latency, HISTOGRAM_HIGHEST_DEFAULT_NS,
	                       HISTOGRAM_DIGITS_DEFAULT);
	if (!error)
		error = histogram_init(&result->rtt, HISTOGRAM_HIGHEST_DEFAULT_NS,
		                       HISTOGRAM_DIGITS_DEFAULT);
	if (error)
		load_result_destroy(result);
	return error;
}

void load_result_destroy(struct load_result *result)
{
	histogram_destroy(&result->latency);
	histogram_destroy(&result->rtt);
	free(result->records);
}

static bool records_grow(struct load_result *result)
{
	size_t capacity = result->record_capacity ? result->record_capacity * 2 : RECORDS_INITIAL;
	struct load_record *records;

	if (capacity > RECORDS_MAX)
		return false;
	records = realloc(result->records, capacity * sizeof(*records));
	if (!records)
		return false;
	result->records = records;
	result->record_capacity = capacity;
	return true;
}

void load_result_add(struct load_result *result, const struct load_record *record)
{
	histogram_record(&result->latency, record->last_byte_ns - record->intended_ns, 1);
	histogram_record(&result->rtt, record->last_byte_ns - record->sent_ns, 1);
	result->answered++;
	result->bytes += record->bytes;
	if (record->status / 100 != 2)
		result->not_2xx++;
	if (!result->logging)
		return;
	if (result->record_count == result->record_capacity && !records_grow(result))
		result->records_lost++;
	else
		result->records[result->record_count++] = *record;
}

/* A percentile is the upper end of its bucket, which may be above the exact maximum. */
static void distribution_print(const char *name, const struct histogram *histogram)
{
	static const double percentiles[] = { 50, 90, 99, 99.9, 100 };

	printf("%-8s", name);
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
		uint64_t value = histogram_percentile(histogram, percentiles[i]);

		if (value > histogram->max)
			value = histogram->max;
		printf(" %10.1f", (double)value / 1e3);
	}
	printf("\n");
}

void load_result_print(const struct load_result *result, double rate)
{
	double seconds = (double)(result->end_ns - result->start_ns) / (double)NS_PER_SEC;

	printf("requests %" PRIu64 " in %.2f s: %.1f/s", result->answered, seconds,
	       (double)result->answered / seconds);
	if (rate > 0)
		printf(" of %.1f/s", rate);
	printf(", %.1f MB/s\n", (double)result->bytes / seconds / 1e6);
	printf("failed   %" PRIu64 " not 2xx, %" PRIu64 " disconnected, %" PRIu64 " unanswered\n",
	       result->not_2xx, result->disconnected, result->unanswered);
	printf("%-8s %10s %10s %10s %10s %10s\n", "us", "p50", "p90", "p99", "p99.9", "max");
	distribution_print("latency", &result->latency);
	distribution_print("rtt", &result->rtt);
}

int load_result_write(const struct load_result *result, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fputs("local_port\trequest\titem\tintended\tsent\tsent_end\tfirst_byte\tlast_byte\t"
	      "status\tbytes\n",
	      file);
	for (size_t i = 0; i < result->record_count; i++) {
		const struct load_record *r = &result->records[i];

		fprintf(file, "%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t", r->local_port,
		        r->request, r->item, r->intended_ns, r->sent_ns, r->sent_end_ns);
		fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%u\t%" PRIu64 "\n", r->first_byte_ns,
		        r->last_byte_ns, r->status, r->bytes);
	}
	if (ferror(file)) {
		fclose(file);
		return -EIO;
	}
	return fclose(file) ? -errno : 0;
}
