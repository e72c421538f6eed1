// SPDX-License-Identifier: GPL-2.0
/* analyze/: findings out of ledgers made by hand, request by request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.h"

/* ---- A recording of one endpoint ------------------------------------------------------------- */

struct fixture {
	struct recording recording;
	struct recording_ledger *ledger;
	struct recording_hook hooks[KTAX_NACCOUNTS];
	struct findings *findings;
	struct finding_endpoint *endpoint;
};

static int fixture_create(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct recording_ledger *ledger = calloc(1, sizeof(*ledger));

	assert_non_null(fixture);
	assert_non_null(ledger);
	assert_int_equal(histogram_init(&ledger->total, 1ULL << 62, 3), 0);
	assert_int_equal(histogram_init(&ledger->floor_tuned, 1ULL << 62, 3), 0);
	assert_int_equal(histogram_init(&ledger->floor_bypass, 1ULL << 62, 3), 0);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		assert_int_equal(histogram_init(&ledger->account[i], 1ULL << 62, 3), 0);
	strcpy(ledger->endpoint.name, "10.0.0.1:80/tcp");
	fixture->ledger = ledger;
	fixture->recording = (struct recording){
		.n_sources = 1,
		.n_ledgers = 1,
		.ledgers = ledger,
		.hooks = fixture->hooks,
		.sum = { .length_ns = 1000000000, .attached_ns = 1000000000 },
		.n_intervals = 1,
		.complete = true,
		.same_hooks = true,
		.same_host = true,
	};
	*state = fixture;
	return 0;
}

static int fixture_destroy(void **state)
{
	struct fixture *fixture = *state;

	findings_free(fixture->findings);
	histogram_destroy(&fixture->ledger->total);
	histogram_destroy(&fixture->ledger->floor_tuned);
	histogram_destroy(&fixture->ledger->floor_bypass);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		histogram_destroy(&fixture->ledger->account[i]);
	free(fixture->ledger);
	free(fixture);
	return 0;
}

static void add_floor(struct histogram *histogram, const uint64_t ns[KTAX_NACCOUNTS],
                      unsigned int removed, uint64_t count)
{
	uint64_t floor = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		floor += removed & KTAX_ACCOUNT_BIT(i) ? 0 : ns[i];
	assert_int_equal(histogram_record(histogram, floor, count), 0);
}

/* @count requests alike, as the kernel side would have added them up. */
static void add_requests(struct fixture *fixture, uint64_t count, const uint64_t ns[KTAX_NACCOUNTS])
{
	struct recording_ledger *ledger = fixture->ledger;
	struct ktax_joint_cell *cell;
	uint64_t total = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		total += ns[i];
	cell = &ledger->joint[KTAX_JOINT_CELLS - 1];
	if (total >> KTAX_VALUE_BITS == 0)
		cell = &ledger->joint[ktax_hist_index(total, KTAX_JOINT_MAGNITUDE)];
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		cell->sum_ns[i] += ns[i] * count;
		if (ns[i])
			assert_int_equal(histogram_record(&ledger->account[i], ns[i], count), 0);
	}
	cell->requests += count;
	ledger->requests += count;
	ledger->max_ns = total > ledger->max_ns ? total : ledger->max_ns;
	assert_int_equal(histogram_record(&ledger->total, total, count), 0);
	add_floor(&ledger->floor_tuned, ns, KTAX_TUNABLE_SET, count);
	add_floor(&ledger->floor_bypass, ns, KTAX_ADDRESSABLE_SET, count);
}

#define REQUESTS(fixture, count, ...)                                                              \
	add_requests(fixture, count, (const uint64_t[KTAX_NACCOUNTS]){ __VA_ARGS__ })

static void add_samples(struct fixture *fixture, uint64_t total, uint64_t user, uint64_t kernel)
{
	struct ktax_joint_cell *cell =
		&fixture->ledger->joint[ktax_hist_index(total, KTAX_JOINT_MAGNITUDE)];

	cell->cpu_samples_user += user;
	cell->cpu_samples_kernel += kernel;
}

