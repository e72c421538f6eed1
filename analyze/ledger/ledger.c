// SPDX-License-Identifier: GPL-2.0
/*
 * From the ledger of an endpoint to findings. The order matters in one place: the user and kernel
 * parts of application time are split first, in the sums, so that everything that follows (means,
 * shares, groups, bands) sees two accounts that add up to what was measured.
 */
#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headline.h"
#include "quantile.h"

static const unsigned int band_permille[FINDINGS_BANDS + 1] = { 0, 500, 900, 990, 999, 1000 };

static double share_of(wide_ns part, wide_ns total)
{
	return total ? (double)part / (double)total : 0;
}

/* ---- Application time: user and kernel ---------------------------------------------------- */

static struct finding_cpu_split find_split(const struct band *band)
{
	struct finding_cpu_split split = { 0 };
	uint64_t n;

	if (__builtin_add_overflow(band->cpu_samples_user, band->cpu_samples_kernel, &n))
		n = UINT64_MAX;
	split.samples = n;
	/* Where a hook measures app_kernel itself there is nothing to split. */
	split.made = n >= FINDINGS_SAMPLES_LEAST && !band->sum_ns[KTAX_APP_KERNEL];
	split.kernel_share = share_of(band->cpu_samples_kernel, n);
	split.interval = interval_wilson(band->cpu_samples_kernel, n);
	return split;
}

/* Moves the kernel's part from app to app_kernel; what one gets the other loses. */
static void move_kernel_part(struct band *band, uint64_t user, uint64_t kernel)
{
	wide_ns app = band->sum_ns[KTAX_APP], moved;

	/* More than 2^32 samples say nothing more, and could overflow the product. */
	for (; user > UINT32_MAX || kernel > UINT32_MAX; user /= 2, kernel /= 2)
		;
	moved = (app * kernel + (user + kernel) / 2) / (user + kernel);
	band->sum_ns[KTAX_APP] -= moved;
	band->sum_ns[KTAX_APP_KERNEL] += moved;
}

/* By its own samples where it has enough, otherwise by those of all requests. */
static void split_app(struct band *band, const struct band *all)
{
	if (!find_split(all).made)
		return;
	if (!find_split(band).made)
		move_kernel_part(band, all->cpu_samples_user, all->cpu_samples_kernel);
	else
		move_kernel_part(band, band->cpu_samples_user, band->cpu_samples_kernel);
}

/* ---- Where an account's time comes from ---------------------------------------------------- */

static void append(char *text, size_t size, const char *separator, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length ? separator : "", more);
}

/* Notes the programs that feed account @i and what is said of them; true if there is any. */
static bool find_hooks(const struct recording *recording, int i, struct finding_account *account)
{
	for (size_t h = 0; h < recording->n_hooks; h++) {
		const struct recording_hook *hook = &recording->hooks[h];

		if (strcmp(hook->account, ktax_account_info[i].name) != 0)
			continue;
		if (hook->program[0] && !strstr(account->hook, hook->program))
			append(account->hook, sizeof(account->hook), ", ", hook->program);
		if (hook->why[0] && !strstr(account->why, hook->why))
			append(account->why, sizeof(account->why), "; ", hook->why);
	}
	return account->hook[0];
}

static uint64_t count_runs(const struct recording *recording, const char *boundary)
{
	uint64_t runs = 0;

	for (size_t h = 0; h < recording->n_hooks; h++)
		if (!strcmp(recording->hooks[h].boundary, boundary))
			runs += recording->hooks[h].runs;
	return runs;
}

/* Where NICs stamp packets: how many requests begin at what. */
static void tell_nic_stamps(const struct recording *recording, struct finding_account *account)
{
	uint64_t stamped = count_runs(recording, RECORDING_NIC_STAMP);
	uint64_t unstamped = count_runs(recording, RECORDING_NIC_UNSTAMPED);
	uint64_t refused = count_runs(recording, RECORDING_NIC_REFUSED);
	char text[160];

	if (!stamped && !unstamped && !refused)
		return;
	snprintf(text, sizeof(text),
	         "requests that begin at a stamp: %" PRIu64
	         ", at the interrupt for want of one: %" PRIu64
	         ", for it could not be right: %" PRIu64,
	         stamped, unstamped, refused);
	append(account->why, sizeof(account->why), "; ", text);
}

