// SPDX-License-Identifier: GPL-2.0
/* A policy of any bytes is taken, with values in range, or refused in one sentence with its line.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "policy.h"

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_policy(const struct policy *policy)
{
	const struct policy_economics *economics = &policy->economics;

	require(policy->metric >= 0 && policy->metric < POLICY_METRICS);
	require(policy->margin >= 0 && policy->margin <= 0.9);
	require(policy->need == -INFINITY || policy->need >= policy->margin);
	require(policy->need_ns >= 0 && isfinite(policy->need_ns));
	require(policy->confidence >= 0.5 && policy->confidence < 1);
	require(policy->slo_ns[POLICY_P50] <= policy->slo_ns[POLICY_P99] ||
	        isinf(policy->slo_ns[POLICY_P50]));
	require(policy->tuned_share > 0 && policy->tuned_share <= 1);
	require(policy->application_first > 0 && policy->max_age_s > 0 && policy->likeness >= 1);
	require(policy->unbalanced >= 0 && policy->lost >= 0 && policy->lost <= 0.5);
	require(strlen(economics->currency) < sizeof(economics->currency));
	require(isnan(economics->hosts) || economics->hosts >= 1);
	require(isnan(economics->payback) || economics->engineering > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1), why[512] = "";
	struct policy policy;

	require(!!text);
	memcpy(text, bytes, size);
	text[size] = '\0';
	if (policy_parse(&policy, text, "policy.ini", why, sizeof(why)))
		require(!strncmp(why, "policy.ini:", 11) && !strchr(why, '\n'));
	else
		check_policy(&policy);
	free(text);
	return 0;
}
