// SPDX-License-Identifier: GPL-2.0
/*
 * The responder's port has an address while a path of the kernel's sockets has its turn; the
 * generator's needs one over TCP only, else it sends and receives frames.
 */
#include "ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remote.h"
#include "sentence.h"

#define CARRIER_TIMEOUT_MS 10000
#define CARRIER_STEP_MS    20

/* ---- The responder's end, here or on the other host ----------------------------------------- */

static int examine_responder(struct ports *ports, bool i_know, char *why, size_t why_size)
{
	struct port_end *end = &ports->responder;

	if (ports->remote)
		return remote_examine(ports->remote, end, &ports->flow, i_know, why, why_size);
	return port_end_examine(end, &ports->flow, i_know, why, why_size);
}

static int change_responder(struct ports *ports, char *why, size_t why_size)
{
	if (ports->remote)
		return remote_change(ports->remote, &ports->flow, why, why_size);
	return port_end_change(&ports->responder, &ports->flow, true, why, why_size);
}

static int set_responder_address(const struct ports *ports, bool has, char *why, size_t why_size)
{
	if (ports->responder.given)
		return 0;
	if (ports->remote)
		return remote_set_address(ports->remote, has, why, why_size);
	return port_end_set_address(&ports->responder, &ports->flow, has, why, why_size);
}

/* An enum port_state, or a negative errno. */
static int responder_state(const struct ports *ports, char *why, size_t why_size)
{
	if (ports->remote)
		return remote_port_state(ports->remote, why, why_size);
	return port_end_state(&ports->responder);
}

int ports_give(struct ports *ports, char *why, size_t why_size)
{
	int err;

	if (!ports->remote)
		return port_end_give(&ports->responder, why, why_size);
	err = remote_give(ports->remote, why, why_size);
	ports->responder.given = !err;
	return err;
}

void ports_take_back(struct ports *ports)
{
	struct port_end *end = &ports->responder;

	if (!ports->remote)
		port_end_take_back(end);
	else if (end->given)
		remote_take_back(ports->remote, NULL, 0); /* ports_check asks whether it has */
	end->given = false;
}

/* ---- Preparing ------------------------------------------------------------------------------ */

/* The kernel takes what is for an address of its own over no cable. */
static int check_apart(const struct ports *ports, char *why, size_t why_size)
{
	if (ports->remote ||
	    namespace_inode(ports->generator.ns) != namespace_inode(ports->responder.ns))
		return 0;
	return sentence(why, why_size, -EINVAL,
	                "over TCP %s and %s have to be in two namespaces: in one, the kernel talks "
	                "to itself without them",
	                ports->generator.port.interface, ports->responder.port.interface);
}

/* All that can keep them from being used is looked for before anything is changed. */
int ports_prepare(struct ports *ports, struct journal *journal, bool i_know, char *why,
                  size_t why_size)
{
	int err;

	ports->responder.serves = true;
	ports->generator.journal = ports->responder.journal = journal;
	ports->generator.ns = ports->responder.ns = -1;
	err = port_end_examine(&ports->generator, &ports->flow, i_know, why, why_size);
	if (!err)
		err = examine_responder(ports, i_know, why, why_size);
	if (!err && ports->tcp)
		err = check_apart(ports, why, why_size);
	if (!err)
		err = port_end_change(&ports->generator, &ports->flow, ports->tcp, why, why_size);
	if (!err)
		err = change_responder(ports, why, why_size);
	return err ? err : ports_settle(ports, why, why_size);
}

void ports_close(struct ports *ports)
{
	port_end_close(&ports->generator);
	port_end_close(&ports->responder);
}

/* ---- Joining -------------------------------------------------------------------------------- */

static int set_addresses(const struct ports *ports, bool raw, char *why, size_t why_size)
{
	int err = set_responder_address(ports, !raw, why, why_size);

	if (err || !ports->tcp)
		return err;
	return port_end_set_address(&ports->generator, &ports->flow, true, why, why_size);
}

int ports_join(const struct ports *ports, struct link *link, bool raw, char *why, size_t why_size)
{
	const struct port_end *responder = &ports->responder;
	int err = responder->given ? ports_check(ports, why, why_size)
	                           : ports_settle(ports, why, why_size);

	if (err == -ENOLINK && responder->given)
		err = 0; /* until user space has started it */
	if (!err)
		err = set_addresses(ports, raw, why, why_size);
	if (err)
		return err;
	*link = (struct link){ .generator_ns = dup(ports->generator.ns),
		               .responder_ns = ports->remote ? -1 : dup(responder->ns) };
	strcpy(link->generator_interface, ports->generator.port.interface);
	if (!ports->remote) /* else that host names it */
		strcpy(link->responder_interface, port_end_interface(responder));
	return 0;
}

/* ---- Still there? --------------------------------------------------------------------------- */

static int say(enum port_state state, const struct port_end *end, const struct remote *remote,
               char *why, size_t why_size)
{
	const char *host = remote ? remote_host(remote)->name : "", *colon = remote ? ": " : "";

	if (state == PORT_GONE)
		return sentence(why, why_size, -ENODEV, "%s%sinterface %s has vanished", host,
		                colon, end->port.interface);
	return sentence(why, why_size, -ENOLINK,
	                "%s%sinterface %s has no carrier: are the two ports cabled to each other, "
	                "and up?",
	                host, colon, end->port.interface);
}

int ports_check(const struct ports *ports, char *why, size_t why_size)
{
	enum port_state generator = port_end_state(&ports->generator);
	int responder = responder_state(ports, why, why_size);

	if (responder < 0)
		return responder;
	if (ports->responder.lost[0])
		return sentence(why, why_size, -ENODEV, "%s", ports->responder.lost);

	/* The peer of a cable that was pulled out has lost its carrier, too. */
	if (generator != PORT_READY && (generator == PORT_GONE || responder != PORT_GONE))
		return say(generator, &ports->generator, NULL, why, why_size);
	if (responder != PORT_READY)
		return say(responder, &ports->responder, ports->remote, why, why_size);
	return 0;
}

int ports_settle(const struct ports *ports, char *why, size_t why_size)
{
	int err = -ENOLINK;

	for (int ms = 0; err == -ENOLINK && ms < CARRIER_TIMEOUT_MS; ms += CARRIER_STEP_MS) {
		err = ports_check(ports, why, why_size);
		if (err == -ENOLINK)
			usleep(CARRIER_STEP_MS * 1000);
	}
	return err;
}
