// SPDX-License-Identifier: GPL-2.0
/*
 * Three dumps of rtnetlink: all interfaces (who is above whom), all routes, and the route to the
 * ssh session's peer. Whatever stands above the port, at any distance, is guarded like itself.
 */
#include "guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sentence.h"

#define LINKS_MAX      4096
#define ANCESTORS_MAX  64
#define ENVIRONMENT    (128 << 10) /* bytes that are looked at */
#define DEFAULT_BITS_4 1           /* two routes of /1 are a default route, as VPNs have it */
#define DEFAULT_BITS_6 3           /* 2000::/3 is all of the internet */

struct interface {
	unsigned int index, master, lower;
	char name[IF_NAMESIZE];
};

struct guard {
	struct interface interface[LINKS_MAX];
	size_t n;
	unsigned int above[LINKS_MAX]; /* the port, and all that stands above it */
	size_t n_above;
	unsigned int found; /* of those, one that carries what is looked for */
	unsigned int
		nexthop[LINKS_MAX]; /* objects that default routes use, of an unknown interface */
	size_t n_nexthops;
	unsigned int answer; /* interface of the one route that was asked for */
};

/* ---- rtnetlink ---------------------------------------------------------------------------- */

static int talk(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t visit, void *context)
{
	static unsigned int sequence;
	char buffer[32768];
	int n = 1, r = 1;

	request->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r > 0) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, n, sequence, mnl_socket_get_portid(socket), visit, context);
		if (!(request->nlmsg_flags & NLM_F_DUMP))
			break;
	}
	return r < 0 ? -errno : 0;
}

static int dump(struct mnl_socket *socket, uint16_t type, uint8_t family, size_t head_size,
                mnl_cb_t visit, void *context)
{
	char buffer[256] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	uint8_t *head;

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head = mnl_nlmsg_put_extra_header(request, head_size);
	head[0] = family; /* the first member of all of these headers */
	return talk(socket, request, visit, context);
}

/* ---- Who is above whom -------------------------------------------------------------------- */

static int visit_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct interface link = { .index = head->ifi_index };
	struct guard *guard = context;
	const struct nlattr *attribute;
	bool elsewhere = false;

	mnl_attr_for_each(attribute, message, sizeof(*head))
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			snprintf(link.name, sizeof(link.name), "%s", mnl_attr_get_str(attribute));
			break;
		case IFLA_MASTER:
			link.master = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK:
			link.lower = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		}
	}
	if (elsewhere)
		link.lower = 0;
	if (guard->n == LINKS_MAX)
		return MNL_CB_ERROR;
	guard->interface[guard->n++] = link;
	return MNL_CB_OK;
}

static bool is_above(const struct guard *guard, unsigned int index)
{
	for (size_t i = 0; i < guard->n_above; i++)
		if (guard->above[i] == index)
			return true;
	return false;
}

static void add_above(struct guard *guard, unsigned int index)
{
	if (index && !is_above(guard, index) && guard->n_above < LINKS_MAX)
		guard->above[guard->n_above++] = index;
}

static const struct interface *find(const struct guard *guard, unsigned int index)
{
	for (size_t i = 0; i < guard->n; i++)
		if (guard->interface[i].index == index)
			return &guard->interface[i];
	return NULL;
}

/* A veth says that it is on its peer, and the peer likewise: neither is above the other. */
static bool are_peers(const struct guard *guard, const struct interface *link)
{
	const struct interface *lower = find(guard, link->lower);

	return lower && lower->lower == link->index;
}

/* Until nothing is added: the list grows while it is walked. */
static void climb(struct guard *guard, unsigned int index)
{
	add_above(guard, index);
	for (size_t at = 0; at < guard->n_above; at++) {
		for (size_t i = 0; i < guard->n; i++) {
			const struct interface *link = &guard->interface[i];

			if (link->index == guard->above[at])
				add_above(guard, link->master);
			if (link->lower == guard->above[at] && !are_peers(guard, link))
				add_above(guard, link->index);
		}
	}
}

/* ---- Default routes ----------------------------------------------------------------------- */

static void note_carrier(struct guard *guard, unsigned int index)
{
	if (index && is_above(guard, index))
		guard->found = index;
}

static void note_multipath(struct guard *guard, const struct nlattr *attribute)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
	int left = mnl_attr_get_payload_len(attribute);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		note_carrier(guard, hop->rtnh_ifindex);
}

