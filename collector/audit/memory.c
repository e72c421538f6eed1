// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define NODE     "/sys/devices/system/node/node%d"
#define NODE_END 1024

/* "always [madvise] never" gives madvise. */
static struct fact_text read_thp(const struct source *source)
{
	struct fact_text choice =
		source_text(source, "/sys/kernel/mm/transparent_hugepage/enabled");
	char *open = strchr(choice.text, '['), *close = open ? strchr(open, ']') : NULL;

	if (!choice.known)
		return choice;
	if (!close)
		return fact_text_error(-EBADMSG);
	*close = '\0';
	return fact_text_of(open + 1);
}

static void read_node(const struct source *source, int number, struct memory_node_facts *node)
{
	node->node = number;
	node->pages_2m =
		source_number(source, NODE "/hugepages/hugepages-2048kB/nr_hugepages", number);
	node->free_2m =
		source_number(source, NODE "/hugepages/hugepages-2048kB/free_hugepages", number);
	node->pages_1g =
		source_number(source, NODE "/hugepages/hugepages-1048576kB/nr_hugepages", number);
	node->free_1g =
		source_number(source, NODE "/hugepages/hugepages-1048576kB/free_hugepages", number);
}

static void read_nodes(const struct source *source, struct memory_facts *memory)
{
	struct fact there = source_exists(source, NODE, 0);
	int64_t n = 0;

	for (int i = 0; i < NODE_END && n < FACTS_NODES_MAX; i++)
		if (source_exists(source, NODE, i).value)
			read_node(source, i, &memory->node[n++]);
	memory->nodes = there.known ? n ? fact_known(n) : fact_error(-ENOENT) : there;
}

static struct fact read_hugetlbfs(const struct source *source)
{
	char *text;
	int err = source_read_all(source, &text, "/proc/self/mounts");
	bool mounted;

	if (err)
		return fact_error(err);
	mounted = strstr(text, " hugetlbfs ") != NULL;
	free(text);
	return fact_known(mounted);
}

void audit_memory(const struct audit *audit, struct memory_facts *memory)
{
	memory->thp = read_thp(&audit->source);
	read_nodes(&audit->source, memory);
	memory->hugetlbfs = read_hugetlbfs(&audit->source);
}
