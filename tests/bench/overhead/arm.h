/* SPDX-License-Identifier: GPL-2.0 */
/* The arms: what is attached to the kernel during a window. */
#ifndef BENCH_ARM_H
#define BENCH_ARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct probes;

enum arm {
	ARM_OFF,  /* as second arm of a pair: A/A */
	ARM_FULL, /* all hooks, on the server's port */
	ARM_LIGHT,
	ARM_FULL_UNMATCHED, /* all hooks, on another port */
	ARM_LIGHT_UNMATCHED,
	ARM_RECORDER, /* ktax record as it is without options: within its budget, in windows */
	ARM_COUNT
};

struct arm_info {
	const char *name, *title;
	bool is_light, is_unmatched;
	bool is_recorder; /* a process: takes seconds to start, works in a rhythm of seconds */
};

extern const struct arm_info arm_info[ARM_COUNT];

struct arms_options {
	uint16_t *ports; /* of the servers */
	size_t n_ports;
	const char *ktax, *recording; /* the program, and where it may write */
};

struct arms;

/* Loads the programs of all arms, attaches none. -errno; *ret_doing: what failed. */
int arms_open(const struct arms_options *options, struct arms **ret_arms, const char **ret_doing);
void arms_close(struct arms *arms);

/* Detaches what is attached, attaches @arm, and waits until that has settled. -errno. */
int arms_switch(struct arms *arms, enum arm arm);

/* The recorder's process while it runs, else 0. */
pid_t arms_recorder(const struct arms *arms);
/* NULL for arms without. */
struct probes *arms_probes(const struct arms *arms, enum arm arm);

#endif
