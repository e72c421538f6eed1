// SPDX-License-Identifier: GPL-2.0
/*
 * The responder's port gets the address of the server and, as its peer, that of the client: a route
 * to this one host and to no other. The generator's port needs none: it sends and receives frames.
 */
#include "ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "interface.h"
#include "ip_batch.h"
#include "journal.h"
#include "sentence.h"

#define CARRIER_TIMEOUT_MS 10000
#define CARRIER_STEP_MS    20

/* ---- One port, in its namespace ------------------------------------------------------------- */

static int read_mac(const char *interface, uint8_t mac[6])
{
	static const uint8_t none[6];

	return memcmp(mac, none, 6) ? 0 : interface_mac(interface, mac);
}

static bool has_carrier(const char *interface)
{
	struct ifreq ifreq = {};

	return !interface_request(interface, SIOCGIFFLAGS, &ifreq) && ifreq.ifr_flags & IFF_UP &&
	       ifreq.ifr_flags & IFF_RUNNING;
}

/* "" where it does not say. */
static void read_driver(const char *interface, char driver[32])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	driver[0] = '\0';
	if (!interface_ethtool(interface, &info))
		snprintf(driver, 32, "%.31s", info.driver);
}

/* An address of the port that would be in the way: any but link-local ones of IPv6. */
static bool is_own_address(const struct ifaddrs *address, const char *interface)
{
	const struct sockaddr_in6 *ipv6 = (const void *)address->ifa_addr;

	if (!address->ifa_addr || strcmp(address->ifa_name, interface) != 0)
		return false;
	if (address->ifa_addr->sa_family == AF_INET6)
		return !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr);
	return address->ifa_addr->sa_family == AF_INET;
}

/* One of the run's addresses, on any interface. */
static bool is_taken(const struct ifaddrs *address, const struct frame_flow *flow)
{
	const struct sockaddr_in *ipv4 = (const void *)address->ifa_addr;

	if (!address->ifa_addr || address->ifa_addr->sa_family != AF_INET)
		return false;
	return !memcmp(&ipv4->sin_addr, flow->client.ip, 4) ||
	       !memcmp(&ipv4->sin_addr, flow->server.ip, 4);
}

static int check_addresses(const char *interface, const struct frame_flow *flow, char *why,
                           size_t why_size)
{
	struct ifaddrs *all;
	int err = 0;

	if (getifaddrs(&all))
		return sentence(why, why_size, -errno, "cannot list addresses: %s",
		                strerror(errno));
	for (const struct ifaddrs *address = all; address && !err; address = address->ifa_next) {
		if (is_own_address(address, interface))
			err = sentence(why, why_size, -EBUSY,
			               "%s has an IP address, and a run sets its own: take it off "
			               "first (ip address flush dev %s)",
			               interface, interface);
		else if (is_taken(address, flow))
			err = sentence(why, why_size, -EBUSY,
			               "%s has an address of the plan already: choose others",
			               address->ifa_name);
	}
	freeifaddrs(all);
	return err;
}

/* ---- Preparing ------------------------------------------------------------------------------ */

struct preparation {
	struct journal *journal;
	const struct port *port;
	const struct frame_flow *flow;
	char *why;
	size_t why_size;
	char *driver; /* where it is written to, or NULL */
};

static int set_sysctl(const struct preparation *preparation, const char *format, const char *value)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), format, preparation->port->interface);
	err = journal_set_file(preparation->journal, preparation->port, path, value,
	                       preparation->why, preparation->why_size);
	return err == -ENOENT ? 0 : err; /* a kernel without IPv6 */
}

/*
 * Linux would send router solicitations at its own time, and forward on the one port, back to the
 * other, what it receives for the client.
 */