static void add_hook(struct fixture *fixture, const char *account, const char *program,
                     const char *why)
{
	struct recording_hook *hook = &fixture->hooks[fixture->recording.n_hooks++];

	snprintf(hook->account, sizeof(hook->account), "%s", account);
	snprintf(hook->program, sizeof(hook->program), "%s", program);
	snprintf(hook->why, sizeof(hook->why), "%s", why);
}

static const struct finding_endpoint *analyze(struct fixture *fixture)
{
	assert_int_equal(findings_create(&fixture->recording, &fixture->findings), 0);
	fixture->endpoint = fixture->findings->endpoints;
	return fixture->endpoint;
}

static uint64_t sum_of_means(const uint64_t mean_ns[KTAX_NACCOUNTS])
{
	uint64_t sum = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		sum += mean_ns[i];
	return sum;
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static void means_of_accounts_add_up_to_the_mean_of_the_total(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;
	uint64_t sum = 0, groups = 0;

	/* Sums that seven requests do not divide. */
	REQUESTS(fixture, 3, [KTAX_KERNEL_RX] = 101, [KTAX_APP] = 997, [KTAX_GC] = 13);
	REQUESTS(fixture, 4, [KTAX_KERNEL_TX] = 55, [KTAX_APP] = 1009, [KTAX_UNKNOWN] = 1);
	endpoint = analyze(fixture);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		sum += endpoint->account[i].part.mean_ns;
	for (int g = 0; g < KTAX_NGROUPS; g++)
		groups += endpoint->group[g].part.mean_ns;
	/* (3 * 1111 + 4 * 1065) / 7 = 1084.7 */
	assert_int_equal(endpoint->total.mean_ns, 1085);
	assert_int_equal(sum, 1085);
	assert_int_equal(groups, 1085);
}

static void shares_add_up_to_one(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;
	double shares = 0, slowest = 0;

	REQUESTS(fixture, 900, [KTAX_WAKEUP] = 700, [KTAX_APP] = 300);
	REQUESTS(fixture, 100, [KTAX_GC] = 9000, [KTAX_APP] = 1000);
	endpoint = analyze(fixture);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		shares += endpoint->account[i].part.share;
		slowest += endpoint->account[i].part.p99_band_share;
	}
	assert_float_equal(shares, 1, 1e-12);
	assert_float_equal(slowest, 1, 1e-12);
	assert_float_equal(endpoint->account[KTAX_WAKEUP].part.share, 630000.0 / 1900000, 1e-12);
	assert_float_equal(endpoint->account[KTAX_GC].part.p99_band_share, 0.9, 1e-12);
}

static void the_kernel_group_tells_what_bypass_and_tuning_could_take(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 10, [KTAX_NIC_RX] = 100, [KTAX_KERNEL_RX] = 200, [KTAX_WAKEUP] = 300,
	         [KTAX_QDISC] = 50, [KTAX_CWND] = 150, [KTAX_APP] = 200);
	endpoint = analyze(fixture);
	assert_float_equal(endpoint->group[KTAX_GROUP_KERNEL].part.share, 0.7, 1e-12);
	assert_float_equal(endpoint->kernel_addressable.share, 0.5, 1e-12);
	assert_float_equal(endpoint->kernel_tunable.share, 0.3, 1e-12);
	assert_float_equal(endpoint->addressable.share, 0.6, 1e-12);
	assert_float_equal(endpoint->tunable.share, 0.4, 1e-12);
	assert_non_null(strstr(endpoint->headline, "(50 % addressable, 20 % not)"));
}

/* ---- Bands ----------------------------------------------------------------------------------- */

