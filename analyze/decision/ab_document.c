// SPDX-License-Identifier: GPL-2.0
/*
 * The reader is strict where a wrong value would change a decision, and says which key it was. The
 * first mistake is kept: every read_*() of a document that has failed does nothing.
 */
#include "ab_document.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_reader.h"
#include "sentence.h"

const char *const ab_document_verdict_name[AB_DOCUMENT_VERDICTS] = { "better", "worse",
	                                                             "equivalent", "inconclusive",
	                                                             "invalid" };

static const char *const metric_name[AB_DOCUMENT_METRICS] = { "p50",  "p90",  "p99",
	                                                      "p999", "loss", "cpu" };

static enum ab_document_verdict read_verdict(struct ab_reader *reader, const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "verdict"));

	for (int v = 0; text && v < AB_DOCUMENT_VERDICTS; v++)
		if (!strcmp(text, ab_document_verdict_name[v]))
			return (enum ab_document_verdict)v;
	ab_fail(reader, -EBADMSG, "\"verdict\" is none");
	return AB_DOCUMENT_INVALID;
}

static void read_design(struct ab_reader *reader, const json_t *root)
{
	struct ab_document *document = reader->document;
	const json_t *design = ab_read_object(reader, root, "design");
	uint64_t pairs = ab_read_count(reader, design, "pairs");

	snprintf(document->transport, sizeof(document->transport), "udp");
	ab_read_text(reader, design, "protocol", document->transport, sizeof(document->transport));
	document->confidence = ab_read_number(reader, design, "confidence", 0, 0.95);
	if (pairs > AB_DOCUMENT_ROUNDS_MAX)
		ab_fail(reader, -EBADMSG, "more than %d pairs", AB_DOCUMENT_ROUNDS_MAX);
	else
		document->rounds = pairs;
}

/* ---- Arms ----------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* dpdk-af_packet and dpdk-af_xdp: the kernel's driver still moves every frame (docs/ab.md). */
static enum ab_role find_role(const struct ab_document_arm *arm, bool baseline, bool bound)
{
	if (baseline)
		return AB_ROLE_BASELINE;
	if (bound)
		return AB_ROLE_BOUND;
	if (begins(arm->path, "af_xdp"))
		return AB_ROLE_AF_XDP;
	if (begins(arm->path, "dpdk-af_packet") || begins(arm->path, "dpdk-af_xdp"))
		return AB_ROLE_STAND_IN;
	if (begins(arm->path, "dpdk"))
		return AB_ROLE_DPDK;
	if (begins(arm->path, "kernel") || begins(arm->path, "io_uring"))
		return AB_ROLE_TUNED;
	return AB_ROLE_BOUND;
}

/* @ret_ns[i] of every valid block; null is what was lost. */
static void read_block_list(struct ab_reader *reader, const json_t *blocks, const char *key,
                            double **ret_ns)
{
	const json_t *list = json_object_get(blocks, key),
		     *valid = json_object_get(blocks, "valid");
	size_t rounds = reader->document->rounds;
	double *ns;

	if (json_array_size(list) != rounds || json_array_size(valid) != rounds) {
		ab_fail(reader, -EBADMSG, "\"%s\" of the blocks has not one value per pair", key);
		return;
	}
	*ret_ns = ns = calloc(rounds + 1, sizeof(*ns));
	if (!ns) {
		ab_fail(reader, -ENOMEM, "out of memory");
		return;
	}
	for (size_t i = 0; i < rounds; i++) {
		const json_t *value = json_array_get(list, i);
		double number = json_number_value(value);

		ns[i] = json_is_number(value) ? number : INFINITY;
		if (!json_is_true(json_array_get(valid, i)))
			ns[i] = NAN;
		else if (!json_is_null(value) && !(number > 0 && number <= AB_NUMBER_MOST))
			ab_fail(reader, -EBADMSG, "\"%s\" of a block is not a time", key);
	}
}

/* All null: not measured, blocks are too short for it. */
static void drop_unmeasured(double **ns, size_t rounds)
{
	for (size_t i = 0; *ns && i < rounds; i++)
		if (isfinite((*ns)[i]))
			return;
	free(*ns);
	*ns = NULL;
}

static void read_blocks(struct ab_reader *reader, const json_t *object, struct ab_document_arm *arm)
{
	const json_t *blocks = json_object_get(object, "blocks");

	if (!blocks || json_is_null(blocks))
		return;
	read_block_list(reader, blocks, "p50_ns", &arm->block_ns[POLICY_P50]);
	read_block_list(reader, blocks, "p99_ns", &arm->block_ns[POLICY_P99]);
	read_block_list(reader, blocks, "p999_ns", &arm->block_ns[POLICY_P999]);
	drop_unmeasured(&arm->block_ns[POLICY_P999], reader->document->rounds);
}

