/* SPDX-License-Identifier: GPL-2.0 */
/* The kinds of changes that a journal restores: how each saves what is there, and puts it back. */
#ifndef KTAX_CHANGE_H
#define KTAX_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#define CHANGE_WHAT_MAX  160
#define CHANGE_VALUE_MAX 512

struct change {
	const struct change_kind *kind;
	uint64_t namespace; /* inode */
	char interface[16]; /* "-": none */
	unsigned int index; /* of the interface, 0: none */
	char what[CHANGE_WHAT_MAX];
	char value[CHANGE_VALUE_MAX]; /* what was there */
};

/* In the change's namespace, both. Negative errno. */
struct change_kind {
	const char *name;
	/* Fills value; -EEXIST: there is something that a run would have to take away. */
	int (*save)(struct change *change);
	/* What is put back already is fine; 1: nothing had to be done. */
	int (*restore)(const struct change *change);
};

extern const struct change_kind change_file, change_directory, change_features, change_channels,
	change_flags, change_napi, change_address, change_neighbour, change_xdp, change_driver;

/* The kind called @name, or NULL. */
const struct change_kind *change_kind_by_name(const char *name);

/* A file of one line; it is shorter than CHANGE_VALUE_MAX, or -EFBIG. */
int change_read_file(const char *path, char value[CHANGE_VALUE_MAX]);
int change_write_file(const char *path, const char *value);

#endif
