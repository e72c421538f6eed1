/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What came of the requests: distributions, counts, and one line each if a log is wanted.
 *
 * The log is text, columns separated by tabs, the first line names them; CLOCK_MONOTONIC ns:
 *
 *	local_port request     the connection (the server's peer_port) and the number on it from 1
 *	item                   line of the mix, from 0
 *	intended               when it was due; in a closed loop when it was sent
 *	sent sent_end          before the first and after the last send call that had bytes of its
 *	                       batch
 *	first_byte last_byte   end of the receive calls that returned those of the response
 *	status bytes           of the response, with its head
 */
#ifndef SAMPLES_RESULT_H
#define SAMPLES_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

struct load_record {
	uint64_t intended_ns, sent_ns, sent_end_ns, first_byte_ns, last_byte_ns;
	uint64_t bytes;
	uint32_t request;
	uint16_t local_port, status, item;
};

struct load_result {
	struct histogram latency; /* intended -> last byte, ns */
	struct histogram rtt;     /* sent -> last byte, ns */
	uint64_t answered, bytes;
	uint64_t not_2xx;      /* of the answered */
	uint64_t disconnected; /* lost with their connection */
	uint64_t unanswered;   /* due, but not answered or not even sent by the end */
	uint64_t start_ns, end_ns;
	bool logging;
	struct load_record *records;
	size_t record_count, record_capacity;
	uint64_t records_lost; /* no memory for them */
};

/* 0 or -ENOMEM. */
int load_result_init(struct load_result *result, bool logging);
void load_result_destroy(struct load_result *result);
void load_result_add(struct load_result *result, const struct load_record *record);
/* Prints the summary; @rate as asked for, 0: closed loop. */
void load_result_print(const struct load_result *result, double rate);
/* 0 or -errno. */
int load_result_write(const struct load_result *result, const char *path);

#endif
