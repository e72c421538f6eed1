/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Framing: how many requests are in the bytes that a server has just read?
 *
 * On the wire, a request that arrives while the one before is unanswered cannot be told from more
 * of the same. For protocols that say where a message ends (RESP, HTTP/1) the messages are counted,
 * and several of them are recorded as one batch of that size: never split, since when each was
 * answered is not known. HTTP/2 multiplexes: a batch of unknown size. Anything else counts as one
 * request.
 *
 * Looking costs half a microsecond. On a connection whose last FRAMING_QUIET reads held one message
 * each, only one read in FRAMING_EVERY is looked at, until one holds more.
 *
 * The bytes are looked at in the reader's own buffer, whose address is the argument of the system
 * call it is in; they are not kept.
 */
#ifndef KTAX_FRAMING_BPF_H
#define KTAX_FRAMING_BPF_H

#include "ledger.bpf.h"

enum ktax_protocol {
	PROTOCOL_NOT_SEEN,
	PROTOCOL_OPAQUE,
	PROTOCOL_RESP,
	PROTOCOL_HTTP1,
	PROTOCOL_HTTP2,
};

#define FRAMING_TOKENS 1024 /* RESP tokens, or 8-byte words of HTTP, looked at per read */
#define FRAMING_LOST   (~0U)
#define FRAMING_QUIET  8
#define FRAMING_EVERY  16 /* a power of two */

struct framing {
	__u64 buffer;
	__u32 length;
	__u32 position; /* next token; beyond length: so much is still to come */
	__u32 messages;
	__u32 arguments; /* of the message at hand that are still to come */
	__u64 previous;  /* HTTP: the word before */
	bool lost;
};

/* ---- RESP: *<arguments>\r\n, then for each argument $<length>\r\n<bytes>\r\n -------------------
 */

static long resp_token(__u32 index, struct framing *framing)
{
	char text[16] = {};
	__u32 number = 0, i;

	if (framing->position >= framing->length)
		return 1;
	if (bpf_probe_read_user(text, sizeof(text), (void *)(framing->buffer + framing->position)))
		goto lost;
	for (i = 1; i < 11; i++) {
		if (text[i] < '0' || text[i] > '9')
			break;
		number = number * 10 + (text[i] - '0');
	}
	if (i == 1 || i == 11 || text[i] != '\r')
		goto lost;
	if (text[0] == '*' && !framing->arguments) {
		framing->messages++;
		framing->arguments = number;
		framing->position += i + 2;
	} else if (text[0] == '$' && framing->arguments) {
		framing->arguments--;
		framing->position += i + 2 + number + 2;
	} else {
		goto lost;
	}
	return 0;
lost:
	framing->lost = true;
	return 1;
}

/* ---- HTTP/1: a request without a body ends with \r\n\r\n ----------------------------------------
 */

#define BYTES(byte)    (0x0101010101010101ULL * (byte))
#define END_OF_HEADERS 0x0a0d0a0dULL

/* Has @word a byte that is a carriage return? (Exact up to the first one: Mycroft's test.) */
static __always_inline __u64 has_return(__u64 word)
{
	return ((word ^ BYTES('\r')) - BYTES(1)) & ~(word ^ BYTES('\r')) & BYTES(0x80);
}

/*
 * Looks for ends of headers that begin in the 2nd to 8th byte of the word before, or in the first
 * byte of this one. One word beyond the end is looked at, as zeros.
 */
static long http_word(__u32 index, struct framing *framing)
{
	__u64 word = 0, window;

	if (framing->position >= framing->length + 8)
		return 1;
	if (framing->position < framing->length)
		bpf_probe_read_user(&word, sizeof(word),
		                    (void *)(framing->buffer + framing->position));
	if (framing->position < framing->length && framing->position + 8 > framing->length)
		word &= (1ULL << (8 * (framing->length - framing->position))) - 1;
	framing->position += 8;
	if (has_return(framing->previous) || (word & 0xff) == '\r') {
		for (int i = 1; i <= 8; i++) {
			window =
				i == 8 ? word : framing->previous >> (8 * i) | word << (64 - 8 * i);
			framing->messages += (window & 0xffffffff) == END_OF_HEADERS;
		}
	}
	framing->previous = word;
	return 0;
}

/* ---- Both -------------------------------------------------------------------------------------
 */

static __always_inline __u8 framing_protocol(__u64 buffer)
{
	__u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)buffer);
	if ((word & 0xff) == '*' && (word >> 8 & 0xff) >= '1' && (word >> 8 & 0xff) <= '9')
		return PROTOCOL_RESP;
	if (word == 0x54482a2020495250ULL || word == 0x5448202a20495250ULL) /* "PRI * HT" */
		return PROTOCOL_HTTP2;
	switch ((__u32)word) {
	case 0x20544547: /* "GET " */
	case 0x44414548: /* "HEAD" */
		return PROTOCOL_HTTP1;
	}
	return PROTOCOL_OPAQUE;
}

static __always_inline void framing_walk(struct ktax_connection *connection,
                                         struct framing *framing)
{
	if (connection->protocol == PROTOCOL_RESP) {
		bpf_loop(FRAMING_TOKENS, resp_token, framing, 0);
		framing->lost |= framing->position < framing->length;
		connection->framing_skip =
			framing->lost ? FRAMING_LOST : framing->position - framing->length;
		connection->framing_arguments = framing->arguments;
	} else {
		bpf_loop(FRAMING_TOKENS, http_word, framing, 0);
	}
}

/* Is this read one of those that are looked at? */
static __always_inline bool framing_wanted(struct ktax_connection *connection, bool first)
{
	if (connection->protocol == PROTOCOL_OPAQUE)
		return first && !(connection->request & (FRAMING_EVERY - 1));
	return connection->framing_quiet < FRAMING_QUIET ||
	       !(connection->request & (FRAMING_EVERY - 1));
}

/*
 * Counts the messages in the @length bytes that were just read, which continue what was read before
 * where the request at hand has been read in part.
 */
static __always_inline void framing_count(struct ktax_connection *connection, __u32 length)
{
	struct framing framing = { .length = length };
	bool first = connection->bytes_in == length;

	if (!framing_wanted(connection, first))
		return;
	framing.buffer = syscall_read_buffer();
	if (!framing.buffer)
		return;
	if (first)
		connection->protocol = framing_protocol(framing.buffer);
	if (connection->protocol == PROTOCOL_HTTP2) {
		connection->flags |= KTAX_REQUEST_BATCH;
		connection->batch = 0;
	}
	if (connection->protocol != PROTOCOL_RESP && connection->protocol != PROTOCOL_HTTP1)
		return;
	if (first) {
		connection->batch = 0;
	} else if (connection->framing_skip == FRAMING_LOST) {
		return;
	} else if (connection->protocol == PROTOCOL_RESP) {
		framing.position = connection->framing_skip;
		framing.arguments = connection->framing_arguments;
	}
	framing_walk(connection, &framing);
	connection->batch += framing.messages;
	if (connection->batch > 1) {
		connection->flags |= KTAX_REQUEST_BATCH;
		connection->framing_quiet = 0;
	} else if (connection->framing_quiet < FRAMING_QUIET) {
		connection->framing_quiet++;
	}
	if (!connection->batch)
		connection->batch = 1;
}

#endif