static void read_arm(struct ab_reader *reader, const json_t *object, size_t index)
{
	struct ab_document_arm *arm = &reader->document->arm[index];
	bool baseline = ab_read_flag(reader, object, "baseline"), bound;
	const json_t *cpu = ab_read_object(reader, object, "cpu_ns_per_request");

	ab_read_text(reader, object, "path", arm->path, sizeof(arm->path));
	ab_read_text(reader, object, "summary", arm->summary, sizeof(arm->summary));
	ab_read_text(reader, object, "how", arm->how, sizeof(arm->how));
	ab_read_text(reader, object, "why", arm->why, sizeof(arm->why));
	if (!arm->path[0])
		ab_fail(reader, -EBADMSG, "an arm has no path");
	arm->skipped = ab_read_flag(reader, object, "skipped");
	bound = !ab_read_flag(reader, object, "enters_kernel");
	bound |= ab_read_flag(reader, object, "answers_in_kernel");
	arm->role = find_role(arm, baseline, bound);
	arm->ns[POLICY_P50] = ab_read_number(reader, object, "p50_ns", 0, NAN);
	arm->ns[POLICY_P90] = ab_read_number(reader, object, "p90_ns", 0, NAN);
	arm->ns[POLICY_P99] = ab_read_number(reader, object, "p99_ns", 0, NAN);
	arm->ns[POLICY_P999] = ab_read_number(reader, object, "p999_ns", 0, NAN);
	arm->cpu_responder_ns = ab_read_number(reader, cpu, "responder", 0, NAN);
	arm->cpu_kernel_ns = ab_read_number(reader, cpu, "kernel", 0, NAN);
	arm->cores_polling =
		(unsigned int)fmin(4096, ab_read_number(reader, object, "cores_polling", 0, 0));
	if (baseline)
		reader->document->baseline = index;
	read_blocks(reader, object, arm);
}

static void check_arms(struct ab_reader *reader)
{
	const struct ab_document *document = reader->document;
	size_t baselines = 0;

	for (size_t i = 0; i < document->n_arms && !reader->error; i++) {
		baselines += document->arm[i].role == AB_ROLE_BASELINE;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(document->arm[i].path, document->arm[j].path))
				ab_fail(reader, -EBADMSG, "path \"%s\" is there twice",
				        document->arm[i].path);
	}
	if (!reader->error && baselines != 1)
		ab_fail(reader, -EBADMSG, "%zu arms are the baseline, not one", baselines);
}

static void read_arms(struct ab_reader *reader, const json_t *root)
{
	struct ab_document *document = reader->document;
	const json_t *arms = json_object_get(root, "arms");
	size_t n = json_array_size(arms);

	if (!n || n > AB_DOCUMENT_ARMS_MAX) {
		ab_fail(reader, -EBADMSG, "\"arms\" is missing, or not 1 to %d arms",
		        AB_DOCUMENT_ARMS_MAX);
		return;
	}
	document->arm = calloc(n, sizeof(*document->arm));
	if (!document->arm) {
		ab_fail(reader, -ENOMEM, "out of memory");
		return;
	}
	document->n_arms = n;
	for (size_t i = 0; i < n && !reader->error; i++)
		read_arm(reader, json_array_get(arms, i), i);
	check_arms(reader);
}

/* ---- Comparisons ---------------------------------------------------------------------------- */

static struct ab_document_arm *find_arm(struct ab_document *document, const char *path)
{
	for (size_t i = 0; path && i < document->n_arms; i++)
		if (!strcmp(document->arm[i].path, path))
			return &document->arm[i];
	return NULL;
}

/* null within an interval is an end without bound. */
static void read_interval(struct ab_reader *reader, const json_t *object,
                          struct ab_document_change *change)
{
	const json_t *ci = json_object_get(object, "ci");
	const json_t *low = json_array_get(ci, 0), *high = json_array_get(ci, 1);

	change->low = change->high = NAN;
	if (!ci || json_is_null(ci))
		return;
	change->low = json_is_number(low) ? json_number_value(low) : -INFINITY;
	change->high = json_is_number(high) ? json_number_value(high) : INFINITY;
	if (json_array_size(ci) != 2 || !(change->low <= change->high))
		ab_fail(reader, -EBADMSG, "\"ci\" is no interval");
}

