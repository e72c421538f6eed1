// SPDX-License-Identifier: GPL-2.0
#include "xt_match.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdbool.h>
#include <string.h>

#include "nft_rule.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool in_range(const uint16_t range[2], uint16_t port)
{
	return range[0] <= port && port <= range[1];
}

static bool is_any(const uint16_t range[2])
{
	return range[0] == 0 && range[1] == 0xffff;
}

static enum meets answer(bool inside, bool inverted)
{
	return inside != inverted ? MEETS_ALL : MEETS_NOT;
}

/* Of the two ports of a packet the endpoint's is known, the peer's is not. */
static enum meets tcp_meets(const void *info, size_t length, const struct packet *packet)
{
	bool received = packet->direction == RECEIVED;
	struct xt_tcp tcp;
	enum meets own, peer;

	if (length < sizeof(tcp))
		return MEETS_MAYBE;
	memcpy(&tcp, info, sizeof(tcp));
	own = answer(in_range(received ? tcp.dpts : tcp.spts, packet->traffic->port),
	             tcp.invflags & (received ? XT_TCP_INV_DSTPT : XT_TCP_INV_SRCPT));
	peer = is_any(received ? tcp.spts : tcp.dpts) ? MEETS_ALL : MEETS_MAYBE;
	if (tcp.option || tcp.flg_mask)
		peer = MEETS_MAYBE;
	return meets_both(own, peer);
}

static bool multiport_has(const struct xt_multiport_v1 *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->count && i < COUNT(ports->ports); i++) {
		bool range = ports->pflags[i] && i + 1 < COUNT(ports->ports);
		uint16_t last = range ? ports->ports[i + 1] : ports->ports[i];

		if (ports->ports[i] <= port && port <= last)
			return true;
		i += range;
	}
	return false;
}

static enum meets multiport_meets(const void *info, size_t length, const struct packet *packet)
{
	bool received = packet->direction == RECEIVED, has;
	struct xt_multiport_v1 ports;

	if (length < sizeof(ports))
		return MEETS_MAYBE;
	memcpy(&ports, info, sizeof(ports));
	has = multiport_has(&ports, packet->traffic->port);
	if (ports.flags == XT_MULTIPORT_EITHER)
		return has && !ports.invert ? MEETS_ALL : MEETS_MAYBE;
	if (ports.flags != (received ? XT_MULTIPORT_DESTINATION : XT_MULTIPORT_SOURCE))
		return MEETS_MAYBE; /* about the peer's port */
	return answer(has, ports.invert);
}

/* Every connection has packets of these states. */
static enum meets states_meet(unsigned int mask)
{
	unsigned int common = XT_STATE_BIT(IP_CT_ESTABLISHED) | XT_STATE_BIT(IP_CT_NEW);

	return mask & common ? MEETS_ALL : MEETS_MAYBE;
}

static enum meets state_meets(const void *info, size_t length)
{
	struct xt_state_info state;

	if (length < sizeof(state))
		return MEETS_MAYBE;
	memcpy(&state, info, sizeof(state));
	return states_meet(state.statemask);
}

/* Revisions 2 and 3 begin alike; 1 is shorter, and has gone out of use. */
static enum meets conntrack_meets(const void *info, size_t length)
{
	struct xt_conntrack_mtinfo2 conntrack;

	if (length < sizeof(conntrack))
		return MEETS_MAYBE;
	memcpy(&conntrack, info, sizeof(conntrack));
	if (conntrack.match_flags != XT_CONNTRACK_STATE || conntrack.invert_flags)
		return MEETS_MAYBE;
	return states_meet(conntrack.state_mask);
}

enum meets xt_match_meets(const char *name, const void *info, size_t length,
                          const struct packet *packet)
{
	if (!strcmp(name, "comment") || !strcmp(name, "limit") || !strcmp(name, "hashlimit") ||
	    !strcmp(name, "connlimit"))
		return MEETS_ALL;
	if (!strcmp(name, "tcp"))
		return tcp_meets(info, length, packet);
	if (!strcmp(name, "udp") || !strcmp(name, "icmp") || !strcmp(name, "icmp6") ||
	    !strcmp(name, "sctp"))
		return MEETS_NOT;
	if (!strcmp(name, "multiport"))
		return multiport_meets(info, length, packet);
	if (!strcmp(name, "state"))
		return state_meets(info, length);
	if (!strcmp(name, "conntrack"))
		return conntrack_meets(info, length);
	return MEETS_MAYBE;
}

unsigned int xt_target_effect(const char *name)
{
	static const struct {
		const char *name;
		unsigned int effect;
	} effects[] = {
		{ "DROP", EFFECT_DROP },      { "REJECT", EFFECT_DROP },
		{ "LOG", EFFECT_LOG },        { "NFLOG", EFFECT_LOG },
		{ "DNAT", EFFECT_NAT },       { "SNAT", EFFECT_NAT },
		{ "MASQUERADE", EFFECT_NAT }, { "REDIRECT", EFFECT_NAT },
		{ "TPROXY", EFFECT_NAT },     { "NETMAP", EFFECT_NAT },
		{ "MARK", EFFECT_MARK },      { "CONNMARK", EFFECT_MARK },
		{ "DSCP", EFFECT_MARK },      { "NFQUEUE", EFFECT_QUEUE },
		{ "CT", EFFECT_STATE },       { "SYNPROXY", EFFECT_STATE },
		{ "TCPMSS", EFFECT_MARK },
	};

	for (size_t i = 0; i < COUNT(effects); i++)
		if (!strcmp(effects[i].name, name))
			return effects[i].effect;
	return 0;
}
