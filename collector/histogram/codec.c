/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HdrHistogram's V2 encoding, all big-endian:
 *
 *	payload                                    compressed
 *	 0  u32  0x1c849313                         0  u32  0x1c849314
 *	 4  i32  length of the counts, in bytes     4  i32  length of the zlib stream
 *	 8  i32  normalizing offset, 0              8       zlib stream of a payload
 *	12  i32  digits
 *	16  i64  lowest discernible value, 1
 *	24  i64  highest trackable value
 *	32  f64  conversion ratio, 1.0
 *	40       counts, from bucket 0 to the bucket of the maximum
 *
 * The counts are a sequence of ZigZag LEB128 integers of at most 9 bytes (7 bits a byte, the ninth
 * carries 8). n > 0 is a count, 0 one empty bucket, and n < 0 a run of -n empty buckets; the writer
 * uses runs from two on. An empty histogram has one entry, the 0 of bucket 0.
 *
 * The reader takes a payload byte by byte, straight from the input or through a small inflated
 * window, so that no length in the input makes it allocate more than the histogram itself, and it
 * stops at the first byte that does not fit: what a zlib bomb expands to is never stored.
 */
#include "histogram.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "hist_index.h"

#define COOKIE_PAYLOAD    0x1c849313U
#define COOKIE_COMPRESSED 0x1c849314U
#define RATIO_ONE_BITS    0x3ff0000000000000ULL /* 1.0 as f64 */

#define HEADER_BYTES       40
#define OUTER_HEADER_BYTES 8
#define LEB128_BYTES_MAX   9
#define WINDOW_BYTES       4096

/* Payload lengths are i32: even five digits over all of 63 bits stay far below. */
_Static_assert(KTAX_HIST_BUCKETS_FOR(63, 18) * 8ULL <= 47ULL << 20, "largest histogram");
_Static_assert(KTAX_HIST_BUCKETS_FOR(63, 18) * (uint64_t)LEB128_BYTES_MAX < INT32_MAX, "payload");

/* A growing array of bytes; after a failed growth it takes no more and says so in error. */
struct buffer {
	uint8_t *bytes;
	size_t length;
	size_t capacity;
	int error;
};

static bool buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t capacity = 2 * buffer->capacity + more;
	uint8_t *bytes;

	if (buffer->error)
		return false;
	if (buffer->capacity - buffer->length >= more)
		return true;
	bytes = realloc(buffer->bytes, capacity);
	if (!bytes) {
		buffer->error = -ENOMEM;
		return false;
	}
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

