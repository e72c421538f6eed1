// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cores.h"
#include "ini_file.h"
#include "traffic.h"

#define CPU_MOST 8191
#define KEYS_MAX 64 /* of [traffic] and [design] */

const char plan_unknown_key[] = "";

struct reader {
	struct plan plan;
	const struct plan_settings *settings;
	char given[KEYS_MAX][64]; /* "section name" */
	size_t n_given;
};

/* ---- Values of an end --------------------------------------------------------------------- */

/* Each returns what @value should have been, NULL: it is fine. */

static const char *set_name(char *name, size_t size, const char *value)
{
	if (!*value || strlen(value) >= size || strpbrk(value, "/ \t") || !strcmp(value, ".") ||
	    !strcmp(value, ".."))
		return "a name";
	strcpy(name, value);
	return NULL;
}

static bool parse_integer(const char *value, long least, long most, long *ret_integer)
{
	char *end;

	errno = 0;
	*ret_integer = strtol(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end && !errno && *ret_integer >= least &&
	       *ret_integer <= most;
}

static const char *set_mac(struct plan_end *end, const char *value)
{
	unsigned int byte[6];
	char rest;

	if (strlen(value) != 17 || sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1],
	                                  &byte[2], &byte[3], &byte[4], &byte[5], &rest) != 6)
		return "an address like 02:00:00:00:00:01";
	if (byte[0] & 1)
		return "the address of one station (the first byte is even)";
	for (int i = 0; i < 6; i++)
		end->mac[i] = byte[i];
	return NULL;
}

static const char *set_ip(struct plan_end *end, const char *value)
{
	uint8_t ip[4], ipv6[16];

	if (inet_pton(AF_INET6, value, ipv6) == 1)
		return "an IPv4 address (a run on ports is over IPv4)";
	if (inet_pton(AF_INET, value, ip) != 1)
		return "an IPv4 address";
	if (!ip[0] || ip[0] == 127 || ip[0] >= 224)
		return "an address that one host can have on a link";
	memcpy(end->ip, ip, sizeof(ip));
	return NULL;
}

static const char *set_remote(struct plan_end *end, const char *value)
{
	if (!*value || strlen(value) >= sizeof(end->remote))
		return "a command, as in: ssh root@server ktax";
	strcpy(end->remote, value);
	return NULL;
}

static const char *set_value(struct plan_end *end, enum plan_key key, const char *value)
{
	long number;

	switch (key) {
	case PLAN_INTERFACE:
		return set_name(end->port.interface, sizeof(end->port.interface), value);
	case PLAN_NAMESPACE:
		return set_name(end->port.namespace, sizeof(end->port.namespace), value);
	case PLAN_CPU:
		if (!parse_integer(value, 0, CPU_MOST, &number))
			return "the number of a CPU";
		end->cpu = number;
		return NULL;
	case PLAN_MAC:
		return set_mac(end, value);
	case PLAN_IP:
		return set_ip(end, value);
	case PLAN_REMOTE:
		return set_remote(end, value);
	case PLAN_REBIND:
		end->rebind = !strcmp(value, "yes");
		return end->rebind || !strcmp(value, "no") ? NULL : "yes or no";
	default:
		if (!parse_integer(value, 1, 65535, &number))
			return "a port, 1 to 65535";
		end->udp_port = number;
		return NULL;
	}
}

/* ---- Keys --------------------------------------------------------------------------------- */

static bool section_is_known(const char *section)
{
	return !strcmp(section, "generator") || !strcmp(section, "responder") ||
	       !strcmp(section, "traffic") || !strcmp(section, "design");
}

static int refuse_value(struct ini_file *file, const char *name, const char *expected,
                        const char *value)
{
	return ini_mistake(file, "%s needs %s, not \"%s\"", name, expected, value);
}

static int set_end(struct ini_file *file, struct plan_end *end, const char *section,
                   const char *name, const char *value)
{
	static const char *const names[] = { [PLAN_INTERFACE] = "interface",
		                             [PLAN_NAMESPACE] = "namespace",
		                             [PLAN_CPU] = "cpu",
		                             [PLAN_MAC] = "mac",
		                             [PLAN_IP] = "ip",
		                             [PLAN_PORT] = "port",
		                             [PLAN_REBIND] = "rebind",
		                             [PLAN_REMOTE] = "remote" };
	struct reader *reader = file->context;
	const char *expected;
	int key = 0;

	while (key < PLAN_KEYS && strcmp(names[key], name) != 0)
		key++;
	if (key == PLAN_KEYS || (key >= PLAN_PORT && end == &reader->plan.generator))
		return ini_mistake(file, "[%s] has no key \"%s\"", section, name);
	if (end->line[key])
		return ini_mistake(file, "%s is given twice", name);
	end->line[key] = file->line;
	expected = set_value(end, key, value);
	return expected ? refuse_value(file, name, expected, value) : 1;
}

static bool note_given(struct reader *reader, const char *section, const char *name)
{
	char *given = reader->given[reader->n_given];

	if (reader->n_given == KEYS_MAX - 1)
		return false;
	snprintf(given, sizeof(reader->given[0]), "%.16s %.40s", section, name);
	for (size_t i = 0; i < reader->n_given; i++)
		if (!strcmp(reader->given[i], given))
			return false;
	reader->n_given++;
	return true;
}

