/* SPDX-License-Identifier: GPL-2.0 */
/* The requests of a load, ready to be sent, and how often each is. */
#ifndef SAMPLES_MIX_H
#define SAMPLES_MIX_H

#include <stddef.h>
#include <stdint.h>

struct mix_item {
	char *bytes;
	size_t length;
	uint64_t weight_end; /* sum of the weights up to and including this one */
};

struct mix {
	struct mix_item *items;
	unsigned int count;
	uint64_t random; /* state of the choice: the same order in every run */
};

/* One GET of @path. 0 or -ENOMEM. */
int mix_from_path(struct mix *mix, const char *host, const char *path);
/*
 * Lines of WEIGHT METHOD PATH [BODY]; empty ones and those that start with # are skipped.
 * -errno of opening; -EBADMSG: *ret_line is not such a line; -ENODATA: no line; -ENOMEM.
 */
int mix_from_file(struct mix *mix, const char *host, const char *file, unsigned int *ret_line);
/* Accepts a zeroed mix. */
void mix_destroy(struct mix *mix);

/* The index of the next request, at random by weight. */
unsigned int mix_pick(struct mix *mix);

#endif
