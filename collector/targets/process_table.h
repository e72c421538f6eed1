/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes of the host, from /proc, and which of them are targets.
 *
 * A pass over /proc reads one small file a process; their order is that of the pids.
 */
#ifndef KTAX_PROCESS_TABLE_H
#define KTAX_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process {
	pid_t pid, parent;
	char name[16]; /* as in /proc/PID/comm */
	bool target;
};

struct process_table {
	struct process *processes; /* by pid */
	size_t n;
};

/* Reads one process. -errno; -ESRCH or -ENOENT where it is gone. */
int process_read(pid_t pid, struct process *ret);

/* Replaces the table by the processes there are now; none of them is a target. -errno. */
int process_table_scan(struct process_table *table);
void process_table_free(struct process_table *table);

/* NULL where it was not there at the last scan. */
struct process *process_find(const struct process_table *table, pid_t pid);

/* Make targets of: the process, those of a name, all of a cgroup directory and those below it. */
void process_mark(struct process_table *table, pid_t pid);
void process_mark_name(struct process_table *table, const char *name);
void process_mark_cgroup(struct process_table *table, const char *directory);
/* ... and of the descendants of targets. */
void process_mark_descendants(struct process_table *table);

#endif
