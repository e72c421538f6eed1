// SPDX-License-Identifier: GPL-2.0
#include "diag_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "netlink_dump.h"

#define EXTENSION(number) (1 << ((number)-1))

static void parse_ulp(const struct nlattr *nest, struct diag_socket *socket)
{
	const struct nlattr *name = attribute_in(nest, INET_ULP_INFO_NAME);

	if (name)
		attribute_text(name, socket->ulp, sizeof(socket->ulp));
}

static void parse_attribute(const struct nlattr *attribute, struct diag_socket *socket)
{
	switch (mnl_attr_get_type(attribute)) {
	case INET_DIAG_CONG:
		attribute_text(attribute, socket->congestion, sizeof(socket->congestion));
		break;
	case INET_DIAG_ULP_INFO:
		parse_ulp(attribute, socket);
		break;
	case INET_DIAG_MD5SIG:
		socket->md5 = mnl_attr_get_payload_len(attribute) > 0;
		break;
	case INET_DIAG_SKV6ONLY:
		socket->ipv6_only =
			mnl_attr_get_payload_len(attribute) >= 1 && mnl_attr_get_u8(attribute);
		break;
	}
}

bool diag_socket_parse(const struct nlmsghdr *header, struct diag_socket *ret)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
	size_t length = mnl_nlmsg_get_payload_len(header), skip = NLMSG_ALIGN(sizeof(*message));
	struct diag_socket socket = {};
	const struct nlattr *attribute;

	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || length < skip)
		return false;
	socket.ipv6 = message->idiag_family == AF_INET6;
	socket.port = ntohs(message->id.idiag_sport);
	socket.inode = message->idiag_inode;
	memcpy(socket.address, message->id.idiag_src, socket.ipv6 ? 16 : 4);
	attributes_for_each(attribute, (const char *)message + skip, length - skip)
		parse_attribute(attribute, &socket);
	*ret = socket;
	return true;
}

/* A connection of IPv4 on an IPv6 socket has its address as ::ffff:10.0.0.1. */
static bool is_mapped(const struct diag_socket *socket)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return socket->ipv6 && !memcmp(socket->address, prefix, sizeof(prefix));
}

bool diag_socket_is_of(const struct diag_socket *socket, const struct traffic *traffic)
{
	if (socket->port != traffic->port || socket->ipv6 != traffic->ipv6)
		return false;
	if (traffic->any_address)
		return !is_mapped(socket) || traffic->both;
	return !memcmp(socket->address, traffic->address, traffic->ipv6 ? 16 : 4);
}

/*
 * "sport >= port and sport <= port": all kernels know these, and an unknown one fails the dump.
 * Each takes two slots, the second for the port; "no" jumps behind the end.
 */
static void put_filter(struct nlmsghdr *header, uint16_t port)
{
	const struct inet_diag_bc_op filter[4] = {
		{ INET_DIAG_BC_S_GE, 2 * sizeof(filter[0]), 5 * sizeof(filter[0]) },
		{ .no = port },
		{ INET_DIAG_BC_S_LE, 2 * sizeof(filter[0]), 3 * sizeof(filter[0]) },
		{ .no = port },
	};

	mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, sizeof(filter), filter);
}

int diag_sockets_dump(bool ipv6, uint32_t states, uint16_t port, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = netlink_open(NETLINK_SOCK_DIAG);
	char buffer[512];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;
	int err;

	if (!socket)
		return -errno;
	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = ipv6 ? AF_INET6 : AF_INET;
	request->sdiag_protocol = IPPROTO_TCP;
	/* With TCP's own information come the upper-layer protocol and the keys for MD5. */
	request->idiag_ext = EXTENSION(INET_DIAG_CONG) | EXTENSION(INET_DIAG_INFO);
	request->idiag_states = states;
	if (port)
		put_filter(header, port);
	err = netlink_dump(socket, header, callback, context);
	mnl_socket_close(socket);
	return err == -ENOENT && ipv6 ? 0 : err; /* a kernel without IPv6 */
}
