/* SPDX-License-Identifier: GPL-2.0 */
/* eBPF programs that are attached to something, by id. */
#ifndef KTAX_PROGRAMS_H
#define KTAX_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#define PROGRAMS_MAX 64

/*
 * The ids of programs of attach type @type at @target: a descriptor (of a cgroup, a namespace), or
 * the index of a link in the current namespace. @effective: also those that a cgroup inherits.
 * Returns their number, at most PROGRAMS_MAX, or -errno; -EINVAL: the kernel does not know the
 * type.
 */
int programs_attached(int target, uint32_t type, int effective, uint32_t ids[PROGRAMS_MAX]);

/* "NAME (id 7), NAME (id 8)", of as many as there is room for; without names where not permitted.
 */
void programs_describe(const uint32_t *ids, size_t n, char *ret, size_t room);

#endif