static bool is_default(const struct rtmsg *route)
{
	int most = route->rtm_family == AF_INET ? DEFAULT_BITS_4 : DEFAULT_BITS_6;

	return route->rtm_type == RTN_UNICAST && route->rtm_dst_len <= most;
}

static int visit_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct guard *guard = context;
	const struct nlattr *attribute;

	if (!is_default(route))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*route))
	{
		switch (mnl_attr_get_type(attribute)) {
		case RTA_OIF:
			note_carrier(guard, mnl_attr_get_u32(attribute));
			break;
		case RTA_MULTIPATH:
			note_multipath(guard, attribute);
			break;
		case RTA_NH_ID:
			if (guard->n_nexthops < LINKS_MAX)
				guard->nexthop[guard->n_nexthops++] = mnl_attr_get_u32(attribute);
			break;
		}
	}
	return MNL_CB_OK;
}

/* A group of nexthop objects has members; that they are of a default route is not told apart. */
static int visit_nexthop(const struct nlmsghdr *message, void *context)
{
	struct guard *guard = context;
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct nhmsg))
	{
		if (mnl_attr_get_type(attribute) == NHA_OIF)
			note_carrier(guard, mnl_attr_get_u32(attribute));
	}
	return MNL_CB_OK;
}

static int look_for_default_route(struct mnl_socket *socket, struct guard *guard)
{
	int err = dump(socket, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), visit_route, guard);

	if (!err)
		err = dump(socket, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), visit_route,
		           guard);
	if (!err && guard->n_nexthops)
		err = dump(socket, RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg), visit_nexthop,
		           guard);
	return err;
}

/* ---- The ssh session ---------------------------------------------------------------------- */

const char *guard_ssh_peer(const char *connection, char *buffer, size_t size)
{
	size_t length = strcspn(connection, " ");

	if (!connection[length] || !length || length >= size)
		return NULL;
	memcpy(buffer, connection, length);
	buffer[length] = '\0';
	return strpbrk(buffer, ".:") ? buffer : NULL;
}

/* Copies the value of @name in the environment of a process (NUL between variables). */
static bool find_variable(const char *environment, size_t length, const char *name, char *value,
                          size_t size)
{
	size_t name_length = strlen(name);

	for (const char *at = environment; at < environment + length; at += strlen(at) + 1) {
		if (strncmp(at, name, name_length) != 0 || at[name_length] != '=')
			continue;
		snprintf(value, size, "%s", at + name_length + 1);
		return true;
	}
	return false;
}

