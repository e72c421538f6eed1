// SPDX-License-Identifier: GPL-2.0
/* IPsec policies of the namespace (XFRM_MSG_GETPOLICY) that select the traffic. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <string.h>

#include "kernel_part.h"
#include "look.h"
#include "netlink_dump.h"
#include "xfrm_policies.h"

/* A selector's port, which is 0 with mask 0 for any. */
static bool port_meets(uint16_t port, uint16_t mask, uint16_t wanted)
{
	return !((ntohs(port) ^ wanted) & ntohs(mask));
}

static enum meets selector_meets(const struct xfrm_selector *selector, const struct packet *packet)
{
	bool received = packet->direction == RECEIVED;

	if (selector->family != (packet->ipv6 ? AF_INET6 : AF_INET))
		return MEETS_NOT;
	if (selector->proto && selector->proto != IPPROTO_TCP)
		return MEETS_NOT;
	if (!port_meets(received ? selector->dport : selector->sport,
	                received ? selector->dport_mask : selector->sport_mask,
	                packet->traffic->port))
		return MEETS_NOT;
	return selector->prefixlen_d || selector->prefixlen_s || selector->ifindex ||
	                       (received ? selector->sport_mask : selector->dport_mask)
	               ? MEETS_MAYBE
	               : MEETS_ALL;
}

enum meets xfrm_policy_meets(const struct nlmsghdr *header, const struct traffic *traffic)
{
	const struct xfrm_userpolicy_info *policy = mnl_nlmsg_get_payload(header);
	struct packet packets[TRAFFIC_PACKETS_MAX];
	size_t n = traffic_packets(traffic, packets);
	enum meets meets = MEETS_NOT;

	if (header->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*policy))
		return MEETS_NOT;
	for (size_t i = 0; i < n; i++) {
		bool received = packets[i].direction == RECEIVED;

		if (policy->dir == (received ? XFRM_POLICY_IN : XFRM_POLICY_OUT))
			meets = meets_either(meets, selector_meets(&policy->sel, &packets[i]));
	}
	return meets;
}

struct policies {
	const struct traffic *traffic;
	size_t all, maybe;
};

static int on_policy(const struct nlmsghdr *header, void *context)
{
	struct policies *policies = context;
	enum meets meets = xfrm_policy_meets(header, policies->traffic);

	policies->all += meets == MEETS_ALL;
	policies->maybe += meets == MEETS_MAYBE;
	return MNL_CB_OK;
}

/* 0 too where the kernel has no IPsec. */
static int dump_policies(struct policies *policies)
{
	struct mnl_socket *socket = netlink_open(NETLINK_XFRM);
	char buffer[512];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	int err;

	if (!socket)
		return errno == EPROTONOSUPPORT ? 0 : -errno;
	header->nlmsg_type = XFRM_MSG_GETPOLICY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memset(mnl_nlmsg_put_extra_header(header, sizeof(struct xfrm_userpolicy_id)), 0,
	       sizeof(struct xfrm_userpolicy_id));
	err = netlink_dump(socket, header, on_policy, policies);
	mnl_socket_close(socket);
	return err == -EINTR ? 0 : err;
}

void look_for_ipsec(struct look *look)
{
	enum kernel_part part = kernel_part("xfrm_user");
	int err = 0;

	if (part == PART_ABSENT) /* policies may have come through PF_KEY, which cannot be read */
		part = kernel_part("af_key") == PART_ABSENT ? PART_ABSENT : PART_UNKNOWN;
	if (part == PART_UNKNOWN)
		look_tell(look, SERVICE_IPSEC, STATE_UNKNOWN, look->space, NULL,
		          "whether the kernel has it loaded is not known", NULL);
	if (part != PART_PRESENT)
		return;
	for (size_t i = 0; !err && i < look->n_traffics; i++) {
		struct policies policies = { .traffic = &look->traffics[i] };

		err = dump_policies(&policies);
		if (err || !(policies.all + policies.maybe))
			continue;
		look_tell(look, SERVICE_IPSEC, policies.all ? STATE_FOUND : STATE_MAY_APPLY,
		          look->space, look->traffics[i].endpoint,
		          policies.all ? NULL : "their selectors ask for addresses of peers",
		          "%zu policies that select it, %zu that may", policies.all,
		          policies.maybe);
	}
	if (err)
		look_tell_unknown(look, SERVICE_IPSEC, err);
}
