// SPDX-License-Identifier: GPL-2.0
/*
 * A packet for an address normally comes over the link that has it. (Linux takes it from another
 * one too, which is left out.) Below a bridge, bond or vlan it passes the links that these are made
 * of.
 */
#include "links.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "netlink_dump.h"

#define LINKS_MAX 4096 /* of a namespace: enough for hosts with thousands of containers */

/* ---- Messages ----------------------------------------------------------------------------- */

static void parse_xdp(const struct nlattr *nest, struct link *link)
{
	static const enum xdp_mode modes[] = {
		[XDP_ATTACHED_NONE] = XDP_NONE,     [XDP_ATTACHED_DRV] = XDP_NATIVE,
		[XDP_ATTACHED_SKB] = XDP_GENERIC,   [XDP_ATTACHED_HW] = XDP_OFFLOADED,
		[XDP_ATTACHED_MULTI] = XDP_SEVERAL,
	};
	const struct nlattr *attached = attribute_in(nest, IFLA_XDP_ATTACHED);
	const struct nlattr *program = attribute_in(nest, IFLA_XDP_PROG_ID);
	uint8_t mode;

	if (!attached || mnl_attr_get_payload_len(attached) < 1)
		return;
	mode = mnl_attr_get_u8(attached);
	if (mode < sizeof(modes) / sizeof(modes[0]))
		link->xdp = modes[mode];
	if (program)
		attribute_u32(program, &link->xdp_program);
}

static void parse_kind(const struct nlattr *nest, struct link *link)
{
	const struct nlattr *kind = attribute_in(nest, IFLA_INFO_KIND);

	if (kind)
		attribute_text(kind, link->kind, sizeof(link->kind));
}

static void parse_attribute(const struct nlattr *attribute, struct link *link)
{
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		attribute_text(attribute, link->name, sizeof(link->name));
		break;
	case IFLA_QDISC:
		attribute_text(attribute, link->qdisc, sizeof(link->qdisc));
		break;
	case IFLA_MASTER:
		attribute_u32(attribute, &link->master);
		break;
	case IFLA_LINK:
		attribute_u32(attribute, &link->lower);
		break;
	case IFLA_PARENT_DEV_NAME:
		link->physical = true;
		break;
	case IFLA_LINKINFO:
		parse_kind(attribute, link);
		break;
	case IFLA_XDP:
		parse_xdp(attribute, link);
		break;
	}
}

/* The other end of a veth pair, or the outside of a tunnel, is not below the link. */
static bool stands_on_lower(const struct link *link)
{
	static const char *const kinds[] = { "vlan",   "macvlan", "macvtap", "ipvlan",
		                             "ipvtap", "macsec",  "dsa" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(link->kind, kinds[i]))
			return true;
	return false;
}

bool link_parse(const struct nlmsghdr *header, struct link *ret)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	size_t length = mnl_nlmsg_get_payload_len(header), skip = NLMSG_ALIGN(sizeof(*info));
	const struct nlattr *attribute, *elsewhere;
	struct link link = {};

	if (header->nlmsg_type != RTM_NEWLINK || length < skip)
		return false;
	link.index = info->ifi_index;
	link.up = info->ifi_flags & IFF_UP;
	link.loopback = info->ifi_flags & IFF_LOOPBACK;
	attributes_for_each(attribute, (const char *)info + skip, length - skip)
		parse_attribute(attribute, &link);
	elsewhere = attribute_find((const char *)info + skip, length - skip, IFLA_LINK_NETNSID);
	if (elsewhere || !stands_on_lower(&link))
		link.lower = 0;
	*ret = link;
	return link.name[0] != '\0';
}

