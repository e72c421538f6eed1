// SPDX-License-Identifier: GPL-2.0
#include "sweep_document.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_reader.h"
#include "sentence.h"

#define SCHEMA  "ktax.sweep/1"
#define COMMAND "ktax ab --sweep --json"

/* ---- Reading -------------------------------------------------------------------------------- */

static void read_arm(struct ab_reader *reader, const json_t *object, struct sweep_document_arm *arm)
{
	const json_t *rate = json_object_get(object, "lossless_pps");

	ab_read_text(reader, object, "path", arm->path, sizeof(arm->path));
	if (!arm->path[0])
		ab_fail(reader, -EBADMSG, "an arm has no path");
	arm->skipped = ab_read_flag(reader, object, "skipped");
	arm->at_least = ab_read_flag(reader, object, "generator_limited");
	if (!rate)
		ab_fail(reader, -EBADMSG, "\"lossless_pps\" is missing");
	arm->lossless_pps = ab_read_number(reader, object, "lossless_pps", 0, NAN);
	if (arm->lossless_pps == 0)
		ab_fail(reader, -EBADMSG, "\"lossless_pps\" is 0");
	if (arm->skipped && !isnan(arm->lossless_pps))
		ab_fail(reader, -EBADMSG, "path \"%s\" is skipped and has a rate", arm->path);
}

static void read_arms(struct ab_reader *reader, const json_t *root, struct sweep_document *sweep)
{
	const json_t *arms = json_object_get(root, "arms");
	size_t n = json_array_size(arms);

	if (!n || n > AB_DOCUMENT_ARMS_MAX) {
		ab_fail(reader, -EBADMSG, "\"arms\" is missing, or not 1 to %d arms",
		        AB_DOCUMENT_ARMS_MAX);
		return;
	}
	for (size_t i = 0; i < n && !reader->error; i++) {
		struct sweep_document_arm *arm = &sweep->arm[i];

		read_arm(reader, json_array_get(arms, i), arm);
		if (!reader->error && sweep_document_find(sweep, arm->path))
			ab_fail(reader, -EBADMSG, "path \"%s\" is there twice", arm->path);
		sweep->n_arms++;
	}
}

static void read_root(struct ab_reader *reader, const json_t *root, struct sweep_document *sweep)
{
	struct ab_document *run = &sweep->run;

	if (!json_is_object(root))
		ab_fail(reader, -EBADMSG, "not what '" COMMAND "' writes");
	ab_read_schema(reader, root, SCHEMA, COMMAND);
	if (reader->error)
		return;
	sweep->has_run = json_object_get(root, "host") != NULL;
	if (sweep->has_run) {
		ab_read_host(reader, root);
		ab_read_link(reader, root);
		ab_read_traffic(reader, root);
		run->created_s = ab_read_time(reader, root, "created");
		ab_read_text(reader, root, "protocol", run->transport, sizeof(run->transport));
	}
	read_arms(reader, root, sweep);
}

int sweep_document_parse(const char *text, size_t size, const char *path,
                         struct sweep_document **ret, char *why, size_t why_size)
{
	struct ab_reader reader = { .path = path, .why = why, .why_size = why_size };
	struct sweep_document *sweep;
	json_error_t error;
	json_t *root;

	if (size > AB_DOCUMENT_BYTES_MAX)
		return sentence(why, why_size, -EFBIG, "%s: larger than %u MiB", path,
		                AB_DOCUMENT_BYTES_MAX >> 20);
	sweep = calloc(1, sizeof(*sweep));
	if (!sweep)
		return sentence(why, why_size, -ENOMEM, "%s: out of memory", path);
	reader.document = &sweep->run;
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (root)
		read_root(&reader, root, sweep);
	else
		ab_fail(&reader, -EBADMSG, "not JSON, from line %d on", error.line);
	json_decref(root);
	if (!reader.error) {
		*ret = sweep;
		return 0;
	}
	sweep_document_free(sweep);
	return reader.error;
}

int sweep_document_read(const char *path, struct sweep_document **ret, char *why, size_t why_size)
{
	char *text = NULL;
	size_t size = 0;
	int err = ab_read_bytes(path, &text, &size);

	if (err)
		return sentence(why, why_size, err, "%s: %s", path, strerror(-err));
	err = sweep_document_parse(text, size, path, ret, why, why_size);
	free(text);
	return err;
}

void sweep_document_free(struct sweep_document *sweep)
{
	free(sweep);
}

/* ---- Using it ------------------------------------------------------------------------------- */

const struct sweep_document_arm *sweep_document_find(const struct sweep_document *sweep,
                                                     const char *path)
{
	for (size_t i = 0; sweep && i < sweep->n_arms; i++)
		if (!strcmp(sweep->arm[i].path, path))
			return &sweep->arm[i];
	return NULL;
}

static bool differs(const char *what, const char *swept, const char *compared, char *why,
                    size_t why_size)
{
	if (*swept && !strcmp(swept, compared))
		return false;
	snprintf(why, why_size, "its %s is %.64s, the A/B's %.64s", what,
	         *swept ? swept : "unknown", *compared ? compared : "unknown");
	return true;
}

static const char *link_name(const struct ab_document *document)
{
	return !document->has_link ? "" : document->own_links ? "test" : "ports";
}

static bool sizes_differ(const struct ab_document *run, const struct ab_document *ab, double alike,
                         char *why, size_t why_size)
{
	double factor = run->size_mean_bytes / ab->size_mean_bytes;

	if (factor <= alike && 1 / factor <= alike)
		return false;
	snprintf(why, why_size, "its messages have %.0f bytes, the A/B's %.0f",
	         run->size_mean_bytes, ab->size_mean_bytes);
	return true;
}

bool sweep_document_fits(const struct sweep_document *sweep, const struct ab_document *ab,
                         double alike, char *why, size_t why_size)
{
	const struct ab_document *run = &sweep->run;

	if (!sweep->has_run) {
		snprintf(why, why_size, "it does not say where it ran: it is of an older ktax");
		return false;
	}
	return !differs("host", run->hostname, ab->hostname, why, why_size) &&
	       !differs("kernel", run->kernel, ab->kernel, why, why_size) &&
	       !differs("CPU", run->cpu_model, ab->cpu_model, why, why_size) &&
	       !differs("kind of link", link_name(run), link_name(ab), why, why_size) &&
	       !differs("driver", run->driver, ab->driver, why, why_size) &&
	       !differs("protocol", run->transport, ab->transport, why, why_size) &&
	       !sizes_differ(run, ab, alike, why, why_size);
}
