// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of verdicts, on made-up requests and A/B results: each verdict, each refusal, and that
 * more evidence is never what keeps a bypass from being refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counterfactual_world.h"
#include "decision.h"

#define ROUNDS    20
#define INTERVALS 12
#define NOW_S     1.8e9
#define RATE      500

enum { KERNEL, TUNED, AF_XDP, DPDK, ARMS };

struct fixture {
	struct world *world;
	struct finding_endpoint *endpoint;
	char *sources[1];
	struct recording_meta meta[6];
	struct policy policy;
	struct ab_document ab;
	struct ab_document_arm arm[ARMS];
	double ns[ARMS][POLICY_METRICS][ROUNDS];
	struct decision_input input;
};

/* Mean times of a request, exponential but for its half. */
struct shape {
	double wakeup_us, kernel_us, app_us, gc_us; /* gc: of every 20th */
};

/* 40 us of 44 are the kernel's, and no thread sleeps. */
static const struct shape never_asleep = { 0.3, 33, 3, 0 };
static const struct shape sleeper = { 20, 8, 4, 0 };
static const struct shape application = { 10, 8, 1000, 0 };
static const struct shape pauses = { 5, 8, 30, 900 };

static uint64_t around(double us)
{
	return (uint64_t)(us * 500) + exponential_us(us / 2);
}

static struct world *make_world(const struct shape *shape)
{
	struct world *world = world_create();

	random_state = 4711;
	for (int i = 0; i < INTERVALS; i++, world_next_interval(world))
		for (int r = 0; r < RATE; r++)
			ADD(world, [KTAX_WAKEUP] = around(shape->wakeup_us),
			    [KTAX_KERNEL_RX] = around(shape->kernel_us / 2),
			    [KTAX_KERNEL_TX] = around(shape->kernel_us / 2),
			    [KTAX_APP] = around(shape->app_us),
			    [KTAX_GC] = r % 20 ? 0 : around(shape->gc_us));
	return world;
}

/* A world takes a while to compute: each shape's is kept, with what tests change of it. */
static struct kept {
	const struct shape *shape;
	struct world *world, as_computed;
	struct finding_endpoint endpoint;
	struct counterfactual counterfactual;
} kept[4];

static struct world *world_of(const struct shape *shape)
{
	struct kept *keep = kept;

	while (keep->shape && keep->shape != shape)
		keep++;
	assert_true(keep < kept + sizeof(kept) / sizeof(kept[0]));
	if (!keep->shape) {
		keep->shape = shape;
		keep->world = make_world(shape);
		world_compute(keep->world);
		keep->as_computed = *keep->world;
		keep->endpoint = keep->world->findings->endpoints[0];
		keep->counterfactual = *keep->world->counterfactual;
	}
	*keep->world = keep->as_computed;
	keep->world->findings->endpoints[0] = keep->endpoint;
	*keep->world->counterfactual = keep->counterfactual;
	return keep->world;
}

static int forget_worlds(void **state)
{
	for (struct kept *keep = kept; keep < kept + sizeof(kept) / sizeof(kept[0]); keep++)
		if (keep->shape)
			world_free(keep->world);
	return 0;
}

static void set_meta(struct fixture *fixture, const char *key, const char *value)
{
	struct recording *recording = &fixture->world->recording;
	size_t i = 0;

	while (i < recording->n_meta && strcmp(fixture->meta[i].key, key) != 0)
		i++;
	recording->n_meta += i == recording->n_meta;
	fixture->meta[i].key = (char *)key;
	fixture->meta[i].value = (char *)value;
}

