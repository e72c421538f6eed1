// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of iptables-legacy and ip6tables-legacy, through the socket options that iptables uses
 * itself. Only tables that /proc/net/ip_tables_names lists: asking for another would make it.
 */
#include <errno.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "look.h"
#include "rule_chains.h"
#include "xt_table.h"

#define TABLES_MAX      16
#define TABLE_BYTES_MAX (16 << 20)

/* Of ipt_get_entries and ip6t_get_entries, whose entries begin at a multiple of 8 bytes. */
struct get_entries {
	char name[XT_TABLE_MAXNAMELEN];
	unsigned int size;
	uint8_t entries[] __attribute__((aligned(8)));
};

_Static_assert(offsetof(struct get_entries, entries) ==
                       offsetof(struct ipt_get_entries, entrytable),
               "layout of IPT_SO_GET_ENTRIES");
_Static_assert(offsetof(struct get_entries, entries) ==
                       offsetof(struct ip6t_get_entries, entrytable),
               "layout of IP6T_SO_GET_ENTRIES");
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "layout of GET_INFO");
_Static_assert((int)IPT_SO_GET_INFO == (int)IP6T_SO_GET_INFO &&
                       (int)IPT_SO_GET_ENTRIES == (int)IP6T_SO_GET_ENTRIES,
               "numbers of the options");

struct table {
	struct xt_table_blob blob;
	char name[XT_TABLE_MAXNAMELEN];
	struct get_entries *entries;
};

struct tables {
	struct table tables[TABLES_MAX];
	size_t n;
};

static int read_entries(int fd, int level, const struct ipt_getinfo *info, struct table *table)
{
	socklen_t size = sizeof(struct get_entries) + info->size;

	if (info->size > TABLE_BYTES_MAX)
		return -ENOSPC;
	table->entries = calloc(1, size);
	if (!table->entries)
		return -ENOMEM;
	memcpy(table->entries->name, info->name, sizeof(info->name));
	table->entries->size = info->size;
	return getsockopt(fd, level, IPT_SO_GET_ENTRIES, table->entries, &size) ? -errno : 0;
}

static int read_table(bool ipv6, const char *name, struct table *table)
{
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, err;
	struct ipt_getinfo info = {};
	socklen_t size = sizeof(info);

	if (fd < 0)
		return -errno;
	snprintf(table->name, sizeof(table->name), "%s", name);
	memcpy(info.name, table->name, sizeof(info.name));
	err = getsockopt(fd, level, IPT_SO_GET_INFO, &info, &size) ? -errno : 0;
	if (!err)
		err = read_entries(fd, level, &info, table);
	close(fd);
	table->blob = (struct xt_table_blob){
		.name = table->name, .ipv6 = ipv6, .hooks = info.valid_hooks, .length = info.size
	};
	if (table->entries)
		table->blob.entries = table->entries->entries;
	memcpy(table->blob.entry, info.hook_entry, sizeof(info.hook_entry));
	memcpy(table->blob.underflow, info.underflow, sizeof(info.underflow));
	return err;
}

/* 0 too where the kernel has no iptables, or has not been asked for it. */
static int read_tables(bool ipv6, struct tables *tables)
{
	const char *path = ipv6 ? "/proc/thread-self/net/ip6_tables_names"
	                        : "/proc/thread-self/net/ip_tables_names";
	FILE *file = fopen(path, "re");
	char name[XT_TABLE_MAXNAMELEN];
	int err = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!err && tables->n < TABLES_MAX && fscanf(file, "%31s", name) == 1)
		err = read_table(ipv6, name, &tables->tables[tables->n++]);
	fclose(file);
	return err;
}

static int judge(struct look *look, const struct tables *tables, const struct traffic *traffic)
{
	struct rule_chains chains = {};
	int err = 0;

	for (size_t i = 0; !err && i < tables->n; i++)
		err = xt_table_judge(&tables->tables[i].blob, traffic, &chains);
	if (!err) {
		rule_chains_follow(&chains);
		rule_chains_tell(&chains, look, SERVICE_IPTABLES, traffic);
	}
	rule_chains_free(&chains);
	return err;
}

void look_for_iptables(struct look *look)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	int err = tables ? read_tables(false, tables) : -ENOMEM;

	if (!err)
		err = read_tables(true, tables);
	for (size_t i = 0; !err && i < look->n_traffics; i++)
		err = judge(look, tables, &look->traffics[i]);
	for (size_t i = 0; tables && i < tables->n; i++)
		free(tables->tables[i].entries);
	free(tables);
	if (err == -ENOSPC)
		look_tell(look, SERVICE_IPTABLES, STATE_UNKNOWN, look->space, NULL,
		          "there are more rules than are looked at", NULL);
	else if (err)
		look_tell_unknown(look, SERVICE_IPTABLES, err);
}