static void read_comparison(struct ab_reader *reader, const json_t *object)
{
	const char *path = json_string_value(json_object_get(object, "path"));
	const char *metric = json_string_value(json_object_get(object, "metric"));
	struct ab_document_arm *arm = find_arm(reader->document, path);
	struct ab_document_change *change;
	int m = 0;

	while (metric && m < AB_DOCUMENT_METRICS && strcmp(metric, metric_name[m]))
		m++;
	if (!arm || !metric || m == AB_DOCUMENT_METRICS || arm->change[m].present) {
		ab_fail(reader, -EBADMSG, "a comparison is of no arm and metric, or there twice");
		return;
	}
	change = &arm->change[m];
	change->present = true;
	change->change = ab_read_number(reader, object, "change", -AB_NUMBER_MOST, NAN);
	change->n = ab_read_count(reader, object, "n");
	change->verdict = read_verdict(reader, object);
	read_interval(reader, object, change);
}

static void read_comparisons(struct ab_reader *reader, const json_t *root)
{
	const json_t *comparisons = json_object_get(root, "comparisons");

	if (!json_is_array(comparisons) ||
	    json_array_size(comparisons) > AB_DOCUMENT_ARMS_MAX * AB_DOCUMENT_METRICS)
		ab_fail(reader, -EBADMSG, "\"comparisons\" is missing, or too long");
	for (size_t i = 0; i < json_array_size(comparisons) && !reader->error; i++)
		read_comparison(reader, json_array_get(comparisons, i));
}

static void read_validity(struct ab_reader *reader, const json_t *root)
{
	const json_t *validity = ab_read_object(reader, root, "validity");
	const json_t *unequal = json_object_get(validity, "unequal");

	for (size_t i = 0; i < json_array_size(unequal) && i < AB_DOCUMENT_ARMS_MAX; i++) {
		struct ab_document_arm *arm =
			find_arm(reader->document, json_string_value(json_array_get(unequal, i)));

		if (arm)
			arm->unequal = true;
	}
}

/* ---- The document --------------------------------------------------------------------------- */

static void read_root(struct ab_reader *reader, const json_t *root)
{
	struct ab_document *document = reader->document;

	if (!json_is_object(root))
		ab_fail(reader, -EBADMSG, "not what 'ktax ab --json' writes");
	ab_read_schema(reader, root, "ktax.ab/1", "ktax ab --json");
	if (reader->error)
		return;
	ab_read_text(reader, root, "ktax_version", document->ktax_version,
	             sizeof(document->ktax_version));
	ab_read_text(reader, root, "reason", document->reason, sizeof(document->reason));
	document->created_s = ab_read_time(reader, root, "created");
	document->verdict = read_verdict(reader, root);
	ab_read_host(reader, root);
	ab_read_link(reader, root);
	ab_read_traffic(reader, root);
	read_design(reader, root);
	if (!reader->error)
		read_arms(reader, root);
	if (!reader->error)
		read_comparisons(reader, root);
	if (!reader->error)
		read_validity(reader, root);
}

int ab_document_parse(const char *text, size_t size, const char *path, struct ab_document **ret,
                      char *why, size_t why_size)
{
	struct ab_reader reader = { .path = path, .why = why, .why_size = why_size };
	json_error_t error;
	json_t *root;

	if (size > AB_DOCUMENT_BYTES_MAX)
		return sentence(why, why_size, -EFBIG, "%s: larger than %u MiB", path,
		                AB_DOCUMENT_BYTES_MAX >> 20);
	reader.document = calloc(1, sizeof(*reader.document));
	if (!reader.document)
		return sentence(why, why_size, -ENOMEM, "%s: out of memory", path);
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (root)
		read_root(&reader, root);
	else
		ab_fail(&reader, -EBADMSG, "not JSON, from line %d on", error.line);
	json_decref(root);
	if (!reader.error) {
		*ret = reader.document;
		return 0;
	}
	ab_document_free(reader.document);
	return reader.error;
}

int ab_document_read(const char *path, struct ab_document **ret, char *why, size_t why_size)
{
	char *text = NULL;
	size_t size = 0;
	int err = ab_read_bytes(path, &text, &size);

	if (err)
		return sentence(why, why_size, err, "%s: %s", path, strerror(-err));
	err = ab_document_parse(text, size, path, ret, why, why_size);
	free(text);
	return err;
}

void ab_document_free(struct ab_document *document)
{
	if (!document)
		return;
	for (size_t i = 0; i < document->n_arms; i++)
		for (int m = 0; m < POLICY_METRICS; m++)
			free(document->arm[i].block_ns[m]);
	free(document->arm);
	free(document);
}

const struct ab_document_arm *ab_document_find(const struct ab_document *document, const char *path)
{
	return find_arm((struct ab_document *)document, path);
}