static void describe_recording(struct fixture *fixture)
{
	struct recording *recording = &fixture->world->recording;

	fixture->sources[0] = (char *)"made-up.ktax";
	recording->sources = fixture->sources;
	recording->meta = fixture->meta;
	recording->complete = recording->same_hooks = recording->same_host = true;
	recording->sum.start_realtime_ns = (uint64_t)((NOW_S - 3600) * 1e9);
	recording->sum.length_ns = recording->sum.attached_ns = INTERVALS * SECOND_NS;
	set_meta(fixture, "hostname", "box");
	set_meta(fixture, "kernel", "6.1.0");
	set_meta(fixture, "cpu_model", "A CPU");
	set_meta(fixture, "nics", "none");
	fixture->world->all.bytes_in = fixture->world->all.bytes_out =
		fixture->world->all.requests * 64;
}

/* Round trips at p50 with 1 % of noise; p99 is half as much again. NAN: no such arm. */
static void set_round_trip(struct fixture *fixture, int arm, double ns)
{
	fixture->arm[arm].skipped = isnan(ns);
	for (int r = 0; r < ROUNDS; r++) {
		double noisy = ns * (0.99 + 0.02 * random_share());

		fixture->ns[arm][POLICY_P50][r] = noisy;
		fixture->ns[arm][POLICY_P99][r] = 1.5 * noisy;
	}
}

static void set_change(struct fixture *fixture, int arm, int metric, double change)
{
	fixture->arm[arm].change[metric] =
		(struct ab_document_change){ true,   change, change,
		                             change, ROUNDS, AB_DOCUMENT_BETTER };
}

static void describe_ab(struct fixture *fixture)
{
	static const char *const paths[ARMS] = { "kernel", "kernel-spin", "af_xdp", "dpdk" };
	static const enum ab_role roles[ARMS] = { AB_ROLE_BASELINE, AB_ROLE_TUNED, AB_ROLE_AF_XDP,
		                                  AB_ROLE_DPDK };
	struct ab_document *ab = &fixture->ab;

	*ab = (struct ab_document){ .ktax_version = "test",
		                    .created_s = NOW_S - 3600,
		                    .hostname = "box",
		                    .kernel = "6.1.0",
		                    .cpu_model = "A CPU",
		                    .has_link = true,
		                    .own_links = true,
		                    .driver = "veth",
		                    .transport = "tcp",
		                    .rate_pps = RATE,
		                    .flows = 16,
		                    .size_min_bytes = 106,
		                    .size_max_bytes = 106,
		                    .size_mean_bytes = 106,
		                    .confidence = 0.95,
		                    .rounds = ROUNDS,
		                    .verdict = AB_DOCUMENT_BETTER,
		                    .n_arms = ARMS,
		                    .arm = fixture->arm };
	for (int i = 0; i < ARMS; i++) {
		struct ab_document_arm *arm = &fixture->arm[i];

		strcpy(arm->path, paths[i]);
		arm->role = roles[i];
		arm->cpu_responder_ns = 20000;
		arm->cpu_kernel_ns = NAN;
		arm->cores_polling = i != KERNEL;
		arm->block_ns[POLICY_P50] = fixture->ns[i][POLICY_P50];
		arm->block_ns[POLICY_P99] = fixture->ns[i][POLICY_P99];
		set_change(fixture, i, AB_DOCUMENT_LOSS, 0);
		set_change(fixture, i, AB_DOCUMENT_CPU, 0.2);
	}
	set_round_trip(fixture, KERNEL, 40000);
	set_round_trip(fixture, TUNED, 36000);
	set_round_trip(fixture, AF_XDP, 8000);
	set_round_trip(fixture, DPDK, NAN);
}

static struct fixture *make(const struct shape *shape)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->world = world_of(shape);
	random_state = 815;
	describe_recording(fixture);
	fixture->endpoint = &fixture->world->findings->endpoints[0];
	fixture->endpoint->rate.per_second = RATE;
	fixture->policy = policy_default;
	describe_ab(fixture);
	fixture->input = (struct decision_input){
		.recording = &fixture->world->recording,
		.endpoint = fixture->endpoint,
		.counterfactual = fixture->world->counterfactual,
		.policy = &fixture->policy,
		.ab = &fixture->ab,
		.ab_path = "ab.json",
		.now_s = NOW_S,
	};
	return fixture;
}

