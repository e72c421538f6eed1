/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records of a byte stream (path.h), and a buffer that they are put together in:
 *
 *	u32, big-endian: bytes that follow | payload
 */
#ifndef KTAX_RECORD_H
#define KTAX_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_LENGTH_BYTES sizeof(uint32_t)

/* What has been read and not taken is from begin to end. All zero is a buffer without memory. */
struct record_buffer {
	uint8_t *bytes;
	size_t size, begin, end;
};

/* -ENOMEM. */
int record_buffer_init(struct record_buffer *buffer, size_t size);
void record_buffer_free(struct record_buffer *buffer);

/* Moves what is left to the front. Bytes are appended at *ret_at; returns how many there is room
 * for. */
size_t record_make_room(struct record_buffer *buffer, uint8_t **ret_at);

/* Payload bytes of the next record; 0: it is not whole yet; -EBADMSG: none, or above @max_size. */
int64_t record_next(const struct record_buffer *buffer, uint32_t max_size);
/* Takes the next record, which has @length bytes of payload; its length stands before that. */
const uint8_t *record_take(struct record_buffer *buffer, uint32_t length);

/* Writes the length before @record's payload; returns the size of both. */
size_t record_set_length(uint8_t *record, uint32_t length);

#endif
