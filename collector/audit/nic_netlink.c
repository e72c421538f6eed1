// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own word on XDP: generic netlink family "netdev" (since Linux 6.3,
 * Documentation/netlink/specs/netdev.yaml). And the XDP program that is attached, by rtnetlink.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "internal.h"

/* uapi/linux/netdev.h, which kernel headers before 6.3 lack. */
#define NETDEV_FAMILY         "netdev"
#define NETDEV_CMD_DEV_GET    1
#define NETDEV_A_IFINDEX      1
#define NETDEV_A_XDP_FEATURES 3

struct answer {
	int attribute;
	struct fact fact;
};

/* One message out, its answer in. */
static int exchange(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	char buffer[32768]; /* an answer about a link with many virtual functions is long */
	ssize_t length = -1;
	int err = 0;

	if (!socket)
		return -errno;
	request->nlmsg_seq = 1;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	    mnl_socket_sendto(socket, request, request->nlmsg_len) >= 0)
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (length < 0 || mnl_cb_run(buffer, (size_t)length, 1, mnl_socket_get_portid(socket),
	                             callback, context) < 0)
		err = -errno;
	mnl_socket_close(socket);
	return err;
}

static int take_attribute(const struct nlmsghdr *header, size_t offset, struct answer *answer)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, offset)
	{
		if (mnl_attr_get_type(attribute) != answer->attribute)
			continue;
		if (mnl_attr_get_payload_len(attribute) >= sizeof(uint64_t))
			answer->fact = fact_known((int64_t)mnl_attr_get_u64(attribute));
		else if (mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t))
			answer->fact = fact_known(mnl_attr_get_u32(attribute));
		else if (mnl_attr_get_payload_len(attribute) >= sizeof(uint16_t))
			answer->fact = fact_known(mnl_attr_get_u16(attribute));
	}
	return MNL_CB_OK;
}

static int on_generic(const struct nlmsghdr *header, void *context)
{
	return take_attribute(header, sizeof(struct genlmsghdr), context);
}

static struct nlmsghdr *put_generic(char *buffer, uint16_t family, uint8_t command)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic;

	header->nlmsg_type = family;
	header->nlmsg_flags = NLM_F_REQUEST;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->cmd = command;
	generic->version = 1;
	return header;
}

/* The number of the family; its error is -ENOENT on kernels without it. */
static struct fact find_family(void)
{
	struct answer answer = { .attribute = CTRL_ATTR_FAMILY_ID, .fact = { .error = -ENOENT } };
	char buffer[256];
	struct nlmsghdr *header = put_generic(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int err;

	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	err = exchange(NETLINK_GENERIC, header, on_generic, &answer);
	return err ? fact_error(err) : answer.fact;
}

static struct fact ask_features(unsigned index)
{
	struct answer answer = { .attribute = NETDEV_A_XDP_FEATURES, .fact = { .error = -ENOENT } };
	struct fact family = find_family();
	char buffer[256];
	struct nlmsghdr *header;
	int err;

	if (!family.known)
		return family;
	header = put_generic(buffer, (uint16_t)family.value, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(header, NETDEV_A_IFINDEX, index);
	err = exchange(NETLINK_GENERIC, header, on_generic, &answer);
	return err ? fact_error(err) : answer.fact;
}

static int on_link(const struct nlmsghdr *header, void *context)
{
	const struct nlattr *attribute, *nested;
	struct answer *answer = context;

	answer->fact = fact_known(0); /* no attribute: no program */
	mnl_attr_for_each(attribute, header, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) != IFLA_XDP)
			continue;
		mnl_attr_for_each_nested(
			nested, attribute) if (mnl_attr_get_type(nested) == IFLA_XDP_PROG_ID &&
		                               mnl_attr_get_payload_len(nested) >= sizeof(uint32_t))
			answer->fact = fact_known(mnl_attr_get_u32(nested));
	}
	return MNL_CB_OK;
}

static struct fact ask_program(unsigned index)
{
	struct answer answer = { .fact = { .error = -ENODATA } };
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	int err;

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST;
	link = mnl_nlmsg_put_extra_header(header, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)index;
	err = exchange(NETLINK_ROUTE, header, on_link, &answer);
	return err ? fact_error(err) : answer.fact;
}

void audit_nic_netlink(struct nic_facts *nic, unsigned index)
{
	nic->xdp_features = ask_features(index);
	nic->xdp_program = ask_program(index);
}
