// SPDX-License-Identifier: GPL-2.0
/* jansson. For the two names that it shares with json-c see json_c.c. */
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "json.h"

static void *parse(const char *text, size_t length)
{
	return json_loadb(text, length, JSON_DECODE_ANY, NULL);
}

static json_t *item_new(size_t number)
{
	return json_pack("{s:I, s:o, s:f, s:b, s:[s, s]}", "id", (json_int_t)number, "name",
	                 json_sprintf("item-%zu", number), "price", (double)number * 1.25,
	                 "in_stock", number % 3 != 0, "tags", "sample",
	                 number % 2 ? "odd" : "even");
}

static void *items(size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, item_new(i));
	return json_pack("{s:o}", "items", list);
}

static const char *dump(void *document, size_t *ret_length)
{
	char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text)
		*ret_length = strlen(text);
	return text;
}

static void text_free(const char *text)
{
	free((void *)text);
}

static void document_free(void *document)
{
	json_decref(document);
}

const struct json_library json_library_jansson = {
	.name = "jansson",
	.parse = parse,
	.items = items,
	.dump = dump,
	.text_free = text_free,
	.document_free = document_free,
};
