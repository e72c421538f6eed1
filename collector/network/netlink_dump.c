// SPDX-License-Identifier: GPL-2.0
#include "netlink_dump.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

struct mnl_socket *netlink_open(int bus)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

int netlink_dump(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t callback,
                 void *context)
{
	static unsigned int sequence;
	char buffer[32768];
	ssize_t length;
	int more = MNL_CB_OK;

	request->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		more = mnl_cb_run(buffer, length, request->nlmsg_seq, mnl_socket_get_portid(socket),
		                  callback, context);
		if (more < 0)
			return -errno;
	}
	return 0;
}

static bool attribute_copy(const struct nlattr *attribute, void *ret, size_t bytes)
{
	if (mnl_attr_get_payload_len(attribute) < bytes)
		return false;
	memcpy(ret, mnl_attr_get_payload(attribute), bytes);
	return true;
}

bool attribute_u32(const struct nlattr *attribute, uint32_t *ret)
{
	return attribute_copy(attribute, ret, sizeof(*ret));
}

bool attribute_be32(const struct nlattr *attribute, uint32_t *ret)
{
	uint32_t value;

	if (!attribute_copy(attribute, &value, sizeof(value)))
		return false;
	*ret = ntohl(value);
	return true;
}

bool attribute_be64(const struct nlattr *attribute, uint64_t *ret)
{
	uint64_t value;

	if (!attribute_copy(attribute, &value, sizeof(value)))
		return false;
	*ret = be64toh(value);
	return true;
}

void attribute_text(const struct nlattr *attribute, char *ret, size_t room)
{
	size_t length = mnl_attr_get_payload_len(attribute);

	if (length > room - 1)
		length = room - 1;
	memcpy(ret, mnl_attr_get_payload(attribute), length);
	ret[length] = '\0';
}

const struct nlattr *attribute_find(const void *data, size_t length, uint16_t type)
{
	const struct nlattr *attribute;

	attributes_for_each(attribute, data, length)
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

const struct nlattr *attribute_in(const struct nlattr *nest, uint16_t type)
{
	return attribute_find(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), type);
}