static ssize_t read_process_file(int pid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static int parent_of(int pid)
{
	char text[512], *rest;
	int parent = 0;

	if (read_process_file(pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	rest = strrchr(text, ')');
	return rest && sscanf(rest, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* sudo drops the variable, but not from the shell that it was called from. */
static bool find_connection(char *value, size_t size)
{
	char *text = malloc(ENVIRONMENT);
	bool found = false;
	int pid = getpid();

	for (int i = 0; text && !found && pid > 1 && i < ANCESTORS_MAX; i++) {
		ssize_t n = read_process_file(pid, "environ", text, ENVIRONMENT);

		if (n > 0)
			found = find_variable(text, n, "SSH_CONNECTION", value, size);
		pid = parent_of(pid);
	}
	free(text);
	return found;
}

static int visit_answer(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *attribute;
	struct guard *guard = context;

	mnl_attr_for_each(attribute, message, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			guard->answer = mnl_attr_get_u32(attribute);
	}
	return MNL_CB_STOP;
}

/* The interface of the route to @peer, 0: there is none. */
static unsigned int route_to(struct mnl_socket *socket, struct guard *guard, const char *peer)
{
	char buffer[256] = {}, address[16], plain[64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	const char *scope = strchr(peer, '%');
	struct rtmsg *route;
	int family = strchr(peer, ':') ? AF_INET6 : AF_INET;

	if (scope)
		return if_nametoindex(scope + 1);
	snprintf(plain, sizeof(plain), "%s", peer);
	if (inet_pton(family, plain, address) != 1)
		return 0;
	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST;
	route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	route->rtm_family = family;
	route->rtm_dst_len = family == AF_INET ? 32 : 128;
	mnl_attr_put(request, RTA_DST, family == AF_INET ? 4 : 16, address);
	guard->answer = 0;
	return talk(socket, request, visit_answer, guard) ? 0 : guard->answer;
}

static void look_for_session(struct mnl_socket *socket, struct guard *guard, char *peer,
                             size_t size)
{
	char connection[256];

	if (find_connection(connection, sizeof(connection)) &&
	    guard_ssh_peer(connection, peer, size))
		note_carrier(guard, route_to(socket, guard, peer));
}

/* ---- The port ----------------------------------------------------------------------------- */

/* "eth1 is below bond0, which" or "eth1" and what it does. */
static int refuse(const struct guard *guard, const struct port *port, const char *what, char *why,
                  size_t why_size)
{
	const struct interface *found = find(guard, guard->found);
	const char *carrier = found ? found->name : "?";

	if (!strcmp(carrier, port->interface))
		return sentence(why, why_size, -EPERM,
		                "%s carries %s: it is not touched without "
		                "--i-know",
		                port->interface, what);
	return sentence(why, why_size, -EPERM,
	                "%s is below %s, which carries %s: it is not touched without --i-know",
	                port->interface, carrier, what);
}

static int find_above(struct mnl_socket *socket, struct guard *guard, const struct port *port)
{
	int err = dump(socket, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), visit_link, guard);

	if (!err)
		climb(guard, if_nametoindex(port->interface));
	return err;
}

static int check_bare(struct mnl_socket *socket, struct guard *guard, const struct port *port,
                      char *why, size_t why_size)
{
	int err = find_above(socket, guard, port);
	const struct interface *above;

	if (err)
		return sentence(why, why_size, err, "cannot tell what is above %s: %s",
		                port->interface, strerror(-err));
	if (guard->n_above < 2)
		return 0;
	above = find(guard, guard->above[1]);
	return sentence(why, why_size, -EOPNOTSUPP,
	                "%s is below %s, which would not come back if its NIC was given away",
	                port->interface, above ? above->name : "?");
}

static int check_carried(struct mnl_socket *socket, struct guard *guard, const struct port *port,
                         char *why, size_t why_size)
{
	char peer[64], session[128];
	int err = find_above(socket, guard, port);

	if (!err)
		err = look_for_default_route(socket, guard);
	if (err)
		return sentence(why, why_size, err, "cannot tell what %s carries: %s",
		                port->interface, strerror(-err));
	if (guard->found)
		return refuse(guard, port, "the default route", why, why_size);
	look_for_session(socket, guard, peer, sizeof(peer));
	if (!guard->found)
		return 0;
	snprintf(session, sizeof(session), "the ssh session from %s", peer);
	return refuse(guard, port, session, why, why_size);
}

typedef int (*check_fn)(struct mnl_socket *socket, struct guard *guard, const struct port *port,
                        char *why, size_t why_size);

/* In the port's namespace. */
static int check_here(const struct port *port, check_fn check, char *why, size_t why_size)
{
	struct guard *guard;
	struct mnl_socket *socket;
	int err;

	if (!if_nametoindex(port->interface))
		return sentence(why, why_size, -ENODEV, "there is no interface %s%s%s",
		                port->interface, port->namespace[0] ? " in namespace " : "",
		                port->namespace);
	guard = calloc(1, sizeof(*guard));
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!guard || !socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		err = sentence(why, why_size, -ENOMEM, "cannot ask the kernel for its routes: %s",
		               strerror(errno));
	else
		err = check(socket, guard, port, why, why_size);
	if (socket)
		mnl_socket_close(socket);
	free(guard);
	return err;
}

static int check_there(const struct port *port, check_fn check, char *why, size_t why_size)
{
	int ns = port_open_namespace(port), home, err;

	home = ns < 0 ? ns : namespace_visit(ns);
	if (ns >= 0)
		close(ns);
	if (home < 0)
		return sentence(why, why_size, home, "cannot enter the namespace of %s%s%s: %s",
		                port->interface, port->namespace[0] ? ", " : "", port->namespace,
		                strerror(-home));
	err = check_here(port, check, why, why_size);
	namespace_leave(home);
	return err;
}

int guard_check(const struct port *port, char *why, size_t why_size)
{
	return check_there(port, check_carried, why, why_size);
}

int guard_check_bare(const struct port *port, char *why, size_t why_size)
{
	return check_there(port, check_bare, why, why_size);
}