static void done(struct fixture *fixture)
{
	free(fixture);
}

static struct decision *decide(const struct fixture *fixture)
{
	struct decision *decision;

	assert_int_equal(decision_make(&fixture->input, &decision), 0);
	assert_true(decision->n_reasons > 0);
	for (size_t i = 0; i < decision->n_reasons; i++) {
		assert_true(decision->reason[i].text[0] != '\0');
		assert_true(strchr(decision->reason[i].source, ':') != NULL);
	}
	/* Requests that do not balance are a bug: no command settles that. */
	if (decision->verdict == DECISION_NOT_ENOUGH_EVIDENCE &&
	    !strstr(decision->reason[0].text, "do not balance"))
		assert_true(decision->n_commands > 0);
	return decision;
}

static enum decision_verdict verdict_of(const struct fixture *fixture)
{
	struct decision *decision = decide(fixture);
	enum decision_verdict verdict = decision->verdict;

	decision_free(decision);
	return verdict;
}

/* Any of the reasons has @text in it. */
static void assert_verdict(const struct fixture *fixture, enum decision_verdict verdict,
                           const char *text)
{
	struct decision *decision = decide(fixture);
	bool found = false;

	if (decision->verdict != verdict)
		fail_msg("not for \"%s\", but %s: %s", text,
		         decision_verdict_name[decision->verdict], decision->reason[0].text);
	for (size_t i = 0; i < decision->n_reasons; i++)
		found |= strstr(decision->reason[i].text, text) != NULL;
	if (!found)
		fail_msg("no \"%s\" in: %s", text, decision->reason[0].text);
	decision_free(decision);
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

static void test_each_verdict(void **state)
{
	struct fixture *fixture = make(&never_asleep);

	assert_verdict(fixture, DECISION_BYPASS_AF_XDP, "af_xdp: p99 would go from");
	set_round_trip(fixture, AF_XDP, 24000);
	set_round_trip(fixture, DPDK, 5000);
	assert_verdict(fixture, DECISION_BYPASS_DPDK, "dpdk: p99 would go from");
	set_round_trip(fixture, AF_XDP, 5200);
	assert_verdict(fixture, DECISION_BYPASS_AF_XDP, "af_xdp gains up to");
	set_round_trip(fixture, AF_XDP, 40000);
	set_round_trip(fixture, DPDK, 40000);
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "it is less, with its whole interval");
	fixture->input.ab = NULL;
	assert_verdict(fixture, DECISION_NOT_ENOUGH_EVIDENCE, "there is no A/B");
	done(fixture);
	fixture = make(&sleeper);
	set_round_trip(fixture, TUNED, 9000);
	assert_verdict(fixture, DECISION_TUNE_KERNEL, "kernel-spin gains up to");
	done(fixture);
	fixture = make(&application);
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "fix app first");
	fixture->input.ab = NULL;
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "fix app first");
	done(fixture);
	fixture = make(&pauses);
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "fix gc first");
	done(fixture);
}

static void test_exit_codes(void **state)
{
	assert_int_equal(decision_exit(DECISION_BYPASS_DPDK), 0);
	assert_int_equal(decision_exit(DECISION_BYPASS_AF_XDP), 0);
	assert_int_equal(decision_exit(DECISION_TUNE_KERNEL), 3);
	assert_int_equal(decision_exit(DECISION_FIX_APPLICATION), 3);
	assert_int_equal(decision_exit(DECISION_NOT_ENOUGH_EVIDENCE), 4);
}

/* ---- Refusals: each takes evidence away from what is approved -------------------------------- */

static void refuse_unbalanced(struct fixture *f)
{
	f->world->all.unbalanced = 600;
}

static void refuse_incomplete(struct fixture *f)
{
	f->world->all.incomplete = 600;
}

static void refuse_lost(struct fixture *f)
{
	f->world->recording.sum.lost_map_full = 600;
}