static void bands_hold_every_request_and_every_nanosecond_once(void **state)
{
	struct fixture *fixture = *state;
	struct band all, part;
	wide_ns sum[KTAX_NACCOUNTS] = { 0 };
	uint64_t borders[] = { 0, 1, 777, 778, 5000, 12344, 12345 };

	for (uint64_t i = 0; i < 12345; i++)
		REQUESTS(fixture, 1, [KTAX_APP] = 1000 + i * 7919 % 3571, [KTAX_WAKEUP] = i % 31,
		         [KTAX_COPY_RX] = i % 2);
	band_sum(fixture->ledger->joint, 0, UINT64_MAX, &all);
	for (size_t i = 0; i + 1 < sizeof(borders) / sizeof(borders[0]); i++) {
		band_sum(fixture->ledger->joint, borders[i], borders[i + 1], &part);
		assert_int_equal(part.requests, borders[i + 1] - borders[i]);
		for (int a = 0; a < KTAX_NACCOUNTS; a++)
			sum[a] += part.sum_ns[a];
	}
	assert_int_equal(all.requests, 12345);
	assert_memory_equal(sum, all.sum_ns, sizeof(sum));
}

static void a_cell_across_a_border_is_split_by_its_requests(void **state)
{
	struct fixture *fixture = *state;
	struct band band;

	REQUESTS(fixture, 4, [KTAX_APP] = 1000, [KTAX_GC] = 2);
	band_sum(fixture->ledger->joint, 0, 3, &band);
	assert_int_equal(band.requests, 3);
	assert_true(band.sum_ns[KTAX_APP] == 3000);
	assert_true(band.sum_ns[KTAX_GC] == 6);
}

static void bands_follow_the_ranks_of_the_total(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;
	const uint64_t requests[FINDINGS_BANDS] = { 5000, 4000, 900, 90, 10 };

	for (int i = 0; i < FINDINGS_BANDS; i++)
		REQUESTS(fixture, requests[i], [KTAX_APP] = 1000, [KTAX_IO] = 10000ULL << (2 * i));
	endpoint = analyze(fixture);
	for (int i = 0; i < FINDINGS_BANDS; i++) {
		assert_int_equal(endpoint->band[i].requests, requests[i]);
		assert_int_equal(endpoint->band[i].mean_ns[KTAX_APP], 1000);
		assert_int_equal(endpoint->band[i].mean_ns[KTAX_IO], 10000ULL << (2 * i));
		assert_int_equal(endpoint->band[i].total_mean_ns,
		                 sum_of_means(endpoint->band[i].mean_ns));
	}
}

/* ---- Percentiles ------------------------------------------------------------------------------
 */

static void percentiles_of_an_account_count_the_requests_without_it(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 985, [KTAX_APP] = 100);
	REQUESTS(fixture, 15, [KTAX_APP] = 100, [KTAX_GC] = 900);
	endpoint = analyze(fixture);
	assert_int_equal(endpoint->account[KTAX_GC].p50_ns, 0);
	assert_int_equal(endpoint->account[KTAX_GC].p99_ns, 900);
	assert_int_equal(endpoint->account[KTAX_APP].p50_ns, 100);
	assert_int_equal(endpoint->account[KTAX_IO].p99_ns, 0);
}

static void the_last_rank_without_an_account_is_zero_and_the_next_is_not(void **state)
{
	struct fixture *fixture = *state;

	REQUESTS(fixture, 990, [KTAX_APP] = 100);
	REQUESTS(fixture, 10, [KTAX_APP] = 100, [KTAX_GC] = 900);
	assert_int_equal(analyze(fixture)->account[KTAX_GC].p99_ns, 0);
	findings_free(fixture->findings);
	REQUESTS(fixture, 1, [KTAX_APP] = 100, [KTAX_GC] = 900);
	assert_int_equal(analyze(fixture)->account[KTAX_GC].p99_ns, 900);
}

