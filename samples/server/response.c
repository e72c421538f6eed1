// SPDX-License-Identifier: GPL-2.0
/*
 * Writing is a state of offset and chunk, so that it can stop at any byte where the socket is
 * full and go on when it is not.
 *
 *	0            text_length                              total
 *	| head, text |  filler: period 26, from one mapped file |
 *	'--- chunk 0 ---'--- chunk 1 ---'--- ... chunk K-1 -----'    ends at total * (i + 1) / K
 *
 * The file is a multiple of the period long, so any position of the body is position modulo length
 * in the file, and one call can write to its end at most.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../common/clock.h"
#include "response.h"
#include "spin.h"

#define FILLER_PERIOD 26U
#define FILLER_LENGTH (FILLER_PERIOD << 15) /* 832 KiB */
/* A body up to this goes out with the head in one write(2), as servers with one buffer do. */
#define INLINE_MAX (16U << 10)
#define HEAD_MAX   256U
#define VECTOR_MAX 8

static struct {
	int fd;
	char *bytes;
} filler = { .fd = -1 };

int response_filler_open(void)
{
	filler.fd = memfd_create("ktax-sample-filler", MFD_CLOEXEC);
	if (filler.fd < 0)
		return -errno;
	if (ftruncate(filler.fd, FILLER_LENGTH))
		return -errno;
	filler.bytes = mmap(NULL, FILLER_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, filler.fd, 0);
	if (filler.bytes == MAP_FAILED) {
		filler.bytes = NULL;
		return -errno;
	}
	for (size_t i = 0; i < FILLER_LENGTH; i++)
		filler.bytes[i] = (char)('a' + i % FILLER_PERIOD);
	return 0;
}

void response_filler_close(void)
{
	if (filler.bytes)
		munmap(filler.bytes, FILLER_LENGTH);
	if (filler.fd >= 0)
		close(filler.fd);
	filler.bytes = NULL;
	filler.fd = -1;
}

void response_begin(struct response *response, bool keep_alive)
{
	*response = (struct response){
		.text = response->text,
		.text_capacity = response->text_capacity,
		.chunks = 1,
		.keep_alive = keep_alive,
	};
}

void response_destroy(struct response *response)
{
	free(response->text);
	response->text = NULL;
	response->text_capacity = 0;
}

static int text_reserve(struct response *response, size_t capacity)
{
	char *text;

	if (capacity <= response->text_capacity)
		return 0;
	text = realloc(response->text, capacity);
	if (!text)
		return -ENOMEM;
	response->text = text;
	response->text_capacity = capacity;
	return 0;
}

static const char *status_text(unsigned int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 413:
		return "Content Too Large";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	default:
		return "Internal Server Error";
	}
}

/* Writes the head for a body of @body_bytes, of which room for @inline_bytes is made behind it. */
static int set_head(struct response *response, unsigned int status, const char *type,
                    uint64_t body_bytes, size_t inline_bytes)
{
	int length, error = text_reserve(response, HEAD_MAX + inline_bytes);

	if (error)
		return error;
	length = snprintf(response->text, HEAD_MAX,
	                  "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\n%s\r\n",
	                  status, status_text(status), type, (unsigned long long)body_bytes,
	                  response->keep_alive ? "" : "Connection: close\r\n");
	response->text_length = (size_t)length;
	return 0;
}

int response_set_text(struct response *response, unsigned int status, const char *type,
                      const char *body, size_t length)
{
	int error = set_head(response, status, type, length, length);

	if (error)
		return error;
	memcpy(response->text + response->text_length, body, length);
	response->text_length += length;
	return 0;
}

int response_set_filler(struct response *response, const struct plan *plan)
{
	size_t in_text = plan->how == WRITE_PLAIN && plan->bytes <= INLINE_MAX ? plan->bytes : 0;
	int error = set_head(response, 200, "text/plain", plan->bytes, in_text);

	if (error)
		return error;
	memcpy(response->text + response->text_length, filler.bytes, in_text);
	response->text_length += in_text;
	response->filler_bytes = plan->bytes - in_text;
	response->how = plan->how;
	response->chunks = plan->chunks;
	response->chunk_gap_us = plan->chunk_gap_us;
	return 0;
}

/* The bytes at @offset that lie in one piece, to @limit at most. */
static struct iovec piece_at(const struct response *response, uint64_t offset, uint64_t limit)
{
	struct iovec piece;
	uint64_t end;

	if (offset < response->text_length) {
		piece.iov_base = response->text + offset;
		end = response->text_length;
	} else {
		uint64_t position = (offset - response->text_length) % FILLER_LENGTH;

		piece.iov_base = filler.bytes + position;
		end = offset + FILLER_LENGTH - position;
	}
	piece.iov_len = (end < limit ? end : limit) - offset;
	return piece;
}

static ssize_t write_vector(const struct response *response, int fd, uint64_t limit)
{
	struct iovec pieces[VECTOR_MAX];
	uint64_t offset = response->offset;
	int count = 0;

	while (count < VECTOR_MAX && offset < limit) {
		pieces[count] = piece_at(response, offset, limit);
		offset += pieces[count++].iov_len;
	}
	return writev(fd, pieces, count);
}

static ssize_t write_sendfile(const struct response *response, int fd, uint64_t limit)
{
	struct iovec piece = piece_at(response, response->offset, limit);
	bool more = response->offset + piece.iov_len < limit;
	off_t position;

	if (response->offset < response->text_length)
		return send(fd, piece.iov_base, piece.iov_len, more ? MSG_MORE : 0);
	position = (off_t)((response->offset - response->text_length) % FILLER_LENGTH);
	return sendfile(fd, filler.fd, &position, piece.iov_len);
}

static ssize_t write_plain(const struct response *response, int fd, uint64_t limit)
{
	struct iovec piece = piece_at(response, response->offset, limit);

	return write(fd, piece.iov_base, piece.iov_len);
}

static int write_to(struct response *response, int fd, uint64_t limit,
                    struct request_record *record)
{
	static ssize_t (*const writers[])(const struct response *, int, uint64_t) = {
		[WRITE_PLAIN] = write_plain,
		[WRITE_VECTOR] = write_vector,
		[WRITE_SENDFILE] = write_sendfile,
	};

	while (response->offset < limit) {
		ssize_t written = writers[response->how](response, fd, limit);

		record->writes++;
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		if (written == 0) /* sendfile from a file that got shorter: cannot be */
			return -EIO;
		response->offset += (uint64_t)written;
	}
	return 0;
}

int response_write(struct response *response, int fd, struct request_record *record)
{
	uint64_t total = response->text_length + response->filler_bytes;

	while (response->chunk < response->chunks) {
		uint64_t limit = total * (response->chunk + 1) / response->chunks;
		int error = write_to(response, fd, limit, record);

		if (error)
			return error;
		if (++response->chunk < response->chunks && response->chunk_gap_us)
			record->gap_ns += spin_us(response->chunk_gap_us);
	}
	return 0;
}
