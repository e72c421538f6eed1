// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the features of a recording. Everything is checked while it is read, so that who uses the
 * structures need not: texts are there where the header says so, enums are in range.
 */
#include "lost_features.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

const char *const feature_state_name[FEATURE_NSTATES] = {
	[FEATURE_FOUND] = "found",       [FEATURE_MAY_APPLY] = "may-apply",
	[FEATURE_INHERENT] = "inherent", [FEATURE_LACKING] = "lacking",
	[FEATURE_UNKNOWN] = "unknown",
};

const char *const feature_fate_name[FEATURE_NFATES] = {
	[FEATURE_KEPT] = "kept",
	[FEATURE_PARTLY] = "partly",
	[FEATURE_LOST] = "lost",
};

/* ---- Values ------------------------------------------------------------------------------- */

static bool text_is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* A text, or NULL where it is null or missing. -EBADMSG: something else. */
static int read_text(const json_t *object, const char *key, const char **ret)
{
	const json_t *value = json_object_get(object, key);

	*ret = NULL;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value) || !text_is_clean(json_string_value(value)))
		return -EBADMSG;
	*ret = json_string_value(value);
	return 0;
}

/* The index of @object's text @key in @names, where NULL stands for null. */
static int read_name(const json_t *object, const char *key, const char *const *names, int n)
{
	const char *text;
	int err = read_text(object, key, &text);

	for (int i = 0; !err && i < n; i++)
		if (text && names[i] ? !strcmp(text, names[i]) : text == names[i])
			return i;
	return -EBADMSG;
}

/* An array of at most FEATURES_MAX elements; NULL where it is none. */
static const json_t *read_array(const json_t *object, const char *key)
{
	const json_t *array = json_object_get(object, key);

	return json_is_array(array) && json_array_size(array) <= FEATURES_MAX ? array : NULL;
}

static int read_texts(const json_t *object, const char *key, const char ***ret, size_t *ret_n)
{
	const json_t *array = read_array(object, key);
	json_t *value;
	size_t i;

	if (!array)
		return -EBADMSG;
	*ret = calloc(json_array_size(array) + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	json_array_foreach(array, i, value) {
		if (!json_is_string(value) || !text_is_clean(json_string_value(value)))
			return -EBADMSG;
		(*ret)[(*ret_n)++] = json_string_value(value);
	}
	return 0;
}

/* ---- Features ----------------------------------------------------------------------------- */

static int read_texts_of(const json_t *object, struct feature *feature)
{
	const struct {
		const char *key, **text;
	} texts[] = {
		{ "feature", &feature->feature },   { "where", &feature->where },
		{ "endpoint", &feature->endpoint }, { "found", &feature->found },
		{ "why", &feature->why },           { "consequence", &feature->consequence },
	};
	int err = json_is_object(object) ? 0 : -EBADMSG;

	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++)
		err = read_text(object, texts[i].key, texts[i].text);
	return err;
}

static int read_feature(const json_t *object, struct feature *feature)
{
	int err = read_texts_of(object, feature), state, af_xdp, dpdk;

	if (err)
		return err;
	state = read_name(object, "state", feature_state_name, FEATURE_NSTATES);
	af_xdp = read_name(object, "af_xdp", feature_fate_name, FEATURE_NFATES);
	dpdk = read_name(object, "dpdk", feature_fate_name, FEATURE_NFATES);
	if (state < 0 || af_xdp < 0 || dpdk < 0)
		return -EBADMSG;
	feature->state = state;
	feature->af_xdp = af_xdp;
	feature->dpdk = dpdk;
	if (!feature->feature || !feature->where || !feature->consequence)
		return -EBADMSG;
	if (state == FEATURE_UNKNOWN)
		return feature->why ? 0 : -EBADMSG;
	return feature->found ? 0 : -EBADMSG;
}

static int read_features(const json_t *object, struct features *features)
{
	const json_t *array = read_array(object, "features");
	json_t *value;
	size_t i;
	int err;

	if (!array)
		return -EBADMSG;
	features->features = calloc(json_array_size(array) + 1, sizeof(struct feature));
	if (!features->features)
		return -ENOMEM;
	json_array_foreach(array, i, value) {
		err = read_feature(value, &features->features[i]);
		if (err)
			return err;
		features->n++;
	}
	return 0;
}

static int check_schema(const json_t *document)
{
	static const char family[] = "ktax.features/";
	const char *schema;

	if (read_text(document, "schema", &schema) || !schema)
		return -EBADMSG;
	if (strncmp(schema, family, sizeof(family) - 1))
		return -EBADMSG;
	return strcmp(schema + sizeof(family) - 1, "1") ? -EPROTO : 0;
}

static int read_document(const json_t *document, struct features *features)
{
	json_int_t took = json_integer_value(json_object_get(document, "took_ns"));
	int err = check_schema(document);

	features->took_ns = took > 0 ? took : 0;
	if (!err)
		err = read_text(document, "why", &features->why);
	if (!err)
		err = read_texts(document, "endpoints", &features->endpoints,
		                 &features->n_endpoints);
	if (!err)
		err = read_texts(document, "looked_for", &features->looked_for,
		                 &features->n_looked_for);
	return err ? err : read_features(document, features);
}

/* ---- Outside ------------------------------------------------------------------------------ */

int features_parse(const char *json, struct features **ret)
{
	struct features *features;
	size_t length = strnlen(json, FEATURES_BYTES_MAX + 1);
	json_t *document;
	int err;

	if (length > FEATURES_BYTES_MAX)
		return -EBADMSG;
	document = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
	if (!document)
		return -EBADMSG;
	features = calloc(1, sizeof(*features));
	if (!features) {
		json_decref(document);
		return -ENOMEM;
	}
	features->document = document;
	err = read_document(document, features);
	if (err)
		features_free(features);
	else
		*ret = features;
	return err;
}

int features_read(const struct recording *recording, struct features **ret)
{
	const char *json = recording_meta(recording, "features");

	return json ? features_parse(json, ret) : -ENODATA;
}

void features_free(struct features *features)
{
	if (!features)
		return;
	free(features->endpoints);
	free(features->looked_for);
	free(features->features);
	json_decref(features->document);
	free(features);
}

bool features_looked_at(const struct features *features, const char *endpoint)
{
	for (size_t i = 0; i < features->n_endpoints; i++)
		if (!strcmp(features->endpoints[i], endpoint))
			return true;
	return false;
}

bool feature_concerns(const struct feature *feature, const char *endpoint)
{
	return !feature->endpoint || !strcmp(feature->endpoint, endpoint);
}
