// SPDX-License-Identifier: GPL-2.0
/*
 * An end's address comes with that of the other as its peer: a route to this one host and to no
 * other.
 */
#include "port_end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "interface.h"
#include "ip_batch.h"
#include "journal.h"
#include "link.h"
#include "sentence.h"

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

/* ---- Examining ------------------------------------------------------------------------------ */

static struct frame_end *own_end(const struct port_end *end, struct frame_flow *flow)
{
	return end->serves ? &flow->server : &flow->client;
}

/* Where the calling thread came from, or a negative errno. */
static int visit(const struct port_end *end, char *why, size_t why_size)
{
	int home = namespace_visit(end->ns);

	if (home < 0)
		return sentence(why, why_size, home, "cannot enter the namespace of %s: %s",
		                end->port.interface, strerror(-home));
	return home;
}

static int examine_here(struct port_end *end, struct frame_flow *flow, char *why, size_t why_size)
{
	const char *interface = end->port.interface;
	int err;

	end->index = if_nametoindex(interface);
	err = end->index ? read_mac(interface, own_end(end, flow)->mac) : -ENODEV;
	if (err)
		return sentence(why, why_size, err, "interface %s: %s", interface, strerror(-err));
	read_driver(interface, end->driver);
	return check_addresses(interface, flow, why, why_size);
}

int port_end_examine(struct port_end *end, struct frame_flow *flow, bool i_know, char *why,
                     size_t why_size)
{
	int err = i_know ? 0 : guard_check(&end->port, why, why_size), home;

	end->ns = -1;
	if (err)
		return err;
	end->ns = port_open_namespace(&end->port);
	if (end->ns < 0)
		return sentence(why, why_size, -ENODEV,
		                "cannot open the network namespace \"%s\": %s", end->port.namespace,
		                strerror(-end->ns));
	home = visit(end, why, why_size);
	if (home < 0)
		return home;
	err = examine_here(end, flow, why, why_size);
	namespace_leave(home);
	return err;
}

/* ---- Changing ------------------------------------------------------------------------------- */

static int set_sysctl(const struct port_end *end, struct journal *journal, const char *format,
                      const char *value, char *why, size_t why_size)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), format, end->port.interface);
	err = journal_set_file(journal, &end->port, path, value, why, why_size);
	return err == -ENOENT ? 0 : err; /* a kernel without IPv6 */
}

/*
 * Linux would send router solicitations at its own time, and forward on the one port, back to the
 * other, what it receives for the client.
 */
static int silence(const struct port_end *end, struct journal *journal, char *why, size_t why_size)
{
	int err = set_sysctl(end, journal, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", "1", why,
	                     why_size);

	return err ? err
	           : set_sysctl(end, journal, "/proc/sys/net/ipv4/conf/%s/forwarding", "0", why,
	                        why_size);
}

/* In the port's namespace. Without a journal (NULL) it has been written down before. */
static int change_here(const struct port_end *end, struct journal *journal, char *why,
                       size_t why_size)
{
	const struct port *port = &end->port;
	int err = journal_note_xdp(journal, port, why, why_size);

	if (!err)
		err = journal_note_features(journal, port, why, why_size);
	if (!err && !strcmp(end->driver, "veth"))
		err = journal_set_offloads_off(journal, port, why, why_size);
	if (!err) /* they may be lost with their queues */
		err = journal_note_napi(journal, port, why, why_size);
	if (!err)
		err = journal_set_one_channel(journal, port, why, why_size);
	if (!err)
		err = silence(end, journal, why, why_size);
	if (!err)
		err = journal_set_up(journal, port, why, why_size);
	return err ? err : journal_note_napi(journal, port, why, why_size);
}

/* The IPv4 addresses of an end and of the other, as text. */
struct addresses {
	char local[16], peer[16];
};

static struct addresses print_addresses(const struct port_end *end, const struct frame_flow *flow)
{
	struct addresses text;

	inet_ntop(AF_INET, flow->client.ip, end->serves ? text.peer : text.local, 16);
	inet_ntop(AF_INET, flow->server.ip, end->serves ? text.local : text.peer, 16);
	return text;
}