/*
 * An account is absent where nothing fed it, which is not the same as being 0. What was measured
 * is present whatever the hook table says; what remains (unknown) needs no hook.
 */
static void find_presence(const struct recording *recording, const struct band *all, int i,
                          struct finding_account *account)
{
	bool hooked = find_hooks(recording, i, account);

	if (i == KTAX_NIC_RX)
		tell_nic_stamps(recording, account);
	account->present = hooked || all->sum_ns[i] || i == KTAX_UNKNOWN;
	account->has_quantiles = account->present;
	if (!account->present && !account->why[0])
		snprintf(account->why, sizeof(account->why), "no hook fed it in this recording");
}

/* app_kernel is sampled: present where there are enough samples, without percentiles. */
static void find_app_kernel(const struct finding_cpu_split *split, const struct band *measured,
                            struct finding_account *account)
{
	if (measured->sum_ns[KTAX_APP_KERNEL])
		return;
	account->has_quantiles = false;
	account->present = split->made;
	if (split->made)
		snprintf(account->why, sizeof(account->why),
		         "sampled; the percentiles of app are of both together");
	else if (split->samples || account->hook[0] || !account->why[0])
		snprintf(account->why, sizeof(account->why), "too few CPU samples (%llu)",
		         (unsigned long long)split->samples);
}

/* ---- Parts, groups, bands, floors ---------------------------------------------------------- */

/* The sums a part is taken from: all requests, and the slowest 1 % of them. */
struct sums {
	struct band all, slowest;
	wide_ns all_ns, slowest_ns;
	uint64_t mean_ns[KTAX_NACCOUNTS];
};

/* The part that the accounts of @set make. */
static struct finding_part find_part(const struct sums *sums, unsigned int set)
{
	struct finding_part part = { 0 };
	wide_ns all = 0, slowest = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (!(set & KTAX_ACCOUNT_BIT(i)))
			continue;
		all += sums->all.sum_ns[i];
		slowest += sums->slowest.sum_ns[i];
		part.mean_ns += sums->mean_ns[i];
	}
	part.share = share_of(all, sums->all_ns);
	part.p99_band_share = share_of(slowest, sums->slowest_ns);
	return part;
}

static void find_account_quantiles(struct finding_endpoint *endpoint)
{
	const struct recording_ledger *ledger = endpoint->ledger;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		struct finding_account *account = &endpoint->account[i];

		account->p50_ns = quantile_at_permille(&ledger->account[i], ledger->requests, 500,
		                                       ledger->max_ns);
		account->p99_ns = quantile_at_permille(&ledger->account[i], ledger->requests, 990,
		                                       ledger->max_ns);
	}
}

static void find_accounts(const struct recording *recording, const struct band *measured,
                          const struct sums *sums, struct finding_endpoint *endpoint)
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		struct finding_account *account = &endpoint->account[i];

		find_presence(recording, measured, i, account);
		account->part = find_part(sums, KTAX_ACCOUNT_BIT(i));
	}
	find_app_kernel(&endpoint->cpu_split, measured, &endpoint->account[KTAX_APP_KERNEL]);
}

static unsigned int group_set(enum ktax_group group)
{
	unsigned int set = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (ktax_account_info[i].group == group)
			set |= KTAX_ACCOUNT_BIT(i);
	return set;
}

static void find_groups(const struct sums *sums, struct finding_endpoint *endpoint)
{
	unsigned int kernel = group_set(KTAX_GROUP_KERNEL);

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		struct finding_group *group = &endpoint->group[ktax_account_info[i].group];

		group->present |= endpoint->account[i].present;
		if (!group->why)
			group->why = endpoint->account[i].why;
	}
	for (int g = 0; g < KTAX_NGROUPS; g++)
		endpoint->group[g].part = find_part(sums, group_set((enum ktax_group)g));
	endpoint->addressable = find_part(sums, KTAX_ADDRESSABLE_SET);
	endpoint->tunable = find_part(sums, KTAX_TUNABLE_SET);
	endpoint->kernel_addressable = find_part(sums, kernel & KTAX_ADDRESSABLE_SET);
	endpoint->kernel_tunable = find_part(sums, kernel & KTAX_TUNABLE_SET);
}