static void refuse_missed(struct fixture *f)
{
	f->world->recording.sum.missed_stamps = 600;
}

static void refuse_clock(struct fixture *f)
{
	f->world->recording.sum.clock_errors = 600;
}

static void refuse_old(struct fixture *f)
{
	f->input.now_s = NOW_S + 86400 * 365;
}

static void refuse_future(struct fixture *f)
{
	f->input.now_s = NOW_S - 86400 * 2;
}

static void refuse_few(struct fixture *f)
{
	f->world->counterfactual->enough[COUNTERFACTUAL_P99] = false;
}

static void refuse_short(struct fixture *f)
{
	f->world->counterfactual->has_intervals = false;
}

static void refuse_hosts(struct fixture *f)
{
	f->world->recording.n_sources = 2;
	f->world->recording.same_host = false;
}

static void refuse_other_host(struct fixture *f)
{
	set_meta(f, "hostname", "elsewhere");
}

static void refuse_other_kernel(struct fixture *f)
{
	strcpy(f->ab.kernel, "5.4.0");
}

static void refuse_other_cpu(struct fixture *f)
{
	strcpy(f->ab.cpu_model, "Another CPU");
}

static void refuse_unnamed_host(struct fixture *f)
{
	f->ab.hostname[0] = '\0';
}

static void refuse_nic(struct fixture *f)
{
	set_meta(f, "nics", "eth0 mlx5_core");
	f->endpoint->account[KTAX_NIC_TX].present = false; /* else it tells: 0 without a NIC */
}

static void refuse_loopback(struct fixture *f)
{
	f->world->all.loopback = f->world->all.requests / 100;
}

static void refuse_ports(struct fixture *f)
{
	f->ab.own_links = false;
	strcpy(f->ab.driver, "ixgbe");
}

static void refuse_no_link(struct fixture *f)
{
	f->ab.has_link = false;
}

static void refuse_invalid(struct fixture *f)
{
	f->ab.verdict = AB_DOCUMENT_INVALID;
}

static void refuse_undated(struct fixture *f)
{
	f->ab.created_s = NAN;
}

static void refuse_old_ab(struct fixture *f)
{
	f->ab.created_s = NOW_S - 86400 * 365;
}

static void refuse_rate(struct fixture *f)
{
	f->ab.rate_pps = 100 * RATE;
}

static void refuse_no_rate(struct fixture *f)
{
	f->ab.rate_pps = NAN;
}

static void refuse_size(struct fixture *f)
{
	f->ab.size_mean_bytes = 1442;
}

static void refuse_no_size(struct fixture *f)
{
	f->ab.size_mean_bytes = NAN;
}

static void refuse_no_blocks(struct fixture *f)
{
	f->arm[KERNEL].block_ns[POLICY_P50] = NULL;
}

static void refuse_no_p99(struct fixture *f)
{
	f->arm[AF_XDP].block_ns[POLICY_P99] = NULL;
}

static void refuse_unequal(struct fixture *f)
{
	f->arm[AF_XDP].unequal = true;
}

static void refuse_untuned(struct fixture *f)
{
	f->arm[TUNED].skipped = true;
}

static void refuse_rejected(struct fixture *f)
{
	for (int r = 5; r < ROUNDS; r++)
		f->ns[AF_XDP][POLICY_P99][r] = f->ns[AF_XDP][POLICY_P50][r] = NAN;
}

static void refuse_no_loss(struct fixture *f)
{
	f->arm[AF_XDP].change[AB_DOCUMENT_LOSS].present = false;
}

static void refuse_nothing_ran(struct fixture *f)
{
	f->arm[AF_XDP].skipped = f->arm[TUNED].skipped = true;
}

