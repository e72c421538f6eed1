// SPDX-License-Identifier: GPL-2.0
/* Writes the files first, then the table: its headline is what remains on the screen. */
#include "ab_output.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "error.h"

const struct ab_gate_name ab_gate_names[] = {
	{ AB_GATE_LATENESS, "lateness", "generator late" },
	{ AB_GATE_STEAL, "steal", "CPU taken by the hypervisor" },
	{ AB_GATE_PREEMPTED, "preempted", "waited for a CPU" },
	{ AB_GATE_SILENT, "silent", "no response" },
	{ 0 },
};

#define TRACE_COUNT(member, title)                                                                 \
	{                                                                                          \
#member, title, offsetof(struct traffic_trace, member)                             \
	}

const struct ab_trace_count ab_trace_counts[] = {
	TRACE_COUNT(packets, NULL),
	TRACE_COUNT(requests, NULL),
	TRACE_COUNT(of_responses, NULL),
	TRACE_COUNT(not_ip, "not IP"),
	TRACE_COUNT(not_udp, "not UDP"),
	TRACE_COUNT(fragments, "fragments"),
	TRACE_COUNT(other_ports, "of other ports"),
	TRACE_COUNT(damaged, "damaged"),
	TRACE_COUNT(truncated, "without their payload"),
	TRACE_COUNT(enlarged, "made longer, to hold the mark"),
	TRACE_COUNT(too_long, "shortened to a frame"),
	TRACE_COUNT(ipv6, "sent over IPv4"),
	TRACE_COUNT(vlan, "sent without their VLAN tag"),
	TRACE_COUNT(reordered, "sorted by time"),
	TRACE_COUNT(shared_flows, "on another one's flow"),
	{ 0 },
};

int ab_exit_code(enum ab_verdict verdict)
{
	switch (verdict) {
	case AB_BETTER:
		return KTAX_EXIT_FINE;
	case AB_WORSE:
	case AB_EQUIVALENT:
		return KTAX_EXIT_AGAINST;
	default:
		return KTAX_EXIT_INCONCLUSIVE;
	}
}

const char *ab_metric_title(enum ab_metric metric)
{
	static const char *const titles[AB_METRICS] = {
		[AB_P50] = "p50",    [AB_P90] = "p90",   [AB_P99] = "p99",
		[AB_P999] = "p99.9", [AB_LOSS] = "loss", [AB_CPU] = "CPU/request",
	};

	return titles[metric];
}

double ab_quantile_ns(const struct ab_arm *arm, double share)
{
	/* 0.99 * 1000 may be a little more than 990. */
	double rank = ceil(share * (double)arm->requests - 1e-6);

	if (!arm->requests)
		return NAN;
	if (rank > (double)arm->latency.total)
		return INFINITY;
	return (double)histogram_percentile(&arm->latency,
	                                    100 * (rank - 0.5) / (double)arm->latency.total);
}

double ab_loss(const struct ab_arm *arm)
{
	return arm->requests ? 1 - (double)arm->received / (double)arm->requests : NAN;
}

const char *ab_summary(const struct ab_result *result, const struct ab_arm *arm)
{
	const struct path_type *stream = arm->type->stream;
	const char *summary = result->tcp && stream ? stream->summary : arm->type->summary;

	return summary ? summary : "";
}

const char *ab_no_cost(const struct ab_result *result, const struct ab_arm *arm)
{
	if (result->no_cost_why[0])
		return result->no_cost_why;
	if (!(arm->responder_cpu_ns >= 0 && arm->kernel_cpu_ns >= 0) ||
	    arm->responder_cpu_ns + arm->kernel_cpu_ns <= 0)
		return "not measured";
	return NULL;
}

size_t ab_rejected(const struct ab_result *result, size_t arm, unsigned int gate)
{
	const struct ab_block *blocks = result->block + arm * result->rounds;
	size_t n = 0;

	for (size_t i = 0; i < result->rounds; i++)
		n += (blocks[i].gates & (gate ? gate : ~0u)) != 0;
	return n;
}

struct ab_work ab_work(const struct traffic *traffic)
{
	struct ab_work work = { 0 };
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < traffic->n_requests; i++) {
		uint64_t ns = traffic->request[i].work_ns;

		sum_ns += ns;
		work.max_ns = ns > work.max_ns ? ns : work.max_ns;
	}
	if (traffic->n_requests)
		work.mean_ns = (sum_ns + traffic->n_requests / 2) / traffic->n_requests;
	return work;
}

/* ---- Files ---------------------------------------------------------------------------------- */

static int fail(int error, const char *path, const char *doing)
{
	return error_print(&(struct failure){ .error = error, .subject = path, .doing = doing });
}

/* 0, or the exit code of a failure that was printed. */
static int write_json(const struct ab_result *result, const struct traffic *traffic,
                      const struct ab_output *output)
{
	bool to_stdout = !strcmp(output->json, "-");
	FILE *file = to_stdout ? stdout : fopen(output->json, "we");
	int error = file ? ab_json(file, result, traffic, output->hlog) : -errno;

	/* What does not reach standard output is noticed by main(). */
	if (file && !to_stdout && fclose(file) && !error)
		error = -errno;
	return error ? fail(error, output->json, "write JSON") : 0;
}

static int write_junit(const struct ab_result *result, const struct ab_output *output)
{
	FILE *file = fopen(output->junit, "we");

	if (!file)
		return fail(-errno, output->junit, "write JUnit XML");
	ab_junit(file, result);
	return fclose(file) ? fail(-errno, output->junit, "write JUnit XML") : 0;
}

static int write_hlog(const struct ab_result *result, const struct ab_output *output)
{
	char path[4096];
	int error = ab_hlog(output->hlog, result, path);

	return error ? fail(error, path, "write interval logs") : 0;
}

static int write_files(const struct ab_result *result, const struct traffic *traffic,
                       const struct ab_output *output)
{
	int exit_code = 0;

	if (output->hlog)
		exit_code = write_hlog(result, output);
	if (output->junit && !exit_code)
		exit_code = write_junit(result, output);
	if (output->json && !exit_code)
		exit_code = write_json(result, traffic, output);
	return exit_code;
}

int ab_output(const struct ab_result *result, const struct traffic *traffic,
              const struct ab_output *output)
{
	int exit_code = write_files(result, traffic, output);
	struct terminal terminal = terminal_init(stdout, output->color);

	if (!output->json || strcmp(output->json, "-") != 0)
		ab_text(&terminal, result, traffic);
	return exit_code ? exit_code : ab_exit_code(result->verdict);
}
