/* SPDX-License-Identifier: GPL-2.0 */
/* Capturing from an interface into a pcap file, for traffic_replay. */
#ifndef KTAX_CAPTURE_H
#define KTAX_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_counts {
	uint64_t packets, bytes; /* bytes as they were on the wire */
	uint64_t lost;           /* matched the filter, but there was no room for them */
	uint64_t elapsed_ns;
};

struct capture_options {
	const char *interface;
	const char *filter; /* pcap-filter(7); NULL or "": all packets */
	const char *output;
	bool overwrite;
	bool payload; /* else only headers are kept; sizes and times are in any case */
	uint64_t duration_ns, packets; /* end after that; 0: do not */
	/* Called ten times a second; false ends the capture. */
	bool (*progress)(void *context, const struct capture_counts *counts);
	void *context;
};

/* What a capture failed at. */
enum capture_stage { CAPTURE_INTERFACE, CAPTURE_FILTER, CAPTURE_FILE };

/*
 * Captures until one of the ends is reached. The file (nanosecond pcap) has only whole packets
 * in it, however this ends; what came before the end is in it. Once interface and file are open,
 * all capabilities are given up for good.
 *
 * 0, or a negative errno with a sentence in @why and the stage in *ret_stage: -EPERM: may not
 * capture; -ENODEV: no such interface; -ENETDOWN: it is down, or has gone; -EINVAL: no such filter;
 * -EPROTONOSUPPORT: a kind of link that a replay does not know; -EEXIST and others of open();
 * -ENOSPC and others of write(), after which *ret_counts is what is in the file.
 */
int capture_run(const struct capture_options *options, struct capture_counts *ret_counts,
                enum capture_stage *ret_stage, char *why, size_t why_size);

#endif