static const struct {
	const char *says;
	void (*take_away)(struct fixture *fixture);
} refusals[] = {
	{ "do not balance", refuse_unbalanced },
	{ "arrival or end was not seen", refuse_incomplete },
	{ "were not seen", refuse_lost },
	{ "were not seen", refuse_missed },
	{ "were not seen", refuse_clock },
	{ "days old", refuse_old },
	{ "in the future", refuse_future },
	{ "too few for p99: it takes 1000", refuse_few },
	{ "too short", refuse_short },
	{ "of several hosts", refuse_hosts },
	{ "it must run on elsewhere", refuse_other_host },
	{ "ran on another host: box, kernel 5.4.0", refuse_other_kernel },
	{ "Another CPU", refuse_other_cpu },
	{ "ran on another host: unknown", refuse_unnamed_host },
	{ "links within the host (veth)", refuse_nic },
	{ "1.0 % of the recorded requests came over loopback", refuse_loopback },
	{ "a NIC (ixgbe)", refuse_ports },
	{ "does not say over which link", refuse_no_link },
	{ "is not valid", refuse_invalid },
	{ "is not known", refuse_undated },
	{ "days old", refuse_old_ab },
	{ "too far apart", refuse_rate },
	{ "an unknown one", refuse_no_rate },
	{ "too far apart", refuse_size },
	{ "an unknown one", refuse_no_size },
	{ "no figures of single blocks", refuse_no_blocks },
	{ "cannot be predicted", refuse_no_p99 },
	{ "unequally", refuse_unequal },
	{ "no tuned kernel", refuse_untuned },
	{ "cannot be predicted", refuse_rejected },
	{ "its loss changes by not measured", refuse_no_loss },
	{ "ran", refuse_nothing_ran },
};

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static void test_each_refusal(void **state)
{
	for (size_t i = 0; i < REFUSALS; i++) {
		struct fixture *fixture = make(&never_asleep);

		/* What nobody says cannot be what decides. */
		refusals[i].take_away(fixture);
		assert_verdict(fixture, DECISION_NOT_ENOUGH_EVIDENCE, refusals[i].says);
		done(fixture);
	}
}

/* Any two at once. */
static void test_taking_evidence_away_never_approves(void **state)
{
	for (size_t i = 0; i < REFUSALS; i++) {
		struct fixture *fixture = make(&never_asleep);

		refusals[i].take_away(fixture);
		refusals[(i + 7) % REFUSALS].take_away(fixture);
		assert_int_not_equal(decision_exit(verdict_of(fixture)), 0);
		done(fixture);
	}
}

/* ---- Monotone ------------------------------------------------------------------------------- */

static void test_a_faster_path_is_never_judged_worse(void **state)
{
	struct fixture *fixture = make(&never_asleep);
	double gain_before = -INFINITY;
	enum decision_answer answer_before = DECISION_NO;
	bool approved = false;

	for (double ns = 48000; ns >= 1000; ns -= 1000) {
		struct decision *decision;
		const struct decision_path *path;

		/* The same noise each time: only the path changes. */
		random_state = 99;
		set_round_trip(fixture, AF_XDP, ns);
		decision = decide(fixture);
		path = &decision->path[AF_XDP - 1];
		assert_true(path->known[COUNTERFACTUAL_P99]);
		assert_true(path->gain[COUNTERFACTUAL_P99].value >= gain_before);
		assert_true(path->answer >= answer_before);
		assert_true(!approved || decision_exit(decision->verdict) == 0);
		gain_before = path->gain[COUNTERFACTUAL_P99].value;
		answer_before = path->answer;
		approved |= decision_exit(decision->verdict) == 0;
		decision_free(decision);
	}
	assert_true(approved);
	done(fixture);
}

static void test_a_harder_policy_never_approves_more(void **state)
{
	struct fixture *fixture = make(&never_asleep);
	bool approved = true;

	for (double need = 0.1; need < 0.99; need += 0.04) {
		bool now;

		fixture->policy.need = need;
		now = decision_exit(verdict_of(fixture)) == 0;
		assert_true(approved || !now);
		approved = now;
	}
	assert_false(approved);
	done(fixture);
}