bool link_address_parse(const struct nlmsghdr *header, struct link_address *ret)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(header);
	size_t length = mnl_nlmsg_get_payload_len(header), skip = NLMSG_ALIGN(sizeof(*info));
	struct link_address address = {};
	const struct nlattr *value;
	size_t bytes;

	if (header->nlmsg_type != RTM_NEWADDR || length < skip)
		return false;
	/* On a point-to-point link IFA_ADDRESS is the peer's. */
	value = attribute_find((const char *)info + skip, length - skip, IFA_LOCAL);
	if (!value)
		value = attribute_find((const char *)info + skip, length - skip, IFA_ADDRESS);
	address.link = info->ifa_index;
	address.ipv6 = info->ifa_family == AF_INET6;
	bytes = address.ipv6 ? 16 : 4;
	if (!value || mnl_attr_get_payload_len(value) < bytes)
		return false;
	memcpy(address.address, mnl_attr_get_payload(value), bytes);
	*ret = address;
	return true;
}

/* ---- Dumps -------------------------------------------------------------------------------- */

static int on_link(const struct nlmsghdr *header, void *context)
{
	struct links *links = context;
	struct link link;

	if (!link_parse(header, &link))
		return MNL_CB_OK;
	if (links->n == LINKS_MAX)
		return MNL_CB_STOP;
	if (array_grow(&links->links, links->n, sizeof(link))) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	links->links[links->n++] = link;
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *header, void *context)
{
	struct links *links = context;
	struct link_address address;

	if (!link_address_parse(header, &address))
		return MNL_CB_OK;
	if (links->n_addresses == LINKS_MAX)
		return MNL_CB_STOP;
	if (array_grow(&links->addresses, links->n_addresses, sizeof(address))) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	links->addresses[links->n_addresses++] = address;
	return MNL_CB_OK;
}

static int dump(uint16_t type, size_t bytes, mnl_cb_t callback, struct links *links)
{
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	int err;

	if (!socket)
		return -errno;
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memset(mnl_nlmsg_put_extra_header(header, bytes), 0, bytes); /* AF_UNSPEC */
	err = netlink_dump(socket, header, callback, links);
	mnl_socket_close(socket);
	return err;
}

int links_read(struct links *links)
{
	int err = dump(RTM_GETLINK, sizeof(struct ifinfomsg), on_link, links);

	return err ? err : dump(RTM_GETADDR, sizeof(struct ifaddrmsg), on_address, links);
}

void links_free(struct links *links)
{
	free(links->links);
	free(links->addresses);
	*links = (struct links){};
}

/* ---- Of an endpoint ----------------------------------------------------------------------- */

static const struct link *link_find(const struct links *links, uint32_t index)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->links[i].index == index)
			return &links->links[i];
	return NULL;
}

static void add_link(const struct link *link, struct traffic *traffic)
{
	if (!link || !link->up || traffic_uses(traffic, link->index))
		return;
	if (traffic->n_links == TRAFFIC_LINKS_MAX) {
		traffic->more_links = true;
		return;
	}
	traffic->links[traffic->n_links].index = link->index;
	memcpy(traffic->links[traffic->n_links++].name, link->name, sizeof(link->name));
}

static bool has_address(const struct link_address *own, const struct traffic *traffic)
{
	return own->ipv6 == traffic->ipv6 &&
	       !memcmp(own->address, traffic->address, own->ipv6 ? 16 : 4);
}

/* The links below those that it uses already, until there are no more. */
static void add_lower_links(const struct links *links, struct traffic *traffic)
{
	for (size_t used = 0; used < traffic->n_links; used++) {
		const struct link *upper = link_find(links, traffic->links[used].index);

		if (upper && upper->lower)
			add_link(link_find(links, upper->lower), traffic);
		for (size_t i = 0; i < links->n; i++)
			if (links->links[i].master == traffic->links[used].index)
				add_link(&links->links[i], traffic);
	}
}

void links_of_traffic(const struct links *links, struct traffic *traffic)
{
	bool loopback = !traffic->ipv6 && traffic->address[0] == 127;

	traffic->n_links = 0;
	for (size_t i = 0; i < links->n; i++)
		if (traffic->any_address || (loopback && links->links[i].loopback))
			add_link(&links->links[i], traffic);
	for (size_t i = 0; i < links->n_addresses; i++)
		if (!traffic->any_address && has_address(&links->addresses[i], traffic))
			add_link(link_find(links, links->addresses[i].link), traffic);
	add_lower_links(links, traffic);
}
