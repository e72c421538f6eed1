/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An INI file whose first mistake is told with file and line: unknown sections and keys, what is
 * given twice, lines that are none. Comments begin with ; or #. Names and values are inih's.
 */
#ifndef KTAX_INI_FILE_H
#define KTAX_INI_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* A file being read. */
struct ini_file {
	const char *path;
	int line; /* the one at hand, 1 is the first */
	bool failed;
	char *why;
	size_t why_size;
	const struct ini_reader *reader;
	void *context;
	const char *at;
};

/* What is done with it; each returns 1, or what ini_mistake does. */
struct ini_reader {
	const char *what; /* "policy": in "not a policy file" */
	bool (*knows_section)(const char *section);
	int (*set)(struct ini_file *file, const char *section, const char *name, const char *value);
	/* After the last line: what the keys mean together. May be NULL. */
	int (*check)(struct ini_file *file);
	/* The section that was meant by an unknown one, or NULL. May be NULL. */
	const char *(*nearest_section)(const char *section);
};

/* "PATH:LINE: ...", if it is the first one. Returns 0. */
int ini_mistake(struct ini_file *file, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Negative errno, -EINVAL for all that is wrong in the file, with a sentence in @why. */
int ini_file_read(const char *path, const struct ini_reader *reader, void *context, char *why,
                  size_t why_size);
/* The same of @text, which is called @path. */
int ini_text_read(const char *text, const char *path, const struct ini_reader *reader,
                  void *context, char *why, size_t why_size);

#endif
