// SPDX-License-Identifier: GPL-2.0
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* CAP_NET_ADMIN: sk_storage and network program types before 6.x; sock_diag of other users. */
static const struct {
	unsigned int capability;
	const char *name;
} needed[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
};

int privileges_missing(char *ret, size_t room)
{
	int n = 0;

	*ret = '\0';
	capng_get_caps_process();
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		size_t length = strlen(ret);

		if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].capability))
			continue;
		snprintf(ret + length, room - length, "%s%s", n++ ? ", " : "", needed[i].name);
	}
	return n;
}

static bool have(unsigned int capability)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, capability);
}

bool privileges_have_admin(void)
{
	return have(CAP_SYS_ADMIN);
}

/* Makes what was selected the only capabilities of this process, for good. */
static int apply(void)
{
	if (capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

static int select_one(unsigned int capability)
{
	return capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, capability) ? -EINVAL : 0;
}

int privileges_drop(bool keep_admin)
{
	bool admin = keep_admin && privileges_have_admin();
	bool map_files = have(CAP_CHECKPOINT_RESTORE); /* see probes/maps.c */

	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF, CAP_PERFMON,
	                  CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, -1))
		return -EINVAL;
	if (map_files && select_one(CAP_CHECKPOINT_RESTORE))
		return -EINVAL;
	if (admin && select_one(CAP_SYS_ADMIN))
		return -EINVAL;
	return apply();
}

int privileges_drop_all(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return apply();
}

int privileges_keep_admin_only(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (select_one(CAP_SYS_ADMIN))
		return -EINVAL;
	return apply();
}
