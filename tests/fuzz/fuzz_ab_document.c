// SPDX-License-Identifier: GPL-2.0
/* An A/B result of any bytes is taken, so that it can be computed with, or refused in a sentence.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ab_document.h"
#include "efficacy.h"
#include "fuzz.h"

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_arm(const struct ab_document *document, const struct ab_document_arm *arm)
{
	const struct efficacy_parts parts = { 20000, 8000 };
	struct efficacy efficacy;

	require(arm->path[0] && arm->cores_polling <= 4096);
	for (int m = 0; m < AB_DOCUMENT_METRICS; m++)
		require(!(arm->change[m].low > arm->change[m].high));
	if (efficacy_measure(document, arm, efficacy_best_tuned(document, POLICY_P99), POLICY_P99,
	                     &parts, &efficacy))
		return;
	require(efficacy.known || efficacy.why[0]);
	if (!efficacy.known)
		return;
	require(isfinite(efficacy.value));
	efficacy_widen(&efficacy, 5, 2);
	for (int i = 0; i < EFFICACY_REPLICATES; i++)
		require(isfinite(efficacy.replicates[i]));
}

static void check_document(const struct ab_document *document)
{
	size_t baselines = 0;

	require(document->n_arms && document->n_arms <= AB_DOCUMENT_ARMS_MAX);
	require(document->rounds <= AB_DOCUMENT_ROUNDS_MAX);
	for (size_t i = 0; i < document->n_arms; i++)
		baselines += document->arm[i].role == AB_ROLE_BASELINE;
	require(baselines == 1 && document->arm[document->baseline].role == AB_ROLE_BASELINE);
	for (size_t i = 0; i < document->n_arms && document->rounds < 100; i++)
		check_arm(document, &document->arm[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct ab_document *document = NULL;
	char why[512] = "";

	if (ab_document_parse((const char *)bytes, size, "ab.json", &document, why, sizeof(why))) {
		require(!strncmp(why, "ab.json: ", 9) && !strchr(why, '\n') && !document);
		return 0;
	}
	check_document(document);
	ab_document_free(document);
	return 0;
}