static void no_percentile_exceeds_the_slowest_request(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 10, [KTAX_APP] = 1000001);
	endpoint = analyze(fixture);
	assert_int_equal(endpoint->total.p999_ns, 1000001);
	assert_int_equal(endpoint->account[KTAX_APP].p99_ns, 1000001);
}

static void floors_are_percentiles_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	/* The slowest requests by total are not the slowest without the kernel. */
	REQUESTS(fixture, 50, [KTAX_WAKEUP] = 900, [KTAX_KERNEL_RX] = 50, [KTAX_APP] = 50);
	REQUESTS(fixture, 50, [KTAX_APP] = 500);
	endpoint = analyze(fixture);
	assert_int_equal(endpoint->total.p99_ns, 1000);
	assert_int_equal(endpoint->tuned.p99_ns, 500);
	assert_int_equal(endpoint->tuned.p50_ns, 100);
	assert_int_equal(endpoint->bypass.p50_ns, 50);
	assert_float_equal(endpoint->bypass.gain_p50, 0.9, 1e-9);
	assert_float_equal(endpoint->bypass.gain_p99, 0.5, 1e-9);
}

/* ---- User and kernel ----------------------------------------------------------------------------
 */

static void application_time_is_split_by_samples_and_keeps_its_sum(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 1000, [KTAX_APP] = 1001);
	add_samples(fixture, 1001, 60, 30);
	endpoint = analyze(fixture);
	assert_true(endpoint->account[KTAX_APP_KERNEL].present);
	assert_false(endpoint->account[KTAX_APP_KERNEL].has_quantiles);
	assert_int_equal(endpoint->account[KTAX_APP].part.mean_ns, 667);
	assert_int_equal(endpoint->account[KTAX_APP_KERNEL].part.mean_ns, 334);
	assert_int_equal(endpoint->account[KTAX_APP].p50_ns, 1001);
	assert_true(endpoint->cpu_split.made);
	assert_int_equal(endpoint->cpu_split.samples, 90);
	assert_float_equal(endpoint->cpu_split.kernel_share, 1.0 / 3, 1e-12);
	assert_true(endpoint->cpu_split.interval.low < 1.0 / 3);
	assert_true(endpoint->cpu_split.interval.high > 1.0 / 3);
}

static void too_few_samples_make_no_split(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 1000, [KTAX_APP] = 1001);
	add_samples(fixture, 1001, 19, 10);
	endpoint = analyze(fixture);
	assert_false(endpoint->cpu_split.made);
	assert_false(endpoint->account[KTAX_APP_KERNEL].present);
	assert_string_equal(endpoint->account[KTAX_APP_KERNEL].why, "too few CPU samples (29)");
	assert_int_equal(endpoint->account[KTAX_APP].part.mean_ns, 1001);
}

static void without_a_sampler_the_hook_table_says_why(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 1000, [KTAX_APP] = 1001);
	add_hook(fixture, "app_kernel", "", "perf_event_open is forbidden here");
	endpoint = analyze(fixture);
	assert_false(endpoint->account[KTAX_APP_KERNEL].present);
	assert_string_equal(endpoint->account[KTAX_APP_KERNEL].why,
	                    "perf_event_open is forbidden here");
}

static void a_band_with_few_samples_takes_the_ratio_of_all(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 900, [KTAX_APP] = 1000);
	REQUESTS(fixture, 100, [KTAX_APP] = 100000);
	add_samples(fixture, 1000, 100, 0);
	add_samples(fixture, 100000, 90, 10);
	endpoint = analyze(fixture);
	/* 0-50 % has half of the 100 samples of its cell: its own ratio, no kernel time. */
	assert_int_equal(endpoint->band[0].mean_ns[KTAX_APP_KERNEL], 0);
	/* 90-99 % has 90: a tenth is kernel time. 99-100 % has 10: as of all, a twentieth. */
	assert_int_equal(endpoint->band[2].mean_ns[KTAX_APP_KERNEL], 10000);
	assert_int_equal(endpoint->band[4].mean_ns[KTAX_APP_KERNEL], 5000);
	assert_int_equal(endpoint->band[4].mean_ns[KTAX_APP], 95000);
}

