/* SPDX-License-Identifier: GPL-2.0 */
/* The schedule of a load and the one thread that keeps it. */
#ifndef SAMPLES_LOAD_H
#define SAMPLES_LOAD_H

#include "mix.h"
#include "options.h"
#include "result.h"
#include "target.h"

/*
 * Runs the load to its end, or until SIGINT or SIGTERM, which end it early. 0 or -errno: it could
 * not connect, or not connect again; what was answered until then is in @result.
 */
int load_run(const struct load_options *options, const struct target *target, struct mix *mix,
             struct load_result *result);

#endif
