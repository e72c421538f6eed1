// SPDX-License-Identifier: GPL-2.0
/*
 * print_ab KIND text|json|junit|hlog [DIRECTORY]: what `ktax ab` shows of results with known
 * contents.
 *
 *	gain      four paths, one of them approved, one worse; paths without a link and without a
 *	          process; a skipped one; losses; rejected blocks; p99.9 judged
 *	nothing   equal arms, short blocks, CPU time not measured; two CPUs that were moved
 *	lossy     a path that loses so much that its p99 has no bound, and one rejected unequally
 *	invalid   nearly every block rejected
 *
 * Figures are drawn with a fixed seed: every run prints the same, but for the host in JSON.
 * Environment: COLOR=always for a terminal's colours.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_output.h"
#include "cores.h"
#include "paired.h"

#define ROUNDS 20

static const struct path_type types[] = {
	{ .name = "kernel", .summary = "UDP socket, sleeps in epoll_wait" },
	{ .name = "kernel-spin", .summary = "UDP socket, asked again and again", .polls = true },
	{ .name = "af_xdp", .summary = "AF_XDP socket, spinning", .polls = true },
	{ .name = "dpdk", .summary = "DPDK over net_af_packet: not a true bypass", .polls = true },
	{ .name = "io_uring", .summary = "UDP socket through io_uring" },
	{ .name = "xdp", .summary = "XDP program that answers in the driver", .in_kernel = true },
	{ .name = "dpdk-memif", .summary = "DPDK, memif pair", .polls = true, .in_memory = true },
};

/* Of a path: its latencies as ratios to the baseline's, its CPU time, what it loses. */
struct shape {
	const char *skipped;
	double p50, p99, responder_ns, kernel_ns, loss;
	unsigned int rejected; /* blocks */
};

struct kind {
	const char *name;
	size_t n_arms, block_requests;
	bool cost;
	struct shape shape[7];
};

static const struct kind kinds[] = {
	{ "gain",
	  7,
	  20000,
	  true,
	  { { NULL, 1, 1, 2100, 7900, 0, 1 },
	    { NULL, 0.33, 0.42, 43000, 4100, 0, 0 },
	    { NULL, 0.24, 0.31, 41000, 2900, 0, 2 },
	    { NULL, 1.02, 1.31, 48000, 2900, 0.0004, 0 },
	    { "io_uring is disabled on this host (kernel.io_uring_disabled)" },
	    { NULL, 0.19, 0.2, 0, 3100, 0, 0 },
	    { NULL, 0.017, 0.012, 40000, 0, 0, 0 } } },
	{ "nothing",
	  3,
	  2000,
	  false,
	  { { NULL, 1, 1, 0, 0, 0, 0 },
	    { NULL, 1, 1, 0, 0, 0, 0 },
	    { NULL, 1.01, 1, 0, 0, 0, 0 } } },
	{ "lossy",
	  3,
	  2000,
	  true,
	  { { NULL, 1, 1, 2100, 7900, 0, 0 },
	    { NULL, 0.33, INFINITY, 43000, 4100, 0.05, 0 },
	    { NULL, 0.24, 0.31, 41000, 2900, 0, 9 } } },
	{ "invalid",
	  2,
	  2000,
	  true,
	  { { NULL, 1, 1, 2100, 7900, 0, 16 }, { NULL, 0.3, 0.3, 43000, 4100, 0, 16 } } },
};

static struct ab_block blocks[7 * ROUNDS], same[2 * ROUNDS];

static double uniform(struct paired_order *order)
{
	return ((double)paired_order_draw(order, 1ULL << 53) + 0.5) * 0x1p-53;
}

/* A factor around 1. */
static double noise(struct paired_order *order, double width)
{
	return 1 + width * (uniform(order) + uniform(order) - 1);
}

static struct ab_block make_block(struct paired_order *order, const struct kind *kind,
                                  const struct shape *shape, unsigned int index)
{
	uint64_t n = kind->block_requests, lost = (uint64_t)llround(shape->loss * (double)n);
	struct ab_block block = { .generator = { .sent = n, .received = n - lost } };

	block.metric[AB_P50] = 18900 * shape->p50 * noise(order, 0.03);
	block.metric[AB_P90] = 25000 * shape->p50 * noise(order, 0.03);
	block.metric[AB_P99] = 36000 * shape->p99 * noise(order, 0.05);
	block.metric[AB_P999] = 51000 * shape->p99 * noise(order, 0.4);
	block.metric[AB_LOSS] = (double)lost / (double)n;
	block.metric[AB_CPU] = kind->cost && index < 12 ? (shape->responder_ns + shape->kernel_ns) *
	                                                          noise(order, 0.05)
	                                                : NAN;
	/* Not the same ones in each arm. */
	if ((index * 7 + (unsigned int)shape->p50 * 3) % ROUNDS >= shape->rejected)
		return block;
	block.gates = index % 2 ? AB_GATE_PREEMPTED : AB_GATE_LATENESS | AB_GATE_STEAL;
	for (int metric = AB_P50; metric <= AB_P999; metric++)
		block.metric[metric] *= 5; /* that is why */
	return block;
}