static void find_band(const struct recording_ledger *ledger, const struct band *measured,
                      unsigned int from, unsigned int to, struct finding_band *finding)
{
	struct band band;

	band_sum(ledger->joint, band_rank(measured->requests, from),
	         band_rank(measured->requests, to), &band);
	split_app(&band, measured);
	finding->from_pct = from / 10.0;
	finding->to_pct = to / 10.0;
	finding->requests = band.requests;
	finding->total_mean_ns = band_means(&band, finding->mean_ns);
}

static void find_bands(const struct band *measured, struct finding_endpoint *endpoint)
{
	for (int i = 0; i < FINDINGS_BANDS; i++)
		find_band(endpoint->ledger, measured, band_permille[i], band_permille[i + 1],
		          &endpoint->band[i]);
	find_band(endpoint->ledger, measured, 990, 1000, &endpoint->slowest);
}

void findings_band(const struct finding_endpoint *endpoint, unsigned int from_permille,
                   unsigned int to_permille, struct finding_band *ret_band)
{
	struct band measured;

	band_sum(endpoint->ledger->joint, 0, UINT64_MAX, &measured);
	find_band(endpoint->ledger, &measured, from_permille, to_permille, ret_band);
}

static double gain(uint64_t floor_ns, uint64_t total_ns)
{
	return total_ns ? 1 - (double)floor_ns / (double)total_ns : 0;
}

static struct finding_floor find_floor(const struct histogram *histogram,
                                       const struct finding_endpoint *endpoint)
{
	const struct recording_ledger *ledger = endpoint->ledger;
	struct finding_floor found;

	found.p50_ns = quantile_at_permille(histogram, ledger->requests, 500, ledger->max_ns);
	found.p99_ns = quantile_at_permille(histogram, ledger->requests, 990, ledger->max_ns);
	found.p999_ns = quantile_at_permille(histogram, ledger->requests, 999, ledger->max_ns);
	found.gain_p50 = gain(found.p50_ns, endpoint->total.p50_ns);
	found.gain_p99 = gain(found.p99_ns, endpoint->total.p99_ns);
	found.gain_p999 = gain(found.p999_ns, endpoint->total.p999_ns);
	return found;
}

static struct finding_quantiles find_total(const struct recording_ledger *ledger, uint64_t mean_ns)
{
	const struct histogram *total = &ledger->total;

	return (struct finding_quantiles){
		.p50_ns = quantile_at_permille(total, ledger->requests, 500, ledger->max_ns),
		.p90_ns = quantile_at_permille(total, ledger->requests, 900, ledger->max_ns),
		.p99_ns = quantile_at_permille(total, ledger->requests, 990, ledger->max_ns),
		.p999_ns = quantile_at_permille(total, ledger->requests, 999, ledger->max_ns),
		.max_ns = ledger->max_ns,
		.mean_ns = mean_ns,
	};
}

/* ---- An endpoint, and all of them ---------------------------------------------------------- */

static void find_sums(const struct ktax_joint_cell *joint, const struct band *measured,
                      struct sums *sums)
{
	uint64_t n = measured->requests;

	sums->all = *measured;
	split_app(&sums->all, measured);
	band_sum(joint, band_rank(n, 990), n, &sums->slowest);
	split_app(&sums->slowest, measured);
	sums->all_ns = band_total(&sums->all);
	sums->slowest_ns = band_total(&sums->slowest);
}

static void find_endpoint(const struct recording *recording, struct finding_endpoint *endpoint)
{
	const struct recording_ledger *ledger = endpoint->ledger;
	struct band measured;
	struct sums sums;

	band_sum(ledger->joint, 0, UINT64_MAX, &measured);
	find_sums(ledger->joint, &measured, &sums);
	endpoint->total = find_total(ledger, band_means(&sums.all, sums.mean_ns));
	endpoint->cpu_split = find_split(&measured);
	find_accounts(recording, &measured, &sums, endpoint);
	find_groups(&sums, endpoint);
	endpoint->tuned = find_floor(&ledger->floor_tuned, endpoint);
	endpoint->bypass = find_floor(&ledger->floor_bypass, endpoint);
	if (ledger->batches)
		endpoint->mean_batch = (double)ledger->batched / (double)ledger->batches;
	if (recording->sum.attached_ns)
		endpoint->rate.per_second =
			(double)ledger->requests * 1e9 / (double)recording->sum.attached_ns;
	headline_write(endpoint);
}

