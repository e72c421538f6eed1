// SPDX-License-Identifier: GPL-2.0
#include "record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int record_buffer_init(struct record_buffer *buffer, size_t size)
{
	*buffer = (struct record_buffer){ .bytes = malloc(size), .size = size };
	return buffer->bytes ? 0 : -ENOMEM;
}

void record_buffer_free(struct record_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct record_buffer){};
}

size_t record_make_room(struct record_buffer *buffer, uint8_t **ret_at)
{
	size_t left = buffer->end - buffer->begin;

	if (buffer->begin)
		memmove(buffer->bytes, buffer->bytes + buffer->begin, left);
	buffer->begin = 0;
	buffer->end = left;
	*ret_at = buffer->bytes + left;
	return buffer->size - left;
}

int64_t record_next(const struct record_buffer *buffer, uint32_t max_size)
{
	size_t left = buffer->end - buffer->begin;
	uint32_t length;

	if (left < RECORD_LENGTH_BYTES)
		return 0;
	memcpy(&length, buffer->bytes + buffer->begin, RECORD_LENGTH_BYTES);
	length = ntohl(length);
	if (!length || length > max_size)
		return -EBADMSG;
	return left - RECORD_LENGTH_BYTES < length ? 0 : length;
}

const uint8_t *record_take(struct record_buffer *buffer, uint32_t length)
{
	const uint8_t *record = buffer->bytes + buffer->begin;

	buffer->begin += RECORD_LENGTH_BYTES + length;
	return record;
}

size_t record_set_length(uint8_t *record, uint32_t length)
{
	uint32_t prefix = htonl(length);

	memcpy(record, &prefix, RECORD_LENGTH_BYTES);
	return RECORD_LENGTH_BYTES + length;
}
