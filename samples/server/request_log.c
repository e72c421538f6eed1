// SPDX-License-Identifier: GPL-2.0
/*
 * Records lie in blocks of a few thousand, so that adding one is a copy and nothing is ever moved.
 * What costs most is the first touch of memory (a page fault per 25 records, over 100 ns per record
 * where faults are dear): the blocks that a usual test fills are touched at the start. Formatting
 * waits for the end of the server.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request_log.h"

#define BLOCK_RECORDS 4096U

struct request_log_block {
	struct request_log_block *next;
	uint32_t number; /* of the block */
	uint32_t used;
	struct request_record records[BLOCK_RECORDS];
};

static const char *const endpoint_name[NENDPOINTS] = {
	[ENDPOINT_ERROR] = "error",
	[ENDPOINT_WORK] = "work",
	[ENDPOINT_ECHO] = "echo",
	[ENDPOINT_ITEMS] = "items",
};

static const char head_line[] =
	"peer_port\trequest\tendpoint\tstatus\tpid\treader_tid\thandler_tid\twriter_tid\t"
	"read_start\tread_end\treads\thandler_start\thandler_end\t"
	"spin\tjson\tannotate\tsyscall\tlock\tio\tsleep\tgap\t"
	"write_start\twrite_end\twrites\trequest_bytes\tresponse_bytes\n";

int request_log_reserve(struct request_log *log, uint32_t records)
{
	for (uint32_t reserved = 0; reserved < records; reserved += BLOCK_RECORDS) {
		struct request_log_block *block = malloc(sizeof(*block));

		if (!block)
			return -ENOMEM;
		memset(block, 0xff, sizeof(*block)); /* not 0: calloc() would not touch it */
		block->next = log->spare;
		log->spare = block;
	}
	return 0;
}

static struct request_log_block *block_take(struct request_log *log)
{
	struct request_log_block *block = log->spare;

	if (!block)
		return malloc(sizeof(*block));
	log->spare = block->next;
	return block;
}

static struct request_log_block *block_append(struct request_log *log)
{
	uint32_t number = log->last ? log->last->number + 1 : 0;
	struct request_log_block *block = NULL;

	if (number < REQUEST_LOG_MAX / BLOCK_RECORDS)
		block = block_take(log);
	if (!block)
		return NULL;
	block->next = NULL;
	block->number = number;
	block->used = 0;
	if (log->last)
		log->last->next = block;
	else
		log->first = block;
	log->last = block;
	return block;
}

void request_log_add(struct request_log *log, const struct request_record *record)
{
	struct request_log_block *block = log->last;

	if (!block || block->used == BLOCK_RECORDS)
		block = block_append(log);
	if (!block) {
		log->lost++;
		return;
	}
	block->records[block->used++] = *record;
}

static void blocks_free(struct request_log_block *block)
{
	while (block) {
		struct request_log_block *next = block->next;

		free(block);
		block = next;
	}
}

void request_log_destroy(struct request_log *log)
{
	blocks_free(log->first);
	blocks_free(log->spare);
	memset(log, 0, sizeof(*log));
}

int request_log_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (write(fd, head_line, strlen(head_line)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static void record_print(FILE *file, const struct request_record *r)
{
	fprintf(file, "%u\t%u\t%s\t%u\t%d\t%d\t%d\t%d\t", r->peer_port, r->request,
	        endpoint_name[r->endpoint], r->status, getpid(), r->reader_tid, r->handler_tid,
	        r->writer_tid);
	fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%u\t%" PRIu64 "\t%" PRIu64 "\t", r->read_start_ns,
	        r->read_end_ns, r->reads, r->handler_start_ns, r->handler_end_ns);
	fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t", r->spin_ns,
	        r->json_ns, r->annotate_ns, r->syscall_ns);
	fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t", r->lock_ns, r->io_ns,
	        r->sleep_ns, r->gap_ns);
	fprintf(file, "%" PRIu64 "\t%" PRIu64 "\t%u\t%" PRIu64 "\t%" PRIu64 "\n", r->write_start_ns,
	        r->write_end_ns, r->writes, r->request_bytes, r->response_bytes);
}

/* A lock of the process and not of the open file, which preforked processes share. */
static void file_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(fd, F_SETLKW, &lock) && errno == EINTR)
		;
}

int request_log_write(const struct request_log *log, int fd)
{
	int copy = dup(fd), error = 0;
	FILE *file = copy < 0 ? NULL : fdopen(copy, "a");

	if (!file) {
		error = -errno;
		if (copy >= 0)
			close(copy);
		return error;
	}
	file_lock(fd, F_WRLCK);
	for (const struct request_log_block *block = log->first; block; block = block->next) {
		for (uint32_t i = 0; i < block->used; i++)
			record_print(file, &block->records[i]);
	}
	if (ferror(file))
		error = -EIO;
	if (fclose(file))
		error = -errno;
	file_lock(fd, F_UNLCK);
	return error;
}