int port_end_change(struct port_end *end, const struct frame_flow *flow, bool addressed, char *why,
                    size_t why_size)
{
	struct addresses text = print_addresses(end, flow);
	int home = visit(end, why, why_size), err;

	if (home < 0)
		return home;
	err = change_here(end, end->journal, why, why_size);
	namespace_leave(home);
	if (err || !addressed)
		return err;
	return journal_note_address(end->journal, &end->port, text.local, text.peer, why, why_size);
}

int port_end_set_address(const struct port_end *end, const struct frame_flow *flow, bool has,
                         char *why, size_t why_size)
{
	struct addresses text = print_addresses(end, flow);
	const uint8_t *mac = (end->serves ? &flow->client : &flow->server)->mac;
	const char *interface = end->port.interface;
	char batch[IP_BATCH_MAX];
	int home = link_here(), err;

	if (home < 0)
		return sentence(why, why_size, home, "cannot open the network namespace: %s",
		                strerror(-home));
	if (has)
		snprintf(batch, sizeof(batch),
		         "address replace %s peer %s dev %s\n"
		         "neighbour replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x nud permanent "
		         "dev %s\n",
		         text.local, text.peer, interface, text.peer, mac[0], mac[1], mac[2],
		         mac[3], mac[4], mac[5], interface);
	else
		snprintf(batch, sizeof(batch),
		         "address flush dev %s to %s\nneighbour flush dev %s to %s nud all\n",
		         interface, text.local, interface, text.peer);
	err = ip_batch(home, end->ns, batch, why, why_size);
	close(home);
	return err;
}

/* ---- Giving the NIC away -------------------------------------------------------------------- */

/* Once: what is put back at the end is what was there at first. */
static int note_binding(struct port_end *end, char *why, size_t why_size)
{
	int home = visit(end, why, why_size), err;

	if (home < 0)
		return home;
	err = binding_read(end->port.interface, &end->binding, why, why_size);
	namespace_leave(home);
	if (!err)
		err = guard_check_bare(&end->port, why, why_size);
	if (!err)
		err = journal_note_driver(end->journal, &end->port, why, why_size);
	if (err)
		end->binding = (struct binding){};
	return err;
}

int port_end_give(struct port_end *end, char *why, size_t why_size)
{
	int err = 0;

	if (!end->rebind)
		return sentence(
			why, why_size, -EOPNOTSUPP,
			"it takes %s from the kernel for its blocks, which needs \"rebind = "
			"yes\" in the plan's [responder]",
			end->port.interface);
	if (!binding_comes_back_here())
		return sentence(why, why_size, -EOPNOTSUPP,
		                "%s would come back in the host's network namespace, and ktax does "
		                "not run in it",
		                end->port.interface);
	if (!end->binding.pci[0])
		err = note_binding(end, why, why_size);
	if (err)
		return err;
	end->given = true;
	err = binding_give(&end->binding, why, why_size);
	if (err)
		port_end_take_back(end);
	return err;
}

void port_end_take_back(struct port_end *end)
{
	int home, err;

	if (!end->given)
		return;
	end->given = false;
	home = visit(end, end->lost, sizeof(end->lost));
	if (home < 0)
		return;
	err = binding_take_back(&end->binding, end->port.interface);
	end->index = if_nametoindex(end->port.interface);
	if (err < 0)
		sentence(end->lost, sizeof(end->lost), err,
		         "interface %s has not come back from user space (%s): %s",
		         end->port.interface, end->binding.pci, strerror(-err));
	else
		change_here(end, NULL, end->lost, sizeof(end->lost));
	namespace_leave(home);
}

const char *port_end_interface(const struct port_end *end)
{
	return end->given ? end->binding.pci : end->port.interface;
}

/* ---- Still there? --------------------------------------------------------------------------- */

enum port_state port_end_state(const struct port_end *end)
{
	enum port_state state = PORT_GONE;
	int home;

	if (end->given)
		return PORT_READY;
	home = namespace_visit(end->ns);
	if (home < 0)
		return PORT_GONE;
	if (end->index && if_nametoindex(end->port.interface) == end->index)
		state = has_carrier(end->port.interface) ? PORT_READY : PORT_NO_CARRIER;
	namespace_leave(home);
	return state;
}

void port_end_close(struct port_end *end)
{
	if (end->ns >= 0)
		close(end->ns);
	end->ns = -1;
}
