/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The JSON library that the server works with. Both are linked as shared libraries, as servers
 * do, so that a tracer finds their functions where it will find them in production.
 */
#ifndef SAMPLES_JSON_H
#define SAMPLES_JSON_H

#include <stddef.h>

struct json_library {
	const char *name;
	/* The document in @text, or NULL if it is not JSON (or out of memory). */
	void *(*parse)(const char *text, size_t length);
	/* {"items": [...]} with @count items. NULL: out of memory. */
	void *(*items)(size_t count);
	/* @document as text, to be given back by text_free before the next dump. NULL: no memory.
	 */
	const char *(*dump)(void *document, size_t *ret_length);
	void (*text_free)(const char *text);
	void (*document_free)(void *document);
};

extern const struct json_library json_library_json_c;
extern const struct json_library json_library_jansson;

/* The library called @name, or NULL. */
const struct json_library *json_library_by_name(const char *name);

#endif