/* ---- Limits --------------------------------------------------------------------------------- */

static void test_limits_refuse(void **state)
{
	struct fixture *fixture = make(&never_asleep);

	set_change(fixture, AF_XDP, AB_DOCUMENT_LOSS, 0.05);
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "its loss changes by");
	set_change(fixture, AF_XDP, AB_DOCUMENT_LOSS, 0);
	fixture->policy.cpu_limit = 0.1;
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "its cpu changes by");
	fixture->policy.cpu_limit = INFINITY;
	fixture->policy.cores_limit = 0;
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "it polls 1 cores");
	done(fixture);
}

/* What one core was shown to carry is a lower bound: more cores than the limit by it are a doubt.
 */
static void test_a_lower_bound_of_capacity_refuses_nothing(void **state)
{
	struct fixture *fixture = make(&never_asleep);
	struct sweep_document sweep = { .run = fixture->ab, .has_run = true, .n_arms = 1 };

	fixture->policy.cores_limit = 2;
	fixture->input.peak_per_second = 5 * RATE;
	fixture->input.peak_window = "10 ms";
	assert_verdict(fixture, DECISION_NOT_ENOUGH_EVIDENCE, "may carry more than it was shown");
	strcpy(sweep.arm[0].path, "af_xdp");
	sweep.arm[0].lossless_pps = 3 * RATE;
	fixture->input.sweep = &sweep;
	fixture->input.sweep_path = "sweep.json";
	assert_int_equal(verdict_of(fixture), DECISION_BYPASS_AF_XDP);
	sweep.arm[0].lossless_pps = 1.5 * RATE;
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "it polls 4 cores");
	sweep.arm[0].at_least = true;
	assert_verdict(fixture, DECISION_NOT_ENOUGH_EVIDENCE, "may carry more than it was shown");
	/* One that does not belong to the A/B is not believed. */
	sweep.arm[0].at_least = false;
	sweep.arm[0].lossless_pps = 3 * RATE;
	strcpy(sweep.run.hostname, "elsewhere");
	assert_verdict(fixture, DECISION_NOT_ENOUGH_EVIDENCE, "may carry more than it was shown");
	done(fixture);
}

static void test_goals(void **state)
{
	struct fixture *fixture = make(&never_asleep);

	fixture->policy.need = -INFINITY;
	fixture->policy.slo_ns[POLICY_P99] = 45000;
	assert_int_equal(verdict_of(fixture), DECISION_BYPASS_AF_XDP);
	fixture->policy.slo_ns[POLICY_P99] = 100;
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "no path meets it");
	fixture->policy.slo_ns[POLICY_P99] = 1e9;
	assert_verdict(fixture, DECISION_FIX_APPLICATION, "nothing has to change");
	done(fixture);
}

static void test_a_policy_that_says_nothing_is_refused(void **state)
{
	struct policy policy = policy_default;
	char why[256];

	assert_int_equal(decision_check_policy(&policy, why, sizeof(why)), 0);
	policy.metric = POLICY_P90;
	assert_int_not_equal(decision_check_policy(&policy, why, sizeof(why)), 0);
	assert_non_null(strstr(why, "p90"));
	policy.metric = POLICY_P99;
	policy.need = -INFINITY;
	assert_int_not_equal(decision_check_policy(&policy, why, sizeof(why)), 0);
	policy.slo_ns[POLICY_P50] = 1e6;
	assert_int_equal(decision_check_policy(&policy, why, sizeof(why)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_verdict),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_each_refusal),
		cmocka_unit_test(test_taking_evidence_away_never_approves),
		cmocka_unit_test(test_a_faster_path_is_never_judged_worse),
		cmocka_unit_test(test_a_harder_policy_never_approves_more),
		cmocka_unit_test(test_limits_refuse),
		cmocka_unit_test(test_a_lower_bound_of_capacity_refuses_nothing),
		cmocka_unit_test(test_goals),
		cmocka_unit_test(test_a_policy_that_says_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
