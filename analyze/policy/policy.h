/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy: what a gain must be to be worth it. One INI file for `ktax ab` and `ktax decide`
 * (samples/policy.ini has every key with its unit and default):
 *
 *	[gain] [limit] [statistics]	both: what decides, by how much, at what loss and CPU time
 *	[slo] [tuning] [application]	ktax decide: goals, and what goes before bypass
 *	[evidence] [economics]		ktax decide: what it believes, and what it costs
 *
 * All keys may be left out. Those of [economics] have no default: without its inputs there is no
 * figure. The limit of CPU time is "none" by default: a path that polls takes its core whether or
 * not there are requests, so its figure says more of the rate than of the path.
 */
#ifndef KTAX_POLICY_H
#define KTAX_POLICY_H

#include <stddef.h>

/* What can decide. The same order as in enum ab_metric. */
enum policy_metric { POLICY_P50, POLICY_P90, POLICY_P99, POLICY_P999, POLICY_METRICS };

extern const char *const policy_metric_name[POLICY_METRICS];  /* "p999": as in JSON */
extern const char *const policy_metric_title[POLICY_METRICS]; /* "p99.9": for people */

/* NAN: not given. Money is in units of the currency. */
struct policy_economics {
	char currency[16];
	double hosts;
	double core_hour;   /* price of one core for one hour */
	double engineering; /* once */
	double running;     /* per year: what keeping it costs */
	double latency;     /* worth of one microsecond less, per year, of all hosts together */
	double payback;     /* months, at most */
};

struct policy {
	int metric;                   /* enum policy_metric */
	double margin;                /* shares: 0.1 is 10 % */
	double need;                  /* -INFINITY: none */
	double need_ns;               /* how much lower in time; 0: anything */
	double loss_limit, cpu_limit; /* INFINITY: none */
	double cores_limit;           /* that poll, per host; INFINITY: none */
	double confidence;
	double slo_ns[POLICY_METRICS]; /* INFINITY: none */
	double tuned_share;            /* of bypass' gain that makes a tuned kernel do instead */
	double application_first; /* of a path's gain, by halving an account; INFINITY: never */
	double max_age_s;         /* of recording and A/B; INFINITY: any */
	double unbalanced, lost;  /* shares of the requests, at most */
	double likeness;          /* factor between sizes, or rates, that counts as alike */
	struct policy_economics economics;
};

extern const struct policy policy_default;

/*
 * Reads @path; on failure *ret_policy is untouched. Negative errno, with a sentence in @why:
 * -EINVAL has file, line and what is wrong, keys that contradict each other included.
 */
int policy_read(struct policy *ret_policy, const char *path, char *why, size_t why_size);
/* The same of @text, which is called @path. */
int policy_parse(struct policy *ret_policy, const char *text, const char *path, char *why,
                 size_t why_size);

#endif
