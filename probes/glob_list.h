/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KTAX_GLOB_LIST_H
#define KTAX_GLOB_LIST_H

#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

/* No symbol is longer; what is longer comes from a broken file. */
#define GLOB_LIST_MAX_NAME 4096

/* Whether @name matches one of the NULL-terminated @globs. */
static inline bool glob_list_match(char *const *globs, const char *name)
{
	if (!*name || strnlen(name, GLOB_LIST_MAX_NAME) == GLOB_LIST_MAX_NAME)
		return false;
	for (; *globs; globs++) {
		/* Symbol tables are long and fnmatch() is slow: mostly the first letter decides. */
		if (**globs != *name && !strchr("*?[\\", **globs))
			continue;
		if (!fnmatch(*globs, name, 0))
			return true;
	}
	return false;
}

#endif
