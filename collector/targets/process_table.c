// SPDX-License-Identifier: GPL-2.0
#include "process_table.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

/* /proc/PID/stat: "pid (name) state parent ..."; the name may hold anything, parentheses too. */
int process_read(pid_t pid, struct process *ret)
{
	char path[64], text[512], *open, *close;
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close)
		return -ESRCH;
	*close = '\0';
	*ret = (struct process){ .pid = pid };
	snprintf(ret->name, sizeof(ret->name), "%s", open + 1);
	return sscanf(close + 1, " %*c %d", &ret->parent) == 1 ? 0 : -ESRCH;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

struct process *process_find(const struct process_table *table, pid_t pid)
{
	struct process key = { .pid = pid };

	return bsearch(&key, table->processes, table->n, sizeof(key), by_pid);
}

int process_table_scan(struct process_table *table)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	table->n = 0;
	while (!err && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0)
			continue;
		err = array_grow(&table->processes, table->n, sizeof(struct process));
		if (!err && !process_read(pid, &table->processes[table->n]))
			table->n++;
	}
	closedir(proc);
	if (table->n)
		qsort(table->processes, table->n, sizeof(struct process), by_pid);
	return err;
}

void process_table_free(struct process_table *table)
{
	free(table->processes);
	*table = (struct process_table){};
}

void process_mark(struct process_table *table, pid_t pid)
{
	struct process *process = process_find(table, pid);

	if (process)
		process->target = true;
}

void process_mark_name(struct process_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (!strncmp(table->processes[i].name, name, sizeof(table->processes[i].name) - 1))
			table->processes[i].target = true;
}

/* Parents may come after children. */
void process_mark_descendants(struct process_table *table)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < table->n; i++) {
			struct process *process = &table->processes[i];
			struct process *parent = process_find(table, process->parent);

			if (!process->target && parent && parent->target)
				process->target = changed = true;
		}
	}
}

static struct process_table *marking; /* nftw has no context argument */

static int mark_cgroup_file(const char *path, const struct stat *status, int type,
                            struct FTW *position)
{
	const char *name = path + position->base;
	FILE *file;
	int pid;

	if (type != FTW_F || strcmp(name, "cgroup.procs"))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fscanf(file, "%d", &pid) == 1)
		process_mark(marking, pid);
	fclose(file);
	return 0;
}

void process_mark_cgroup(struct process_table *table, const char *directory)
{
	marking = table;
	nftw(directory, mark_cgroup_file, 16, FTW_PHYS);
}