static int silence(const struct preparation *preparation)
{
	int err = set_sysctl(preparation, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", "1");

	return err ? err : set_sysctl(preparation, "/proc/sys/net/ipv4/conf/%s/forwarding", "0");
}

/* In the port's namespace. */
static int change_here(const struct preparation *preparation)
{
	const struct port *port = preparation->port;
	char *why = preparation->why;
	size_t why_size = preparation->why_size;
	char driver[32];
	int err = journal_note_xdp(preparation->journal, port, why, why_size);

	read_driver(port->interface, driver);
	if (!err)
		err = journal_note_features(preparation->journal, port, why, why_size);
	if (preparation->driver)
		memcpy(preparation->driver, driver, sizeof(driver));
	if (!err && !strcmp(driver, "veth"))
		err = journal_set_offloads_off(preparation->journal, port, why, why_size);
	if (!err) /* they may be lost with their queues */
		err = journal_note_napi(preparation->journal, port, why, why_size);
	if (!err)
		err = journal_set_one_channel(preparation->journal, port, why, why_size);
	if (!err)
		err = silence(preparation);
	if (!err)
		err = journal_set_up(preparation->journal, port, why, why_size);
	return err ? err : journal_note_napi(preparation->journal, port, why, why_size);
}

static int examine_here(const struct preparation *preparation, unsigned int *ret_index,
                        uint8_t mac[6])
{
	const char *interface = preparation->port->interface;
	int err;

	*ret_index = if_nametoindex(interface);
	err = *ret_index ? read_mac(interface, mac) : -ENODEV;
	if (err)
		return sentence(preparation->why, preparation->why_size, err, "interface %s: %s",
		                interface, strerror(-err));
	return check_addresses(interface, preparation->flow, preparation->why,
	                       preparation->why_size);
}

static int visit(const struct preparation *preparation, int ns)
{
	int home = ns < 0 ? ns : namespace_visit(ns);

	if (home < 0)
		return sentence(preparation->why, preparation->why_size, home,
		                "cannot enter the namespace of %s: %s",
		                preparation->port->interface, strerror(-home));
	return home;
}

/* All that can keep it from being used is looked for before anything is changed. */
static int examine_port(const struct preparation *preparation, bool i_know, int *ret_ns,
                        unsigned int *ret_index, uint8_t mac[6])
{
	int err = 0, home;

	if (!i_know)
		err = guard_check(preparation->port, preparation->why, preparation->why_size);
	if (err)
		return err;
	*ret_ns = port_open_namespace(preparation->port);
	home = visit(preparation, *ret_ns);
	if (home < 0)
		return home;
	err = examine_here(preparation, ret_index, mac);
	namespace_leave(home);
	return err;
}

static int change_port(const struct preparation *preparation, int ns)
{
	int home = visit(preparation, ns), err;

	if (home < 0)
		return home;
	err = change_here(preparation);
	namespace_leave(home);
	return err;
}

static void print_addresses(const struct ports *ports, char client[16], char server[16])
{
	inet_ntop(AF_INET, ports->flow.client.ip, client, 16);
	inet_ntop(AF_INET, ports->flow.server.ip, server, 16);
}

/* The kernel takes what is for an address of its own over no cable. */
static int check_apart(const struct ports *ports, char *why, size_t why_size)
{
	if (namespace_inode(ports->generator_ns) != namespace_inode(ports->responder_ns))
		return 0;
	return sentence(why, why_size, -EINVAL,
	                "over TCP %s and %s have to be in two namespaces: in one, the kernel talks "
	                "to itself without them",
	                ports->generator.interface, ports->responder.interface);
}

int ports_prepare(struct ports *ports, struct journal *journal, bool i_know, char *why,
                  size_t why_size)
{
	struct preparation generator = { journal, &ports->generator, &ports->flow, why, why_size };
	struct preparation responder = { journal, &ports->responder, &ports->flow,
		                         why,     why_size,          ports->driver };
	char client[16], server[16];
	int err;

	ports->journal = journal;
	ports->generator_ns = ports->responder_ns = -1;
	err = examine_port(&generator, i_know, &ports->generator_ns, &ports->generator_index,
	                   ports->flow.client.mac);
	if (!err)
		err = examine_port(&responder, i_know, &ports->responder_ns,
		                   &ports->responder_index, ports->flow.server.mac);
	if (!err && ports->tcp)
		err = check_apart(ports, why, why_size);
	if (!err)
		err = change_port(&generator, ports->generator_ns);
	if (!err)
		err = change_port(&responder, ports->responder_ns);
	print_addresses(ports, client, server);
	if (!err)
		err = journal_note_address(journal, &ports->responder, server, client, why,
		                           why_size);
	if (!err && ports->tcp)
		err = journal_note_address(journal, &ports->generator, client, server, why,
		                           why_size);
	return err ? err : ports_settle(ports, why, why_size);
}

void ports_close(struct ports *ports)
{
	if (ports->generator_ns >= 0)
		close(ports->generator_ns);
	if (ports->responder_ns >= 0)
		close(ports->responder_ns);
	ports->generator_ns = ports->responder_ns = -1;
}

/* ---- Joining -------------------------------------------------------------------------------- */

/* What gives @interface its address, and tells it where @peer is. */
static void print_address(char *batch, const char *interface, const char *local, const char *peer,
                          const uint8_t mac[6])
{
	snprintf(batch, IP_BATCH_MAX,
	         "address replace %s peer %s dev %s\n"
	         "neighbour replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x nud permanent dev %s\n",
	         local, peer, interface, peer, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	         interface);
}

static int set_responder_address(const struct ports *ports, int home, bool raw, char *why,
                                 size_t why_size)
{
	char batch[IP_BATCH_MAX], client[16], server[16];
	const char *interface = ports->responder.interface;

	print_addresses(ports, client, server);
	if (raw)
		snprintf(batch, sizeof(batch),
		         "address flush dev %s to %s\nneighbour flush dev %s to %s nud all\n",
		         interface, server, interface, client);
	else
		print_address(batch, interface, server, client, ports->flow.client.mac);
	return ip_batch(home, ports->responder_ns, batch, why, why_size);
}

static int set_generator_address(const struct ports *ports, int home, char *why, size_t why_size)
{
	char batch[IP_BATCH_MAX], client[16], server[16];

	print_addresses(ports, client, server);
	print_address(batch, ports->generator.interface, client, server, ports->flow.server.mac);
	return ip_batch(home, ports->generator_ns, batch, why, why_size);
}

static int set_addresses(const struct ports *ports, bool raw, char *why, size_t why_size)
{
	int home = link_here(), err = 0;

	if (home < 0)
		return home;
	if (!ports->given)
		err = set_responder_address(ports, home, raw, why, why_size);
	if (!err && ports->tcp)
		err = set_generator_address(ports, home, why, why_size);
	close(home);
	return err;
}

int ports_join(const struct ports *ports, struct link *link, bool raw, char *why, size_t why_size)
{
	int err = ports->given ? ports_check(ports, why, why_size)
	                       : ports_settle(ports, why, why_size);

	if (err == -ENOLINK && ports->given)
		err = 0; /* until user space has started it */
	if (!err)
		err = set_addresses(ports, raw, why, why_size);
	if (err)
		return err;
	*link = (struct link){ .generator_ns = dup(ports->generator_ns),
		               .responder_ns = dup(ports->responder_ns) };
	strcpy(link->generator_interface, ports->generator.interface);
	strcpy(link->responder_interface,
	       ports->given ? ports->binding.pci : ports->responder.interface);
	return 0;
}

/* ---- Giving the NIC away -------------------------------------------------------------------- */

/* Once: what is put back at the end is what was there at first. */
static int note_binding(struct ports *ports, char *why, size_t why_size)
{
	int home = namespace_visit(ports->responder_ns), err;

	if (home < 0)
		return sentence(why, why_size, home, "cannot enter the namespace of %s: %s",
		                ports->responder.interface, strerror(-home));
	err = binding_read(ports->responder.interface, &ports->binding, why, why_size);
	namespace_leave(home);
	if (!err)
		err = guard_check_bare(&ports->responder, why, why_size);
	if (!err)
		err = journal_note_driver(ports->journal, &ports->responder, why, why_size);
	if (err)
		ports->binding = (struct binding){};
	return err;
}

int ports_give(struct ports *ports, char *why, size_t why_size)
{
	int err = 0;

	if (!ports->rebind)
		return sentence(
			why, why_size, -EOPNOTSUPP,
			"it takes %s from the kernel for its blocks, which needs \"rebind = "
			"yes\" in the plan's [responder]",
			ports->responder.interface);
	if (!binding_comes_back_here())
		return sentence(why, why_size, -EOPNOTSUPP,
		                "%s would come back in the host's network namespace, and ktax does "
		                "not run in it",
		                ports->responder.interface);
	if (!ports->binding.pci[0])
		err = note_binding(ports, why, why_size);
	if (err)
		return err;
	ports->given = true;
	err = binding_give(&ports->binding, why, why_size);
	if (err)
		ports_take_back(ports);
	return err;
}

void ports_take_back(struct ports *ports)
{
	struct preparation again = { .port = &ports->responder,
		                     .flow = &ports->flow,
		                     .why = ports->lost,
		                     .why_size = sizeof(ports->lost) };
	int home, err;

	if (!ports->given)
		return;
	ports->given = false;
	home = visit(&again, ports->responder_ns);
	if (home < 0)
		return;
	err = binding_take_back(&ports->binding, ports->responder.interface);
	ports->responder_index = if_nametoindex(ports->responder.interface);
	if (err < 0)
		sentence(ports->lost, sizeof(ports->lost), err,
		         "interface %s has not come back from user space (%s): %s",
		         ports->responder.interface, ports->binding.pci, strerror(-err));
	else
		change_here(&again);
	namespace_leave(home);
}

/* ---- Still there? --------------------------------------------------------------------------- */

enum state { GONE, NO_CARRIER, READY };

static enum state state_of(const struct port *port, int ns, unsigned int index)
{
	int home = namespace_visit(ns);
	enum state state = GONE;

	if (home < 0)
		return GONE;
	if (if_nametoindex(port->interface) == index)
		state = has_carrier(port->interface) ? READY : NO_CARRIER;
	namespace_leave(home);
	return state;
}

static int say(enum state state, const struct port *port, char *why, size_t why_size)
{
	if (state == GONE)
		return sentence(why, why_size, -ENODEV, "interface %s has vanished",
		                port->interface);
	return sentence(why, why_size, -ENOLINK,
	                "interface %s has no carrier: are the two ports cabled to each other, and "
	                "up?",
	                port->interface);
}

int ports_check(const struct ports *ports, char *why, size_t why_size)
{
	enum state generator =
		state_of(&ports->generator, ports->generator_ns, ports->generator_index);
	enum state responder = ports->given ? READY
	                                    : state_of(&ports->responder, ports->responder_ns,
	                                               ports->responder_index);

	if (ports->lost[0])
		return sentence(why, why_size, -ENODEV, "%s", ports->lost);

	/* The peer of a cable that was pulled out has lost its carrier, too. */
	if (generator != READY && (generator == GONE || responder != GONE))
		return say(generator, &ports->generator, why, why_size);
	if (responder != READY)
		return say(responder, &ports->responder, why, why_size);
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