static void store_be(uint8_t *bytes, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static uint64_t load_be(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static void buffer_put_entry(struct buffer *buffer, int64_t entry)
{
	uint64_t rest = zigzag(entry);
	unsigned int i;

	if (!buffer_reserve(buffer, LEB128_BYTES_MAX))
		return;
	for (i = 0; i < LEB128_BYTES_MAX - 1 && rest > 0x7f; i++) {
		buffer->bytes[buffer->length++] = (uint8_t)(rest | 0x80);
		rest >>= 7;
	}
	buffer->bytes[buffer->length++] = (uint8_t)rest;
}

/* Empty buckets from @index on, before @length. */
static uint32_t zeros_at(const struct histogram *histogram, uint32_t index, uint32_t length)
{
	uint32_t end = index;

	while (end < length && !histogram->counts[end])
		end++;
	return end - index;
}

static void buffer_put_counts(struct buffer *buffer, const struct histogram *histogram)
{
	uint32_t length = ktax_hist_index(histogram->max, histogram->magnitude) + 1;
	uint32_t i = 0;

	while (i < length) {
		uint32_t zeros = zeros_at(histogram, i, length);

		if (zeros > 1)
			buffer_put_entry(buffer, -(int64_t)zeros);
		else
			buffer_put_entry(buffer, (int64_t)histogram->counts[i]);
		i += zeros ? zeros : 1;
	}
}

static void store_header(uint8_t *bytes, const struct histogram *histogram, size_t counts_bytes)
{
	store_be(bytes, COOKIE_PAYLOAD, 4);
	store_be(bytes + 4, counts_bytes, 4);
	store_be(bytes + 8, 0, 4);
	store_be(bytes + 12, histogram->digits, 4);
	store_be(bytes + 16, 1, 8);
	store_be(bytes + 24, histogram->highest, 8);
	store_be(bytes + 32, RATIO_ONE_BITS, 8);
}

int histogram_encode(const struct histogram *histogram, uint8_t **ret_bytes, size_t *ret_length)
{
	struct buffer buffer = { 0 };

	if (buffer_reserve(&buffer, HEADER_BYTES))
		buffer.length = HEADER_BYTES;
	buffer_put_counts(&buffer, histogram);
	if (buffer.error) {
		free(buffer.bytes);
		return buffer.error;
	}
	store_header(buffer.bytes, histogram, buffer.length - HEADER_BYTES);
	*ret_bytes = buffer.bytes;
	*ret_length = buffer.length;
	return 0;
}

/* Fails only for want of memory: the output is as large as zlib can ask for. */
static int deflate_payload(const uint8_t *payload, size_t length, uint8_t **ret_bytes,
                           size_t *ret_length)
{
	uLong room = compressBound(length);
	uint8_t *bytes = malloc(OUTER_HEADER_BYTES + room);

	if (!bytes)
		return -ENOMEM;
	if (compress2(bytes + OUTER_HEADER_BYTES, &room, payload, length, Z_BEST_COMPRESSION)) {
		free(bytes);
		return -ENOMEM;
	}
	store_be(bytes, COOKIE_COMPRESSED, 4);
	store_be(bytes + 4, room, 4);
	*ret_bytes = bytes;
	*ret_length = OUTER_HEADER_BYTES + room;
	return 0;
}

int histogram_encode_compressed(const struct histogram *histogram, uint8_t **ret_bytes,
                                size_t *ret_length)
{
	uint8_t *payload;
	size_t length;
	int error = histogram_encode(histogram, &payload, &length);

	if (error)
		return error;
	error = deflate_payload(payload, length, ret_bytes, ret_length);
	free(payload);
	return error;
}

/* Where the payload's bytes come from: [next, end), refilled from the inflater if there is one. */
struct source {
	const uint8_t *next;
	const uint8_t *end;
	z_stream *inflater;
	bool inflated_all;
	uint8_t window[WINDOW_BYTES];
};

/* Makes at least one byte available; -ENODATA at the proper end. */
static int source_fill(struct source *source)
{
	int status;

	if (source->next < source->end)
		return 0;
	if (!source->inflater || source->inflated_all)
		return -ENODATA;
	source->inflater->next_out = source->window;
	source->inflater->avail_out = sizeof(source->window);
	status = inflate(source->inflater, Z_NO_FLUSH);
	if (status == Z_MEM_ERROR)
		return -ENOMEM;
	if (status == Z_STREAM_END)
		source->inflated_all = true;
	else if (status != Z_OK)
		return -EINVAL;
	source->next = source->window;
	source->end = source->inflater->next_out;
	if (source->next < source->end)
		return 0;
	/* Z_OK without output: the input ends before the stream does. */
	return source->inflated_all ? -ENODATA : -EINVAL;
}

static int source_byte(struct source *source, uint8_t *ret_byte)
{
	int error = source_fill(source);

	if (error)
		return error == -ENODATA ? -EINVAL : error;
	*ret_byte = *source->next++;
	return 0;
}

/* Checks that nothing follows, neither in the payload nor behind the zlib stream. */
static int source_expect_end(struct source *source)
{
	int error = source_fill(source);

	if (error != -ENODATA)
		return error ? error : -EINVAL;
	return source->inflater && source->inflater->avail_in ? -EINVAL : 0;
}

/* One count or run; *counts_bytes is what is left of the payload. */
static int source_entry(struct source *source, uint64_t *counts_bytes, int64_t *ret_entry)
{
	uint64_t value = 0;
	uint8_t byte = 0x80;

	for (unsigned int i = 0; i < LEB128_BYTES_MAX && byte & 0x80; i++) {
		bool ninth = i == LEB128_BYTES_MAX - 1;
		int error;

		if (!*counts_bytes)
			return -EINVAL;
		error = source_byte(source, &byte);
		if (error)
			return error;
		(*counts_bytes)--;
		value |= (uint64_t)(ninth ? byte : byte & 0x7f) << 7 * i;
	}
	*ret_entry = unzigzag(value);
	return 0;
}

static int store_entry(struct histogram *histogram, int64_t entry, uint32_t *index)
{
	uint64_t room = histogram->length - *index;
	/* Negated as unsigned: INT64_MIN has no positive counterpart. */
	uint64_t buckets = entry < 0 ? -(uint64_t)entry : 1;

	if (buckets > room)
		return -EINVAL;
	if (entry > 0) {
		if ((uint64_t)entry > INT64_MAX - histogram->total)
			return -EINVAL;
		histogram->counts[*index] = (uint64_t)entry;
		histogram->total += (uint64_t)entry;
		if (histogram->min == UINT64_MAX)
			histogram->min = ktax_hist_lowest(*index, histogram->magnitude);
		histogram->max = ktax_hist_lowest(*index + 1, histogram->magnitude) - 1;
	}
	*index += (uint32_t)buckets;
	return 0;
}

static int read_counts(struct source *source, uint64_t counts_bytes, struct histogram *histogram)
{
	uint32_t index = 0;

	while (counts_bytes) {
		int64_t entry;
		int error = source_entry(source, &counts_bytes, &entry);

		if (!error)
			error = store_entry(histogram, entry, &index);
		if (error)
			return error;
	}
	return source_expect_end(source);
}

/* An empty histogram of the header's layout. */
static int read_header(struct source *source, struct histogram *ret_histogram,
                       uint64_t *ret_counts_bytes)
{
	uint8_t header[HEADER_BYTES];

	for (size_t i = 0; i < sizeof(header); i++) {
		int error = source_byte(source, &header[i]);

		if (error)
			return error;
	}
	if (load_be(header, 4) != COOKIE_PAYLOAD || load_be(header + 8, 4) != 0 ||
	    load_be(header + 16, 8) != 1 || load_be(header + 32, 8) != RATIO_ONE_BITS)
		return -EINVAL;
	*ret_counts_bytes = load_be(header + 4, 4);
	return histogram_init(ret_histogram, load_be(header + 24, 8),
	                      (uint32_t)load_be(header + 12, 4));
}

static int read_payload(struct source *source, struct histogram *ret_histogram)
{
	struct histogram histogram;
	uint64_t counts_bytes;
	int error = read_header(source, &histogram, &counts_bytes);

	if (error)
		return error;
	error = read_counts(source, counts_bytes, &histogram);
	if (error) {
		histogram_destroy(&histogram);
		return error;
	}
	*ret_histogram = histogram;
	return 0;
}

static int read_compressed(const uint8_t *stream, size_t length, struct histogram *ret_histogram)
{
	z_stream inflater = { .next_in = (uint8_t *)stream, .avail_in = (uInt)length };
	struct source source;
	int error = inflateInit(&inflater);

	if (error)
		return error == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
	source.next = source.end = source.window;
	source.inflater = &inflater;
	source.inflated_all = false;
	error = read_payload(&source, ret_histogram);
	inflateEnd(&inflater);
	return error;
}

static int read_uncompressed(const uint8_t *bytes, size_t length, struct histogram *ret_histogram)
{
	struct source source;

	source.next = bytes;
	source.end = bytes + length;
	source.inflater = NULL;
	return read_payload(&source, ret_histogram);
}

int histogram_decode(const uint8_t *bytes, size_t length, struct histogram *ret_histogram)
{
	if (length < OUTER_HEADER_BYTES || length > INT32_MAX)
		return -EINVAL;
	if (load_be(bytes, 4) != COOKIE_COMPRESSED)
		return read_uncompressed(bytes, length, ret_histogram);
	if (load_be(bytes + 4, 4) != length - OUTER_HEADER_BYTES)
		return -EINVAL;
	return read_compressed(bytes + OUTER_HEADER_BYTES, length - OUTER_HEADER_BYTES,
	                       ret_histogram);
}
