/* SPDX-License-Identifier: GPL-2.0 */
/* Where intervals come from: the kernel, now, or a recording. */
#ifndef KTAX_UI_TOP_SOURCE_H
#define KTAX_UI_TOP_SOURCE_H

#include "collector.h"
#include "model.h"

struct source {
	const struct source_ops *ops;
};

struct source_ops {
	/*
	 * Gives @model what has come by @now_ns (CLOCK_MONOTONIC). Returns the number of intervals,
	 * or -errno, with the failure in words in @ret_why.
	 */
	int (*poll)(struct source *source, struct model *model, uint64_t now_ns, char *ret_why,
	            size_t size);
	/* For the title: "live", "redis.ktax 0:07 of 0:10". */
	void (*describe)(const struct source *source, char *text, size_t size);
	void (*pause)(struct source *source, bool paused, uint64_t now_ns);
	/* One interval more while paused; NULL: there is no such thing. Returns as poll does. */
	int (*step)(struct source *source, struct model *model, char *ret_why, size_t size);
	/* Plays so many times as fast; NULL likewise. Returns the speed that it is. */
	double (*faster)(struct source *source, double factor, uint64_t now_ns);
	/* Starts over from the beginning; NULL: the model forgets, no more. */
	void (*rewind)(struct source *source, uint64_t now_ns);
	/* Writes a recording of what follows to @path, NULL: ends it. NULL: cannot. -errno. */
	int (*write)(struct source *source, const char *path);
	/* A recording is written now. NULL: never. */
	bool (*writing)(const struct source *source);
	/* Something to tell since the last call; false: nothing. NULL: never. */
	bool (*told)(struct source *source, char *text, size_t size);
	/* Nothing more will come: the last interval has been given. */
	bool (*ended)(const struct source *source);
	void (*close)(struct source *source);
};

struct replay_options {
	const char *path;
	bool at_end; /* starts paused, at the end or at @at_ns */
	bool paused;
	uint64_t at_ns;
	double speed;
};

/* -errno as of recording_read_facts(). Sets meta and hooks of @model. */
int replay_open(const struct replay_options *options, struct model *model, uint64_t now_ns,
                struct source **ret_source);
/*
 * Follows what @options says; without a file. *ret_failure says what went wrong here, and is also
 * where a failure of the run stands once it has ended: it must last as long as the source.
 */
int live_open(const struct collector_options *options, struct collector_failure *ret_failure,
              struct source **ret_source);

#endif
