/* SPDX-License-Identifier: GPL-2.0 */
/* The files that processes have mapped executable, and by which path they open from here. */
#ifndef KTAX_MAPS_H
#define KTAX_MAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One line of /proc/PID/maps. */
struct map_line {
	uint64_t start, end;
	bool executable;
	dev_t dev;
	ino_t ino;           /* 0: no file */
	char path[PATH_MAX]; /* as the process sees it, unescaped, without " (deleted)" */
	bool deleted;
};

/* Parses @line (a newline at its end is ignored). 0 or -EINVAL. */
int map_line_parse(const char *line, struct map_line *ret);

struct mapped_file {
	char path[PATH_MAX]; /* opens the very file that is mapped; "" if it cannot be opened */
	char name[PATH_MAX]; /* as the process sees it */
	dev_t dev;           /* as stat() of @path gives it */
	ino_t ino;
	bool is_executable; /* the program itself, in at least one process */
};

struct mapped_files {
	struct mapped_file *files;
	size_t n;
};

/*
 * The distinct files mapped executable by the @n processes @pids. Processes that are gone are
 * skipped. Returns 0, -ESRCH if all are gone, -ENOMEM, or why the maps could not be read.
 */
int maps_files(const pid_t *pids, size_t n, struct mapped_files *ret);
void mapped_files_release(struct mapped_files *files);

/*
 * A number that changes when one of these processes maps a file, or anything that it does not write
 * to: nearly always when maps_files() would return something else, and at a fraction of its cost.
 * (A file that takes the place of another of the same size is not noticed.)
 */
uint64_t maps_fingerprint(const pid_t *pids, size_t n);

#endif