static void wilson_intervals_are_those_of_the_textbook(void **state)
{
	struct interval none = interval_wilson(0, 0), zero = interval_wilson(0, 10);
	struct interval few = interval_wilson(3, 10), many = interval_wilson(300, 1000);

	assert_float_equal(none.low, 0, 0);
	assert_float_equal(none.high, 1, 0);
	assert_float_equal(zero.low, 0, 1e-12);
	assert_float_equal(zero.high, 0.27753, 1e-5);
	assert_float_equal(few.low, 0.10779, 1e-5);
	assert_float_equal(few.high, 0.60322, 1e-5);
	assert_float_equal(many.low, 0.27240, 1e-5);
	assert_float_equal(many.high, 0.32912, 1e-5);
}

/* ---- Absence ------------------------------------------------------------------------------------
 */

static void an_account_without_a_hook_is_absent_and_not_zero(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 10, [KTAX_APP] = 1000);
	add_hook(fixture, "nic_rx", "", "loopback has no interrupts");
	add_hook(fixture, "gc", "usdt/python:gc__start", "");
	add_hook(fixture, "gc", "usdt/python:gc__done", "only Python");
	endpoint = analyze(fixture);
	assert_false(endpoint->account[KTAX_NIC_RX].present);
	assert_string_equal(endpoint->account[KTAX_NIC_RX].why, "loopback has no interrupts");
	assert_true(endpoint->account[KTAX_GC].present);
	assert_string_equal(endpoint->account[KTAX_GC].hook,
	                    "usdt/python:gc__start, usdt/python:gc__done");
	assert_string_equal(endpoint->account[KTAX_GC].why, "only Python");
	assert_true(endpoint->account[KTAX_UNKNOWN].present);
	assert_false(endpoint->account[KTAX_TLS].present);
	assert_string_equal(endpoint->account[KTAX_TLS].why, "no hook fed it in this recording");
}

static void requests_are_told_apart_by_what_their_nic_rx_begins_at(void **state)
{
	struct fixture *fixture = *state;
	struct recording_hook *row = &fixture->hooks[0];

	REQUESTS(fixture, 10, [KTAX_NIC_RX] = 7, [KTAX_APP] = 1000);
	add_hook(fixture, "nic_rx", "hwtstamp/ptp0", "stamps of eth0 are right to 0.4 us");
	add_hook(fixture, "nic_rx", "", "");
	add_hook(fixture, "nic_rx", "", "");
	strcpy(row[0].boundary, RECORDING_NIC_STAMP);
	strcpy(row[1].boundary, RECORDING_NIC_UNSTAMPED);
	strcpy(row[2].boundary, RECORDING_NIC_REFUSED);
	row[0].runs = 7;
	row[1].runs = 2;
	row[2].runs = 1;
	assert_string_equal(
		analyze(fixture)->account[KTAX_NIC_RX].why,
		"stamps of eth0 are right to 0.4 us; requests that begin at a stamp: 7, "
		"at the interrupt for want of one: 2, for it could not be right: 1");
}

static void a_group_is_absent_where_all_of_its_accounts_are(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 10, [KTAX_APP] = 1000);
	add_hook(fixture, "nic_rx", "", "loopback has no interrupts");
	add_hook(fixture, "nic_tx", "", "loopback has no driver");
	endpoint = analyze(fixture);
	assert_false(endpoint->group[KTAX_GROUP_NIC].present);
	assert_string_equal(endpoint->group[KTAX_GROUP_NIC].why, "loopback has no interrupts");
	assert_true(endpoint->group[KTAX_GROUP_APPLICATION].present);
}

