// SPDX-License-Identifier: GPL-2.0
/*
 * `ktax ab --junit`: what CI servers show as tests. A suite per path with a case per metric, and
 * one of a single case, the policy.
 *
 *	failure   worse; of CPU time, and of loss, only where the policy has a limit for them
 *	error     invalid: the measurement cannot say
 *	skipped   inconclusive, or a path that could not run here
 */
#include "ab_output.h"

#include <math.h>
#include <string.h>

/* Text and attributes alike. What XML 1.0 has no character for becomes '?'. */
static void put_escaped(FILE *file, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			fprintf(file, "&#%d;", c);
		else
			fputc(c < 0x20 || c >= 0x7f ? '?' : c, file);
	}
}

static void put_element(FILE *file, const char *name, const char *message)
{
	fprintf(file, "      <%s message=\"", name);
	put_escaped(file, message);
	fprintf(file, "\"/>\n");
}

static void put_case(FILE *file, const char *suite, const char *name, const char *element,
                     const char *message)
{
	fprintf(file, "    <testcase classname=\"ktax.ab.%s\" name=\"%s\">\n", suite, name);
	if (element)
		put_element(file, element, message);
	else
		fprintf(file, "      <system-out>");
	if (!element) {
		put_escaped(file, message);
		fprintf(file, "</system-out>\n");
	}
	fprintf(file, "    </testcase>\n");
}

/* Worse, in what the policy does not care about, is no failure. */
static bool is_failure(const struct policy *policy, const struct ab_comparison *comparison)
{
	if (comparison->verdict != AB_WORSE)
		return false;
	if (comparison->metric == AB_LOSS)
		return isfinite(policy->loss_limit);
	if (comparison->metric == AB_CPU)
		return isfinite(policy->cpu_limit) && comparison->low > policy->cpu_limit;
	return true;
}

static const char *element_of(const struct policy *policy, const struct ab_comparison *comparison)
{
	if (is_failure(policy, comparison))
		return "failure";
	if (comparison->verdict == AB_INCONCLUSIVE)
		return "skipped";
	/* That there is no p99.9 on a noisy host breaks nothing. */
	if (comparison->verdict == AB_INVALID)
		return comparison->metric == (enum ab_metric)policy->metric ? "error" : "skipped";
	return NULL;
}

static void put_comparison(FILE *file, const struct ab_result *result,
                           const struct ab_comparison *comparison)
{
	bool points = comparison->metric == AB_LOSS;
	char message[512] = "";

	if (comparison->judged)
		snprintf(message, sizeof(message),
		         "%s: %+.3g %s [%+.3g, %+.3g] at %.4g %% confidence, %zu pairs",
		         ab_verdict_name[comparison->verdict], 100 * comparison->change,
		         points ? "points" : "%", 100 * comparison->low, 100 * comparison->high,
		         100 * comparison->confidence, comparison->n);
	if (comparison->why[0])
		snprintf(message + strlen(message), sizeof(message) - strlen(message), "%s%s",
		         message[0] ? ": " : "", comparison->why);
	put_case(file, result->arm[comparison->arm].type->name, ab_metric_title(comparison->metric),
	         element_of(&result->policy, comparison), message);
}

struct counts {
	size_t tests, failures, errors, skipped;
};

static void count(struct counts *counts, const char *element)
{
	counts->tests++;
	counts->failures += element && element[0] == 'f';
	counts->errors += element && element[0] == 'e';
	counts->skipped += element && element[0] == 's';
}

static void put_suite(FILE *file, const char *name, const struct counts *counts)
{
	fprintf(file,
	        "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
	        "skipped=\"%zu\">\n",
	        name, counts->tests, counts->failures, counts->errors, counts->skipped);
}

static void put_arm(FILE *file, const struct ab_result *result, size_t arm)
{
	const char *name = result->arm[arm].type->name;
	struct counts counts = { 0 };

	if (result->arm[arm].skipped) {
		put_suite(file, name, &(struct counts){ .tests = 1, .skipped = 1 });
		put_case(file, name, "runs", "skipped", result->arm[arm].why);
	} else {
		for (size_t i = 0; i < result->n_comparisons; i++)
			if (result->comparison[i].arm == arm)
				count(&counts, element_of(&result->policy, &result->comparison[i]));
		put_suite(file, name, &counts);
		for (size_t i = 0; i < result->n_comparisons; i++)
			if (result->comparison[i].arm == arm)
				put_comparison(file, result, &result->comparison[i]);
	}
	fprintf(file, "  </testsuite>\n");
}

static void put_policy(FILE *file, const struct ab_result *result)
{
	static const char *const elements[] = {
		[AB_BETTER] = NULL,          [AB_WORSE] = "failure", [AB_EQUIVALENT] = "failure",
		[AB_INCONCLUSIVE] = "error", [AB_INVALID] = "error",
	};
	struct counts counts = { 0 };

	count(&counts, elements[result->verdict]);
	put_suite(file, "policy", &counts);
	put_case(file, "policy", "approved", elements[result->verdict], result->reason);
	fprintf(file, "  </testsuite>\n");
}

void ab_junit(FILE *file, const struct ab_result *result)
{
	fprintf(file,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ktax ab\" "
	        "time=\"%.3f\">\n",
	        result->seconds);
	put_policy(file, result);
	for (size_t i = 1; i < result->n_arms; i++)
		if (!result->arm[i].type->in_memory)
			put_arm(file, result, i);
	fprintf(file, "</testsuites>\n");
}