void findings_detail(struct finding_endpoint *endpoint)
{
	struct band measured;

	band_sum(endpoint->ledger->joint, 0, UINT64_MAX, &measured);
	find_account_quantiles(endpoint);
	find_bands(&measured, endpoint);
}

static uint64_t meta_number(const struct recording *recording, const char *key)
{
	const char *text = recording_meta(recording, key);

	return text ? strtoull(text, NULL, 10) : 0;
}

static struct finding_steps find_steps(const struct recording *recording)
{
	struct finding_steps steps = {
		.calls = recording->sum.stepped,
		.moved_ns = recording->sum.stepped_ns,
		.ns = meta_number(recording, "step_ns"),
		.range = { (double)meta_number(recording, "step_low_ns"),
		           (double)meta_number(recording, "step_high_ns") },
	};

	steps.measured = steps.ns > 0;
	return steps;
}

static struct finding_self find_self(const struct recording *recording, uint64_t requests)
{
	const struct recording_interval *sum = &recording->sum;
	const char *cpus_text = recording_meta(recording, "cpus");
	double cpus = cpus_text ? strtod(cpus_text, NULL) : 0;
	struct finding_self self = { .ns_per_request = -1, .cpu_share = -1 };

	/* Before the first measurement ends, after a second, no run is counted either. */
	self.measured = !recording_meta(recording, "probe_cost") && (sum->probe_runs || !requests);
	if (self.measured && requests)
		self.ns_per_request = (double)sum->probe_ns / (double)requests;
	if (self.measured && cpus > 0 && sum->attached_ns)
		self.cpu_share = (double)(sum->probe_ns + sum->self_cpu_ns) /
		                 ((double)sum->attached_ns * cpus);
	self.attached_share = share_of(sum->attached_ns, sum->length_ns);
	self.windowed = sum->attached_ns < sum->length_ns;
	self.budget = recording_meta(recording, "budget_pct");
	self.steps = find_steps(recording);
	return self;
}

int findings_create_brief(const struct recording *recording, struct findings **ret_findings)
{
	struct findings *findings = calloc(1, sizeof(*findings));
	uint64_t requests = 0;

	if (!findings)
		return -ENOMEM;
	findings->recording = recording;
	findings->n_endpoints = recording->n_ledgers;
	findings->endpoints = calloc(recording->n_ledgers + 1, sizeof(findings->endpoints[0]));
	if (!findings->endpoints) {
		free(findings);
		return -ENOMEM;
	}
	for (size_t i = 0; i < findings->n_endpoints; i++) {
		findings->endpoints[i].ledger = &recording->ledgers[i];
		find_endpoint(recording, &findings->endpoints[i]);
		requests += recording->ledgers[i].requests;
	}
	findings->self = find_self(recording, requests);
	headline_write_caution(findings);
	*ret_findings = findings;
	return 0;
}

int findings_create(const struct recording *recording, struct findings **ret_findings)
{
	int error = findings_create_brief(recording, ret_findings);

	for (size_t i = 0; !error && i < (*ret_findings)->n_endpoints; i++)
		findings_detail(&(*ret_findings)->endpoints[i]);
	return error;
}

void findings_free(struct findings *findings)
{
	if (!findings)
		return;
	free(findings->endpoints);
	free(findings);
}

/* ---- Rates out of windows -------------------------------------------------------------------- */

void findings_add_interval(struct findings *findings, const struct recording_interval *interval,
                           const struct recording_ledger *ledger)
{
	double seconds = (double)interval->attached_ns / 1e9;

	/* An endpoint without a request in an interval is not visited: it had none in its window.
	 */
	if (interval->start_realtime_ns != findings->last_window)
		ratio_add(&findings->windows, 0, seconds);
	findings->last_window = interval->start_realtime_ns;
	for (size_t i = 0; i < findings->n_endpoints; i++)
		if (!strcmp(findings->endpoints[i].ledger->endpoint.name, ledger->endpoint.name))
			ratio_add(&findings->endpoints[i].windows, (double)ledger->requests,
			          seconds);
}

void findings_end_intervals(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_endpoints; i++) {
		struct finding_rate *rate = &findings->endpoints[i].rate;
		struct ratio *windows = &findings->endpoints[i].windows;

		windows->n = findings->windows.n;
		windows->weight = findings->windows.weight;
		windows->weight2 = findings->windows.weight2;
		rate->n = windows->n;
		rate->has_interval = ratio_interval(windows, &rate->interval) == 0;
	}
}
