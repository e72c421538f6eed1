// SPDX-License-Identifier: GPL-2.0
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int stat_directory(const char *path, struct stat *ret_status)
{
	char *copy = strdup(path ? path : "");
	int err = 0;

	if (!copy)
		return -ENOMEM;
	if (stat(path ? dirname(copy) : ".", ret_status))
		err = -errno;
	free(copy);
	return err;
}

/* Without a capability, as the owner, the group or another. */
static bool root_may_write(const struct stat *status)
{
	mode_t bit = status->st_uid == 0 ? S_IWUSR : status->st_gid == 0 ? S_IWGRP : S_IWOTH;

	return status->st_mode & bit;
}

int privileges_write_as_owner(const char *path)
{
	struct stat status;
	int err = stat_directory(path, &status);

	if (err || geteuid() != 0 || root_may_write(&status) || status.st_uid == 0)
		return err;
	setfsgid(status.st_gid);
	setfsuid(status.st_uid);
	/* They return what was before; that of an id that cannot be is what is now. */
	return (uid_t)setfsuid(-1) == status.st_uid ? 0 : -EPERM;
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