static void what_was_measured_is_present_whatever_the_hooks_say(void **state)
{
	struct fixture *fixture = *state;

	REQUESTS(fixture, 10, [KTAX_NIC_RX] = 7, [KTAX_APP] = 1000);
	add_hook(fixture, "nic_rx", "", "loopback has no interrupts");
	assert_true(analyze(fixture)->account[KTAX_NIC_RX].present);
}

/* ---- Extremes -----------------------------------------------------------------------------------
 */

static void an_endpoint_without_requests_has_findings_of_zero(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint = analyze(fixture);

	assert_int_equal(endpoint->total.p99_ns, 0);
	assert_int_equal(endpoint->total.mean_ns, 0);
	assert_float_equal(endpoint->group[KTAX_GROUP_KERNEL].part.share, 0, 0);
	assert_string_equal(endpoint->headline, "no request was recorded");
	assert_true(fixture->findings->self.ns_per_request < 0);
}

static void a_recording_without_endpoints_has_no_findings(void **state)
{
	struct fixture *fixture = *state;

	fixture->recording.n_ledgers = 0;
	assert_int_equal(findings_create(&fixture->recording, &fixture->findings), 0);
	assert_int_equal(fixture->findings->n_endpoints, 0);
}

static void a_single_request_is_every_percentile_and_the_slowest_band(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 1, [KTAX_KERNEL_RX] = 250, [KTAX_APP] = 750);
	endpoint = analyze(fixture);
	assert_int_equal(endpoint->total.p50_ns, 1000);
	assert_int_equal(endpoint->total.p999_ns, 1000);
	assert_int_equal(endpoint->band[0].requests, 0);
	assert_int_equal(endpoint->band[4].requests, 1);
	assert_int_equal(endpoint->band[4].total_mean_ns, 1000);
	assert_float_equal(endpoint->group[KTAX_GROUP_KERNEL].part.p99_band_share, 0.25, 1e-12);
	assert_non_null(strstr(endpoint->caution, "p99 and p99.9 not resolved (n = 1)"));
}

static void values_near_the_end_of_64_bits_do_not_overflow(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t huge = 1ULL << 61;
	const struct finding_endpoint *endpoint;

	/* Three of them already exceed 64 bits, as sums over cells do. */
	REQUESTS(fixture, 1, [KTAX_APP] = huge, [KTAX_GC] = huge);
	fixture->ledger->joint[3] = (struct ktax_joint_cell){ .requests = 1 };
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		fixture->ledger->joint[3].sum_ns[i] = UINT64_MAX;
	fixture->ledger->joint[3].cpu_samples_user = UINT64_MAX;
	fixture->ledger->joint[3].cpu_samples_kernel = UINT64_MAX;
	endpoint = analyze(fixture);
	assert_true(endpoint->total.mean_ns > huge);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		assert_true(endpoint->account[i].part.share >= 0);
		assert_true(endpoint->account[i].part.share <= 1);
	}
}

static void the_mean_of_two_huge_totals_is_exact(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t huge = 1ULL << 62;

	REQUESTS(fixture, 1, [KTAX_APP] = huge - 1);
	REQUESTS(fixture, 1, [KTAX_APP] = huge - 3);
	assert_int_equal(analyze(fixture)->total.mean_ns, huge - 2);
}

/* ---- Rates and own cost
 * -------------------------------------------------------------------------- */

static void add_window(struct fixture *fixture, uint64_t second, uint64_t requests)
{
	static struct recording_ledger ledger;
	struct recording_interval interval = {
		.start_realtime_ns = second * 1000000000,
		.length_ns = 1000000000,
		.attached_ns = 100000000,
	};

	strcpy(ledger.endpoint.name, "10.0.0.1:80/tcp");
	ledger.requests = requests;
	findings_add_interval(fixture->findings, &interval, &ledger);
}

