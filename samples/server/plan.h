/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a request asks to be done, from its query string.
 *
 *	GET /work?...    the phases below, in this order, whatever the order in the query:
 *		spin_us=N       CPU time in user code
 *		json_us=N       dumps of a JSON document until N us went by in the library's calls
 *		annotate_us=N   CPU time in user code within a ktax span (annotate=ACCOUNT; serialize)
 *		syscall_us=N    CPU time in the kernel: reads from /dev/zero
 *		lock_us=N       blocked on a mutex that another thread holds
 *		io_kb=N         N KiB written to a file, then fdatasync
 *		sleep_us=N      clock_nanosleep
 *	                 then the response:
 *		bytes=N         of the body
 *		how=H           write (write(2), to 16 KiB of body in one), writev (head and body in
 *		                one), sendfile (head with MSG_MORE, body from a file)
 *		chunks=K        the response in K parts of equal length, each its own call
 *		chunk_gap_us=N  CPU time in user code between them
 *	GET /items?n=N   a JSON list of N items, built and dumped
 *	POST /echo       the JSON body parsed and dumped; phases can be asked for too
 *
 * Names and numbers only: percent encoding is not decoded.
 */
#ifndef SAMPLES_PLAN_H
#define SAMPLES_PLAN_H

#include <stdint.h>

#include "http.h"

enum write_how { WRITE_PLAIN, WRITE_VECTOR, WRITE_SENDFILE };

struct plan {
	uint64_t spin_us, json_us, annotate_us, syscall_us, lock_us, io_kb, sleep_us;
	uint64_t bytes, chunks, chunk_gap_us, items;
	enum write_how how;
	int annotate_account; /* enum ktax_span_account */
};

/* Reads @query. 0, or -EINVAL: unknown name, not a number or above its limit. */
int plan_parse(struct http_slice query, struct plan *ret_plan);

#endif
