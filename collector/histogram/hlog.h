/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writer of HdrHistogram interval logs (.hlog, format 1.3), readable by HistogramLogProcessor and
 * by the usual plotters. Layout: four header lines, then one line per interval and tag
 *
 *	Tag=NAME,start_seconds,length_seconds,max,BASE64        max in ms (ns / 1e6)
 *
 * Numbers and dates are written the same in every locale, and dates in UTC.
 */
#ifndef KTAX_HLOG_H
#define KTAX_HLOG_H

#include <stdio.h>

#include "histogram.h"

/* Writes the header; @start_realtime_ns is CLOCK_REALTIME of the recording's start. -errno. */
int hlog_write_header(FILE *file, uint64_t start_realtime_ns);
/*
 * Writes one interval: offset from the start and length in ns. @tag may be NULL: no tag. -EINVAL
 * for a tag that would break the line: empty, or with a comma, space or control character; -ENOMEM;
 * -errno of the write.
 */
int hlog_write_interval(FILE *file, const char *tag, uint64_t offset_ns, uint64_t length_ns,
                        const struct histogram *histogram);

#endif
