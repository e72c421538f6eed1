// SPDX-License-Identifier: GPL-2.0
/*
 * sock_diag and rtnetlink dumps. Listeners come from sock_diag, which filters by state in the
 * kernel: /proc/net/tcp would list every connection of a busy host to find a handful of listeners.
 */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netlink_dump.h"
#include "proc_net.h"

#define TCP_LISTEN_STATE 10 /* TCP_LISTEN of net/tcp_states.h, which is not exported */

static int open_here(struct netspace *netspace)
{
	netspace->diag = netlink_open(NETLINK_SOCK_DIAG);
	netspace->route = netlink_open(NETLINK_ROUTE);
	if (netspace->diag && netspace->route)
		return 0;
	return errno ? -errno : -EIO;
}

static int open_inside(int namespace, struct netspace *netspace)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), err;

	if (home < 0)
		return -errno;
	err = setns(namespace, CLONE_NEWNET) ? -errno : open_here(netspace);
	if (setns(home, CLONE_NEWNET) && !err)
		err = -errno;
	close(home);
	return err;
}

/* @inode: that of the namespace; @pid may have left it. */
static int open_proc(pid_t pid, uint32_t inode, struct netspace *netspace)
{
	struct stat status;
	char path[64];
	int err;

	netspace->proc = malloc(sizeof(*netspace->proc));
	if (!netspace->proc)
		return -ENOMEM;
	*netspace->proc = PROC_NET_CLOSED;
	err = proc_net_open(pid, netspace->proc);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &status) || status.st_ino != inode ? -ESRCH : 0;
}

int netspace_open(pid_t pid, struct netspace *ret)
{
	struct netspace netspace = {};
	struct stat ours, theirs;
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), pid ? "/proc/%d/ns/net" : "/proc/self/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = fstat(fd, &theirs) || stat("/proc/self/ns/net", &ours) ? -errno : 0;
	netspace.inode = theirs.st_ino;
	if (!err && theirs.st_ino == ours.st_ino)
		err = open_here(&netspace);
	else if (!err)
		err = open_inside(fd, &netspace);
	close(fd);
	if (err == -EPERM && pid)
		err = open_proc(pid, netspace.inode, &netspace);
	if (err)
		netspace_close(&netspace);
	else
		*ret = netspace;
	return err;
}

void netspace_close(struct netspace *netspace)
{
	if (netspace->diag)
		mnl_socket_close(netspace->diag);
	if (netspace->route)
		mnl_socket_close(netspace->route);
	if (netspace->proc)
		proc_net_close(netspace->proc);
	free(netspace->proc);
	netspace->diag = netspace->route = NULL;
	netspace->proc = NULL;
}

/* A growing array of what a dump has found. */
struct found {
	void *items;
	size_t n, size; /* number, and bytes of each */
	uint32_t netns;
};

static void *found_next(struct found *found)
{
	void *items = realloc(found->items, (found->n + 1) * found->size);

	if (!items)
		return NULL;
	found->items = items;
	return memset((char *)items + found->n++ * found->size, 0, found->size);
}

static int on_listener(const struct nlmsghdr *header, void *context)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
	struct found *found = context;
	struct netlink_listener *listener;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
		return MNL_CB_OK;
	listener = found_next(found);
	if (!listener) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	listener->inode = message->idiag_inode;
	listener->interface = message->id.idiag_if;
	listener->key.netns = found->netns;
	listener->key.port = ntohs(message->id.idiag_sport);
	listener->key.family = message->idiag_family == AF_INET6 ? 6 : 4;
	memcpy(listener->key.address, message->id.idiag_src,
	       message->idiag_family == AF_INET6 ? 16 : 4);
	return MNL_CB_OK;
}

static int dump_listeners(struct netspace *netspace, uint8_t family, struct found *found)
{
	char buffer[512];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = 1U << TCP_LISTEN_STATE;
	return netlink_dump(netspace->diag, header, on_listener, found);
}

int netspace_listeners(struct netspace *netspace, struct netlink_listener **ret, size_t *ret_n)
{
	struct found found = { .size = sizeof(struct netlink_listener), .netns = netspace->inode };
	int err;

	if (netspace->proc)
		return proc_net_listeners(netspace->proc, netspace->inode, ret, ret_n);
	err = dump_listeners(netspace, AF_INET, &found);
	if (!err) {
		err = dump_listeners(netspace, AF_INET6, &found);
		if (err == -ENOENT) /* a kernel without IPv6 */
			err = 0;
	}
	if (err) {
		free(found.items);
		return err;
	}
	*ret = found.items;
	*ret_n = found.n;
	return 0;
}

static int on_link(const struct nlmsghdr *header, void *context)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct netlink_link *link = found_next(context);
	const struct nlattr *attribute;

	if (!link) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	link->index = info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	link->loopback = info->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each(attribute, header, sizeof(*info))
	{
		const char *text = mnl_attr_get_payload(attribute);

		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			snprintf(link->name, sizeof(link->name), "%s", text);
			break;
		case IFLA_QDISC:
			snprintf(link->qdisc, sizeof(link->qdisc), "%s", text);
			break;
		case IFLA_PARENT_DEV_NAME:
			link->physical = true;
			break;
		}
	}
	return MNL_CB_OK;
}

int netspace_socket(const struct netspace *netspace)
{
	return mnl_socket_get_fd(netspace->route);
}

int netspace_links(struct netspace *netspace, struct netlink_link **ret, size_t *ret_n)
{
	struct found found = { .size = sizeof(struct netlink_link) };
	char buffer[512];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *request;
	int err;

	if (!netspace->route)
		return -EPERM;
	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->ifi_family = AF_UNSPEC;
	err = netlink_dump(netspace->route, header, on_link, &found);
	if (err) {
		free(found.items);
		return err;
	}
	*ret = found.items;
	*ret_n = found.n;
	return 0;
}