static void rates_out_of_windows_come_with_an_interval(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 500, [KTAX_APP] = 1000);
	fixture->recording.sum.length_ns = 5000000000;
	fixture->recording.sum.attached_ns = 500000000;
	endpoint = analyze(fixture);
	assert_true(fixture->findings->self.windowed);
	assert_float_equal(fixture->findings->self.attached_share, 0.1, 1e-12);
	assert_float_equal(endpoint->rate.per_second, 1000, 1e-9);
	for (uint64_t i = 0; i < 5; i++)
		add_window(fixture, 1 + i, 98 + i);
	findings_end_intervals(fixture->findings);
	/* Rates 980, 990, ... 1020: s = 15.81, t(4) = 2.776, half width t * s / sqrt(5) = 19.63. */
	assert_true(endpoint->rate.has_interval);
	assert_int_equal(endpoint->rate.n, 5);
	assert_float_equal(endpoint->rate.interval.low, 1000 - 19.63, 0.01);
	assert_float_equal(endpoint->rate.interval.high, 1000 + 19.63, 0.01);
}

static void two_windows_are_too_few_for_an_interval(void **state)
{
	struct fixture *fixture = *state;

	REQUESTS(fixture, 200, [KTAX_APP] = 1000);
	analyze(fixture);
	add_window(fixture, 1, 90);
	add_window(fixture, 2, 110);
	findings_end_intervals(fixture->findings);
	assert_false(fixture->endpoint->rate.has_interval);
}

static void own_cost_is_per_request_and_of_all_cpus_while_attached(void **state)
{
	struct recording_meta meta[] = { { "cpus", "4" }, { "budget_pct", "2" } };
	struct fixture *fixture = *state;

	fixture->recording.meta = meta;
	fixture->recording.n_meta = 2;
	fixture->recording.sum.probe_ns = 400000;
	fixture->recording.sum.probe_runs = 4000;
	fixture->recording.sum.self_cpu_ns = 3600000;
	REQUESTS(fixture, 1000, [KTAX_APP] = 1000);
	analyze(fixture);
	assert_float_equal(fixture->findings->self.ns_per_request, 400, 1e-9);
	assert_float_equal(fixture->findings->self.cpu_share, 0.001, 1e-9);
	assert_string_equal(fixture->findings->self.budget, "2");
	assert_false(fixture->findings->self.windowed);
}

static void own_cost_that_was_not_measured_is_not_zero(void **state)
{
	struct recording_meta meta[] = { { "cpus", "4" }, { "probe_cost", "unknown" } };
	struct fixture *fixture = *state;

	fixture->recording.meta = meta;
	fixture->recording.n_meta = 1; /* no run of a program in spite of requests */
	fixture->recording.sum.self_cpu_ns = 3600000;
	REQUESTS(fixture, 1000, [KTAX_APP] = 1000);
	analyze(fixture);
	assert_false(fixture->findings->self.measured);
	assert_true(fixture->findings->self.ns_per_request < 0);
	assert_true(fixture->findings->self.cpu_share < 0);
}

static void own_cost_that_cannot_be_measured_is_unknown_without_requests_too(void **state)
{
	struct recording_meta meta[] = { { "cpus", "4" }, { "probe_cost", "unknown" } };
	struct fixture *fixture = *state;

	fixture->recording.meta = meta;
	fixture->recording.n_meta = 2;
	analyze(fixture);
	assert_false(fixture->findings->self.measured);
}

/* ---- Sentences
 * ------------------------------------------------------------------------------------ */

static void the_headline_names_the_largest_group_and_the_kernel(void **state)
{
	struct fixture *fixture = *state;
	const struct finding_endpoint *endpoint;

	REQUESTS(fixture, 1980, [KTAX_KERNEL_RX] = 310, [KTAX_APP] = 640, [KTAX_SERIALIZE] = 50);
	REQUESTS(fixture, 20, [KTAX_KERNEL_RX] = 120, [KTAX_APP] = 900, [KTAX_GC] = 8980);
	endpoint = analyze(fixture);
	assert_string_equal(endpoint->headline,
	                    "application 67 % of the mean, 99 % of the slowest 1 %; "
	                    "kernel stack 28 %, 1.2 % of the slowest 1 %; "
	                    "gc alone 8.2 %, 90 % of the slowest 1 %");
	assert_string_equal(endpoint->caution, "");
	assert_string_equal(fixture->findings->caution, "");
}

