// SPDX-License-Identifier: GPL-2.0
/* Readiness as JSON and back: the document that `ktax doctor --json` prints and recordings keep. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "readiness.h"

#define SCHEMA "ktax.doctor/1"

/* The texts of a row, by their keys. */
static const struct {
	const char *key;
	size_t offset, room;
} row_texts[] = {
#define TEXT(member)                                                                               \
	{                                                                                          \
#member, offsetof(struct readiness_row, member),                                   \
			sizeof(((struct readiness_row *)NULL)->member)                             \
	}
	TEXT(check), TEXT(group), TEXT(found), TEXT(want), TEXT(why), TEXT(fix), TEXT(source),
#undef TEXT
};

#define N_ROW_TEXTS (sizeof(row_texts) / sizeof(row_texts[0]))

/* ---- Writing -------------------------------------------------------------------------------- */

/* jansson passes NULL on; any failure is found at the end. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *json_set(unsigned concerns)
{
	json_t *array = json_array();

	for (int i = 0; i < READINESS_NCONCERNS; i++)
		if (concerns & 1U << i &&
		    json_array_append_new(array, json_string(readiness_concern_name[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *json_row(const struct readiness_row *row)
{
	json_t *object = json_object();
	bool fine = set(object, "status", json_string(readiness_status_name[row->status]));

	for (size_t i = 0; i < N_ROW_TEXTS; i++)
		fine = set(object, row_texts[i].key,
		           json_string((const char *)row + row_texts[i].offset)) &&
		       fine;
	fine = set(object, "concerns", json_set(row->concerns)) && fine;
	fine = set(object, "blocks", json_set(row->blocks)) && fine;
	if (fine)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *json_rows(const struct readiness *readiness)
{
	json_t *array = json_array();

	for (size_t i = 0; i < readiness->n; i++)
		if (json_array_append_new(array, json_row(&readiness->rows[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

char *readiness_to_json(const struct readiness *readiness)
{
	json_t *host = json_pack("{s:o, s:o}", "hostname", text_or_null(readiness->hostname),
	                         "kernel", text_or_null(readiness->kernel));
	json_t *interface = json_pack("{s:o, s:o, s:b}", "name", text_or_null(readiness->interface),
	                              "driver", text_or_null(readiness->driver), "default_route",
	                              readiness->default_route);
	json_t *root = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "schema", SCHEMA, "ktax_version",
	                         KTAX_VERSION, "host", host, "interface", interface, "blocked",
	                         json_set(readiness_blocked(readiness, READINESS_ALL)), "checks",
	                         json_rows(readiness));
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static void take_text(const json_t *object, const char *key, char *into, size_t room)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(into, room, "%s", text ? text : "");
	for (; *into; into++)
		if ((unsigned char)*into < ' ' || *into == 127)
			*into = '?';
}

static enum readiness_status take_status(const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "status"));

	for (int i = 0; text && i < READINESS_NSTATUS; i++)
		if (!strcmp(text, readiness_status_name[i]))
			return i;
	return READINESS_UNKNOWN;
}

static unsigned take_set(const json_t *object, const char *key)
{
	const json_t *array = json_object_get(object, key);
	unsigned set_of = 0;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));

		for (int bit = 0; name && bit < READINESS_NCONCERNS; bit++)
			if (!strcmp(name, readiness_concern_name[bit]))
				set_of |= 1U << bit;
	}
	return set_of;
}

static void take_row(const json_t *object, struct readiness_row *row)
{
	for (size_t i = 0; i < N_ROW_TEXTS; i++)
		take_text(object, row_texts[i].key, (char *)row + row_texts[i].offset,
		          row_texts[i].room);
	row->status = take_status(object);
	row->concerns = take_set(object, "concerns");
	row->blocks = take_set(object, "blocks");
}

static void take_readiness(const json_t *root, struct readiness *readiness)
{
	const json_t *host = json_object_get(root, "host");
	const json_t *interface = json_object_get(root, "interface");
	const json_t *checks = json_object_get(root, "checks");

	take_text(host, "hostname", readiness->hostname, sizeof(readiness->hostname));
	take_text(host, "kernel", readiness->kernel, sizeof(readiness->kernel));
	take_text(interface, "name", readiness->interface, sizeof(readiness->interface));
	take_text(interface, "driver", readiness->driver, sizeof(readiness->driver));
	readiness->default_route = json_is_true(json_object_get(interface, "default_route"));
	for (size_t i = 0; i < json_array_size(checks) && readiness->n < READINESS_ROWS_MAX; i++)
		if (json_is_object(json_array_get(checks, i)))
			take_row(json_array_get(checks, i), &readiness->rows[readiness->n++]);
}

static bool is_ours(const json_t *root)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));

	return schema && !strcmp(schema, SCHEMA) && json_is_array(json_object_get(root, "checks"));
}

int readiness_from_json(const char *text, struct readiness *ret)
{
	json_t *root = json_loads(text, 0, NULL);

	if (!is_ours(root)) {
		json_decref(root);
		return -EBADMSG;
	}
	memset(ret, 0, sizeof(*ret));
	take_readiness(root, ret);
	json_decref(root);
	return 0;
}
