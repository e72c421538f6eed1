// SPDX-License-Identifier: GPL-2.0
#include "json_text.h"

json_t *json_text(const char *bytes)
{
	json_t *string = json_string(bytes);
	char copy[1024], *out = copy;

	if (string)
		return string;
	for (; *bytes && out < copy + sizeof(copy) - 2; bytes++) {
		unsigned char byte = (unsigned char)*bytes;

		if (byte >= 0x80)
			*out++ = (char)(0xc0 | byte >> 6);
		*out++ = (char)(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
	}
	*out = '\0';
	return json_string(copy);
}
