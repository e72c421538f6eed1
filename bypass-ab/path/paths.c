// SPDX-License-Identifier: GPL-2.0
#include "path.h"

#include <string.h>

#include "kernel.h"

const struct path_type *const path_types[] = {
	&path_kernel,
	&path_kernel_spin,
	NULL,
};

const struct path_type *path_by_name(const char *name)
{
	for (size_t i = 0; path_types[i]; i++)
		if (!strcmp(path_types[i]->name, name))
			return path_types[i];
	return NULL;
}
