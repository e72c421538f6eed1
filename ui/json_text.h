/* SPDX-License-Identifier: GPL-2.0 */
/* Strings of JSON documents out of names that nobody promised to be UTF-8. */
#ifndef KTAX_UI_JSON_TEXT_H
#define KTAX_UI_JSON_TEXT_H

#include <jansson.h>

/* What is not UTF-8 is taken as Latin-1, and then cut after 1 KB. NULL: no memory. */
json_t *json_text(const char *bytes);

#endif
