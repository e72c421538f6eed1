/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the server knows about a request by itself: the truth that a tracer is compared with.
 * Kept in memory, one log per thread without locks, and written at the end.
 *
 * The file is text, columns separated by tabs, the first line names them. Times are
 * CLOCK_MONOTONIC ns, durations ns; 0 where a phase was not asked for.
 *
 *	peer_port request      the connection (the client's port), number of the request on it from 1
 *	endpoint status        work, echo, items or error; HTTP status
 *	pid reader_tid handler_tid writer_tid
 *	read_start read_end    start of the read that got its first byte, end of the one that
 *	                       completed it (pipelined requests share reads)
 *	reads                  receive calls in between, 0 where it was all in the buffer
 *	handler_start handler_end
 *	spin json annotate syscall lock io sleep    as measured around each phase; json: in the
 *	                       library's parse and dump calls only
 *	gap                    work between the chunks of the response, within write_start..write_end
 *	write_start write_end  start of the first send call, end of the last
 *	writes                 send calls, those that would have blocked included
 *	request_bytes response_bytes
 */
#ifndef SAMPLES_REQUEST_LOG_H
#define SAMPLES_REQUEST_LOG_H

#include <stdint.h>
#include <sys/types.h>

enum endpoint { ENDPOINT_ERROR, ENDPOINT_WORK, ENDPOINT_ECHO, ENDPOINT_ITEMS, NENDPOINTS };

struct request_record {
	uint64_t read_start_ns, read_end_ns;
	uint64_t handler_start_ns, handler_end_ns;
	uint64_t spin_ns, json_ns, annotate_ns, syscall_ns, lock_ns, io_ns, sleep_ns, gap_ns;
	uint64_t write_start_ns, write_end_ns;
	uint64_t request_bytes, response_bytes;
	uint32_t request, reads, writes;
	pid_t reader_tid, handler_tid, writer_tid;
	uint16_t peer_port, status;
	enum endpoint endpoint;
};

struct request_log_block;

/* All zero is an empty log. */
struct request_log {
	struct request_log_block *first, *last;
	struct request_log_block *spare; /* reserved */
	uint64_t lost;                   /* records for which there was no memory or no room */
};

/* Takes memory for @records before they come. 0 or -ENOMEM; what was reserved stays so. */
int request_log_reserve(struct request_log *log, uint32_t records);
/* Appends a copy of @record. At most REQUEST_LOG_MAX are kept, later ones are counted as lost. */
#define REQUEST_LOG_MAX (8U << 20)
void request_log_add(struct request_log *log, const struct request_record *record);
void request_log_destroy(struct request_log *log);

/* Creates the file with its head line; several processes may then append. A descriptor or -errno.
 */
int request_log_create(const char *path);
/* Appends all records to the file, whole lines under a lock. 0 or -errno. */
int request_log_write(const struct request_log *log, int fd);

#endif
