// SPDX-License-Identifier: GPL-2.0
/*
 * json-c. It shares two symbols with jansson, json_object_get and json_object_iter_next: neither
 * may be used in this program. (Within the libraries, symbol versions keep them apart.)
 */
#include <stdio.h>
#include <json-c/json.h>

#include "json.h"

static void *parse(const char *text, size_t length)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *document;

	if (!tokener)
		return NULL;
	document = json_tokener_parse_ex(tokener, text, (int)length);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(document);
		document = NULL;
	}
	json_tokener_free(tokener);
	return document;
}

static struct json_object *item_new(size_t number)
{
	struct json_object *item = json_object_new_object();
	struct json_object *tags = json_object_new_array();
	char name[32];

	snprintf(name, sizeof(name), "item-%zu", number);
	json_object_object_add(item, "id", json_object_new_int64((int64_t)number));
	json_object_object_add(item, "name", json_object_new_string(name));
	json_object_object_add(item, "price", json_object_new_double((double)number * 1.25));
	json_object_object_add(item, "in_stock", json_object_new_boolean(number % 3 != 0));
	json_object_array_add(tags, json_object_new_string("sample"));
	json_object_array_add(tags, json_object_new_string(number % 2 ? "odd" : "even"));
	json_object_object_add(item, "tags", tags);
	return item;
}

static void *items(size_t count)
{
	struct json_object *document = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, item_new(i));
	json_object_object_add(document, "items", list);
	return document;
}

/* The text is the document's own. */
static const char *dump(void *document, size_t *ret_length)
{
	return json_object_to_json_string_length(document, JSON_C_TO_STRING_PLAIN, ret_length);
}

static void text_free(const char *text)
{
}

static void document_free(void *document)
{
	json_object_put(document);
}

const struct json_library json_library_json_c = {
	.name = "json-c",
	.parse = parse,
	.items = items,
	.dump = dump,
	.text_free = text_free,
	.document_free = document_free,
};
