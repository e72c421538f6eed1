// SPDX-License-Identifier: GPL-2.0
/*
 * Connection tracking: how many connections the namespace tracks (sysctl), and which of them are of
 * an endpoint (a dump of the table, which stops after some: it may hold a million).
 */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack_entries.h"
#include "kernel_part.h"
#include "look.h"
#include "netlink_dump.h"

#define ENTRIES_MAX 20000 /* looked at */

/* ---- Messages ----------------------------------------------------------------------------- */

static bool parse_address(const struct nlattr *tuple, struct conntrack_entry *entry)
{
	const struct nlattr *ip = attribute_in(tuple, CTA_TUPLE_IP), *address;
	size_t bytes = 4;

	if (!ip)
		return false;
	address = attribute_in(ip, CTA_IP_V4_SRC);
	if (!address) {
		address = attribute_in(ip, CTA_IP_V6_SRC);
		entry->ipv6 = true;
		bytes = 16;
	}
	if (!address || mnl_attr_get_payload_len(address) < bytes)
		return false;
	memcpy(entry->address, mnl_attr_get_payload(address), bytes);
	return true;
}

static bool parse_port(const struct nlattr *tuple, struct conntrack_entry *entry)
{
	const struct nlattr *protocol = attribute_in(tuple, CTA_TUPLE_PROTO), *number, *port;
	const uint8_t *bytes;

	if (!protocol)
		return false;
	number = attribute_in(protocol, CTA_PROTO_NUM);
	port = attribute_in(protocol, CTA_PROTO_SRC_PORT);
	if (!number || !port || mnl_attr_get_payload_len(number) < 1 ||
	    mnl_attr_get_payload_len(port) < 2)
		return false;
	bytes = mnl_attr_get_payload(port);
	entry->tcp = mnl_attr_get_u8(number) == IPPROTO_TCP;
	entry->port = bytes[0] << 8 | bytes[1];
	return true;
}

bool conntrack_entry_parse(const struct nlmsghdr *header, struct conntrack_entry *ret)
{
	size_t length = mnl_nlmsg_get_payload_len(header);
	size_t skip = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const char *payload = mnl_nlmsg_get_payload(header);
	const struct nlattr *reply, *status;
	struct conntrack_entry entry = {};
	uint32_t bits = 0;

	if (length < skip)
		return false;
	reply = attribute_find(payload + skip, length - skip, CTA_TUPLE_REPLY);
	status = attribute_find(payload + skip, length - skip, CTA_STATUS);
	if (!reply || !parse_address(reply, &entry) || !parse_port(reply, &entry))
		return false;
	if (status)
		attribute_be32(status, &bits);
	entry.translated = bits & IPS_NAT_MASK;
	*ret = entry;
	return true;
}

bool conntrack_entry_is_of(const struct conntrack_entry *entry, const struct traffic *traffic)
{
	if (!entry->tcp || entry->port != traffic->port)
		return false;
	if (traffic->any_address)
		return entry->ipv6 == traffic->ipv6 || traffic->both;
	return entry->ipv6 == traffic->ipv6 &&
	       !memcmp(entry->address, traffic->address, entry->ipv6 ? 16 : 4);
}

/* ---- The table ---------------------------------------------------------------------------- */

struct tracked {
	const struct look *look;
	size_t *entries, *translated; /* by traffic */
	size_t n;
};

static int on_entry(const struct nlmsghdr *header, void *context)
{
	struct tracked *tracked = context;
	struct conntrack_entry entry;

	if (++tracked->n > ENTRIES_MAX)
		return MNL_CB_STOP;
	if (!conntrack_entry_parse(header, &entry))
		return MNL_CB_OK;
	for (size_t i = 0; i < tracked->look->n_traffics; i++) {
		if (!conntrack_entry_is_of(&entry, &tracked->look->traffics[i]))
			continue;
		tracked->entries[i]++;
		tracked->translated[i] += entry.translated;
	}
	return MNL_CB_OK;
}

static int dump_entries(struct tracked *tracked)
{
	struct mnl_socket *socket = netlink_open(NETLINK_NETFILTER);
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *request;
	int err;

	if (!socket)
		return -errno;
	if (kernel_part("nf_conntrack_netlink") != PART_PRESENT) {
		mnl_socket_close(socket);
		return -EOPNOTSUPP;
	}
	header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->nfgen_family = AF_UNSPEC;
	err = netlink_dump(socket, header, on_entry, tracked);
	mnl_socket_close(socket);
	return err == -EINTR ? 0 : err;
}

/* How many connections the namespace tracks; 0 too where there is no conntrack. */
static unsigned long count_tracked(void)
{
	FILE *file = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
	unsigned long n = 0;

	if (file && fscanf(file, "%lu", &n) != 1)
		n = 0;
	if (file)
		fclose(file);
	return n;
}

/* ---- Telling ------------------------------------------------------------------------------ */

static void tell_entries(struct look *look, const struct tracked *tracked, size_t i,
                         unsigned long all, int err)
{
	const char *endpoint = look->traffics[i].endpoint;
	const char *why = "none of its connections was among them";

	if (err)
		why = "whether its connections are among them could not be read";
	else if (tracked->n > ENTRIES_MAX)
		why = "not all of them were looked at";
	if (!err && tracked->entries[i])
		look_tell(look, SERVICE_CONNTRACK, STATE_FOUND, look->space, endpoint, NULL,
		          "%lu connections are tracked, of these %zu to it, %zu with NAT", all,
		          tracked->entries[i], tracked->translated[i]);
	else
		look_tell(look, SERVICE_CONNTRACK, STATE_MAY_APPLY, look->space, endpoint, why,
		          "%lu connections are tracked", all);
}

void look_for_conntrack(struct look *look)
{
	unsigned long all = count_tracked();
	struct tracked tracked = { .look = look };
	int err;

	if (!all)
		return;
	tracked.entries = calloc(look->n_traffics, sizeof(size_t));
	tracked.translated = calloc(look->n_traffics, sizeof(size_t));
	err = tracked.entries && tracked.translated ? dump_entries(&tracked) : -ENOMEM;
	for (size_t i = 0; i < look->n_traffics && tracked.entries && tracked.translated; i++)
		tell_entries(look, &tracked, i, all, err);
	free(tracked.entries);
	free(tracked.translated);
}
