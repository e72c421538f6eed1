// SPDX-License-Identifier: GPL-2.0
/* A plan of any bytes is taken, or refused in one sentence with file and line. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "plan.h"

static void require(int holds)
{
	if (!holds)
		abort();
}

/* Some keys are taken, some refused, by what the fuzzer makes of them. */
static const char *set(void *context, const char *section, const char *name, const char *value)
{
	require(!strcmp(section, "traffic") || !strcmp(section, "design"));
	if (strlen(name) < 2)
		return plan_unknown_key;
	return strlen(value) > 20 ? "a shorter one" : NULL;
}

/* What was taken can be used as it is. */
static void check_end(const struct plan_end *end)
{
	require(end->port.interface[0] && !strchr(end->port.interface, '/'));
	require(strlen(end->port.interface) < sizeof(end->port.interface));
	require(strlen(end->port.namespace) < sizeof(end->port.namespace));
	require(!strchr(end->port.namespace, '/') && strcmp(end->port.namespace, ".."));
	require(end->cpu >= -1 && end->ip[0] && end->ip[0] < 224 && !(end->mac[0] & 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct plan_settings settings = { set, NULL };
	char *text = malloc(size + 1), why[512] = "";
	struct plan plan;

	require(!!text);
	memcpy(text, bytes, size);
	text[size] = '\0';
	if (plan_parse(&plan, text, "plan.ini", &settings, why, sizeof(why))) {
		require(!strncmp(why, "plan.ini:", 9) && !strchr(why, '\n'));
	} else {
		check_end(&plan.generator);
		check_end(&plan.responder);
		require(plan.responder.udp_port);
		require(plan.generator.cpu < 0 || plan.generator.cpu != plan.responder.cpu);
	}
	free(text);
	return 0;
}
