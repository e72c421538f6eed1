// SPDX-License-Identifier: GPL-2.0
#include "ab_plan.h"

#include <errno.h>
#include <string.h>

#include "remote.h"
#include "traffic.h"

static bool is_heading_of(const char *heading, const char *section)
{
	if (!strcmp(section, "traffic"))
		return !strcmp(heading, "Traffic:");
	return !strcmp(heading, "Paths:") || !strcmp(heading, "Design:");
}

/* The CPUs are those of [generator] and [responder]. */
static bool is_for_plans(const char *name)
{
	return strcmp(name, "cpus") != 0;
}

const struct option_row *ab_plan_option(const struct option_row *table, const char *section,
                                        const char *name)
{
	bool within = false;

	for (const struct option_row *row = table; row->name || row->help; row++) {
		if (!row->name)
			within = is_heading_of(row->help, section);
		else if (within && !strcmp(row->name, name) && is_for_plans(name))
			return row;
	}
	return NULL;
}

int ab_plan_flag(const char *value, bool *ret_flag)
{
	*ret_flag = !strcmp(value, "yes");
	return *ret_flag || !strcmp(value, "no") ? 0 : -EINVAL;
}

/* Another host gets all that it has to know, but for the port. */
static int open_remote(const struct plan_end *responder, const struct traffic *traffic,
                       struct remote **ret, char *why, size_t why_size)
{
	int err;

	if (!responder->remote[0])
		return 0;
	err = remote_open(ret, responder->remote, responder->cpu, why, why_size);
	return err ? err : remote_set_work(*ret, traffic, why, why_size);
}

int ab_plan_prepare(const struct plan *plan, struct journal *journal, bool i_know, bool tcp,
                    struct ports *ports, struct traffic *traffic, char *why, size_t why_size)
{
	struct frame_end *client = &ports->flow.client, *server = &ports->flow.server;
	int err;

	*ports = (struct ports){ .generator = { .port = plan->generator.port, .ns = -1 },
		                 .responder = { .port = plan->responder.port,
		                                .rebind = plan->responder.rebind,
		                                .ns = -1 },
		                 .tcp = tcp };
	client->port = traffic->flow[0].client.port;
	server->port = plan->responder.udp_port;
	memcpy(client->ip, plan->generator.ip, 4);
	memcpy(server->ip, plan->responder.ip, 4);
	memcpy(client->mac, plan->generator.mac, 6);
	memcpy(server->mac, plan->responder.mac, 6);
	err = open_remote(&plan->responder, traffic, &ports->remote, why, why_size);
	if (!err)
		err = ports_prepare(ports, journal, i_know, why, why_size);
	if (!err)
		traffic_set_ends(traffic, &ports->flow);
	return err;
}

int ab_plan_close(struct ports *ports, char *why, size_t why_size)
{
	ports_close(ports);
	return remote_close(ports->remote, why, why_size);
}