static void imbalance_and_losses_are_said_up_front(void **state)
{
	struct fixture *fixture = *state;

	REQUESTS(fixture, 2000, [KTAX_APP] = 1000);
	fixture->ledger->unbalanced = 3;
	fixture->recording.sum.lost_map_full = 7;
	fixture->recording.complete = false;
	analyze(fixture);
	assert_string_equal(fixture->endpoint->caution,
	                    "3 of 2000 requests do not balance, a bug of ktax");
	assert_string_equal(fixture->findings->caution,
	                    "not finished, the recorder was killed or still runs; "
	                    "7 connections not followed (table full)");
}

static void batches_tell_their_mean_size_only_where_it_was_counted(void **state)
{
	struct fixture *fixture = *state;

	REQUESTS(fixture, 10, [KTAX_APP] = 1000);
	fixture->ledger->batches = 4;
	assert_float_equal(analyze(fixture)->mean_batch, 0, 0);
	findings_free(fixture->findings);
	fixture->ledger->batched = 64;
	assert_float_equal(analyze(fixture)->mean_batch, 16, 1e-12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_create, fixture_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(means_of_accounts_add_up_to_the_mean_of_the_total),
		TEST(shares_add_up_to_one),
		TEST(the_kernel_group_tells_what_bypass_and_tuning_could_take),
		TEST(bands_hold_every_request_and_every_nanosecond_once),
		TEST(a_cell_across_a_border_is_split_by_its_requests),
		TEST(bands_follow_the_ranks_of_the_total),
		TEST(percentiles_of_an_account_count_the_requests_without_it),
		TEST(the_last_rank_without_an_account_is_zero_and_the_next_is_not),
		TEST(no_percentile_exceeds_the_slowest_request),
		TEST(floors_are_percentiles_of_their_own),
		TEST(application_time_is_split_by_samples_and_keeps_its_sum),
		TEST(too_few_samples_make_no_split),
		TEST(without_a_sampler_the_hook_table_says_why),
		TEST(a_band_with_few_samples_takes_the_ratio_of_all),
		TEST(wilson_intervals_are_those_of_the_textbook),
		TEST(an_account_without_a_hook_is_absent_and_not_zero),
		TEST(requests_are_told_apart_by_what_their_nic_rx_begins_at),
		TEST(a_group_is_absent_where_all_of_its_accounts_are),
		TEST(what_was_measured_is_present_whatever_the_hooks_say),
		TEST(an_endpoint_without_requests_has_findings_of_zero),
		TEST(a_recording_without_endpoints_has_no_findings),
		TEST(a_single_request_is_every_percentile_and_the_slowest_band),
		TEST(values_near_the_end_of_64_bits_do_not_overflow),
		TEST(the_mean_of_two_huge_totals_is_exact),
		TEST(rates_out_of_windows_come_with_an_interval),
		TEST(two_windows_are_too_few_for_an_interval),
		TEST(own_cost_is_per_request_and_of_all_cpus_while_attached),
		TEST(own_cost_that_was_not_measured_is_not_zero),
		TEST(own_cost_that_cannot_be_measured_is_unknown_without_requests_too),
		TEST(the_headline_names_the_largest_group_and_the_kernel),
		TEST(imbalance_and_losses_are_said_up_front),
		TEST(batches_tell_their_mean_size_only_where_it_was_counted),
	};

	return cmocka_run_group_tests_name("analyze", tests, NULL, NULL);
}
