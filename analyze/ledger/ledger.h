/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording says: findings per endpoint, ready to be printed.
 *
 * Sums come from the joint table and are exact; a mean is a sum over the number of requests,
 * rounded so that the accounts' means add up to the total's (bands.h). Percentiles come from the
 * histograms, over all requests, those that spent nothing on the account included.
 */
#ifndef KTAX_LEDGER_H
#define KTAX_LEDGER_H

#include <stdbool.h>

#include "bands.h"
#include "interval.h"
#include "recording.h"

#define FINDINGS_BANDS 5
/* CPU samples below which application time is not split into user and kernel. */
#define FINDINGS_SAMPLES_LEAST 30

struct finding_quantiles {
	uint64_t p50_ns, p90_ns, p99_ns, p999_ns, max_ns, mean_ns;
};

/* A part of the requests' time. Shares are 0..1, of the time of all and of the slowest 1 %. */
struct finding_part {
	double share;
	uint64_t mean_ns;
	double p99_band_share;
};

struct finding_account {
	bool present; /* false: no hook saw it; only .why means something */
	struct finding_part part;
	bool has_quantiles; /* false where sampled: see .why */
	uint64_t p50_ns, p99_ns;
	char hook[128]; /* programs that fed it, "" for what is a remainder */
	char why[320];  /* why it, or its percentiles, are absent; or what its hook misses */
};

struct finding_group {
	bool present; /* any of its accounts is */
	struct finding_part part;
	const char *why; /* where absent */
};

/*
 * On-CPU application time is measured, its user and kernel parts are sampled: app_kernel is
 * @kernel_share of it.
 */
struct finding_cpu_split {
	bool made; /* from at least FINDINGS_SAMPLES_LEAST samples */
	uint64_t samples;
	double kernel_share;
	struct interval interval; /* 95 %, Wilson */
};

struct finding_band {
	double from_pct, to_pct;
	uint64_t requests;
	uint64_t total_mean_ns, mean_ns[KTAX_NACCOUNTS];
};

/* What would remain of the requests; gains are 1 - floor / total, 0..1. */
struct finding_floor {
	uint64_t p50_ns, p99_ns, p999_ns;
	double gain_p50, gain_p99, gain_p999;
};

struct finding_rate {
	double per_second; /* while attached */
	bool has_interval; /* attached in windows, and enough of them */
	struct interval interval;
	size_t n; /* windows */
};

struct finding_endpoint {
	const struct recording_ledger *ledger; /* its name and plain counts; the recording's */
	struct finding_quantiles total;
	struct finding_account account[KTAX_NACCOUNTS];
	struct finding_group group[KTAX_NGROUPS];
	struct finding_part addressable, tunable;               /* of all accounts */
	struct finding_part kernel_addressable, kernel_tunable; /* of the kernel group */
	struct finding_cpu_split cpu_split;
	struct finding_band band[FINDINGS_BANDS];
	struct finding_band slowest; /* 1 %: the last two bands */
	struct finding_floor tuned, bypass;
	double mean_batch; /* requests per batch, 0 where they were not counted */
	struct finding_rate rate;
	char headline[320]; /* one sentence, without a period */
	char caution[192];  /* what keeps it from being taken at its word, or "" */
	struct ratio windows;
};

/* Probes of spans whose instruction the kernel single-stepped. */
struct finding_steps {
	uint64_t calls;
	uint64_t moved_ns; /* of the accounts they fell into, to unknown */
	bool measured;     /* what one costs: */
	uint64_t ns;
	struct interval range; /* of 95 % of the measurements, ns */
};

/* What ktax itself cost. */
struct finding_self {
	bool measured;         /* false: what the programs took is not known, nor what follows */
	double ns_per_request; /* in its BPF programs; negative where there was no request */
	double cpu_share;      /* of all CPUs while attached, 0..1; negative where unknown */
	double attached_share; /* of the recording */
	bool windowed;         /* not attached all the time */
	const char *budget;    /* limit asked for, per cent of the CPUs, or NULL */
	struct finding_steps steps;
};

struct findings {
	const struct recording *recording;
	size_t n_endpoints;
	struct finding_endpoint *endpoints; /* by number of requests, most first */
	struct finding_self self;
	char caution[320]; /* what holds for the whole recording, or "" */
	struct ratio windows;
	uint64_t last_window;
};

/* Computes all but the intervals of rates. @recording must outlive the findings. -ENOMEM. */
int findings_create(const struct recording *recording, struct findings **ret_findings);
/*
 * The same without what takes longest and is looked at one endpoint at a time: the percentiles of
 * accounts, and the bands. findings_detail() adds them.
 */
int findings_create_brief(const struct recording *recording, struct findings **ret_findings);
void findings_detail(struct finding_endpoint *endpoint);
void findings_free(struct findings *findings);

/* Another band of an endpoint's requests, such as those around the median: 450 to 550. */
void findings_band(const struct finding_endpoint *endpoint, unsigned int from_permille,
                   unsigned int to_permille, struct finding_band *ret_band);

/*
 * For the rates of a recording that was attached in windows: add every interval and endpoint in
 * the order of recording_for_each_interval(), then call findings_end_intervals() once.
 */
void findings_add_interval(struct findings *findings, const struct recording_interval *interval,
                           const struct recording_ledger *ledger);
void findings_end_intervals(struct findings *findings);

#endif