static int set_key(struct ini_file *file, const char *section, const char *name, const char *value)
{
	struct reader *reader = file->context;
	const char *expected;

	if (!strcmp(section, "generator"))
		return set_end(file, &reader->plan.generator, section, name, value);
	if (!strcmp(section, "responder"))
		return set_end(file, &reader->plan.responder, section, name, value);
	expected = reader->settings->set(reader->settings->context, section, name, value);
	if (expected == plan_unknown_key)
		return ini_mistake(file, "[%s] has no key \"%s\"", section, name);
	if (expected)
		return refuse_value(file, name, expected, value);
	return note_given(reader, section, name) ? 1 : ini_mistake(file, "%s is given twice", name);
}

/* ---- What the keys mean together ---------------------------------------------------------- */

static int mistake_at(struct ini_file *file, int line, const char *text, const char *name)
{
	if (line)
		file->line = line;
	return ini_mistake(file, text, name);
}

static int check_ends(struct ini_file *file)
{
	const struct reader *reader = file->context;
	const struct plan_end *generator = &reader->plan.generator;
	const struct plan_end *responder = &reader->plan.responder;

	if (!generator->line[PLAN_INTERFACE])
		return ini_mistake(file, "[generator] names no interface");
	if (!responder->line[PLAN_INTERFACE])
		return ini_mistake(file, "[responder] names no interface");
	if (!memcmp(generator->ip, responder->ip, 4))
		return mistake_at(file, responder->line[PLAN_IP],
		                  "generator and responder have the same ip%s", "");
	if (responder->remote[0])
		return 1;
	if (!strcmp(generator->port.interface, responder->port.interface) &&
	    !strcmp(generator->port.namespace, responder->port.namespace))
		return mistake_at(
			file, responder->line[PLAN_INTERFACE],
			"generator and responder are both on %s: they need two ports that "
			"are cabled to each other",
			responder->port.interface);
	if (generator->cpu >= 0 && generator->cpu == responder->cpu)
		return mistake_at(
			file, responder->line[PLAN_CPU],
			"generator and responder have the same CPU, so that every latency is "
			"the length of a turn on it%s",
			"");
	if ((generator->cpu < 0) != (responder->cpu < 0))
		return ini_mistake(file, "name a CPU for the generator and for the responder, or "
		                         "for none of them");
	return 1;
}

/* ---- What is there ------------------------------------------------------------------------ */

static bool interface_is_there(int ns, const char *interface)
{
	int home = namespace_visit(ns);
	bool there;

	if (home < 0)
		return false;
	there = if_nametoindex(interface);
	namespace_leave(home);
	return there;
}

static int check_port(struct ini_file *file, const struct plan_end *end)
{
	int ns = port_open_namespace(&end->port);
	bool there;

	if (ns < 0)
		return mistake_at(file, end->line[PLAN_NAMESPACE],
		                  ns == -ENOENT ? "there is no network namespace \"%s\""
		                                : "cannot open the network namespace \"%s\"",
		                  end->port.namespace);
	there = interface_is_there(ns, end->port.interface);
	close(ns);
	if (!there)
		return mistake_at(file, end->line[PLAN_INTERFACE], "there is no interface \"%s\"",
		                  end->port.interface);
	return 1;
}

static int check_end(struct ini_file *file, const struct plan_end *end)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", end->cpu);
	if (end->cpu >= 0 && !cores_may_use(end->cpu))
		return mistake_at(file, end->line[PLAN_CPU],
		                  "there is no CPU %s that ktax may run on", text);
	return check_port(file, end);
}

static int check_all(struct ini_file *file)
{
	const struct reader *reader = file->context;

	return check_ends(file) && check_end(file, &reader->plan.generator) &&
	       (reader->plan.responder.remote[0] || check_end(file, &reader->plan.responder));
}

/* ---- Reading ------------------------------------------------------------------------------ */

static void reader_init(struct reader *reader, const struct plan_settings *settings)
{
	const struct frame_flow *flow = &traffic_test_flow;

	*reader = (struct reader){ .settings = settings };
	reader->plan.generator.cpu = reader->plan.responder.cpu = -1;
	reader->plan.responder.udp_port = flow->server.port;
	memcpy(reader->plan.generator.ip, flow->client.ip, 4);
	memcpy(reader->plan.responder.ip, flow->server.ip, 4);
}

int plan_read(struct plan *plan, const char *path, const struct plan_settings *settings, char *why,
              size_t why_size)
{
	static const struct ini_reader with_host = { "plan", section_is_known, set_key, check_all };
	struct reader reader;
	int err;

	reader_init(&reader, settings);
	err = ini_file_read(path, &with_host, &reader, why, why_size);
	if (!err)
		*plan = reader.plan;
	return err;
}

int plan_parse(struct plan *plan, const char *text, const char *path,
               const struct plan_settings *settings, char *why, size_t why_size)
{
	static const struct ini_reader alone = { "plan", section_is_known, set_key, check_ends };
	struct reader reader;
	int err;

	reader_init(&reader, settings);
	err = ini_text_read(text, path, &alone, &reader, why, why_size);
	if (!err)
		*plan = reader.plan;
	return err;
}
