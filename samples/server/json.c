// SPDX-License-Identifier: GPL-2.0
/* Choice of the JSON library by name. */
#include <string.h>

#include "json.h"

const struct json_library *json_library_by_name(const char *name)
{
	if (strcmp(name, json_library_json_c.name) == 0)
		return &json_library_json_c;
	if (strcmp(name, json_library_jansson.name) == 0)
		return &json_library_jansson;
	return NULL;
}
