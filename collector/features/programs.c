// SPDX-License-Identifier: GPL-2.0
#include "programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * union bpf_attr for BPF_PROG_QUERY: its start is the same since Linux 4.15. Behind it newer
 * kernels write what our headers do not know, whatever size they were told.
 */
struct query {
	uint32_t target; /* target_fd, or target_ifindex since 6.6 */
	uint32_t attach_type, query_flags, attach_flags;
	uint64_t prog_ids;
	uint32_t prog_cnt, padding;
	uint64_t prog_attach_flags;
	uint64_t reserved[16];
};

int programs_attached(int target, uint32_t type, int effective, uint32_t ids[PROGRAMS_MAX])
{
	struct query query = {
		.target = target,
		.attach_type = type,
		.query_flags = effective ? BPF_F_QUERY_EFFECTIVE : 0,
		.prog_ids = (uint64_t)(uintptr_t)ids,
		.prog_cnt = PROGRAMS_MAX,
	};

	memset(ids, 0, PROGRAMS_MAX * sizeof(*ids));
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, offsetof(struct query, reserved)) &&
	    errno != ENOSPC)
		return -errno;
	return query.prog_cnt < PROGRAMS_MAX ? (int)query.prog_cnt : PROGRAMS_MAX;
}

static void describe(uint32_t id, char *ret, size_t room)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.name[0])
		snprintf(ret, room, "%.*s (id %u)", (int)sizeof(info.name), info.name, id);
	else
		snprintf(ret, room, "id %u", id);
	if (fd >= 0)
		close(fd);
}

void programs_describe(const uint32_t *ids, size_t n, char *ret, size_t room)
{
	char one[64];

	*ret = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(ret);

		describe(ids[i], one, sizeof(one));
		if (length + strlen(one) + 8 > room) {
			snprintf(ret + length, room - length, ", ...");
			return;
		}
		snprintf(ret + length, room - length, "%s%s", i ? ", " : "", one);
	}
}