/* 98 % around the p50, 2 % around the p99: what quantiles are read from. */
static int make_arm(struct ab_arm *arm, const struct path_type *type, const struct kind *kind,
                    const struct shape *shape)
{
	uint64_t lost;
	int err = histogram_init(&arm->latency, HISTOGRAM_HIGHEST_DEFAULT_NS,
	                         HISTOGRAM_DIGITS_DEFAULT);

	arm->type = type;
	if (shape->skipped) {
		arm->skipped = true;
		snprintf(arm->why, sizeof(arm->why), "%s", shape->skipped);
		return err;
	}
	arm->blocks = ROUNDS;
	arm->rejected = shape->rejected;
	arm->requests = (ROUNDS - shape->rejected) * kind->block_requests;
	lost = (uint64_t)llround(shape->loss * (double)arm->requests);
	arm->received = arm->requests - lost;
	arm->sent = arm->requests - lost / 8;
	arm->lost.generator = lost / 8;
	*(type->raw ? &arm->lost.ring : &arm->lost.socket) = lost - lost / 8;
	arm->responder_cpu_ns = kind->cost ? shape->responder_ns : 0;
	arm->kernel_cpu_ns = kind->cost ? shape->kernel_ns : 0;
	if (err || !arm->received)
		return err;
	histogram_record(&arm->latency, (uint64_t)(18900 * shape->p50), arm->received * 98 / 100);
	histogram_record(&arm->latency,
	                 isinf(shape->p99) ? 1000000 : (uint64_t)(36000 * shape->p99),
	                 arm->received - arm->received * 98 / 100 - arm->received / 800);
	return histogram_record(&arm->latency,
	                        isinf(shape->p99) ? 2000000 : (uint64_t)(51000 * shape->p99),
	                        arm->received / 800);
}

static int make_result(const struct kind *kind, struct ab_result *result)
{
	struct paired_order order;
	int err = 0;

	paired_order_init(&order, 4711);
	*result = (struct ab_result){
		.n_arms = kind->n_arms,
		.seed = 4711,
		.rounds = ROUNDS,
		.wire = "AF_PACKET",
		.link = { .own = true, .driver = "veth" },
		.lateness_p50_ns = 38,
		.lateness_p99_ns = 210,
		.own_lateness_p99_ns = 96,
		.lateness_limit_ns = 1000,
		.seconds = 63.2,
		.block = blocks,
		.same = same,
	};
	if (!kind->cost)
		snprintf(result->no_cost_why, sizeof(result->no_cost_why),
		         "the kernel lets no BPF program attach to softirqs");
	for (unsigned int i = 0; i < 2 * ROUNDS; i++)
		same[i] = make_block(&order, kind, &kind->shape[0], i % ROUNDS);
	for (size_t arm = 0; arm < kind->n_arms && !err; arm++) {
		err = make_arm(&result->arm[arm], &types[arm], kind, &kind->shape[arm]);
		for (unsigned int i = 0; i < ROUNDS && !kind->shape[arm].skipped; i++)
			blocks[arm * ROUNDS + i] = make_block(&order, kind, &kind->shape[arm], i);
	}
	if (!kind->cost) {
		result->core_distance_start_ns = 95;
		result->core_distance_end_ns = 310;
		cores_complain_of_distance(95, 310, result->caution[1], sizeof(result->caution[1]));
	}
	return err ? err : ab_judge(result, &policy_default);
}

static int print(const char *format, const char *directory, const struct ab_result *result,
                 const struct traffic *traffic)
{
	const char *color = getenv("COLOR");
	struct terminal terminal = terminal_init(
		stdout, color && !strcmp(color, "always") ? COLOR_ALWAYS : COLOR_AUTO);
	char path[4096];

	if (!strcmp(format, "text"))
		ab_text(&terminal, result, traffic);
	else if (!strcmp(format, "json"))
		return ab_json(stdout, result, traffic, directory);
	else if (!strcmp(format, "junit"))
		ab_junit(stdout, result);
	else if (!strcmp(format, "hlog") && directory)
		return ab_hlog(directory, result, path);
	else
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct traffic_request *requests = calloc(20000, sizeof(*requests));
	struct traffic traffic = { .request = requests, .n_flows = 16, .gaps = TRAFFIC_POISSON };
	struct ab_result result;
	int err = -1;

	setlocale(LC_CTYPE, "");
	if (argc < 3 || !requests)
		return 1;
	for (size_t i = 0; i < 20000; i++)
		requests[i] = (struct traffic_request){ .at_ns = i * 50000,
			                                .frame_size = i % 4 ? 106 : 554 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		traffic.n_requests = kinds[i].block_requests;
		err = make_result(&kinds[i], &result);
		if (!err)
			err = print(argv[2], argc > 3 ? argv[3] : NULL, &result, &traffic);
		for (size_t arm = 0; arm < result.n_arms; arm++)
			histogram_destroy(&result.arm[arm].latency);
		free(result.comparison);
	}
	free(requests);
	return err ? 2 : 0;
}
