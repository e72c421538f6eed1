// SPDX-License-Identifier: GPL-2.0
#include "account.h"

#include <errno.h>
#include <string.h>

const struct ktax_account_info ktax_account_info[KTAX_NACCOUNTS] = {
#define X(symbol, account_name, removed, fold, from_to)                                            \
	[KTAX_##symbol] = {                                                                        \
		.name = account_name,                                                              \
		.removed_by = KTAX_REMOVED_##removed,                                              \
		.group = KTAX_GROUP_##fold,                                                        \
		.span = from_to,                                                                   \
	},
	KTAX_ACCOUNTS(X)
#undef X
};

const char *const ktax_group_name[KTAX_NGROUPS] = {
	[KTAX_GROUP_NIC] = "nic",
	[KTAX_GROUP_KERNEL] = "kernel",
	[KTAX_GROUP_SERIALIZATION] = "serialization",
	[KTAX_GROUP_APPLICATION] = "application",
};

int ktax_account_by_name(const char *name)
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (!strcmp(ktax_account_info[i].name, name))
			return i;
	return -ENOENT;
}
