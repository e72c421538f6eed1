// SPDX-License-Identifier: GPL-2.0
#include "sentence.h"

#include <stdarg.h>
#include <stdio.h>

int sentence(char *why, size_t why_size, int err, const char *format, ...)
{
	va_list arguments;

	if (why && why_size) {
		va_start(arguments, format);
		vsnprintf(why, why_size, format, arguments);
		va_end(arguments);
	}
	return err;
}
