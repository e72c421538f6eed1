// SPDX-License-Identifier: GPL-2.0
/* ip(8) does the work, one batch per namespace. */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ip_batch.h"
#include "sentence.h"

/* ---- Namespaces --------------------------------------------------------------------------- */

int link_enter(int ns)
{
	return setns(ns, CLONE_NEWNET) ? -errno : 0;
}

int link_here(void)
{
	int ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return ns < 0 ? -errno : ns;
}

/* A new namespace that nobody else knows; the calling thread stays where it is. */
static int make_namespace(int home)
{
	int ns;

	if (unshare(CLONE_NEWNET))
		return -errno;
	ns = link_here();
	if (link_enter(home) < 0) {
		if (ns >= 0)
			close(ns);
		return -EIO;
	}
	return ns;
}

/* ---- What the link is made of ------------------------------------------------------------- */

static void print_ip(char *text, size_t size, const struct frame_flow *flow,
                     const struct frame_end *end)
{
	inet_ntop(flow->ipv6 ? AF_INET6 : AF_INET, end->ip, text, size);
}

static void print_mac(char text[18], const uint8_t mac[6])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
	         mac[5]);
}

/* One queue, since an XDP program on veth needs no more transmit queues than its peer receives. */
static int make_pair(struct link *link, int home, const struct frame_flow *flow, char *why,
                     size_t why_size)
{
	char batch[IP_BATCH_MAX], client[18], server[18];

	print_mac(client, flow->client.mac);
	print_mac(server, flow->server.mac);
	snprintf(batch, sizeof(batch),
	         "link set lo up\n"
	         "link add %s address %s numrxqueues 1 numtxqueues 1 type veth "
	         "peer name %s address %s numrxqueues 1 numtxqueues 1 netns /proc/%d/fd/%d\n",
	         link->generator_interface, client, link->responder_interface, server, getpid(),
	         link->responder_ns);
	return ip_batch(home, link->generator_ns, batch, why, why_size);
}

/* One end of the link, and who is at the other. */
struct end {
	int ns;
	const char *interface;
	const struct frame_end *local, *peer;
	bool has_ip;
};

static struct end generator_end(const struct link *link, const struct frame_flow *flow,
                                unsigned int ip)
{
	return (struct end){ link->generator_ns, link->generator_interface, &flow->client,
		             &flow->server, ip & LINK_GENERATOR_IP };
}

static struct end responder_end(const struct link *link, const struct frame_flow *flow,
                                unsigned int ip)
{
	return (struct end){ link->responder_ns, link->responder_interface, &flow->server,
		             &flow->client, ip & LINK_RESPONDER_IP };
}

/* The neighbour is known from the start: nothing is to be resolved while it is measured. */
static int set_up(const struct end *end, int home, const struct frame_flow *flow, char *why,
                  size_t why_size)
{
	char batch[IP_BATCH_MAX], local[INET6_ADDRSTRLEN], peer[INET6_ADDRSTRLEN], mac[18];
	int n;

	print_ip(local, sizeof(local), flow, end->local);
	print_ip(peer, sizeof(peer), flow, end->peer);
	print_mac(mac, end->peer->mac);
	n = snprintf(batch, sizeof(batch), "link set lo up\nlink set %s up\n", end->interface);
	if (end->has_ip)
		snprintf(batch + n, sizeof(batch) - n,
		         "address add %s/%d dev %s%s\n"
		         "neighbour replace %s lladdr %s nud permanent dev %s\n",
		         local, flow->ipv6 ? 64 : 24, end->interface, flow->ipv6 ? " nodad" : "",
		         peer, mac, end->interface);
	return ip_batch(home, end->ns, batch, why, why_size);
}

/* Linux would send router solicitations and the like at its own time. */
static int silence_ipv6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (write(fd, "1", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

/* Checksums are computed before a frame leaves: a raw reader gets what is on the wire. */
static int switch_offloads_off(const char *interface)
{
	static const uint32_t offloads[] = { ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		struct ethtool_value value = { .cmd = offloads[i] };
		struct ifreq request = { .ifr_data = (void *)&value };

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
		if (ioctl(fd, SIOCETHTOOL, &request) && errno != EOPNOTSUPP)
			err = -errno;
	}
	close(fd);
	return err;
}

/* What is set within a namespace and not by ip(8). */
static int settle(const struct end *end, int home, bool ipv6, char *why, size_t why_size)
{
	int err = link_enter(end->ns);

	if (!err && !(ipv6 && end->has_ip))
		err = silence_ipv6();
	if (!err)
		err = switch_offloads_off(end->interface);
	link_enter(home);
	if (err)
		return sentence(why, why_size, err, "cannot set up the test link: %s",
		                strerror(-err));
	return 0;
}

int link_make(struct link *link, const struct frame_flow *flow, unsigned int ip, char *why,
              size_t why_size)
{
	int home = link_here(), err;
	struct end ends[2];

	if (home < 0)
		return sentence(why, why_size, home, "cannot tell the network namespace: %s",
		                strerror(-home));
	*link = (struct link){ .generator_interface = "ktaxg0", .responder_interface = "ktaxr0" };
	link->generator_ns = make_namespace(home);
	link->responder_ns = make_namespace(home);
	if (link->generator_ns < 0 || link->responder_ns < 0) {
		err = link->generator_ns < 0 ? link->generator_ns : link->responder_ns;
		sentence(why, why_size, err, "cannot make a network namespace: %s", strerror(-err));
		goto fail;
	}
	ends[0] = generator_end(link, flow, ip);
	ends[1] = responder_end(link, flow, ip);
	err = make_pair(link, home, flow, why, why_size);
	for (int i = 0; i < 2 && !err; i++)
		err = settle(&ends[i], home, flow->ipv6, why, why_size);
	for (int i = 0; i < 2 && !err; i++)
		err = set_up(&ends[i], home, flow, why, why_size);
	if (err)
		goto fail;
	close(home);
	return 0;
fail:
	link_close(link);
	close(home);
	return err;
}

void link_close(struct link *link)
{
	if (link->generator_ns > 0)
		close(link->generator_ns);
	if (link->responder_ns > 0)
		close(link->responder_ns);
	*link = (struct link){ .generator_ns = -1, .responder_ns = -1 };
}
