// SPDX-License-Identifier: GPL-2.0
#include "look.h"

#include <stdarg.h>
#include <stdio.h>

void look_tell(const struct look *look, enum service service, enum service_state state,
               const char *where, const char *endpoint, const char *why, const char *format, ...)
{
	char found[1024];
	va_list arguments;

	if (format) {
		va_start(arguments, format);
		vsnprintf(found, sizeof(found), format, arguments);
		va_end(arguments);
	}
	tell(look->teller, &(struct service_finding){ service, state, where, endpoint,
	                                              format ? found : NULL, why });
}

void look_tell_unknown(const struct look *look, enum service service, int err)
{
	look_tell(look, service, STATE_UNKNOWN, look->space, NULL, why_unreadable(err), NULL);
}
