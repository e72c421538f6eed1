// SPDX-License-Identifier: GPL-2.0
#include "napi.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interface.h"
#include "sentence.h"

/* From linux/netdev.h, which Debian 12 does not have. */
#define NETDEV_FAMILY "netdev"
enum { NETDEV_NAPI_GET = 11 /* 6.8 */, NETDEV_NAPI_SET = 14 /* 6.13 */ };
enum {
	NAPI_IFINDEX = 1,
	NAPI_ID,
	NAPI_IRQ,
	NAPI_PID,
	NAPI_DEFER_HARD_IRQS, /* 6.13, and those that follow */
	NAPI_GRO_FLUSH_TIMEOUT,
	NAPI_IRQ_SUSPEND_TIMEOUT,
	NAPI_ATTRIBUTES,
};

#define MESSAGE_BYTES 8192 /* of an answer: MNL_SOCKET_BUFFER_SIZE is not constant */

/* ---- GRO of a veth device ------------------------------------------------------------------- */

static bool is_veth(const char *interface)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return !interface_ethtool(interface, &info) && !strcmp(info.driver, "veth");
}

static bool gro_is_on(const char *interface)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_GGRO };

	return !interface_ethtool(interface, &gro) && gro.data;
}

static int set_gro(const char *interface, bool on)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_SGRO, .data = on };

	return interface_ethtool(interface, &gro);
}

/* ---- Generic netlink ------------------------------------------------------------------------ */

struct conversation {
	struct mnl_socket *socket;
	uint16_t family;
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
};

static struct nlmsghdr *put_request(struct conversation *talk, uint16_t family, uint8_t command,
                                    uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(talk->buffer);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));

	header->nlmsg_type = family;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	generic->cmd = command;
	generic->version = 1;
	return header;
}

/* Sends @request and has @visit look at each answer. */
static int ask(struct conversation *talk, const struct nlmsghdr *request, mnl_cb_t visit,
               void *context)
{
	unsigned int port = mnl_socket_get_portid(talk->socket);
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(talk->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(talk->socket, talk->buffer, sizeof(talk->buffer));

		if (n < 0)
			return -errno;
		r = mnl_cb_run(talk->buffer, (size_t)n, 0, port, visit, context);
	}
	return r < 0 ? -errno : 0;
}

static int note_family(const struct nlmsghdr *header, void *context)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header,
	                  sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attribute) ==
	                                                 CTRL_ATTR_FAMILY_ID) *
		(uint16_t *)context = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

/* -EOPNOTSUPP: the kernel has no such family. */
static int talk_open(struct conversation *talk)
{
	struct nlmsghdr *request;
	int err;

	talk->family = 0;
	talk->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!talk->socket)
		return -errno;
	if (mnl_socket_bind(talk->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
	} else {
		request = put_request(talk, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
		mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
		err = ask(talk, request, note_family, &talk->family);
	}
	if (err)
		mnl_socket_close(talk->socket);
	return err == -ENOENT ? -EOPNOTSUPP : err;
}

/* The type "uint" of netlink specifications: 4 or 8 bytes. */
static uint64_t get_uint(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) == sizeof(uint32_t)
	               ? mnl_attr_get_u32(attribute)
	               : mnl_attr_get_u64(attribute);
}

struct list {
	struct napi_instance *instance;
	size_t n, most;
};

static int note_instance(const struct nlmsghdr *header, void *context)
{
	const struct nlattr *attribute;
	struct napi_instance instance = {};
	struct list *list = context;

	mnl_attr_for_each(attribute, header, sizeof(struct genlmsghdr))
	{
		switch (mnl_attr_get_type(attribute)) {
		case NAPI_ID:
			instance.id = mnl_attr_get_u32(attribute);
			break;
		case NAPI_IRQ:
			instance.has_irq = true;
			break;
		case NAPI_DEFER_HARD_IRQS:
			instance.settings.defer_hard_irqs = mnl_attr_get_u32(attribute);
			break;
		case NAPI_GRO_FLUSH_TIMEOUT:
			instance.settings.gro_flush_timeout_ns = get_uint(attribute);
			break;
		case NAPI_IRQ_SUSPEND_TIMEOUT:
			instance.settings.irq_suspend_timeout_ns = get_uint(attribute);
			instance.settings.known = true;
			break;
		}
	}
	if (instance.id && list->n < list->most)
		list->instance[list->n++] = instance;
	return MNL_CB_OK;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = ((const struct napi_instance *)a)->id;
	uint32_t y = ((const struct napi_instance *)b)->id;

	return x < y ? -1 : x > y;
}

