// SPDX-License-Identifier: GPL-2.0
#include "economics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double cpu_ns(const struct ab_document_arm *arm)
{
	return arm->cpu_responder_ns + (isnan(arm->cpu_kernel_ns) ? 0 : arm->cpu_kernel_ns);
}

static void count_taken(const struct ab_document *document, const struct ab_document_arm *arm,
                        const struct economics_load *load, struct economics *ret)
{
	double each = fmax(1, arm->cores_polling);

	ret->per_core_swept = load->lossless_pps > 0;
	ret->per_core_at_least = !ret->per_core_swept || load->lossless_at_least;
	ret->per_core_second =
		(!ret->per_core_swept     ? document->rate_pps
	         : ret->per_core_at_least ? fmax(load->lossless_pps, document->rate_pps)
	                                  : load->lossless_pps) /
		each;
	if (!arm->cores_polling) {
		ret->taken_cores = load->mean_per_second * cpu_ns(arm) / 1e9;
		return;
	}
	ret->polling_cores = (unsigned int)fmin(
		4096, fmax(each, ceil(load->peak_per_second / ret->per_core_second)));
	ret->polling_least = ret->per_core_at_least ? (unsigned int)each : ret->polling_cores;
	ret->taken_cores = ret->polling_cores;
}

static void count_cores(const struct ab_document *document, const struct ab_document_arm *arm,
                        const struct economics_load *load, struct economics *ret)
{
	const struct ab_document_arm *baseline = &document->arm[document->baseline];

	if (!(document->rate_pps > 0))
		snprintf(ret->cores_why, sizeof(ret->cores_why), "the A/B does not say its rate");
	else if (!(load->mean_per_second > 0))
		snprintf(ret->cores_why, sizeof(ret->cores_why), "the recording has no rate");
	else if (isnan(baseline->cpu_responder_ns) || isnan(arm->cpu_responder_ns))
		snprintf(ret->cores_why, sizeof(ret->cores_why),
		         "the A/B did not measure CPU time");
	if (ret->cores_why[0] &&
	    !(arm->cores_polling && document->rate_pps > 0 && load->mean_per_second > 0))
		return;
	count_taken(document, arm, load, ret);
	if (ret->cores_why[0])
		return;
	ret->has_cores = true;
	ret->freed_cores = load->mean_per_second * cpu_ns(baseline) / 1e9;
	ret->net_cores = ret->freed_cores - ret->taken_cores;
}

/* "hosts, core_hour": the first inputs that are missing. */
static void note_missing(const struct policy_economics *policy, struct economics *ret)
{
	const char *hosts = isnan(policy->hosts) ? "hosts" : "";
	const char *price = isnan(policy->core_hour) ? "core_hour" : "";

	if (!ret->has_cores)
		snprintf(ret->money_why, sizeof(ret->money_why), "no cores: %.140s",
		         ret->cores_why);
	else if (*hosts || *price)
		snprintf(ret->money_why, sizeof(ret->money_why), "the policy gives no %s%s%s",
		         hosts, *hosts && *price ? ", " : "", price);
}

/* If the cores that poll carried as much as they would have to. */
static double payback_at_best(const struct policy_economics *policy, const struct economics *ret)
{
	double spared = ret->polling_cores - ret->polling_least;
	double yearly = ret->yearly + spared * policy->hosts * policy->core_hour * HOURS_PER_YEAR;

	if (!ret->has_yearly || isnan(policy->engineering) || !(yearly > 0))
		return INFINITY;
	return 12 * policy->engineering / yearly;
}

static void compute_payback(const struct policy_economics *policy, struct economics *ret)
{
	const char *why = NULL;

	ret->payback_least_months = payback_at_best(policy, ret);

	if (!ret->has_yearly)
		why = "no saving per year";
	else if (isnan(policy->engineering))
		why = "the policy gives no engineering";
	else if (!(ret->yearly > 0))
		why = "it never pays for itself";
	ret->has_payback = !why;
	if (why)
		snprintf(ret->payback_why, sizeof(ret->payback_why), "%s", why);
	else
		ret->payback_months = 12 * policy->engineering / ret->yearly;
}

void economics_compute(const struct policy_economics *policy, const struct ab_document *document,
                       const struct ab_document_arm *arm, const struct economics_load *load,
                       double gain_ns, struct economics *ret)
{
	*ret = (struct economics){ 0 };
	count_cores(document, arm, load, ret);
	note_missing(policy, ret);
	ret->has_core_saving = !ret->money_why[0];
	if (ret->has_core_saving)
		ret->core_saving =
			ret->net_cores * policy->hosts * policy->core_hour * HOURS_PER_YEAR;
	ret->has_latency_worth = !isnan(policy->latency) && isfinite(gain_ns);
	if (ret->has_latency_worth)
		ret->latency_worth = policy->latency * gain_ns / 1e3;
	ret->has_yearly = ret->has_core_saving;
	if (ret->has_yearly)
		ret->yearly = ret->core_saving + ret->latency_worth -
		              (isnan(policy->running) ? 0 : policy->running);
	compute_payback(policy, ret);
}
