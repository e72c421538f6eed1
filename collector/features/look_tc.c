// SPDX-License-Identifier: GPL-2.0
/* Queueing disciplines, and the filters at their roots and at clsact (RTM_GETQDISC, GETTFILTER). */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "look.h"
#include "netlink_dump.h"
#include "tc_rules.h"

#define QDISCS_MAX     8192
#define HOOK(minor)    (TC_H_MAKE(TC_H_CLSACT, minor))
#define INGRESS_HANDLE 0xffff0000U

struct qdiscs {
	struct tc_qdisc *qdiscs;
	size_t n;
};

static int on_qdisc(const struct nlmsghdr *header, void *context)
{
	struct qdiscs *found = context;
	struct tc_qdisc qdisc;

	if (!tc_qdisc_parse(header, &qdisc))
		return MNL_CB_OK;
	if (found->n == QDISCS_MAX)
		return MNL_CB_STOP;
	if (array_grow(&found->qdiscs, found->n, sizeof(qdisc))) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	found->qdiscs[found->n++] = qdisc;
	return MNL_CB_OK;
}

static int dump(uint16_t type, uint32_t link, uint32_t parent, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct tcmsg *request;
	int err;

	if (!socket)
		return -errno;
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->tcm_ifindex = link;
	request->tcm_parent = parent;
	err = netlink_dump(socket, header, callback, context);
	mnl_socket_close(socket);
	return err;
}

/* ---- Queueing disciplines ----------------------------------------------------------------- */

/* The root of a link, or what each of its hardware queues has: the first that is of note. */
static const struct tc_qdisc *qdisc_of_note(const struct qdiscs *found, uint32_t link)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct tc_qdisc *qdisc = &found->qdiscs[i];

		if (qdisc->link == link && qdisc->parent != TC_H_CLSACT &&
		    !tc_qdisc_is_plain(qdisc->kind))
			return qdisc;
	}
	return NULL;
}

static void default_qdisc(char *ret, size_t room)
{
	FILE *file = fopen("/proc/sys/net/core/default_qdisc", "re");

	*ret = '\0';
	if (!file)
		return;
	if (!fgets(ret, room, file))
		*ret = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	fclose(file);
}

static void tell_qdiscs(struct look *look, const struct qdiscs *found,
                        const struct traffic *traffic)
{
	char usual[32];

	default_qdisc(usual, sizeof(usual));
	for (size_t i = 0; i < traffic->n_links; i++) {
		const struct tc_qdisc *qdisc = qdisc_of_note(found, traffic->links[i].index);

		if (qdisc)
			look_tell(look, SERVICE_QDISC, STATE_FOUND, traffic->links[i].name,
			          traffic->endpoint, NULL, "%s%s, %llu packets sent through it",
			          qdisc->kind,
			          strcmp(qdisc->kind, usual) ? "" : " (the host's default)",
			          (unsigned long long)qdisc->packets);
	}
}

/* ---- Filters ------------------------------------------------------------------------------ */

struct filters {
	const struct traffic *traffic;
	enum direction direction;
	size_t all, maybe;
	char first[128]; /* what the first of the surest is */
	enum meets first_meets;
};

static void describe(const struct tc_filter *filter, char *ret, size_t room)
{
	if (filter->program[0])
		snprintf(ret, room, "%s, program %s (id %u)", filter->kind, filter->program,
		         filter->program_id);
	else if (filter->action[0])
		snprintf(ret, room, "%s, action %s", filter->kind, filter->action);
	else
		snprintf(ret, room, "%s", filter->kind);
}

static int on_filter(const struct nlmsghdr *header, void *context)
{
	struct filters *filters = context;
	struct tc_filter filter;

	if (!tc_filter_parse(header, filters->traffic, filters->direction, &filter))
		return MNL_CB_OK;
	filters->all += filter.meets == MEETS_ALL;
	filters->maybe += filter.meets == MEETS_MAYBE;
	if (filter.meets > filters->first_meets) {
		filters->first_meets = filter.meets;
		describe(&filter, filters->first, sizeof(filters->first));
	}
	return MNL_CB_OK;
}

static void tell_filters(struct look *look, const struct traffic_link *link, const char *hook,
                         const struct filters *filters)
{
	bool sure = filters->all > 0;
	char where[48];

	if (!filters->all && !filters->maybe)
		return;
	snprintf(where, sizeof(where), "%s %s", link->name, hook);
	look_tell(look, SERVICE_TC_FILTER, sure ? STATE_FOUND : STATE_MAY_APPLY, where,
	          filters->traffic->endpoint,
	          sure ? NULL : "their conditions are not all about addresses and ports",
	          "%zu filters that meet it, %zu that may (%s)", filters->all, filters->maybe,
	          filters->first);
}

static int look_at_hook(struct look *look, const struct traffic *traffic,
                        const struct traffic_link *link, uint32_t parent, const char *hook)
{
	struct filters filters = {
		.traffic = traffic,
		.direction = !strcmp(hook, "ingress") ? RECEIVED : SENT,
	};
	int err = dump(RTM_GETTFILTER, link->index, parent, on_filter, &filters);

	if (!err || err == -EINTR)
		tell_filters(look, link, hook, &filters);
	/* EOPNOTSUPP: a queueing discipline without classes. */
	return err == -EINVAL || err == -EOPNOTSUPP || err == -ENOENT ? 0 : err;
}

/* The filters that a queueing discipline holds. */
static int look_at_qdisc(struct look *look, const struct traffic *traffic,
                         const struct traffic_link *link, const struct tc_qdisc *qdisc)
{
	int err = 0;

	if (qdisc->shared_block)
		look_tell(look, SERVICE_TC_FILTER, STATE_MAY_APPLY, link->name, traffic->endpoint,
		          "the filters of shared blocks are not read",
		          "%s with filters in a block that links share", qdisc->kind);
	if (!strcmp(qdisc->kind, "ingress"))
		return look_at_hook(look, traffic, link, INGRESS_HANDLE, "ingress");
	if (!strcmp(qdisc->kind, "clsact")) {
		err = look_at_hook(look, traffic, link, HOOK(TC_H_MIN_INGRESS), "ingress");
		if (!err)
			err = look_at_hook(look, traffic, link, HOOK(TC_H_MIN_EGRESS), "egress");
		return err;
	}
	return qdisc->handle && !tc_qdisc_is_plain(qdisc->kind)
	               ? look_at_hook(look, traffic, link, qdisc->handle, qdisc->kind)
	               : 0;
}

static int look_at_filters(struct look *look, const struct qdiscs *found,
                           const struct traffic *traffic)
{
	int err = 0;

	for (size_t i = 0; !err && i < traffic->n_links; i++)
		for (size_t j = 0; !err && j < found->n; j++)
			if (found->qdiscs[j].link == traffic->links[i].index)
				err = look_at_qdisc(look, traffic, &traffic->links[i],
				                    &found->qdiscs[j]);
	return err;
}

void look_for_qdiscs(struct look *look)
{
	struct qdiscs found = {};
	int err = dump(RTM_GETQDISC, 0, 0, on_qdisc, &found), err_filters = err;

	for (size_t i = 0; !err && i < look->n_traffics; i++)
		tell_qdiscs(look, &found, &look->traffics[i]);
	for (size_t i = 0; !err_filters && i < look->n_traffics; i++)
		err_filters = look_at_filters(look, &found, &look->traffics[i]);
	free(found.qdiscs);
	if (err)
		look_tell_unknown(look, SERVICE_QDISC, err);
	if (err_filters)
		look_tell_unknown(look, SERVICE_TC_FILTER, err_filters);
}