int napi_list(const char *interface, struct napi_instance *instances, size_t most)
{
	struct list list = { .instance = instances, .most = most };
	struct conversation talk;
	struct nlmsghdr *request;
	int err = talk_open(&talk);

	if (err)
		return err;
	request = put_request(&talk, talk.family, NETDEV_NAPI_GET, NLM_F_DUMP);
	mnl_attr_put_u32(request, NAPI_IFINDEX, if_nametoindex(interface));
	err = ask(&talk, request, note_instance, &list);
	mnl_socket_close(talk.socket);
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err;
	qsort(instances, list.n, sizeof(*instances), compare_ids);
	return (int)list.n;
}

int napi_set_instance(uint32_t id, const struct napi_settings *settings)
{
	struct conversation talk;
	struct nlmsghdr *request;
	int err = talk_open(&talk);

	if (err)
		return err;
	request = put_request(&talk, talk.family, NETDEV_NAPI_SET, NLM_F_ACK);
	mnl_attr_put_u32(request, NAPI_ID, id);
	mnl_attr_put_u32(request, NAPI_DEFER_HARD_IRQS, settings->defer_hard_irqs);
	mnl_attr_put_u64(request, NAPI_GRO_FLUSH_TIMEOUT, settings->gro_flush_timeout_ns);
	mnl_attr_put_u64(request, NAPI_IRQ_SUSPEND_TIMEOUT, settings->irq_suspend_timeout_ns);
	err = ask(&talk, request, NULL, NULL);
	mnl_socket_close(talk.socket);
	return err;
}

/* ---- The interface -------------------------------------------------------------------------- */

static int napi_open(struct napi *napi, const char *interface)
{
	int err;

	memset(napi, 0, sizeof(*napi));
	snprintf(napi->interface, sizeof(napi->interface), "%s", interface);
	if (is_veth(interface) && !gro_is_on(interface)) {
		err = set_gro(interface, true);
		if (err)
			return err;
		napi->made = true;
	}
	err = napi_list(interface, napi->instance, NAPI_MAX);
	napi->n_instances = err > 0 ? (size_t)err : 0;
	return err < 0 ? err : 0;
}

int napi_require(struct napi *napi, const char *interface, char *why, size_t why_size)
{
	int err = napi_open(napi, interface);

	if (!err && !napi->n_instances)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "%s has no NAPI instance to poll: its driver does not use NAPI",
		                interface);
	if (err && err != -EOPNOTSUPP)
		return sentence(why, why_size, err, "cannot look for NAPI instances of %s: %s",
		                interface, strerror(-err));
	return 0;
}

const char *napi_of_socket(const struct napi *napi, int fd)
{
	unsigned int id = 0;
	socklen_t size = sizeof(id);

	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &size) || !id)
		return "no NAPI id: does not poll";
	for (size_t i = 0; i < napi->n_instances; i++)
		if (napi->instance[i].id == id)
			return napi->instance[i].has_irq ? "polls NAPI"
			                                 : "polls NAPI without an interrupt";
	return "polls NAPI";
}

int napi_set(struct napi *napi, const struct napi_settings *settings)
{
	int err = 0;

	if (!napi->n_instances)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < napi->n_instances; i++)
		if (!napi->instance[i].settings.known)
			return -EOPNOTSUPP;
	napi->changed = true;
	for (size_t i = 0; i < napi->n_instances && !err; i++)
		err = napi_set_instance(napi->instance[i].id, settings);
	return err;
}

static void restore_settings(struct napi *napi)
{
	for (size_t i = 0; i < napi->n_instances; i++)
		napi_set_instance(napi->instance[i].id, &napi->instance[i].settings);
}

void napi_close(struct napi *napi)
{
	if (napi->changed)
		restore_settings(napi);
	if (napi->made)
		set_gro(napi->interface, false);
	napi->changed = napi->made = false;
}
