/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asking the kernel over netlink for all of something (libmnl), and reading attributes whose length
 * nobody has checked.
 */
#ifndef KTAX_NETLINK_DUMP_H
#define KTAX_NETLINK_DUMP_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bound socket of NETLINK_@bus in the current network namespace; NULL with errno set. */
struct mnl_socket *netlink_open(int bus);

/*
 * Sends @request, with flags NLM_F_DUMP or NLM_F_ACK, and calls @callback for every message of the
 * answer; ends early where that returns MNL_CB_STOP, and the socket is of no further use then.
 * -errno; -EINTR: what is dumped was changed meanwhile, some may be missing or there twice.
 */
int netlink_dump(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t callback,
                 void *context);

/* Every attribute in @length bytes at @data: those that are whole. */
#define attributes_for_each(attribute, data, length)                                               \
	for ((attribute) = (const struct nlattr *)(data); mnl_attr_ok(                             \
		     (attribute), (const char *)(data) + (length) - (const char *)(attribute));    \
	     (attribute) = mnl_attr_next(attribute))
#define attributes_for_each_in(attribute, nest)                                                    \
	attributes_for_each(attribute, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))

/* The value of an attribute. False where it is shorter than that; *ret is untouched then. */
bool attribute_u32(const struct nlattr *attribute, uint32_t *ret);
bool attribute_be32(const struct nlattr *attribute, uint32_t *ret);
bool attribute_be64(const struct nlattr *attribute, uint64_t *ret);
/* Text that may lack its end, cut to @room - 1 bytes. */
void attribute_text(const struct nlattr *attribute, char *ret, size_t room);

/* The first attribute of @type in those that @nest holds, or in @length bytes at @data; or NULL. */
const struct nlattr *attribute_in(const struct nlattr *nest, uint16_t type);
const struct nlattr *attribute_find(const void *data, size_t length, uint16_t type);

#endif
